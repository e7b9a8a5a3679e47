"""The standard spans: which names there are, and which spans of them are open."""

from __future__ import annotations

from typing import Dict, FrozenSet, Optional

from nv_one_logger.core.span import Span, SpanName, StandardSpanName
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name

__all__ = ["MANAGED_SPANS", "STANDARD_SPANS", "OpenSpans", "is_nested_in_its_like"]

_STEP_SPANS = (
    Name.TESTING_SINGLE_ITERATION,
    Name.DATA_LOADING,
    Name.MODEL_FORWARD,
    Name.ZERO_GRAD,
    Name.MODEL_BACKWARD,
    Name.OPTIMIZER_UPDATE,
)

# Plain strings: membership of a plain `str` in an enum class raises before Python 3.12, and here works for both.
STANDARD_SPANS: FrozenSet[str] = frozenset(str(name) for name in (*StandardSpanName, *Name))
"""All names with a meaning of their own."""

MANAGED_SPANS: FrozenSet[str] = STANDARD_SPANS - frozenset(str(name) for name in _STEP_SPANS)
"""Names of which one span at most is open in the process, because their end is reported by name alone."""


class OpenSpans(Dict[SpanName, Span]):
    """The open spans of managed names, each name's latest. Used under the recorder's lock."""

    def remove(self, span: Span) -> None:
        """Forget a span that is to be stopped; another one of its name stays."""
        if self.get(span.name) is span:
            del self[span.name]


def is_nested_in_its_like(name: SpanName, current: Optional[Span]) -> bool:
    """Tell whether the current span or an ancestor of it is running under the same name."""
    while current is not None:
        if current.name == name and current.active:
            return True
        current = current.parent_span
    return False
