from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

NAME = "one_logger_exporters_config.yaml"
FILE = "exporters:\n  - class_name: file\n    config: {file_path: y.jsonl}\n"
FULL = "  - class_name: file\n    name: full\n    config: {file_path: nowhere/y.jsonl}\n"


def test_plugins_and_costs_are_told(one_logger: Any, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(FILE)
    done = one_logger("selftest", "--spans", "30")
    assert re.search(r"^file +took it$", done.stdout, re.MULTILINE)
    for operation in ("span", "event", "disabled span", "flush"):
        assert re.search(rf"^{operation} +[\d.]+ us +[\d.]+ x raw write.* x +(within|over)$", done.stdout, re.MULTILINE)
    assert done.stderr == ""
    assert len((tmp_path / "y.jsonl").read_text().splitlines()) > 60


def test_plugin_that_did_not_take_the_span_is_a_failure(one_logger: Any, tmp_path: Path) -> None:
    (tmp_path / "nowhere").write_text("a file where a directory is needed")
    (tmp_path / "x.yaml").write_text(FILE + FULL)
    done = one_logger("selftest", "--spans", "0", "--config", "x.yaml", code=1)
    assert re.search(r"^file +took it$", done.stdout, re.MULTILINE)
    assert re.search(r"^full +FAILED +initialize: ", done.stdout, re.MULTILINE)
    assert "us" not in done.stdout.split()


def test_results_as_json(one_logger: Any, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(FILE)
    found = json.loads(one_logger("selftest", "--spans", "15", "--json").stdout)
    assert found["deliveries"] == [{"plugin": "file", "outcome": "took it", "reason": ""}]
    assert [cost["operation"] for cost in found["costs"]] == ["span", "event", "disabled span", "flush"]
    assert found["switched_off"] is False
    assert found["remarks"] == []


def test_switched_off_telemetry_is_told_and_no_failure(one_logger: Any, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(FILE)
    done = one_logger("selftest", "--spans", "15", env={"ONE_LOGGER_DISABLED": "1"})
    assert done.stdout.startswith("Telemetry is switched off by ONE_LOGGER_DISABLED, so nothing took the span.\n")
    assert "disabled span" in done.stdout
    assert not (tmp_path / "y.jsonl").exists()


def test_nothing_configured_is_told(one_logger: Any) -> None:
    assert one_logger("selftest", "--spans", "0").stdout == "No plugin is configured here, so nothing took the span.\n"


@pytest.mark.skipif("sys.platform == 'win32'")
@pytest.mark.parametrize("columns", [80, 200])
def test_results_fit_the_terminal(columns: int, on_terminal: Any, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(FILE)
    shown = on_terminal(["selftest", "--spans", "15"], columns=columns)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r\n", "\n")
    assert max(map(len, plain.splitlines())) <= columns
    assert plain != shown
