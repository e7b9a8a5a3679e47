"""Overrides of the configuration: from code, a JSON file, and a real server on the loopback interface."""

from __future__ import annotations

import json
import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

from nv_one_logger.api.config import LoggerConfig, OneLoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.api.telemetry_config import ApplicationType
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR


def base(**fields: Any) -> OneLoggerConfig:
    return OneLoggerConfig(**{"application_name": "app", "session_tag_or_fn": "run1", "world_size_or_fn": 4, **fields})


def telemetry(**fields: Any) -> TrainingTelemetryConfig:
    return TrainingTelemetryConfig(**{"perf_tag_or_fn": "p", "global_batch_size_or_fn": 8, **fields})


@pytest.fixture
def provider() -> TrainingTelemetryProvider:
    return TrainingTelemetryProvider.instance()


def configured(provider: TrainingTelemetryProvider) -> OneLoggerConfig:
    provider.configure_provider()
    return provider.config


# --- from code -------------------------------------------------------------------------------------------------------


def test_overrides_beat_the_base_whatever_the_order_and_the_last_wins(provider: TrainingTelemetryProvider) -> None:
    provider.with_config_override({"world_size_or_fn": 5, "application_name": "over"}).with_base_config(base())
    config = configured(provider.with_config_override({"world_size_or_fn": 6}))
    assert (config.application_name, config.world_size, config.session_tag) == ("over", 6, "run1")


def test_nested_mappings_are_merged_and_nobodys_object_changes(provider: TrainingTelemetryProvider) -> None:
    given = base(
        telemetry_config=telemetry(custom_metadata={"a": 1, "b": 2}), logger_config=LoggerConfig(log_level="ERROR")
    )
    first: Dict[str, Any] = {"telemetry_config": {"custom_metadata": {"b": 3}}, "logger_config": {"log_format": "x"}}
    second = {"telemetry_config": {"log_every_n_train_iterations": 7, "custom_metadata": {"c": 4}}}
    before = json.dumps([first, second])
    provider.with_base_config(given).with_config_override(first).with_config_override(second)
    first["telemetry_config"]["custom_metadata"]["b"] = "changed afterwards"
    config = configured(provider)
    merged = config.telemetry_config
    assert isinstance(merged, TrainingTelemetryConfig)
    assert merged.custom_metadata == {"a": 1, "b": 3, "c": 4}
    assert (merged.log_every_n_train_iterations, merged.global_batch_size) == (7, 8)
    assert (config.logger_config.log_level, config.logger_config.log_format) == ("ERROR", "x")
    assert given.telemetry_config is not merged
    assert given.telemetry_config is not None
    assert given.telemetry_config.custom_metadata == {"a": 1, "b": 2}
    first["telemetry_config"]["custom_metadata"]["b"] = 3
    assert json.dumps([first, second]) == before


def test_telemetry_config_may_come_from_an_override_alone(provider: TrainingTelemetryProvider) -> None:
    provider.with_base_config(base()).with_config_override({"telemetry_config": {"global_batch_size_or_fn": 3}})
    config = configured(provider).telemetry_config
    assert isinstance(config, TrainingTelemetryConfig)
    assert config.global_batch_size == 3


def test_telemetry_config_may_be_replaced_by_an_object(provider: TrainingTelemetryProvider) -> None:
    other = telemetry(global_batch_size_or_fn=5)
    provider.with_base_config(base(telemetry_config=telemetry())).with_config_override({"telemetry_config": other})
    assert configured(provider).telemetry_config is other


def test_subclasses_stay_what_they_are(provider: TrainingTelemetryProvider) -> None:
    class MyTelemetry(TrainingTelemetryConfig):
        team: str = "none"

    class MyConfig(OneLoggerConfig):
        cluster: str = "none"

    given = MyConfig(
        application_name="a",
        session_tag_or_fn="s",
        world_size_or_fn=1,
        cluster="c1",
        telemetry_config=MyTelemetry(team="red"),
    )
    overrides = {"cluster": "c2", "telemetry_config": {"global_batch_size_or_fn": 2}}
    config = configured(provider.with_base_config(given).with_config_override(overrides))
    assert isinstance(config, MyConfig)
    assert config.cluster == "c2"
    assert isinstance(config.telemetry_config, MyTelemetry)
    assert (config.telemetry_config.team, config.telemetry_config.global_batch_size) == ("red", 2)


class Plain:
    """A telemetry config that is no model."""

    is_train_iterations_enabled = True
    is_validation_iterations_enabled = True
    is_test_iterations_enabled = True
    is_save_checkpoint_enabled = True
    app_type = ApplicationType.DATA_PROCESSING
    custom_metadata = None


