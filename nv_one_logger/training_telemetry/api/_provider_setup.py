"""Turns what the provider was given into plugins and a recorder; undoes everything when that fails."""

from __future__ import annotations

import functools
import logging
from typing import Any, Callable, List, NamedTuple, Optional, Sequence, Tuple

from nv_one_logger.api.config import OneLoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.config import (
    Explanation,
    LoadedSources,
    Origin,
    OriginKind,
    Problem,
    Resolution,
    State,
    Switches,
    build,
    report,
    resolve,
)
from nv_one_logger.config.provenance import origin_of_type
from nv_one_logger.config.resolve import resolve_switches
from nv_one_logger.core.exceptions import PluginError
from nv_one_logger.core.internal.redaction import redacted_error
from nv_one_logger.core.span import SpanName
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host import ExporterHost
from nv_one_logger.host.catalogue import Catalogue
from nv_one_logger.recorder.default_recorder import ExportCustomizationMode
from nv_one_logger.training_telemetry.api.training_recorder import TrainingRecorder

__all__ = ["ManualPlugin", "Request", "Setup", "explain", "set_up"]

_logger = logging.getLogger(__name__)

_QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR


class ManualPlugin(NamedTuple):
    """A plugin given in code.

    Attributes:
        plugin: The exporter, module or object.
        name: The name it was given, if any.
        call_site: Where, as ``file:line``.
    """

    plugin: object
    name: Optional[str]
    call_site: str


class Request(NamedTuple):
    """What the provider was told about plugins and spans.

    Attributes:
        sources: What each ``with_export_config`` read.
        plugins: What was given in code, in order.
        blocked: Names given to ``without_plugin``.
        mode: How ``span_names`` is meant.
        span_names: Names of the spans to export, or not to.
        switches: Switches of the environment.
    """

    sources: Sequence[LoadedSources]
    plugins: Sequence[ManualPlugin]
    blocked: Sequence[str]
    mode: ExportCustomizationMode
    span_names: Optional[List[SpanName]]
    switches: Switches


class Setup(NamedTuple):
    """The running telemetry of this process."""

    recorder: TrainingRecorder
    explanation: Explanation


def set_up(request: Request, config: OneLoggerConfig, host: ExporterHost) -> Setup:
    """Construct, register and initialize all plugins that are on (none on a disabled rank), and make the recorder.

    Args:
        request: What to set up.
        config: The configuration.
        host: The host, which may have plugins already. It is closed when this fails.

    Raises:
        OneLoggerError: A mistake in the configuration of a plugin, or one that does not fit the host.
        Exception: What the ``initialize`` of a plugin raised.
    """
    if not config.enable_for_current_rank:
        recorder = TrainingRecorder(config, [], request.mode, request.span_names)
        return Setup(recorder, Explanation(switches=_resolution(request, host).explanation.switches))
    is_quiet = config.error_handling_strategy is _QUIET
    resolution = _resolution(request, host)
    explanation, offers = _built(request, resolution, config, is_quiet)
    explanation = _with_registered(explanation, resolution, request.plugins, host)
    try:
        _unregister_refused(host, resolution)
        exporters = [offer.plugin for offer in offers if _register(host, offer, is_quiet)]
        host.admits = functools.partial(_is_admitted, resolution)
        if not host.plugins():
            _logger.warning(
                "No exporters were provided: nothing is recorded anywhere. Give one with with_exporter() or "
                "with_export_config()."
            )
        host.configure(config)
        recorder = TrainingRecorder(
            config,
            [exporter for exporter in exporters if isinstance(exporter, Exporter)],
            request.mode,
            request.span_names,
            host,
        )
    except BaseException:
        host.close()
        _close([offer.plugin for offer in offers if not host.is_registered(offer.plugin)])
        raise
    return Setup(recorder, explanation)


def explain(request: Request, host: ExporterHost) -> Explanation:
    """Tell what would be decided, without importing or constructing a plugin."""
    resolution = _resolution(request, host)
    explanation = _with_manual(resolution.explanation, resolution, request.plugins)
    return _with_registered(explanation, resolution, request.plugins, host)


