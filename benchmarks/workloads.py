"""Which workloads there are, who can run them, and what is to be reached."""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Tuple

__all__ = ["PEERS", "WORKLOADS", "Workload"]

PEERS: Tuple[str, ...] = ("ours", "reference", "otel", "limit", "logging", "structlog", "loguru")


class Workload(NamedTuple):
    """One line of the table."""

    title: str
    operations: int
    """How many operations a process times; the slowest peers take some 0.1 ms each."""
    others: Tuple[str, ...]
    """The peers that do the same work, beside ours."""
    targets: Dict[str, float]
    """Peer -> ours divided by that peer, at most."""
    unit: str = "us"


_SIDE_BY_SIDE = ("reference", "otel", "limit", "logging", "structlog", "loguru")

WORKLOADS: Dict[str, Workload] = {
    "span": Workload(
        "timed_span, 2 attributes, one record", 10_000, _SIDE_BY_SIDE, {"reference": 0.22, "otel": 0.17, "limit": 3.3}
    ),
    "start_stop": Workload(
        "start and stop, 2 attributes, one record",
        10_000,
        ("reference", "otel", "limit"),
        {"reference": 0.22, "otel": 0.17, "limit": 3.3},
    ),
    "event": Workload("event, 3 attributes", 10_000, _SIDE_BY_SIDE, {"reference": 0.30, "otel": 0.15, "limit": 2.5}),
    "span_with_child": Workload(
        "span with a child, 3 records",
        5_000,
        ("reference", "otel", "limit"),
        {"reference": 0.22, "otel": 0.20, "limit": 3.0},
    ),
    "two_exporters": Workload(
        "span to two exporters", 5_000, ("reference", "otel", "limit"), {"reference": 0.22, "otel": 0.20, "limit": 3.0}
    ),
    "disabled_span": Workload("disabled timed_span", 50_000, ("reference", "otel"), {"reference": 0.05, "otel": 0.20}),
    "child_of_busy_span": Workload("child of a span with 2,000 events", 1_500, ("reference",), {"reference": 0.015}),
    "iterations": Workload("training iteration callbacks, early", 15_000, ("reference",), {"reference": 0.12}),
    "memory_per_event": Workload(
        "memory per event on one open span", 200_000, ("reference",), {"reference": 0.02}, unit="bytes"
    ),
    "span_from_json": Workload("Span.from_json", 5_000, ("reference",), {"reference": 0.2}),
    "log_line_decoding": Workload("log line decoding", 5_000, ("reference",), {"reference": 0.4}),
    "import_quick_start": Workload(
        "import of the quick start's modules", 5, ("reference", "limit"), {"reference": 0.65, "limit": 1.3}, unit="ms"
    ),
    "first_span": Workload("until the first span is closed", 5, ("reference",), {"reference": 0.8}, unit="ms"),
    "further_plugin": Workload("each further plugin, per call", 20_000, (), {}),
    "background_span": Workload(
        "background exporter, caller's side: span", 10_000, ("reference", "otel"), {"reference": 0.12, "otel": 0.15}
    ),
    "background_event": Workload(
        "background exporter, caller's side: event", 10_000, ("reference", "otel"), {"reference": 0.18, "otel": 0.15}
    ),
    "threads": Workload("8 threads recording at once, per span", 16_000, ("reference",), {}),
}

SAME_WORK_IN_REFERENCE: Dict[str, str] = {"background_span": "start_stop", "background_event": "event"}
"""The reference has no background exporter: the caller waits for its file exporter."""


def further_figure(name: str) -> Optional[Tuple[str, str, Optional[float]]]:
    """Return key, title and target of a second figure that a workload yields, as a ratio within one process."""
    return {
        "iterations": ("late_ns", "training iteration after 15,000, late / early", 1.1),
        "threads": ("together_ns", "8 threads: time per span, against one thread", None),
    }.get(name)
