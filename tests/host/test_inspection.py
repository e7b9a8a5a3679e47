from __future__ import annotations

import functools
import sys
import types
from typing import Any, Callable, List
from unittest.mock import MagicMock, Mock

import pytest

from nv_one_logger.exporter.exporter import BaseExporter, Exporter
from nv_one_logger.host import PluginError, hookimpl
from nv_one_logger.host.inspection import HOOK_ARGUMENTS, describe, find_hookimpls, has_hookimpls, is_exporter


def plugin_with(**functions: Callable[..., Any]) -> types.ModuleType:
    module = types.ModuleType("a_module")
    vars(module).update(functions)
    return module


class SevenMethods:
    def initialize(self) -> None: ...
    def export_start(self, span: Any) -> None: ...
    def export_stop(self, span: Any) -> None: ...
    def export_event(self, event: Any, span: Any) -> None: ...
    def export_error(self, event: Any, span: Any) -> None: ...
    def export_telemetry_data_error(self, error: Any) -> None: ...
    def close(self) -> None: ...


# --- what is an exporter ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exporter", [BaseExporter(), MagicMock(spec=Exporter), MagicMock(), Mock(), SevenMethods()])
def test_exporter_is_what_has_the_seven_methods(exporter: object) -> None:
    assert is_exporter(exporter)
    assert not has_hookimpls(exporter)


@pytest.mark.parametrize("other", [object(), BaseExporter, SevenMethods, sys, "name", None])
def test_anything_else_is_none(other: object) -> None:
    assert not is_exporter(other)


def test_object_with_marks_is_no_exporter_even_if_it_has_the_methods() -> None:
    class Marked(SevenMethods):
        @hookimpl
        def flush(self) -> None: ...

    assert not is_exporter(Marked())


# --- what is a hookimpl ----------------------------------------------------------------------------------------------


def test_functions_of_modules_objects_and_classes_are_found() -> None:
    class Plugin:
        @hookimpl
        def export_stop(self, span: Any) -> None: ...

        @staticmethod
        @hookimpl
        def flush() -> None: ...

        @classmethod
        @hookimpl
        def export_start(cls, span: Any) -> None: ...

        def close(self) -> None: ...  # not marked

    assert sorted(one.hook for one in find_hookimpls(Plugin())) == ["export_start", "export_stop", "flush"]
    assert has_hookimpls(Plugin)
    assert has_hookimpls(plugin_with(export_stop=Plugin().export_stop))


def test_class_with_functions_that_need_no_instance_is_a_plugin() -> None:
    class Plugin:
        @staticmethod
        @hookimpl
        def export_stop(span: Any) -> None: ...

    (found,) = find_hookimpls(Plugin)
    assert found.arguments == ("span",)


def test_no_property_is_run() -> None:
    class Plugin:
        ran: List[str] = []

        @property
        def export_start(self) -> Any:
            self.ran.append("export_start")
            raise RuntimeError("a property was run")

        @property
        def anything(self) -> Any:
            self.ran.append("anything")

        @hookimpl
        def export_stop(self, span: Any) -> None: ...

    assert [one.hook for one in find_hookimpls(Plugin())] == ["export_stop"]
    assert Plugin.ran == []


def test_name_that_dir_lists_and_nobody_has_is_passed_over() -> None:
    class Plugin:
        def __dir__(self) -> List[str]:
            return ["ghost", "export_stop"]

        @hookimpl
        def export_stop(self, span: Any) -> None: ...

    assert [one.hook for one in find_hookimpls(Plugin())] == ["export_stop"]


def test_specname_tells_the_hook_of_a_function_of_any_name() -> None:
    @hookimpl(specname="export_stop")
    def at_the_end(span: Any) -> None: ...

    (found,) = find_hookimpls(plugin_with(at_the_end=at_the_end))
    assert (found.name, found.hook) == ("at_the_end", "export_stop")


def test_arguments_with_defaults_are_not_asked_for() -> None:
    @hookimpl
    def export_event(event: Any, prefix: str = "", *more: Any, **rest: Any) -> None: ...

    (found,) = find_hookimpls(plugin_with(export_event=export_event))
    assert found.arguments == ("event",)