def test_any_telemetry_config_is_kept_as_it_is(provider: TrainingTelemetryProvider) -> None:
    plain = Plain()
    assert configured(provider.with_base_config(base(telemetry_config=plain))).telemetry_config is plain


def test_fields_of_what_is_no_model_cannot_be_overridden(provider: TrainingTelemetryProvider) -> None:
    provider.with_base_config(base(telemetry_config=Plain())).with_config_override({"telemetry_config": {"x": 1}})
    with pytest.raises(OneLoggerError, match=r"Invalid configuration!.*Plain.*Override it with an object"):
        provider.configure_provider()


def test_disabling_a_rank_by_override_makes_it_quiet(provider: TrainingTelemetryProvider) -> None:
    config = configured(provider.with_base_config(base()).with_config_override({"enable_for_current_rank": False}))
    assert config.error_handling_strategy is QUIET
    assert config.logger_config.log_level == "CRITICAL"
    assert not provider.one_logger_enabled


def test_callable_that_was_evaluated_keeps_its_value(provider: TrainingTelemetryProvider) -> None:
    calls: List[int] = []

    def tag() -> str:
        calls.append(1)
        return f"tag{len(calls)}"

    given = base(session_tag_or_fn=tag)
    assert given.session_tag == "tag1"
    assert (
        configured(provider.with_base_config(given).with_config_override({"world_size_or_fn": 2})).session_tag == "tag1"
    )


@pytest.mark.parametrize(
    ("override", "phrase"),
    [
        ({"world_size_or_fn": 0}, "world_size must be set to a positive value"),
        ({"application_name": " "}, "application_name cannot be empty"),
        ({"world_size_or_fn": lambda: None}, "world_size must be set to a positive value"),
        ({"telemetry_config": {"global_batch_size_or_fn": -1}}, "global_batch_size must be set to a positive value"),
        ({"telemetry_config": {"save_checkpoint_strategy": "never"}}, "save_checkpoint_strategy"),
        ({"telemetry_config": 7}, "telemetry_config"),
        ({"logger_config": {"log_level": "LOUD"}}, "log_level"),
    ],
)
def test_invalid_configuration_is_one_kind_of_error(
    provider: TrainingTelemetryProvider, override: Dict[str, Any], phrase: str
) -> None:
    provider.with_base_config(base()).with_config_override(override)
    with pytest.raises(OneLoggerError, match=rf"^Invalid configuration!(.|\n)*{phrase}"):
        provider.configure_provider()


def test_override_that_is_no_mapping_is_refused_at_once(provider: TrainingTelemetryProvider) -> None:
    with pytest.raises(OneLoggerError, match="not a mapping"):
        provider.with_config_override(["world_size_or_fn"])  # type: ignore[arg-type]  # what the test is about


# --- one object for both ---------------------------------------------------------------------------------------------


def test_combined_config_is_split(provider: TrainingTelemetryProvider) -> None:
    combined = telemetry(
        application_name="demo",
        session_tag_or_fn=lambda: "run1",
        world_size_or_fn=3,
        is_baseline_run_or_fn=True,
        error_handling_strategy="disable_quietly_and_report_metric_error",
        logger_config={"log_level": "ERROR"},
        summary_data_schema_version="2",
    )
    config = configured(provider.with_base_config(combined))
    assert (config.application_name, config.session_tag, config.world_size) == ("demo", "run1", 3)
    assert (config.is_baseline_run, config.error_handling_strategy) == (True, QUIET)
    assert (config.logger_config.log_level, config.summary_data_schema_version) == ("ERROR", "2")
    assert config.enable_for_current_rank
    assert config.telemetry_config is combined


def test_metadata_of_a_combined_config_is_that_of_the_base(provider: TrainingTelemetryProvider) -> None:
    combined = telemetry(application_name="demo", custom_metadata={"a": 1})
    config = configured(provider.with_base_config(combined))
    assert config.custom_metadata == {"a": 1}
    assert isinstance(config.telemetry_config, TrainingTelemetryConfig)
    assert config.telemetry_config.custom_metadata is None
    assert combined.custom_metadata == {"a": 1}


def test_combined_config_disables_a_rank(provider: TrainingTelemetryProvider) -> None:
    config = configured(provider.with_base_config(telemetry(enable_for_current_rank=False)))
    assert config.error_handling_strategy is QUIET


def test_what_is_left_out_comes_from_the_launcher(
    provider: TrainingTelemetryProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "16")
    monkeypatch.setenv("SLURM_JOB_ID", "4242")
    monkeypatch.setenv("ONE_LOGGER_APPLICATION_NAME", "from-environment")
    config = configured(provider.with_export_config())
    assert (config.application_name, config.world_size, config.session_tag) == ("from-environment", 16, "4242")


