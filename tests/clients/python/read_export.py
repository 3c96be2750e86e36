"""Reads an export of the log (consentctl events export) with the CloudEvents SDK: one event a line. A line that is no
event has the member "foreign", and is passed over. Prints what each event says, as the test wants it."""

import json
import sys

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

before = ""
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        if "foreign" in json.loads(line):
            continue
        event = JSONFormat().read(CloudEvent, line)
        sequence = event.get_extension("sequence")
        # The CloudEvents extension `sequence` orders as text.
        assert before < sequence, (before, sequence)
        before = sequence
        print(
            json.dumps(
                {
                    "sequence": int(sequence),
                    "id": event.get_id(),
                    "type": event.get_type(),
                    "subject": event.get_subject(),
                    "prevhash": event.get_extension("prevhash"),
                    "account": event.get_data()["account_id"],
                }
            )
        )
