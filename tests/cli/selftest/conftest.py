"""A provider as the self-test configures it, from a file in the working directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

from nv_one_logger.cli.selftest.telemetry import Remarks, running_telemetry

BAD = """
    from nv_one_logger.exporter.exporter import BaseExporter, ExportError
    from nv_one_logger.host import hookimpl


    class Fails(BaseExporter):
        def export_stop(self, span):
            raise ExportError("the server is gone")


    class NeverStarts(BaseExporter):
        def initialize(self):
            raise ExportError("no licence")


    class FailsLater(BaseExporter):
        count = 0

        def export_event(self, event, span):
            self.count += 1
            if self.count > 1:
                raise ExportError("quota used up")


    class Cannot(BaseExporter):
        @hookimpl
        def flush(self, timeout_sec):
            raise ExportError("nothing arrived")


    class Elsewhere:
        @hookimpl
        def configure(self, config):
            pass


    class Drops:
        @hookimpl
        def should_export(self, span):
            return False
"""


class Selftest:
    """Configures from the entries of a file."""

    def __init__(self, stack: List[Any]) -> None:
        self.remarks = Remarks()
        self._stack = stack

    def __call__(self, *entries: str) -> Any:
        """Return a configured provider."""
        lines = "\n".join(f"  - {entry}" for entry in entries)
        Path("x.yaml").write_text(f"exporters:\n{lines}\n" if entries else "exporters: []\n")
        context = running_telemetry(Path("x.yaml"), self.remarks)
        self._stack.append(context)
        return context.__enter__()


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, distribution: Any) -> Iterator[Callable[..., Any]]:
    """Configure: ``running("{class_name: file, config: {file_path: y.jsonl}}")``; closed at the end."""
    monkeypatch.chdir(tmp_path)
    distribution("bad", modules={"bad_exporters": BAD})
    stack: List[Any] = []
    yield Selftest(stack)
    for context in stack:
        context.__exit__(None, None, None)