def test_decorated_function_is_seen_through() -> None:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner(*args: Any) -> Any:
            return function(*args)

        return inner

    @hookimpl
    @decorate
    def export_stop(span: Any) -> None: ...

    (found,) = find_hookimpls(plugin_with(export_stop=export_stop))
    assert found.arguments == ("span",)


@pytest.mark.parametrize("option", ["tryfirst", "trylast"])
def test_options_are_kept(option: str) -> None:
    marked = hookimpl(**{option: True})(lambda span: None)
    (found,) = find_hookimpls(plugin_with(export_stop=marked))
    assert (found.tryfirst, found.trylast) == (option == "tryfirst", option == "trylast")


def test_optional_hook_that_does_not_exist_is_passed_over() -> None:
    marked = hookimpl(optionalhook=True)(lambda: None)
    assert find_hookimpls(plugin_with(hook_of_the_future=marked)) == []


def test_optional_hook_that_exists_is_found() -> None:
    marked = hookimpl(optionalhook=True)(lambda span: None)
    assert [one.hook for one in find_hookimpls(plugin_with(export_stop=marked))] == ["export_stop"]


# --- what is refused -------------------------------------------------------------------------------------------------


def refusal_of(plugin: object) -> str:
    with pytest.raises(PluginError) as caught:
        find_hookimpls(plugin)
    return str(caught.value)


def test_unknown_hook_is_refused_and_the_nearest_named() -> None:
    text = refusal_of(plugin_with(export_strat=hookimpl(lambda span: None)))
    assert "no hook 'export_strat' (did you mean 'export_start'?)" in text
    assert "a_module" in text


def test_unknown_hook_that_is_near_to_none_lists_them_all() -> None:
    text = refusal_of(plugin_with(zzz=hookimpl(lambda: None)))
    assert "did you mean" not in text
    assert all(hook in text for hook in HOOK_ARGUMENTS)


def test_unknown_argument_is_refused_and_the_nearest_named() -> None:
    text = refusal_of(plugin_with(export_error=hookimpl(lambda error_evnt, span: None)))
    assert "'error_evnt' that the hook does not have (did you mean 'error_event'?)" in text
    assert "The hook has: error_event, span." in text


def test_argument_of_a_hook_without_any_is_refused() -> None:
    assert "The hook has: no arguments." in refusal_of(plugin_with(close=hookimpl(lambda span: None)))


def test_keyword_only_arguments_are_refused() -> None:
    @hookimpl
    def export_event(*, event: Any, span: Any) -> None: ...

    assert "keyword-only" in refusal_of(plugin_with(export_event=export_event))


def test_old_style_wrapper_is_refused_and_the_new_style_named() -> None:
    @hookimpl(hookwrapper=True)
    def export_stop(span: Any) -> Any:
        yield

    assert "wrapper=True" in refusal_of(plugin_with(export_stop=export_stop))


def test_wrapper_without_a_yield_is_refused() -> None:
    assert "has no yield" in refusal_of(plugin_with(export_stop=hookimpl(wrapper=True)(lambda span: None)))


def test_two_functions_for_one_hook_are_refused() -> None:
    first, second = hookimpl(lambda span: None), hookimpl(specname="export_stop")(lambda span: None)
    text = refusal_of(plugin_with(export_stop=first, again=second))
    assert "two functions for export_stop" in text
    assert "again" in text


def test_function_and_wrapper_for_one_hook_are_allowed() -> None:
    @hookimpl(wrapper=True, specname="export_stop")
    def around(span: Any) -> Any:
        return (yield)

    plain = hookimpl(lambda span: None)
    assert len(find_hookimpls(plugin_with(export_stop=plain, around=around))) == 2


def test_class_in_place_of_an_instance_is_refused() -> None:
    class Plugin:
        @hookimpl
        def export_stop(self, span: Any) -> None: ...

    assert "is a class. Register an instance" in refusal_of(Plugin)
    assert "is a class. Register an instance" in refusal_of(BaseExporter)


def test_plugin_is_described_by_the_path_of_its_class_or_module() -> None:
    assert describe(BaseExporter()) == "nv_one_logger.exporter.exporter.BaseExporter"
    assert describe(BaseExporter) == "nv_one_logger.exporter.exporter.BaseExporter"
    assert describe(plugin_with()) == "a_module"
