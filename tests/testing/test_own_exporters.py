"""The library's own exporters pass the conformance suite that it gives to others."""

from __future__ import annotations

import errno
import json
import logging
import threading
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional

import pytest

from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter
from nv_one_logger.testing import RecordingExporter
from nv_one_logger.testing.conformance import Arrival, ExporterContract, arrivals_of


class Disk:
    """Stands in for the open file of a FileExporter: a disk that can be in trouble."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.trouble: Optional[str] = None
        self.answers = threading.Event()

    def write(self, line: bytes) -> int:
        trouble, self.trouble = self.trouble, "refuse" if self.trouble == "full" else self.trouble
        if trouble == "refuse":
            raise OSError(errno.EIO, "Input/output error")
        if trouble == "full":
            return int(self.file.write(line[: len(line) // 2]))
        if trouble == "hang":
            self.answers.wait(60)
        return int(self.file.write(line))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def disk_of(exporter: Any) -> Disk:
    if not isinstance(exporter._file, Disk):
        exporter._file = Disk(exporter._file)
    return exporter._file  # type: ignore[no-any-return]


class TestFileExporter(ExporterContract):
    def make_exporter(self, tmp_path: Path) -> Exporter:
        return FileExporter(tmp_path / "run.jsonl")

    def read_back(self, exporter: Any) -> List[Arrival]:
        return arrivals_of(readable_records(exporter._filepath))

    def break_backend(self, exporter: Exporter) -> None:
        disk_of(exporter).trouble = "refuse"

    def fill_backend(self, exporter: Exporter) -> None:
        disk_of(exporter).trouble = "full"

    def mend_backend(self, exporter: Any) -> None:
        if exporter._file is not None:
            disk_of(exporter).trouble = None

    def make_config(self, tmp_path: Path) -> Dict[str, Any]:
        return {"class_name": "file", "config": {"file_path": str(tmp_path / "run.jsonl")}}


def readable_records(path: Path) -> List[Dict[str, Any]]:
    """Return the whole records of a file; half a line, which a full disk leaves behind, is passed over."""
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


class TestBackgroundExporter(TestFileExporter):
    deadline_sec = 1.0

    def make_exporter(self, tmp_path: Path) -> Exporter:
        return BackgroundExporter(FileExporter(tmp_path / "run.jsonl"), close_timeout_sec=0.5)

    def read_back(self, exporter: Any) -> List[Arrival]:
        return super().read_back(exporter.exporter)

    def break_backend(self, exporter: Any) -> None:
        super().break_backend(exporter.exporter)

    def fill_backend(self, exporter: Any) -> None:
        super().fill_backend(exporter.exporter)

    def hang_backend(self, exporter: Any) -> None:
        disk_of(exporter.exporter).trouble = "hang"

    def mend_backend(self, exporter: Any) -> None:
        if exporter.exporter._file is not None:
            disk = disk_of(exporter.exporter)
            disk.trouble = None
            disk.answers.set()

    def make_config(self, tmp_path: Path) -> Dict[str, Any]:
        return {**super().make_config(tmp_path), "background": True}


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class TestLoggerExporter(ExporterContract):
    @pytest.fixture(autouse=True)
    def keep_lines(self) -> None:
        self.lines = Lines()
        self.logger = logging.Logger("metrics", logging.INFO)  # noqa: LOG001  # out of reach of other tests
        self.logger.addHandler(self.lines)

    def make_exporter(self, tmp_path: Path) -> Exporter:
        return LoggerExporter(self.logger)

    def read_back(self, exporter: Exporter) -> Iterable[Arrival]:
        return arrivals_of(LoggerExporter.deserialize_log(text) for text in self.lines.texts)

    def make_config(self, tmp_path: Path) -> Dict[str, Any]:
        return {"class_name": "logger", "config": {"logger": "metrics"}}


class TestRecordingExporter(ExporterContract):
    def make_exporter(self, tmp_path: Path) -> Exporter:
        return RecordingExporter()

    def read_back(self, exporter: Any) -> List[Arrival]:
        return arrivals_of(exporter.records)

    def make_config(self, tmp_path: Path) -> Dict[str, Any]:
        return {"class_name": "nv_one_logger.testing.recording_exporter.RecordingExporter"}