def test_session_tag_of_two_starts_is_never_equal_by_accident(provider: TrainingTelemetryProvider) -> None:
    first = configured(provider.with_export_config()).session_tag
    provider.reset()
    assert configured(provider.with_export_config()).session_tag != first


# --- from a file -----------------------------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "override.json"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_json_file_overrides(provider: TrainingTelemetryProvider, write: Callable[[str], Path]) -> None:
    path = write(
        json.dumps(
            {
                "world_size_or_fn": 9,
                "error_handling_strategy": "propagate_exceptions",
                "logger_config": {"log_level": "DEBUG"},
                "telemetry_config": {"save_checkpoint_strategy": "async", "perf_tag_or_fn": ["a", "b"]},
            }
        )
    )
    config = configured(provider.with_base_config(base()).with_config_override_from_json_file(path))
    assert (config.world_size, config.logger_config.log_level) == (9, "DEBUG")
    assert isinstance(config.telemetry_config, TrainingTelemetryConfig)
    assert config.telemetry_config.save_checkpoint_strategy is CheckPointStrategy.ASYNC


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{\n  "world_size_or_fn": ?\n}', r"override\.json, line 2, column 23: is not valid JSON"),
        ('{\n  "world_size_or_fm": 9\n}', r"override\.json, line 2, column 3: world_size_or_fm.*mean world_size_or_fn"),
        (
            '{"telemetry_config":\n {"globalbatch": 9}}',
            r"line 2, column 3: telemetry_config\.globalbatch is no known field",
        ),
        ('{"a": 1, "b": 2}', r"a is no known field(.|\n)*b is no known field"),
        ('{"world_size_or_fn": 1, "world_size_or_fn": 2}', r"world_size_or_fn"),
        ("[1]", "holds no JSON object"),
        ("", "holds no JSON object"),
        ('{"telemetry_config": {"custom_metadata": {"free": "names"}}, "world_size_or_fn": -1}', "world_size must be"),
    ],
)
def test_mistakes_of_a_file_are_named_with_their_place(
    provider: TrainingTelemetryProvider, write: Callable[[str], Path], text: str, problem: str
) -> None:
    provider.with_base_config(base()).with_config_override_from_json_file(write(text))
    with pytest.raises(OneLoggerError, match=rf"^Invalid configuration!(.|\n)*{problem}"):
        provider.configure_provider()


def test_file_that_cannot_be_read_is_named(provider: TrainingTelemetryProvider, tmp_path: Path) -> None:
    provider.with_base_config(base()).with_config_override_from_json_file(str(tmp_path / "none.json"))
    with pytest.raises(OneLoggerError, match=r"none\.json: cannot be read \(No such file or directory\)"):
        provider.configure_provider()


def test_file_that_is_no_text_or_too_large_is_refused(provider: TrainingTelemetryProvider, tmp_path: Path) -> None:
    for content, problem in ((b"\xff\xfe", "is not UTF-8 text"), (b" " * (1_048_576 + 1), "is larger than")):
        path = tmp_path / "bad.json"
        path.write_bytes(content)
        provider.with_base_config(base()).with_config_override_from_json_file(path)
        with pytest.raises(OneLoggerError, match=problem):
            provider.configure_provider()
        provider.reset()


