"""The plugins that meet faults: one of each kind, whose hooks and file go through an injector."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Dict, List, Type

from facts import event_fact
from injector import Injector

from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter
from nv_one_logger.host import hookimpl

HOOKS = (
    *("configure", "initialize", "should_export", "export_start", "export_event", "export_error"),
    *("export_telemetry_data_error", "export_stop", "flush", "close"),
)


def make_victim(case: Dict[str, Any], folder: Path, injector: Injector) -> Any:
    kind, point = case["victim"], case.get("point")
    path = folder / "run.jsonl"
    if kind == "hooks":
        return HookPlugin(injector)
    if kind == "logger":
        logger = logging.getLogger("job.records")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(logging.FileHandler(path, encoding="utf-8"))
        return _with_injector(LoggerExporter, point, injector)(logger)
    file_exporter = _with_injector(FileExporter, point, injector)
    if kind == "rotating":
        return file_exporter(path, max_bytes=4000, backup_count=6)
    if kind == "fsync":
        return file_exporter(path, fsync=True)
    if kind == "background":
        return BackgroundExporter(file_exporter(path), close_timeout_sec=case.get("close_timeout_sec", 5.0))
    return file_exporter(path)


def _with_injector(base: Type[Any], point: Any, injector: Injector) -> Type[Any]:
    """Return an exporter class whose hooks go through the injector; what it lacks only if that is the point."""
    hooks = [hook for hook in HOOKS if hook == point or hasattr(base, hook)]
    return type(f"Faulty{base.__name__}", (base,), {hook: _through(hook, base, injector) for hook in hooks})


def _through(hook: str, base: Type[Any], injector: Injector) -> Any:
    def call(self: Any, *arguments: Any) -> Any:
        function = getattr(base, hook, None)
        return injector.reach_hook(hook, told(hook, *arguments), lambda: function and function(self, *arguments))

    if hook == "configure":
        return hookimpl(lambda self, config: call(self, config))
    if hook == "flush":
        return hookimpl(lambda self, timeout_sec: call(self, timeout_sec))
    if hook == "should_export":
        return hookimpl(lambda self, span: call(self, span))
    return call


def told(hook: str, *arguments: Any) -> Any:
    """Return the fact that one call of a hook tells, ``None`` if it tells none about the job."""
    if hook in ("export_start", "export_stop"):
        return [hook[len("export_") :], arguments[0].id_str]
    if hook in ("export_event", "export_error"):
        event, span = arguments
        kind = "event" if hook == "export_event" else "application_error"
        return list(event_fact(kind, span.id_str, {"name": event.name_str, "attributes": event.attributes_json()}))
    return None


class HookPlugin:
    """A plugin that is no exporter, implements every hook and remembers what it is told."""

    def __init__(self, injector: Injector) -> None:
        self.told: List[Any] = []
        self._injector = injector

    def _reach(self, hook: str, *arguments: Any) -> None:
        fact = told(hook, *arguments)
        self._injector.reach_hook(hook, fact, lambda: self.told.append(fact) if fact else None)

    @hookimpl
    def configure(self, config: Any) -> None:
        self._reach("configure", config)

    @hookimpl
    def initialize(self) -> None:
        self._reach("initialize")

    @hookimpl
    def should_export(self, span: Any) -> None:
        self._reach("should_export", span)

    @hookimpl
    def export_start(self, span: Any) -> None:
        self._reach("export_start", span)

    @hookimpl
    def export_stop(self, span: Any) -> None:
        self._reach("export_stop", span)

    @hookimpl
    def export_event(self, event: Any, span: Any) -> None:
        self._reach("export_event", event, span)

    @hookimpl
    def export_error(self, error_event: Any, span: Any) -> None:
        self._reach("export_error", error_event, span)

    @hookimpl
    def export_telemetry_data_error(self, error: Any) -> None:
        self._reach("export_telemetry_data_error", error)

    @hookimpl
    def flush(self, timeout_sec: float) -> None:
        self._reach("flush", timeout_sec)

    @hookimpl
    def close(self) -> None:
        self._reach("close")
