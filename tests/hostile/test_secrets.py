"""A value whose key looks like a secret shows nowhere: no log, no error, no explanation, no command, no record."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from nv_one_logger.config import Switches, build, load_sources, resolve
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.core.internal import redaction
from nv_one_logger.host.catalogue import Catalogue

# With a quote, a backslash, a blank and a letter that texts may write in several ways.
SECRET = "hunter2'\\ \"ü"
PARTS = ("hunter2", "hunter3", "hunter4")

MODULE = '''
from nv_one_logger.exporter.exporter import BaseExporter, ExportError
import logging

FAILS_IN = "nothing"

class Leaky(BaseExporter):
    """Shows its secrets wherever it can.

    Args:
        api_key: A secret.
        options: With more of them.
        url: Filled from a secret variable.
        retries: None.
    """

    def __init__(self, api_key: str, options: dict = {}, url: str = "", retries: int = 3, password: str = "hunter4"):
        super().__init__()
        self.all = (api_key, options, url, password)
        self._fail("__init__")

    def _fail(self, method):
        if method == FAILS_IN:
            error = ExportError(f"{method} of {self.all[:3]!r} failed at {self.all[2]}: {self.all[0]}")
            raise error from ValueError(self.all[0])

    def initialize(self):
        super().initialize()
        self._fail("initialize")

    def export_start(self, span):
        self._fail("export_start")

    def export_stop(self, span):
        self._fail("export_stop")

    def close(self):
        super().close()
        self._fail("close")
'''

PROGRAM = """
import sys, traceback, leaky
leaky.FAILS_IN = sys.argv[1]
import logging
logging.basicConfig(level=logging.DEBUG)
from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy as Strategy
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.training_telemetry.api import TrainingTelemetryConfig, TrainingTelemetryProvider, callbacks
from nv_one_logger.exporter.file_exporter import FileExporter
provider = TrainingTelemetryProvider.instance()
propagate, quiet = Strategy.PROPAGATE_EXCEPTIONS, Strategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR
strategy = propagate if sys.argv[2] == "propagate" else quiet
metadata = {"wandb_api_key": "hunter3", "tokenizer": "gpt2", "train_tokens": 5}
config = TrainingTelemetryConfig(
    application_name="a", session_tag_or_fn="s", custom_metadata=metadata, error_handling_strategy=strategy
)
provider.with_base_config(config).with_exporter(FileExporter(file_path="records.jsonl"))
provider.with_export_config(config_file_path=sys.argv[3])
try:
    provider.configure_provider()
except Exception:
    traceback.print_exc()
