from __future__ import annotations

from enum import Enum
from typing import Any, List, Optional

import pytest

from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.strenum import StrEnum
from nv_one_logger.recorder.span_filter import ExportCustomizationMode, make_span_filter

ALL = ExportCustomizationMode.EXPORT_ALL_SPANS
WHITELIST = ExportCustomizationMode.WHITELIST_SPANS
BLACKLIST = ExportCustomizationMode.BLACKLIST_SPANS


class Name(StrEnum):
    LOAD = "load"


class OtherMode(Enum):
    EXPORT_ALL_SPANS = 1


def test_all_spans_need_no_filter() -> None:
    assert make_span_filter(ALL, None) is None


def test_whitelist_passes_what_it_lists() -> None:
    passes = make_span_filter(WHITELIST, [Name.LOAD, "train"])
    assert passes is not None
    assert [passes(name) for name in (Name.LOAD, "load", "train", "save")] == [True, True, True, False]


def test_blacklist_passes_what_it_does_not_list() -> None:
    passes = make_span_filter(BLACKLIST, [Name.LOAD])
    assert passes is not None
    assert [passes(name) for name in (Name.LOAD, "load", "train")] == [False, False, True]


def test_list_may_be_changed_afterwards() -> None:
    names: List[Any] = ["load"]
    passes = make_span_filter(WHITELIST, names)
    names.clear()
    assert passes is not None
    assert passes("load")


@pytest.mark.parametrize(
    ("mode", "names", "phrase"),
    [
        (ALL, [], "takes no span_name_filter"),
        (ALL, ["load"], "takes no span_name_filter"),
        (WHITELIST, None, "WHITELIST_SPANS needs a span_name_filter"),
        (WHITELIST, [], "WHITELIST_SPANS needs a span_name_filter"),
        (BLACKLIST, None, "BLACKLIST_SPANS needs a span_name_filter"),
        (BLACKLIST, [], "BLACKLIST_SPANS needs a span_name_filter"),
        (OtherMode.EXPORT_ALL_SPANS, None, "must be an ExportCustomizationMode"),
        (None, None, "must be an ExportCustomizationMode"),
        ("WHITELIST_SPANS", ["load"], "must be an ExportCustomizationMode"),
    ],
)
def test_list_that_does_not_go_with_the_mode_is_refused(mode: Any, names: Optional[List[Any]], phrase: str) -> None:
    with pytest.raises(OneLoggerError, match=phrase):
        make_span_filter(mode, names)
