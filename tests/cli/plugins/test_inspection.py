from __future__ import annotations

import sys
from typing import Any, Tuple

import pytest

from nv_one_logger.cli.plugins.inspection import LoadedPlugin, hooks_of, load_all, load_one
from nv_one_logger.cli.plugins.listing import PluginRow, list_plugins
from nv_one_logger.config import Switches, load_sources, resolve
from nv_one_logger.core.exceptions import PluginError
from nv_one_logger.exporter.exporter import BaseExporter, Exporter
from nv_one_logger.host import hookimpl
from nv_one_logger.host.catalogue import Catalogue

MISSPELT = """
    import sys
    from nv_one_logger.host import hookimpl

    @hookimpl
    def export_strat(span):
        pass

    Plugin = sys.modules[__name__]
"""


def load(name: str, **environ: str) -> LoadedPlugin:
    resolution = resolve([load_sources((), environ={})], Catalogue(), Switches.from_environ(environ))
    rows = list_plugins(resolution)
    (plugin,) = [one for one in load_all(rows, resolution.catalogue) if one.row.name == name]
    return plugin


def test_hooks_of_an_exporter_are_those_it_does_itself(acme: Any, capsys: pytest.CaptureFixture[str]) -> None:
    plugin = load("acme")
    assert plugin.hooks == ("export_stop", "flush")
    assert plugin.problem == ""
    assert plugin.as_dict()["loaded"] is True
    assert capsys.readouterr() == ("", "imported acme\n")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('kaputt')", "RuntimeError: kaputt"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import no_such_thing", "No module named 'no_such_thing'"),
        ("Plugin = 3", "neither an exporter nor has it any function marked"),
        (MISSPELT, "did you mean 'export_start'?"),
        (
            "from nv_one_logger.exporter.exporter import Exporter\nclass Plugin(Exporter): pass",
            "TypeError",
        ),
    ],
)
def test_broken_plugin_is_told_with_its_error(source: str, reason: str, distribution: Any) -> None:
    distribution("bad", exporters={"bad": "bad_plugin:Plugin"}, modules={"bad_plugin": source})
    plugin = load("bad")
    assert reason in plugin.problem
    assert plugin.found is None
    assert plugin.hooks == ()


def test_blocked_plugin_is_not_imported(acme: Any) -> None:
    plugin = load("acme", ONE_LOGGER_DISABLE="acme")
    assert plugin.is_left_alone
    assert "acme" not in sys.modules


def test_configured_path_is_imported() -> None:
    path = "nv_one_logger.exporter.file_exporter.FileExporter"
    row = PluginRow("mine", "on", "", "", "", path)
    assert load_one(row, Catalogue()).problem == ""
    missing = load_one(PluginRow("mine", "on", "", "", "", "no_such.Exporter"), Catalogue())
    assert missing.problem.endswith("Run 'pip install no_such' or set enabled: false.")


def test_plugin_without_a_class_keeps_its_reason() -> None:
    row = PluginRow("team", "broken", "its package is broken", "team", "1", "")
    assert load_one(row, Catalogue()).problem == "its package is broken"


def hooks(found: object) -> Tuple[str, ...]:
    return hooks_of(found)


def test_constructor_is_not_called() -> None:
    class Strict:
        def __init__(self) -> None:
            raise AssertionError("constructed")

        @hookimpl
        def export_event(self, event: object) -> None:
            """Take it."""

    assert hooks(Strict) == ("export_event",)


def test_wrappers_count_once() -> None:
    class Wrapping:
        @hookimpl(wrapper=True)
        def export_stop(self, span: object) -> Any:
            return (yield)

    assert hooks(Wrapping) == ("export_stop",)


def test_ready_object_is_looked_at_as_it_is() -> None:
    class Idle(BaseExporter):
        """Does nothing of its own."""

    assert hooks(Idle()) == ()


def test_abstract_exporter_cannot_be_used() -> None:
    with pytest.raises((TypeError, PluginError)):
        hooks_of(Exporter)
