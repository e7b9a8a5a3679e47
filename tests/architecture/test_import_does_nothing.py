"""``import nv_one_logger...`` opens, starts, registers and looks up nothing."""

from __future__ import annotations

import importlib.util
from typing import Any, Callable, List, Sequence

import pytest

# Run in a fresh process. Whatever happens is charged to the first caller outside the standard library; what the
# importer itself does (it opens source files) is charged to nobody.
WATCH = """
import atexit, importlib, importlib.metadata, os, signal, sys, sysconfig, threading, logging

STDLIB = os.path.dirname(os.__file__)
happened = []

def culprit():
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib") or name == "<frozen runpy>":
            return ""
        if not name.startswith(("<frozen", "<string")) and (not name.startswith(STDLIB) or "site-packages" in name):
            return name
        frame = frame.f_back
    return ""

def note(what):
    where = culprit().replace(os.sep, "/")
    if "/nv_one_logger/" in where:
        happened.append(what + " in " + where.split("/nv_one_logger/")[-1])

def watched(owner, name):
    original = getattr(owner, name)
    def call(*args, **kwargs):
        note(name + repr(args[-1:]))
        return original(*args, **kwargs)
    setattr(owner, name, call)

FORBIDDEN = ("open", "os.fork", "os.mkdir", "os.listdir", "os.scandir", "socket.", "subprocess.", "_thread.start")
sys.addaudithook(lambda event, args: note(event + repr(args[:1])) if event.startswith(FORBIDDEN) else None)
watched(os._Environ, "__getitem__")
watched(atexit, "register")
watched(signal, "signal")
watched(threading.Thread, "start")
watched(importlib.metadata, "distributions")
watched(importlib.metadata, "entry_points")
if hasattr(os, "register_at_fork"):
    watched(os, "register_at_fork")
"""

REPORT = """
for name in MODULES:
    importlib.import_module(name)
singletons = sys.modules.get("nv_one_logger.core.internal.singleton")
if singletons is not None and singletons.SingletonMeta._instances:
    happened.append("singletons made")
for name, item in {"root": logging.root, **logging.root.manager.loggerDict}.items():
    if name.startswith(("root", "nv_one_logger")) and getattr(item, "handlers", None):
        happened.append("handlers on the logger " + name)
print("\\n".join(happened))
"""

# A probe that does everything forbidden, so that a blind watcher cannot pass.
PROBE = """
import atexit, os, threading
from importlib import metadata
os.environ.get("HOME")
open(os.devnull).close()
atexit.register(print, end="")
worker = threading.Thread(target=int)
worker.start()
worker.join()
list(metadata.distributions())
"""


def _importable(module: Any) -> bool:
    # The command line needs its extra.
    return module.layer != "cli" or all(importlib.util.find_spec(name) for name in ("click", "rich"))


def test_import_does_nothing(modules: Sequence[Any], run_python: Callable[..., Any]) -> None:
    names = [module.name for module in modules if _importable(module)]

    done = run_python(["-W", "error", "-c", WATCH + f"MODULES = {names!r}" + REPORT])

    assert done.stdout.split("\n") == ["", ""]


@pytest.mark.parametrize(
    "traces", [["__getitem__('HOME',)", "open(", "register(", "start(", "distributions("]], ids=["everything"]
)
def test_the_watcher_sees_what_a_module_does(traces: List[str], run_python: Callable[..., Any], tmp_path: Any) -> None:
    home = tmp_path / "nv_one_logger"
    home.mkdir()
    (home / "probe.py").write_text(PROBE, encoding="utf-8")
    path = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"

    done = run_python(["-c", WATCH + path + "MODULES = ['nv_one_logger.probe']" + REPORT])

    assert [trace for trace in traces if trace not in done.stdout] == []


QUICK_START = """
import sys
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api import callbacks, context
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter
print([name for name in sys.modules if name.partition(".")[0] == "yaml" or name.startswith("nv_one_logger.config")])
"""


def test_modules_of_the_quick_start_import_nothing_that_reads_configuration(run_python: Callable[..., Any]) -> None:
    # A quarter of the time, which loader workers would pay too.
    assert run_python(["-c", QUICK_START]).stdout.strip() == "[]"
