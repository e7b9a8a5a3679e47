"""The hookspecs: each hook stands in the reference with its exact arguments, and reaches plugins with them."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host import ExporterHost, hookimpl, spec
from nv_one_logger.host.inspection import EXPORTER_METHODS, HOOK_ARGUMENTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "hooks.md"

SAMPLES: Dict[str, Callable[[], Any]] = {
    "config": dict,
    "span": lambda: Span.create("a"),
    "event": lambda: Event.create("e"),
    "error_event": lambda: ErrorEvent.create("x"),
    "error": lambda: TelemetryDataError.create(TelemetryDataError.ErrorType.INCOMPLETE_TELEMETRY_DATA, "doubt"),
    "timeout_sec": lambda: 5.0,
    "group": list,
}


def sections() -> Dict[str, str]:
    """Return what the page says, by heading."""
    parts = re.split(r"^## (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def heading(hook: str) -> str:
    return f"`{hook}({', '.join(HOOK_ARGUMENTS[hook])})`"


def test_every_hook_stands_in_the_reference_with_its_exact_arguments_and_no_other() -> None:
    assert sorted(title for title in sections() if title.startswith("`")) == sorted(map(heading, HOOK_ARGUMENTS))


@pytest.mark.parametrize("hook", HOOK_ARGUMENTS)
def test_reference_tells_all_about_a_hook(hook: str) -> None:
    text = sections()[heading(hook)]
    for row in ("| Called |", "| Thread, order |", "| A raise"):
        assert row in text
    (example,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    assert f"def {hook}(self" in example
    assert "assert " in example


def test_examples_of_the_reference_run_from_top_to_bottom() -> None:
    program = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S))
    exec(compile(program, str(PAGE), "exec"), {"__name__": "hooks_page"})


def test_examples_of_the_docstrings_run() -> None:
    results = doctest.testmod(spec)
    assert results.attempted > len(HOOK_ARGUMENTS)
    assert results.failed == 0


@pytest.mark.parametrize("hook", HOOK_ARGUMENTS)
def test_docstring_names_every_argument_and_has_an_example(hook: str) -> None:
    text = inspect.getdoc(getattr(spec, hook)) or ""
    assert all(f"{argument}: " in text for argument in HOOK_ARGUMENTS[hook])
    assert "Example:" in text


@pytest.mark.parametrize("hook", HOOK_ARGUMENTS)
def test_implementation_gets_exactly_the_arguments_of_the_hook(host: ExporterHost, hook: str) -> None:
    names = HOOK_ARGUMENTS[hook]
    seen: List[Any] = []
    namespace: Dict[str, Any] = {"seen": seen}
    exec(f"def {hook}({', '.join(names)}): seen.append(({''.join(f'{name}, ' for name in names)}))", namespace)

    class Plugin:
        pass

    setattr(Plugin, hook, staticmethod(hookimpl(namespace[hook])))
    host.register(Plugin())
    given = {name: SAMPLES[name]() for name in names}
    getattr(host.hook, hook)(**given)
    assert len(seen) == 1
    expected = tuple(given.values())
    # A telemetry data error is told with the type that is true for this plugin.
    assert seen[0] == expected or hook == "export_telemetry_data_error"


def test_methods_of_an_exporter_are_hooks_and_differ_in_one_name_only() -> None:
    differing = {
        hook: (arguments, HOOK_ARGUMENTS[hook])
        for hook in EXPORTER_METHODS
        for arguments in [tuple(inspect.signature(getattr(Exporter, hook)).parameters)[1:]]
        if arguments != HOOK_ARGUMENTS[hook]
    }
    assert differing == {"export_error": (("event", "span"), ("error_event", "span"))}
