from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict

import pytest

from nv_one_logger.config import Explanation, Origin, OriginKind, State, Switches, build, load_sources, resolve
from nv_one_logger.config.provenance import origin_of_type
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.host.catalogue import DEFAULTS_GROUP, Catalogue

FILE = """\
exporters:
  - name: team
    config:
      file_path: ${RUN}.jsonl
  - class_name: logger
    enabled: false
  - class_name: nowhere.Exporter
"""


class Point:
    """A package default of the distribution acme 1.2."""

    name, value = "team", "acme.defaults:Defaults"
    config: Dict[str, Any] = {"class_name": "file", "config": {"file_path": "team.jsonl", "backup_count": 1}}

    dist = SimpleNamespace(metadata={"Name": "acme"}, version="1.2")

    def load(self) -> object:
        return type("Defaults", (), {"get_default_config": staticmethod(lambda: self.config)})


@pytest.fixture
def explanation(workdir: Path) -> Explanation:
    Path("conf.yaml").write_text(FILE)
    code = [{"name": "team", "config": {"backup_count": 3}}]
    sources = load_sources(code, "conf.yaml", environ={"RUN": "r7"}, call_site="train.py:7")
    catalogue = Catalogue(lambda: {DEFAULTS_GROUP: [Point()]})
    resolution = resolve([sources], catalogue, Switches(disable=("other",)))
    return build(resolution, one_logger_config=None, quiet=True, strict=False).explanation


def test_text_tells_everything(explanation: Explanation) -> None:
    problem = (
        "conf.yaml, line 7, column 17: exporters[2].class_name = 'nowhere.Exporter' cannot be imported "
        "(No module named 'nowhere'). Run 'pip install nowhere' or set enabled: false."
    )
    assert explanation.render().split("\n") == [
        "one-logger configuration",
        "  sources: code at train.py:7; conf.yaml; acme 1.2 (entry point 'team')",
        "  switch: ONE_LOGGER_DISABLE=other",
        "  on      team (nv_one_logger.exporter.file_exporter.FileExporter)",
        "          mentioned in code at train.py:7",
        "          class_name = 'file'  <- acme 1.2 (entry point 'team')",
        "          name = 'team'  <- code at train.py:7",
        "            beats 'team'  <- conf.yaml, line 2, column 11",
        "          enabled = True  <- code at train.py:7",
        "            beats True  <- conf.yaml, line 2, column 5",
        "            beats True  <- acme 1.2 (entry point 'team')",
        "          config.file_path = 'r7.jsonl'  <- conf.yaml, line 4, column 18, $RUN from the environment",
        "            beats 'team.jsonl'  <- acme 1.2 (entry point 'team')",
        "          config.backup_count = 3  <- code at train.py:7",
        "            beats 1  <- acme 1.2 (entry point 'team')",
        "          config.fsync = False  <- default of FileExporter",
        "          config.max_bytes = None  <- default of FileExporter",
        "          config.session_record = False  <- default of FileExporter",
        "          config.heartbeat_sec = None  <- default of FileExporter",
        "  off     logger (nv_one_logger.exporter.logger_exporter.LoggerExporter)",
        "          enabled: false in conf.yaml, line 6, column 14",
        "          class_name = 'logger'  <- conf.yaml, line 5, column 17",
        "          enabled = False  <- conf.yaml, line 6, column 14",
        "  broken  nowhere.Exporter",
        f"          {problem}",
        "          class_name = 'nowhere.Exporter'  <- conf.yaml, line 7, column 17",
        "          enabled = True  <- conf.yaml, line 7, column 5",
        "  problems:",
        f"    {problem}",
    ]


def test_decisions_and_values_are_typed(explanation: Explanation) -> None:
    decision = explanation.decision("team")

    assert decision is not None
    assert decision.state is State.ON
    assert decision is explanation.decision("nv_one_logger.exporter.file_exporter.FileExporter")
    value = decision.value("config.backup_count")
    assert value is not None
    assert (value.value, value.origin.kind) == (3, OriginKind.CODE)
    assert [(lost.value, lost.origin.distribution, lost.origin.version) for lost in value.beaten] == [
        (1, "acme", "1.2")
    ]
    assert decision.value("config.nothing") is None
    assert explanation.decision("nothing") is None


def test_plain_data_is_json(explanation: Explanation) -> None:
    data = json.loads(json.dumps(explanation.as_dict()))

    assert data["switches"] == ["ONE_LOGGER_DISABLE=other"]
    assert [plugin["state"] for plugin in data["plugins"]] == ["on", "off", "broken"]
    assert data["plugins"][0]["values"][4]["beaten"][0]["value"] == 1
    assert len(data["problems"]) == 1


def explain(*code: Any) -> Explanation:
    resolution = resolve([load_sources(list(code), environ={}, cwd="/")], Catalogue(dict), Switches())
    return resolution.explanation


def test_secrets_are_hidden_everywhere() -> None:
    config = {"api_key": "hunter22", "auth": {"password": "hunter22", "user": "me"}, "url": "x"}
    found = explain({"class_name": "acme.A", "config": config})

    assert "hunter22" not in found.render() + json.dumps(found.as_dict()) + repr(found)
    decision = found.decision("acme.A")
    assert decision is not None
    auth = decision.value("config.auth")
    assert auth is not None
    assert auth.value == {"password": "***", "user": "me"}


def test_value_that_json_cannot_say_is_described() -> None:
    found = explain({"class_name": "acme.A", "config": {"logger": logging.getLogger("x"), "rows": [1, {2: Path("p")}]}})

    values = {value["key"]: value["value"] for value in found.as_dict()["plugins"][0]["values"]}  # type: ignore[index]
    assert values["config.logger"] == "<Logger x (WARNING)>"
    assert values["config.rows"] == [1, {"2": repr(Path("p"))}]


def test_replaced_entries_are_named(workdir: Path) -> None:
    class Other(Point):
        name = "other"

    sources = load_sources([{"class_name": "file", "config": {"file_path": "x"}}], environ={})
    resolution = resolve([sources], Catalogue(lambda: {DEFAULTS_GROUP: [Point(), Other()]}), Switches())

    assert "replaces the entry of acme 1.2 (entry point 'other')" in resolution.explanation.render()
    assert resolution.explanation.as_dict()["plugins"][0]["replaced"] == [  # type: ignore[index]
        "acme 1.2 (entry point 'team')",
        "acme 1.2 (entry point 'other')",
    ]


def test_plugins_registered_by_hand_can_be_added() -> None:
    origin = Origin(OriginKind.CODE, "code at train.py:9")
    exporter = FileExporter("x")
    found = Explanation().with_manual("mine", exporter, origin, State.ON)
    found = found.with_manual("hooks", logging, origin, State.BLOCKED, "ONE_LOGGER_DISABLE names hooks")

    assert found.render().split("\n")[2:] == [
        "  on      mine (nv_one_logger.exporter.file_exporter.FileExporter)",
        "          registered by hand",
        "  blocked hooks (logging)",
        "          ONE_LOGGER_DISABLE names hooks",
    ]
    assert found.decision("nv_one_logger.exporter.file_exporter.FileExporter") is not None


def test_nothing_configured_is_said() -> None:
    assert Explanation().render().split("\n") == [
        "one-logger configuration",
        "  sources: none",
        "  no plugin is configured",
    ]


def test_type_of_a_plugin_is_a_path() -> None:
    assert origin_of_type(logging) == "logging"
    assert origin_of_type(logging.Logger) == "logging.Logger"
    assert origin_of_type(logging.getLogger("x")) == "logging.Logger"
