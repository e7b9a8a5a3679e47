from __future__ import annotations

import types
from typing import Any, Dict, List, Tuple
from unittest.mock import MagicMock

import pytest

from nv_one_logger.exporter.exporter import BaseExporter, Exporter
from nv_one_logger.host import PluginError, hookimpl
from nv_one_logger.host.inspection import EXPORTER_METHODS
from nv_one_logger.host.target import find_parts


def test_exporter_is_its_own_target() -> None:
    exporter = MagicMock(spec=Exporter)
    parts = find_parts(exporter)
    assert parts.target is exporter
    assert parts.hooks == EXPORTER_METHODS


def test_method_of_an_exporter_may_be_replaced_at_any_time() -> None:
    class WithFlush(BaseExporter):
        @hookimpl
        def flush(self) -> str:
            return "flushed"

    exporter = WithFlush()
    target = find_parts(exporter).target
    exporter.export_stop = lambda span: span  # type: ignore[assignment, method-assign, return-value]
    assert target.export_stop("span") == "span"
    assert target.flush(5.0) == "flushed"


def test_marked_functions_of_an_exporter_add_hooks() -> None:
    class Marked(BaseExporter):
        @hookimpl(specname="should_export")
        def choose(self, span: Any) -> Any:
            return span

        @hookimpl
        def flush(self, timeout_sec: float) -> float:
            return timeout_sec

    parts = find_parts(Marked())
    assert sorted(set(parts.hooks) - set(EXPORTER_METHODS)) == ["flush", "should_export"]
    assert parts.target.should_export("span") == "span"
    assert parts.target.flush(5.0) == 5.0


def test_hooks_of_an_exporter_that_fit_directly_cost_nothing() -> None:
    class Marked(BaseExporter):
        @hookimpl
        def configure(self, config: Any) -> None: ...

        @hookimpl
        def export_stop(self, span: Any) -> None: ...

    exporter = Marked()
    assert find_parts(exporter).target is exporter


def test_exporter_may_ask_to_be_called_first() -> None:
    class Eager(BaseExporter):
        @hookimpl(tryfirst=True)
        def export_stop(self, span: Any) -> None: ...

    assert find_parts(Eager()).tryfirst == ("export_stop",)


def test_each_function_gets_the_arguments_it_names_in_its_own_order() -> None:
    seen: List[Tuple[Any, ...]] = []
    plugin = types.SimpleNamespace(
        export_event=hookimpl(lambda span, event: seen.append((span, event))),
        export_error=hookimpl(lambda span: seen.append((span,))),
        export_start=hookimpl(lambda: seen.append(())),
        export_stop=hookimpl(lambda span: seen.append((span,))),
    )
    target = find_parts(plugin).target
    target.export_event("event", "span")
    target.export_error("error", "span")
    target.export_start("span")
    target.export_stop("span")
    assert seen == [("span", "event"), ("span",), (), ("span",)]


def test_wrappers_are_kept_apart() -> None:
    class Plugin:
        @hookimpl(wrapper=True)
        def export_stop(self, span: Any) -> Any:
            return (yield)

    parts = find_parts(Plugin())
    assert parts.hooks == ()
    assert [one.hook for one in parts.wrappers] == ["export_stop"]


def test_plugin_with_hooks_of_the_future_only_is_a_plugin() -> None:
    assert find_parts(types.SimpleNamespace(later=hookimpl(optionalhook=True)(lambda: None))).hooks == ()


@pytest.mark.parametrize("nothing", [object(), "text", 3, types.ModuleType("empty")])
def test_what_has_no_marks_is_refused(nothing: object) -> None:
    with pytest.raises(PluginError, match="neither an exporter nor"):
        find_parts(nothing)


CONTRADICTIONS: Dict[str, Any] = {
    "another function for a method": {"other": hookimpl(specname="export_stop")(lambda self, span: None)},
    "a method as wrapper": {"export_stop": hookimpl(wrapper=True)(lambda self, span: (yield))},
    "a method for another hook": {"export_stop": hookimpl(specname="should_export")(lambda self, span: None)},
}


@pytest.mark.parametrize("members", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_mark_that_contradicts_the_methods_of_an_exporter_is_refused(members: Dict[str, Any]) -> None:
    exporter = type("Contradicting", (BaseExporter,), members)()
    with pytest.raises(PluginError, match="called through its methods"):
        find_parts(exporter)


def test_wrapper_of_another_name_is_allowed_on_an_exporter() -> None:
    class Wrapping(BaseExporter):
        @hookimpl(wrapper=True, specname="export_stop")
        def around(self, span: Any) -> Any:
            return (yield)

    assert len(find_parts(Wrapping()).wrappers) == 1
