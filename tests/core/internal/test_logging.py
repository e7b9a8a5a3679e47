from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, List
from unittest.mock import MagicMock

import pytest

from nv_one_logger.api.config import LoggerConfig, OneLoggerConfig
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.api.recorder import Recorder
from nv_one_logger.core.internal.logging import get_logger


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A logger name no other test uses."""
    return f"my_app.{request.node.name}"


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def configure(**overrides: Any) -> OneLoggerConfig:
    config = OneLoggerConfig(application_name="app", world_size_or_fn=1, session_tag_or_fn="s", **overrides)
    OneLoggerProvider.instance().configure(config, MagicMock(spec=Recorder))
    return config


def drop_handlers(logger: logging.Logger) -> List[logging.Handler]:
    handlers = list(logger.handlers)
    for handler in handlers:
        logger.removeHandler(handler)
        handler.close()
    return handlers


def test_logger_is_untouched_before_configuration(name: str) -> None:
    logger = get_logger(name)
    assert logger is logging.getLogger(name)
    assert (logger.handlers, logger.level) == ([], logging.NOTSET)


def test_configured_logger_gets_two_files_that_appear_with_their_first_line(name: str, tmp_path: Path) -> None:
    configure(logger_config=LoggerConfig(log_level="DEBUG", log_format="%(levelname)s:%(message)s"))
    logger = get_logger(name)
    assert logger.level == logging.DEBUG
    assert [(type(handler), handler.level) for handler in logger.handlers] == [
        (logging.FileHandler, logging.INFO),
        (logging.FileHandler, logging.ERROR),
    ]
    assert list(tmp_path.iterdir()) == []
    logger.debug("nowhere")
    logger.warning("careful")
    assert [path.name for path in tmp_path.iterdir()] == ["onelogger.log"]
    assert (tmp_path / "onelogger.log").read_text(encoding="utf-8") == "WARNING:careful\n"


def test_asking_again_adds_nothing(name: str) -> None:
    configure()
    get_logger(name)
    assert len(get_logger(name).handlers) == 2


def test_each_name_has_handlers_of_its_own(name: str) -> None:
    configure()
    first, second = get_logger(f"{name}.a"), get_logger(f"{name}.b")
    assert not set(first.handlers) & set(second.handlers)


def test_handlers_that_somebody_removed_are_made_again(name: str) -> None:
    configure()
    removed = drop_handlers(get_logger(name))
    made = get_logger(name).handlers
    assert len(made) == 2
    assert not set(made) & set(removed)


def test_logger_with_handlers_keeps_its_setup(name: str) -> None:
    configure()
    own = logging.NullHandler()
    logging.getLogger(name).addHandler(own)
    logger = get_logger(name)
    assert (logger.handlers, logger.level) == ([own], logging.NOTSET)


def test_disabled_rank_is_critical_only_and_opens_no_file(name: str, tmp_path: Path) -> None:
    configure(enable_for_current_rank=False)
    logger = get_logger(name)
    assert (logger.handlers, logger.level) == ([], logging.CRITICAL)
    assert list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written_gives_a_null_handler(name: str, tmp_path: Path) -> None:
    configure(logger_config=LoggerConfig(log_file_path_for_err=tmp_path / "missing" / "x.err"))
    (handler,) = get_logger(name).handlers
    assert isinstance(handler, logging.NullHandler)


def test_any_other_failure_still_gives_a_logger(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OneLoggerProvider, "one_logger_ready", property(lambda self: 1 / 0))
    assert get_logger(name) is logging.getLogger(name)
