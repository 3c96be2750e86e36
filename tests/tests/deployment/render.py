"""Renders the chart with a file of values as Helm would install it, and prints the manifests as a JSON list.

Fails where Helm's linter has a warning, the values are not what values.schema.json says, or a manifest is not what Kubernetes
takes. Resources of the Prometheus operator are passed over there: no schema of theirs is at hand.

    python render.py CHART VALUES [KEY=VALUE ...]
"""

import json
import sys

import helm_python as helm
import kubernetes_validate
import yaml

KUBERNETES = "1.30"


def main(chart_path, values_path, *assignments):
    values = helm.values_from_yaml(open(values_path, encoding="utf-8").read())
    for assignment in assignments:
        values = merge(values, helm.parse_set_string(assignment))
    report = helm.lint(chart_path, values=values, strict=True, kube_version=f"v{KUBERNETES}.0")
    complaints = report["errors"] + [m["error"] for m in report["messages"] if m["severity"] >= 2]
    if complaints:
        sys.exit("lint: " + "; ".join(complaints))
    with helm.Chart.load(chart_path) as chart:
        chart.validate_schema(values)
        rendered = chart.render(values, name="consent", namespace="assent", is_install=True)
    documents = []
    for name, text in sorted(rendered.items()):
        if name.endswith("NOTES.txt"):
            continue
        for document in yaml.safe_load_all(text):
            if not document:
                continue
            if not document["apiVersion"].startswith("monitoring.coreos.com"):
                kubernetes_validate.validate(document, KUBERNETES, strict=True)
            documents.append(document)
    json.dump(documents, sys.stdout)


def merge(into, more):
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
    return into


if __name__ == "__main__":
    main(*sys.argv[1:])