else:
    callbacks.on_app_start()
    for _ in range(10):
        with timed_span("x"):
            pass
    print(provider.flush(), provider.exporter_status(), provider.explain(), provider.explain().as_dict())
    callbacks.on_app_end()
    print(open("records.jsonl").read())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a module with a plugin, and a configuration that has secrets."""
    (tmp_path / "leaky.py").write_text(MODULE, encoding="utf-8")
    config = {
        "api_key": SECRET,
        "options": {"token": "hunter3", "Passwords": ["hunter3", {"deep": "hunter3"}]},
        "url": "https://${HOST_SECRET}@host",
    }
    entry = {"class_name": "leaky.Leaky", "name": "leaky", "config": config}
    (tmp_path / "conf.json").write_text(json.dumps({"exporters": [entry]}), encoding="utf-8")
    entry = {**entry, "config": {**config, "retries": "many", "apikey": SECRET, "tokens": "hunter3"}}
    (tmp_path / "wrong.json").write_text(json.dumps({"exporters": [entry]}), encoding="utf-8")
    entry = {**entry, "config": {**config, "api_key": [SECRET], "password": {"a": "hunter3"}}}
    (tmp_path / "types.json").write_text(json.dumps({"exporters": [entry]}), encoding="utf-8")
    return tmp_path


def environ_of(folder: Path) -> Dict[str, str]:
    path = os.pathsep.join([str(folder), *(entry for entry in sys.path if entry)])
    return {"PYTHONPATH": path, "HOST_SECRET": "me:hunter2", "ONE_LOGGER_EXPLAIN": "1", "PYTHONIOENCODING": "utf-8"}


def assert_silent(*texts: str) -> None:
    for text in texts:
        assert [line for line in text.splitlines() if any(part in line for part in PARTS)] == []


@pytest.mark.parametrize(
    ("method", "strategy_name", "background"),
    [
        ("nothing", "propagate", False),
        ("__init__", "propagate", False),
        ("__init__", "quiet", False),
        ("initialize", "quiet", False),
        ("export_start", "propagate", False),
        ("export_start", "propagate", True),
        ("close", "quiet", False),
        ("close", "quiet", True),
    ],
)
def test_secret_shows_nowhere_in_a_run_whatever_the_plugin_says(
    run_python: Callable[..., Any], folder: Path, method: str, strategy_name: str, background: bool
) -> None:
    if background:
        path = folder / "conf.json"
        path.write_text(path.read_text("utf-8").replace('"name":', '"background": true, "name":'), "utf-8")
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = run_python([str(program), method, strategy_name, "conf.json"], env=environ_of(folder))
    assert_silent(done.stdout, done.stderr)
    assert "***" in done.stdout + done.stderr
    if method != "nothing":
        assert f"{method} of " in done.stdout + done.stderr, "the failure itself is told"
    if "records" not in done.stderr and "tokenizer" in done.stdout:
        assert "tokenizer:gpt2" in done.stdout
        assert "train_tokens:5" in done.stdout
        assert "wandb_api_key:***" in done.stdout


@pytest.mark.parametrize("file", ["wrong.json", "types.json"])
@pytest.mark.parametrize("strategy_name", ["quiet", "propagate"])
def test_secret_shows_in_no_error_about_the_configuration(
    run_python: Callable[..., Any], folder: Path, file: str, strategy_name: str
) -> None:
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = run_python([str(program), "nothing", strategy_name, file], env=environ_of(folder))
    assert_silent(done.stdout, done.stderr)
    assert f"{file}, line 1, column" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["config", "explain"], 0),
        (["config", "explain", "--json"], 0),
        (["config", "check", "wrong.json"], 1),
        (["config", "check", "--json", "types.json"], 1),
        (["plugins"], 0),
        (["plugins", "show", "leaky.Leaky"], 0),
        (["plugins", "show", "--json", "leaky.Leaky"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_secret_shows_in_no_command(
    run_python: Callable[..., Any], folder: Path, arguments: List[str], code: int
) -> None:
    pytest.importorskip("click")
    env = {**environ_of(folder), "ONE_LOGGER_EXPORTER_CONFIG_PATH": "conf.json"}
    done = run_python(["-m", "nv_one_logger.cli.main", *arguments], env=env, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert_silent(done.stdout, done.stderr)


@pytest.mark.parametrize(
    "line", ["api_key: *hunter2", "api_key: !hunter2", "api_key: !hunter2 x", "token: !<hunter2> []"]
)
def test_secret_that_yaml_takes_for_something_else_is_not_shown(
    run_python: Callable[..., Any], folder: Path, line: str
) -> None:
    (folder / "conf.yaml").write_text(f"exporters:\n  - class_name: leaky.Leaky\n    config:\n      {line}\n")
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = run_python([str(program), "nothing", "propagate", "conf.yaml"], env=environ_of(folder))
    assert "conf.yaml, line 4" in done.stderr
    assert_silent(done.stdout, done.stderr)


FILE = {"class_name": "file", "config": {"file_path": "x"}}


@pytest.mark.parametrize(
    "document",
    [
        {"inherit": "${A_TOKEN}"},
        {"exporters": "${A_TOKEN}"},
        {"exporters": [{"class_name": "${A_TOKEN}"}]},
        {"exporters": [{"class_name": "json.${A_TOKEN}"}]},
        {"exporters": [{"name": "${A_TOKEN}"}]},
        {"exporters": [{**FILE, "enabled": "${A_TOKEN}"}]},
        {"exporters": [{**FILE, "background": {"when_full": "${A_TOKEN}"}}]},
        {"exporters": [{**FILE, "config": {"max_bytes": "${A_TOKEN}"}}]},
    ],
    ids=str,
)
def test_secret_variable_shows_in_no_error_wherever_it_is_put(
    document: Dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "_known", {})
    path = tmp_path / "exporters.json"
    path.write_text(json.dumps(document))
    resolution = resolve([load_sources(None, path, environ={"A_TOKEN": "hunter2"})], Catalogue(dict), Switches())
    with pytest.raises(ConfigError) as error:
        build(resolution, one_logger_config=None, quiet=False, strict=True)
    assert "hunter2" not in str(error.value)
