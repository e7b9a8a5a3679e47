from __future__ import annotations

import gc
import logging
import threading
from pathlib import Path
from typing import Any, List
from unittest.mock import MagicMock, Mock

import pytest

from nv_one_logger.api.config import LoggerConfig, OneLoggerConfig
from nv_one_logger.api.one_logger_provider import OneLoggerProvider, recorder_if_enabled
from nv_one_logger.api.recorder import Recorder
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.singleton import SingletonMeta

LIBRARY = logging.getLogger("nv_one_logger")


def make_config(**arguments: Any) -> OneLoggerConfig:
    return OneLoggerConfig(application_name="app", world_size_or_fn=1, session_tag_or_fn="s", **arguments)


@pytest.fixture
def provider() -> OneLoggerProvider:
    return OneLoggerProvider.instance()


@pytest.fixture
def recorder() -> Recorder:
    return MagicMock(spec=Recorder)


def test_provider_cannot_be_made_twice() -> None:
    with pytest.raises(TypeError, match=r"OneLoggerProvider cannot be instantiated directly\."):
        OneLoggerProvider()


def test_new_provider_is_neither_ready_nor_enabled(provider: OneLoggerProvider) -> None:
    assert (provider._config, provider._recorder, provider._logging_force_disabled) == (None, None, False)
    assert not provider.one_logger_ready
    assert not provider.one_logger_enabled
    with pytest.raises(OneLoggerError):
        _ = provider.config
    with pytest.raises(OneLoggerError):
        _ = provider.recorder


def test_configured_provider_returns_what_it_was_given(provider: OneLoggerProvider, recorder: Recorder) -> None:
    config = make_config()
    provider.configure(config, recorder)
    assert (provider.config, provider.recorder) == (config, recorder)
    assert provider.one_logger_ready is True
    assert provider.one_logger_enabled is True


def test_config_is_required(provider: OneLoggerProvider, recorder: Recorder) -> None:
    with pytest.raises(OneLoggerError, match="needs a config"):
        provider.configure(None, recorder)  # type: ignore[arg-type]
    assert provider._recorder is None


def test_recorder_is_required(provider: OneLoggerProvider) -> None:
    with pytest.raises(OneLoggerError, match="needs a recorder"):
        provider.configure(make_config(), None)  # type: ignore[arg-type]
    assert provider._config is None


def test_same_objects_may_be_given_again(provider: OneLoggerProvider, recorder: Recorder) -> None:
    config = make_config()
    provider.configure(config, recorder)
    provider.configure(config, recorder)
    assert provider.one_logger_ready


@pytest.mark.parametrize("what", ["config", "recorder"])
def test_other_objects_are_refused(provider: OneLoggerProvider, recorder: Recorder, what: str) -> None:
    config = make_config()
    provider.configure(config, recorder)
    other_config = make_config() if what == "config" else config
    other_recorder = MagicMock(spec=Recorder) if what == "recorder" else recorder
    with pytest.raises(OneLoggerError, match="OneLoggerProvider already configured!"):
        provider.configure(other_config, other_recorder)
    assert (provider.config, provider.recorder) == (config, recorder)


def test_enabledness_is_read_live(provider: OneLoggerProvider, recorder: Recorder) -> None:
    config = make_config()
    provider.configure(config, recorder)
    config.enable_for_current_rank = False
    assert not provider.one_logger_enabled
    config.enable_for_current_rank = True
    assert provider.one_logger_enabled
    provider._logging_force_disabled = True
    assert not provider.one_logger_enabled
    provider._logging_force_disabled = False
    provider._recorder = None
    assert not provider.one_logger_enabled


@pytest.mark.parametrize("has_recorder", [True, False])
@pytest.mark.parametrize("is_switched_off", [True, False])
@pytest.mark.parametrize("for_this_rank", [True, False, None])
def test_short_way_of_the_hot_path_says_what_the_provider_says(
    provider: OneLoggerProvider, recorder: Recorder, for_this_rank: Any, is_switched_off: bool, has_recorder: bool
) -> None:
    provider._config = None if for_this_rank is None else make_config(enable_for_current_rank=for_this_rank)
    provider._recorder = recorder if has_recorder else None
    provider._logging_force_disabled = is_switched_off
    assert recorder_if_enabled() is (recorder if provider.one_logger_enabled else None)


