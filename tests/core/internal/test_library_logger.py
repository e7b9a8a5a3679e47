from __future__ import annotations

import logging
from pathlib import Path

import pytest

from nv_one_logger.core.internal.library_logger import LIBRARY_LOGGER_NAME, apply_logger_settings, file_handler

FORMAT = "%(levelname)s %(message)s"


@pytest.fixture
def module_logger() -> logging.Logger:
    """A logger such as a module of the library makes at import."""
    return logging.getLogger(f"{LIBRARY_LOGGER_NAME}.some.module")


def test_logger_made_before_configuration_writes_to_the_files(tmp_path: Path, module_logger: logging.Logger) -> None:
    info, error = tmp_path / "info.log", tmp_path / "error.log"
    undo = apply_logger_settings("INFO", info, str(error), FORMAT)
    module_logger.info("one")
    module_logger.error("two")
    undo()
    module_logger.error("three")
    assert info.read_text(encoding="utf-8") == "INFO one\nERROR two\n"
    assert error.read_text(encoding="utf-8") == "ERROR two\n"


def test_no_file_appears_before_the_first_line(tmp_path: Path, module_logger: logging.Logger) -> None:
    undo = apply_logger_settings(None, tmp_path / "info.log", tmp_path / "error.log", FORMAT)
    module_logger.debug("not for a file")
    undo()
    assert list(tmp_path.iterdir()) == []


def test_level_is_restored_by_undo(module_logger: logging.Logger) -> None:
    before = module_logger.getEffectiveLevel()
    undo = apply_logger_settings("CRITICAL", None, None, FORMAT)
    assert module_logger.getEffectiveLevel() == logging.CRITICAL
    undo()
    undo()
    assert module_logger.getEffectiveLevel() == before


def test_level_set_by_the_application_meanwhile_survives_undo() -> None:
    undo = apply_logger_settings("CRITICAL", None, None, FORMAT)
    logging.getLogger(LIBRARY_LOGGER_NAME).setLevel(logging.DEBUG)
    undo()
    assert logging.getLogger(LIBRARY_LOGGER_NAME).level == logging.DEBUG


def test_unwritable_file_is_told_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    undo = apply_logger_settings(None, tmp_path / "missing" / "info.log", None, FORMAT)
    assert "missing" in caplog.text
    assert logging.getLogger(LIBRARY_LOGGER_NAME).handlers == []
    undo()


def test_directory_is_no_log_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be written"):
        file_handler(tmp_path, logging.INFO, FORMAT)


def test_directory_that_went_away_never_reaches_who_logs(tmp_path: Path, module_logger: logging.Logger) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    undo = apply_logger_settings("INFO", directory / "info.log", None, FORMAT)
    directory.rmdir()
    module_logger.error("lost")
    directory.mkdir()
    module_logger.error("found")
    module_logger.error("again")
    undo()
    assert (directory / "info.log").read_text(encoding="utf-8") == "ERROR found\nERROR again\n"