def test_file_that_cannot_be_read_is_left_out_in_quiet_mode(
    provider: TrainingTelemetryProvider, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    provider.with_base_config(base(error_handling_strategy=QUIET))
    provider.with_config_override_from_json_file(tmp_path / "none.json")
    assert configured(provider).world_size == 4
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert "none.json" in errors[0]


def test_strict_mode_raises_in_quiet_mode_too(
    provider: TrainingTelemetryProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE_LOGGER_STRICT", "1")
    provider.with_base_config(base(error_handling_strategy=QUIET))
    with pytest.raises(OneLoggerError, match=r"none\.json"):
        provider.with_config_override_from_json_file(tmp_path / "none.json").configure_provider()


@pytest.mark.parametrize("path", [None, 7, ""])
def test_what_is_no_path_is_refused_at_once(provider: TrainingTelemetryProvider, path: Any) -> None:
    with pytest.raises(OneLoggerError, match="no path"):
        provider.with_config_override_from_json_file(path)


# --- from a server ---------------------------------------------------------------------------------------------------


class Answer:
    """What the server says next."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b"{}"
        self.location: Optional[str] = None
        self.release = threading.Event()  # before the answer
        self.release.set()
        self.between = threading.Event()  # after the first piece of it
        self.between.set()


@pytest.fixture
def answer() -> Answer:
    return Answer()


@pytest.fixture
def url(answer: Answer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer.release.wait(30)
            self.send_response(answer.status)
            if answer.location is not None:
                self.send_header("Location", answer.location)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            for piece in (answer.body[:10], answer.body[10:]):
                self.wfile.write(piece)
                self.wfile.flush()
                answer.between.wait(30)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the tests' output clean."""

    class Server(HTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that gave up is part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/run.json"
    answer.release.set()
    answer.between.set()
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_server_overrides(provider: TrainingTelemetryProvider, url: str, answer: Answer) -> None:
    answer.body = b'{"world_size_or_fn": 12, "telemetry_config": {"log_every_n_train_iterations": 5}}'
    config = configured(provider.with_base_config(base()).with_config_override_from_config_server(url))
    assert config.world_size == 12
    assert isinstance(config.telemetry_config, TrainingTelemetryConfig)
    assert config.telemetry_config.log_every_n_train_iterations == 5


def refused(provider: TrainingTelemetryProvider, url: str, timeout_sec: float = 5.0) -> str:
    provider.with_base_config(base()).with_config_override_from_config_server(url, timeout_sec)
    with pytest.raises(OneLoggerError, match=r"^Invalid configuration!") as raised:
        provider.configure_provider()
    return str(raised.value)


def test_server_that_refuses_is_named(provider: TrainingTelemetryProvider, url: str, answer: Answer) -> None:
    answer.status = 404
    assert f"{url}: answers 404 Not Found" in refused(provider, url)


def test_answer_that_is_no_json_is_named_with_its_place(
    provider: TrainingTelemetryProvider, url: str, answer: Answer
) -> None:
    answer.body = b'{"world_size_or_fn": }'
    assert f"{url}, line 1, column 22: is not valid JSON" in refused(provider, url)


def test_answer_that_is_too_large_is_refused(provider: TrainingTelemetryProvider, url: str, answer: Answer) -> None:
    answer.body = b" " * (1_048_576 + 1)
    assert "is larger than 1048576 bytes" in refused(provider, url)


def test_server_that_never_answers_costs_the_timeout(
    provider: TrainingTelemetryProvider, url: str, answer: Answer
) -> None:
    answer.release.clear()
    assert "cannot be reached (timed out)" in refused(provider, url, timeout_sec=0.2)


def test_server_that_stops_within_the_answer_costs_the_timeout(
    provider: TrainingTelemetryProvider, url: str, answer: Answer
) -> None:
    answer.body = b'{"world_size_or_fn": 12}'
    answer.between.clear()
    assert "cannot be reached (timed out)" in refused(provider, url, timeout_sec=0.2)


def test_slow_answer_as_a_whole_has_a_deadline() -> None:
    from nv_one_logger.training_telemetry.api._config_server import _read

    class Trickle:
        def read1(self, size: int) -> bytes:
            return b" "

    with pytest.raises(TimeoutError):
        _read(Trickle(), max_bytes=10, deadline=0.0)


def test_server_that_does_not_exist_is_named(provider: TrainingTelemetryProvider) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "cannot be reached" in refused(provider, f"http://127.0.0.1:{port}/x")


def test_redirection_is_followed_within_http_only(
    provider: TrainingTelemetryProvider, url: str, answer: Answer, tmp_path: Path
) -> None:
    answer.status, answer.location = 302, "file:///etc/passwd"
    assert "run.json" in refused(provider, url)


def test_encrypted_address_never_leads_to_an_unencrypted_one() -> None:
    import urllib.error
    import urllib.request

    from nv_one_logger.training_telemetry.api._config_server import _SameKindOfAddress

    request = urllib.request.Request("https://config.example.com/run.json")
    with pytest.raises(urllib.error.URLError, match="unencrypted"):
        _SameKindOfAddress().redirect_request(request, None, 302, "Found", {}, "http://config.example.com/run.json")


def test_password_in_the_address_is_not_shown(provider: TrainingTelemetryProvider, url: str, answer: Answer) -> None:
    answer.status = 403
    text = refused(provider, url.replace("http://", "http://user:hunter2@") + "?token=hunter3")
    assert "hunter" not in text
    assert "answers 403" in text or "cannot be reached" in text


@pytest.mark.parametrize("address", [None, 7, "", "config.example.com", "file:///etc/passwd", "http://"])
def test_what_is_no_address_is_refused_at_once(provider: TrainingTelemetryProvider, address: Any) -> None:
    with pytest.raises(OneLoggerError, match="is no HTTP or HTTPS address"):
        provider.with_config_override_from_config_server(address)
