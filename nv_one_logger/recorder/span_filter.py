"""Which spans are exported, by name."""

from __future__ import annotations

from enum import Enum, auto
from typing import Callable, List, Optional

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import SpanName

__all__ = ["ExportCustomizationMode", "make_span_filter"]


class ExportCustomizationMode(Enum):
    """How the list of span names is to be understood."""

    EXPORT_ALL_SPANS = auto()
    """There is no list: every span is exported."""
    WHITELIST_SPANS = auto()
    """Only the spans of the list are exported."""
    BLACKLIST_SPANS = auto()
    """All but the spans of the list are exported."""


def make_span_filter(
    mode: ExportCustomizationMode, names: Optional[List[SpanName]]
) -> Optional[Callable[[SpanName], bool]]:
    """Return the function that tells whether spans of a name are exported, ``None`` when all are.

    Raises:
        OneLoggerError: The list does not go with the mode, or the mode is none of the three.
    """
    if mode is ExportCustomizationMode.EXPORT_ALL_SPANS:
        if names is not None:
            raise OneLoggerError(f"EXPORT_ALL_SPANS takes no span_name_filter, found {names!r}. Leave it out.")
        return None
    if mode not in (ExportCustomizationMode.WHITELIST_SPANS, ExportCustomizationMode.BLACKLIST_SPANS):
        raise OneLoggerError(f"export_customization_mode must be an ExportCustomizationMode, found {mode!r}.")
    if not names:
        raise OneLoggerError(f"{mode.name} needs a span_name_filter with at least one name, found {names!r}.")
    listed = frozenset(names)
    if mode is ExportCustomizationMode.WHITELIST_SPANS:
        return listed.__contains__
    return lambda name: name not in listed
