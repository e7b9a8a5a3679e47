"""Builds the exporter that a replay sends to, and calls it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.cli.in_force import output_kept_apart
from nv_one_logger.config import LoadedSources, Plan, Resolution, State, Switches, build, load_sources, resolve
from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.base_json_exporter import BaseJsonExporter
from nv_one_logger.host.catalogue import Catalogue
from nv_one_logger.host.target import find_parts

__all__ = ["Target", "build_target", "parse_options"]

FLUSH_TIMEOUT_SEC = 60.0


class Target:
    """One plugin, called directly and not through the host: a replay has to know what became of each record.

    Every method raises what the plugin raises.
    """

    def __init__(self, plugin: object) -> None:
        self.plugin = plugin
        parts = find_parts(plugin)
        self._target, self._hooks = parts.target, frozenset(parts.hooks)
        self.holds_starts_back = isinstance(plugin, BaseJsonExporter)
        """Whether the start of a span waits for what comes next, so that both may become one record."""

    def open(self, config: OneLoggerConfig) -> None:
        """Configure and initialize the plugin."""
        self._call("configure", config)
        self._call("initialize")

    def admits(self, span: Span) -> bool:
        """Ask the plugin whether it wants a span."""
        return "should_export" not in self._hooks or self._target.should_export(span) is not False

    def start(self, span: Span) -> None:
        """Tell of a span that begins."""
        self._call("export_start", span)

    def stop(self, span: Span) -> None:
        """Tell of a span that has ended."""
        self._call("export_stop", span)

    def event(self, event: Event, span: Span) -> None:
        """Tell of an event."""
        self._call("export_event", event, span)

    def error(self, error: ErrorEvent, span: Span) -> None:
        """Tell of an error of the application."""
        self._call("export_error", error, span)

    def telemetry_error(self, error: TelemetryDataError) -> None:
        """Tell of an error of the telemetry."""
        self._call("export_telemetry_data_error", error)

    def flush(self) -> None:
        """Have everything delivered that was accepted so far."""
        if self._call("flush", FLUSH_TIMEOUT_SEC) is False:
            raise TimeoutError(f"it was not done within {FLUSH_TIMEOUT_SEC:.0f} seconds")

    def close(self) -> None:
        """Close the plugin."""
        self._call("close")

    def _call(self, hook: str, *arguments: object) -> Any:
        return getattr(self._target, hook)(*arguments) if hook in self._hooks else None


def build_target(
    name: str, config_file: Optional[Path], options: Mapping[str, object], one_logger_config: OneLoggerConfig
) -> Target:
    """Build one plugin with the arguments that the configuration file has for it, overlaid by ``options``.

    Args:
        name: A name of the catalogue or of an entry of the file, or the dotted path of a class or module.
        config_file: The file; without it the one that an application started here would find.
        options: Arguments by name.
        one_logger_config: Handed to the class that asks for it.

    Raises:
        ConfigError: There is no such plugin, it is switched off, or its arguments are wrong.
    """
    known = _names_in_force(config_file)
    key = "name" if name in known else "class_name"  # the latter takes names of the catalogue, too
    # In the background failures are found out too late to be counted for their records.
    entry: Dict[str, Any] = {key: name, "enabled": True, "background": False, "config": dict(options)}
    sources = load_sources([entry], None if config_file is None else str(config_file), call_site="the command line")
    with output_kept_apart():
        resolution = _resolve(sources)
        plan = _plan_of(resolution, name)
        built = build(
            replace(resolution, plans=(plan,)), one_logger_config=one_logger_config, quiet=False, strict=False
        )
    if len(built) != 1:
        raise ConfigError(f"cannot be used ({'; '.join(built.explanation.problems) or 'switched off'})", value=name)
    return Target(built[0].plugin)


def parse_options(options: Sequence[str]) -> Dict[str, object]:
    """Read ``key=value`` texts; a value that is JSON is taken as that, any other as text.

    Raises:
        ConfigError: A text has no ``=``.
    """
    parsed: Dict[str, object] = {}
    for option in options:
        name, separator, text = option.partition("=")
        if not separator or not name:
            raise ConfigError("is no KEY=VALUE", source="the command line", key="--option", value=option)
        try:
            parsed[name] = json.loads(text)
        except ValueError:
            parsed[name] = text
    return parsed


def _resolve(sources: LoadedSources) -> Resolution:
    return resolve([sources], Catalogue(), Switches.from_environ(os.environ))


def _names_in_force(config_file: Optional[Path]) -> Sequence[str]:
    sources = load_sources(None, None if config_file is None else str(config_file))
    with output_kept_apart():
        return [plan.decision.name for plan in _resolve(sources).plans]


def _plan_of(resolution: Resolution, name: str) -> Plan:
    for plan in resolution.plans:
        decision = plan.decision
        if name in (decision.name, decision.class_name, *decision.aliases):
            if decision.state is not State.ON:
                raise ConfigError(f"is {decision.state.value} ({decision.reason})", key="--to", value=name)
            return plan
    problems = "; ".join(str(problem.error) for problem in resolution.problems)
    raise ConfigError(f"cannot be found{f' ({problems})' if problems else ''}", key="--to", value=name)
