"""Runs the scenarios of one file in order, each on a simulator that starts anew, and prints a line of JSON for each."""

import importlib
import inspect
import json
import sys
import time
import traceback

import stage


def scenarios(module):
    """Its public functions, in the order in which they are written."""
    found = [
        function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    ]
    return sorted(found, key=lambda function: function.__code__.co_firstlineno)


def main():
    module = importlib.import_module(sys.argv[1])
    failed = False
    for scenario in scenarios(module):
        stage.control("POST", "reset")
        began = time.monotonic()
        result = {"scenario": scenario.__name__, "ok": True}
        try:
            scenario()
        except Exception:
            failed = True
            result.update(ok=False, why=traceback.format_exc())
        result["seconds"] = round(time.monotonic() - began, 3)
        print(json.dumps(result), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
