from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest

from nv_one_logger.cli.config.checking import Mistake, check_file, file_to_check
from nv_one_logger.core.exceptions import ConfigError


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check(text: str) -> List[Mistake]:
    Path("x.yaml").write_text(text)
    return list(check_file(Path("x.yaml")))


def test_sound_file_has_no_mistakes() -> None:
    assert check("exporters:\n  - class_name: file\n    config: {file_path: x}\n") == []


def test_missing_file_is_a_mistake() -> None:
    (mistake,) = check_file(Path("absent.yaml"))
    assert not mistake.is_warning
    assert mistake.error.problem == "does not exist"


def test_file_is_checked_even_where_telemetry_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_LOGGER_DISABLED", "1")
    assert len(check("exporters:\n  - class_name: fil\n")) == 1


def test_what_packages_do_wrong_is_a_warning(distribution: Any) -> None:
    distribution("team", defaults={"team_file": "team_defaults:Defaults"}, modules={"team_defaults": "1 / 0"})
    (mistake,) = check("exporters: []\n")
    assert mistake.is_warning
    assert mistake.as_dict()["severity"] == "warning"
    assert mistake.as_dict()["file"] is None


def test_plain_data_has_the_place_and_no_secret() -> None:
    error = ConfigError(
        "is odd", file="x.yaml", line=3, column=5, key="config.api_key", value="hunter2", remedy="Mend it"
    )
    assert Mistake(error, is_warning=False).as_dict() == {
        "severity": "error",
        "file": "x.yaml",
        "line": 3,
        "column": 5,
        "source": "",
        "key": "config.api_key",
        "value": "***",
        "problem": "is odd",
        "remedy": "Mend it",
    }


def test_value_without_a_json_form_is_shown_as_text() -> None:
    error = ConfigError("is odd", key="x", value=[1])
    assert Mistake(error, is_warning=False).as_dict()["value"] == "[1]"


def test_file_is_that_of_a_program_started_here(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="No file to check: ONE_LOGGER_EXPORTER_CONFIG_PATH is not set"):
        file_to_check(None)
    Path("one_logger_exporters_config.yml").write_text("")
    assert file_to_check(None) == Path("one_logger_exporters_config.yml")
    monkeypatch.setenv("ONE_LOGGER_EXPORTER_CONFIG_PATH", "named.yaml")
    assert file_to_check(None) == Path("named.yaml")
    assert file_to_check(Path("mine.yaml")) == Path("mine.yaml")
