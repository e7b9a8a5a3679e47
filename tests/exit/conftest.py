"""Programs that end in every way there is, with well-behaved and with dead backends."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple

import pytest

PROGRAM = """
import os, signal, sys, threading, time
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.exporter import BaseExporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.host import hookimpl
from nv_one_logger.training_telemetry.api import TrainingTelemetryConfig, TrainingTelemetryProvider, callbacks

def hang(*arguments):
    threading.Event().wait(600)

class HangsInClose(BaseExporter):
    close = hang

class HangsInExport(BaseExporter):
    export_start = hang

class HangsInCloseHook:
    @hookimpl
    def close(self):
        hang()

class Raises(BaseExporter):
    def close(self):
        raise SystemExit(77)

provider = TrainingTelemetryProvider.instance()
provider.with_base_config(TrainingTelemetryConfig(application_name="a", session_tag_or_fn="s"))
{before}
provider.with_exporter(FileExporter(file_path="records.jsonl"))
provider.configure_provider()
callbacks.on_app_start()
with timed_span("work"):
    pass
print("ready", flush=True)
{body}
"""

BACKENDS = {
    "none": "",
    "close hangs": "provider.with_exporter(HangsInClose())",
    "three hang": (
        "provider.with_exporter(HangsInClose()).with_plugin(HangsInCloseHook())"
        ".with_exporter(BackgroundExporter(HangsInExport()))"
    ),
    "background over one that hangs": "provider.with_exporter(BackgroundExporter(HangsInExport()))",
    "raises": "provider.with_exporter(Raises())",
}

# Five seconds for all plugins together, and what a loaded machine needs to start and end an interpreter.
LONGEST_SEC = 5.0
ALLOWANCE_SEC = 20.0


class Ended(NamedTuple):
    """How a program ended."""

    status: int
    seconds: float
    records: List[Dict[str, Any]]
    stderr: str

    @property
    def reason(self) -> Dict[str, Any]:
        """Return what the stop of the application says of the end."""
        stops = [one for one in self.records if one["type"] in ("stop", "complete") and one["name"] == "application"]
        attributes = stops[-1]["attributes"] if stops else {}
        return {name: value for name, value in attributes.items() if name.startswith("exit_")}


@pytest.fixture
def end(start_python: Callable[..., Any], tmp_path: Path) -> Callable[..., Ended]:
    """Run a program to its end: ``end("sys.exit(3)", "close hangs")``, or send it a signal once it is ready."""

    def run(body: str, backend: str = "none", before: str = "", send: int = 0) -> Ended:
        program = tmp_path / "program.py"
        program.write_text(PROGRAM.format(before=f"{BACKENDS[backend]}\n{before}", body=body), encoding="utf-8")
        process = start_python([str(program)])
        assert process.stdout.readline() == "ready\n", process.communicate()
        started = time.monotonic()
        if send:
            process.send_signal(send)
        _, stderr = process.communicate(timeout=60)
        seconds = time.monotonic() - started
        assert seconds < LONGEST_SEC + ALLOWANCE_SEC
        lines = (tmp_path / "records.jsonl").read_text(encoding="utf-8").splitlines()
        return Ended(process.returncode, seconds, [json.loads(line) for line in lines], stderr)

    return run
