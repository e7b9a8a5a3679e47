"""What the demo reads back from its own file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

from nv_one_logger.cli.demo.training import ACCURACY_EVENT
from nv_one_logger.reader import FileAccount, RecordReader, RunSummary, SpanNode

__all__ = ["DemoReport", "read_report"]


@dataclass(frozen=True)
class DemoReport:
    """A run as its record file tells it.

    Attributes:
        summary: Spans, events and errors.
        still_open: Spans without an end; none after a run that could close.
        account: What the file holds and what it lacks.
        accuracy: Fraction of held-out samples recognised at the last validation; ``None`` if there was none.
        held_out: Number of those samples.
    """

    summary: RunSummary
    still_open: List[SpanNode]
    account: FileAccount
    accuracy: Optional[float]
    held_out: Optional[int]


def read_report(records: Path) -> DemoReport:
    """Read a run's records."""
    reader, summary = RecordReader([records]), RunSummary()
    accuracy: Optional[float] = None
    held_out: Optional[int] = None
    for record in reader:
        summary.add(record)
        if record.type == "event" and record.name == ACCURACY_EVENT:
            accuracy, held_out = _validation(record.attributes.get("accuracy"), record.attributes.get("samples"))
    return DemoReport(summary, summary.finish(), reader.accounts[0], accuracy, held_out)


def _validation(accuracy: object, samples: object) -> Tuple[Optional[float], Optional[int]]:
    return (
        accuracy if isinstance(accuracy, (int, float)) else None,
        samples if isinstance(samples, int) else None,
    )