def test_switching_off_is_for_good(provider: OneLoggerProvider, recorder: Recorder) -> None:
    config = make_config()
    provider.configure(config, recorder)
    provider.force_disable_logging()
    provider.configure(config, recorder)
    assert provider.one_logger_ready
    assert not provider.one_logger_enabled


def test_reset_allows_another_application_in_the_process(provider: OneLoggerProvider, recorder: Recorder) -> None:
    provider.configure(make_config(), recorder)
    provider.force_disable_logging()
    provider._reset()
    assert not provider.one_logger_ready
    provider.configure(make_config(), MagicMock(spec=Recorder))
    assert provider.one_logger_enabled


def test_of_many_threads_that_configure_one_wins(provider: OneLoggerProvider) -> None:
    everyone_is_ready = threading.Barrier(8)
    refused: List[str] = []

    def configure() -> None:
        everyone_is_ready.wait(timeout=10)
        try:
            provider.configure(make_config(), MagicMock(spec=Recorder))
        except OneLoggerError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=configure) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(refused) == 7


def test_test_double_of_a_config_is_accepted(provider: OneLoggerProvider, recorder: Recorder) -> None:
    provider.configure(Mock(spec=OneLoggerConfig), recorder)
    assert provider.one_logger_ready


# --- the library's own log lines -------------------------------------------------------------------------------------


def test_defaults_leave_the_applications_logging_alone(
    provider: OneLoggerProvider, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    provider.configure(make_config(), recorder)
    LIBRARY.error("no file for this")
    assert (LIBRARY.level, LIBRARY.handlers) == (logging.NOTSET, [])
    assert list(tmp_path.iterdir()) == []


def test_settings_of_the_user_reach_every_module_of_the_library(
    provider: OneLoggerProvider, recorder: Recorder, tmp_path: Path
) -> None:
    made_at_import = logging.getLogger("nv_one_logger.some.module")
    settings = LoggerConfig(
        log_level="DEBUG", log_file_path_for_info=tmp_path / "i.log", log_file_path_for_err=str(tmp_path / "e.log")
    )
    provider.configure(make_config(logger_config=settings), recorder)
    made_at_import.info("one")
    made_at_import.error("two")
    assert made_at_import.isEnabledFor(logging.DEBUG)
    assert (tmp_path / "i.log").read_text(encoding="utf-8").count("nv_one_logger.some.module") == 2
    assert (tmp_path / "e.log").read_text(encoding="utf-8").count("nv_one_logger.some.module") == 1


def test_default_paths_that_went_through_a_dump_make_no_file(
    provider: OneLoggerProvider, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    provider.configure(OneLoggerConfig(**make_config().model_dump()), recorder)
    LIBRARY.error("no file for this")
    assert list(tmp_path.iterdir()) == []


def test_disabled_rank_logs_critical_lines_only(
    provider: OneLoggerProvider, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    config = make_config(enable_for_current_rank=False)
    caplog.clear()
    provider.configure(config, recorder)
    logging.getLogger("nv_one_logger.some.module").error("nobody reads this on a thousand ranks")
    assert caplog.records == []


def test_settings_do_not_outlive_a_reset(provider: OneLoggerProvider, recorder: Recorder, tmp_path: Path) -> None:
    settings = LoggerConfig(log_level="CRITICAL", log_file_path_for_info=tmp_path / "i.log")
    provider.configure(make_config(logger_config=settings), recorder)
    assert (LIBRARY.level, len(LIBRARY.handlers)) == (logging.CRITICAL, 1)
    provider._reset()
    assert (LIBRARY.level, LIBRARY.handlers) == (logging.NOTSET, [])


def test_settings_do_not_outlive_a_provider_that_a_test_forgets(recorder: Recorder) -> None:
    settings = LoggerConfig(log_level="CRITICAL")
    OneLoggerProvider.instance().configure(make_config(logger_config=settings), recorder)
    assert LIBRARY.level == logging.CRITICAL
    SingletonMeta._instances.pop(OneLoggerProvider)
    gc.collect()
    assert LIBRARY.level == logging.NOTSET
