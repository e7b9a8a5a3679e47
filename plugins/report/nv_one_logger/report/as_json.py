"""A report as JSON: the fields of ``nv_one_logger.report.model`` under their names."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Dict, Sequence

from nv_one_logger.report.model import SCHEMA_VERSION, Report

__all__ = ["as_json"]


def as_json(reports: Sequence[Report]) -> Dict[str, Any]:
    """Return ``{"schema_version": ..., "reports": [...]}``, one report a session.

    Dataclasses are objects of their fields, enums their values, tuples lists; ``ledger`` has ``adds_up`` too. Moments
    are microseconds since the epoch, lengths microseconds.
    """
    return {"schema_version": SCHEMA_VERSION, "reports": [_report(report) for report in reports]}


def _report(report: Report) -> Dict[str, Any]:
    plain: Dict[str, Any] = _plain(report)
    plain["ledger"]["adds_up"] = report.ledger.adds_up
    return plain


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