class _Offer(NamedTuple):
    plugin: object
    name: Optional[str]
    aliases: Sequence[str]


def _resolution(request: Request, host: ExporterHost) -> Resolution:
    switches, blocked = request.switches, tuple(request.blocked)
    by_hand = [(one.name, one.plugin) for one in request.plugins] + host.plugins()
    known = [known for name, plugin in by_hand for known in (name, origin_of_type(plugin)) if known]
    if request.sources:
        return resolve(request.sources, Catalogue(), switches, blocked=blocked, known_names=known)
    if not (switches.disable or switches.safe_mode or blocked):
        # What is installed does not matter, and looking it up takes a while.
        return Resolution(switches=switches, problems=tuple(Problem(error, asked=False) for error in switches.problems))
    return resolve_switches(Catalogue(), switches, blocked=blocked, known_names=known)


def _built(
    request: Request, resolution: Resolution, config: OneLoggerConfig, is_quiet: bool
) -> Tuple[Explanation, List[_Offer]]:
    """Construct the configured plugins, and add those given in code that may run, each once, in that order."""
    strict = resolution.switches.strict
    offers: List[_Offer] = []
    explanation = resolution.explanation
    if request.sources:
        built = build(resolution, one_logger_config=config, quiet=is_quiet, strict=strict)
        explanation = built.explanation
        offers.extend(_Offer(one.plugin, one.name, one.aliases) for one in built)
    else:
        report(resolution.problems, quiet=is_quiet, strict=strict)
    for manual in request.plugins:
        verdict = resolution.verdict(manual.plugin, manual.name)
        is_known = any(manual.plugin is offer.plugin for offer in offers)
        if verdict.state is State.ON and not is_known:
            offers.append(_Offer(manual.plugin, manual.name, verdict.names))
    return _with_manual(explanation, resolution, request.plugins), offers


def _with_manual(explanation: Explanation, resolution: Resolution, plugins: Sequence[ManualPlugin]) -> Explanation:
    for manual in plugins:
        verdict = resolution.verdict(manual.plugin, manual.name)
        name = manual.name or (verdict.names[0] if verdict.names else type(manual.plugin).__name__)
        origin = Origin(OriginKind.CODE, f"code at {manual.call_site}")
        explanation = explanation.with_manual(name, manual.plugin, origin, verdict.state, verdict.reason)
    return explanation


def _with_registered(
    explanation: Explanation, resolution: Resolution, offered: Sequence[ManualPlugin], host: ExporterHost
) -> Explanation:
    """Add what was registered with the host before configuration, unless it was offered to the provider as well."""
    for name, plugin in host.plugins():
        if not any(plugin is manual.plugin for manual in offered):
            verdict = resolution.verdict(plugin, name)
            origin = Origin(OriginKind.CODE, "code, by host.register()")
            explanation = explanation.with_manual(name, plugin, origin, verdict.state, verdict.reason)
    return explanation


def _is_admitted(resolution: Resolution, plugin: object, name: Optional[str]) -> bool:
    return resolution.verdict(plugin, name).state is State.ON


def _unregister_refused(host: ExporterHost, resolution: Resolution) -> None:
    """The switches hold for plugins registered with the host, too; those that come later are asked about one by one."""
    for name, plugin in host.plugins():
        if not _is_admitted(resolution, plugin, name):
            host.unregister(plugin)


def _register(host: ExporterHost, offer: _Offer, is_quiet: bool) -> bool:
    """Register a plugin unless it is there already; tell whether it is now."""
    if host.is_registered(offer.plugin):
        return True
    try:
        return host.register(offer.plugin, offer.name, offer.aliases) is not None
    except PluginError as error:
        if not is_quiet:
            raise
        _logger.warning("%s The others go on.", error)
        _close([offer.plugin])
        return False


def _close(plugins: Sequence[Any]) -> None:
    for plugin in plugins:
        close: Optional[Callable[[], object]] = getattr(plugin, "close", None)
        if not callable(close):
            continue
        try:
            close()
        except Exception as error:
            traceback, shown = redacted_error(error)
            name = origin_of_type(plugin)
            _logger.warning("Closing %s after a failed configuration raised.%s", name, traceback, exc_info=shown)
