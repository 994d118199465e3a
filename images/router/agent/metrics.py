"""Metrics in Prometheus' text format (version 0.0.4). Refuses to hold any."""

from collections.abc import Mapping


def metric(name: str, kind: str, text: str, values: Mapping[str, object]) -> list[str]:
    """Return the lines of one metric; `values` are keyed by labels as they are written, or ""."""
    return [
        f"# HELP cellwright_{name} {text}",
        f"# TYPE cellwright_{name} {kind}",
        *(f"cellwright_{name}{labels} {value}" for labels, value in values.items()),
    ]
