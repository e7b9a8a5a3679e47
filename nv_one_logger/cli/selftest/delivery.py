"""Sends one span through every plugin and finds out which took it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence, Set, Tuple

from nv_one_logger.api.timed_span import get_recorder, timed_span
from nv_one_logger.config import State
from nv_one_logger.core.event import Event
from nv_one_logger.host import PluginStatus
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

__all__ = ["EVENT_NAME", "FAILED", "NOT_ASKED", "SPAN_NAME", "TOOK_IT", "Delivery", "failures_meanwhile", "send_span"]

SPAN_NAME = "one_logger_selftest"
EVENT_NAME = "one_logger_selftest_event"

_SPAN_HOOKS = frozenset({"export_start", "export_stop"})
TOOK_IT, FAILED, NOT_ASKED = "took it", "FAILED", "not asked"


@dataclass(frozen=True)
class Delivery:
    """What became of the span at one plugin.

    Attributes:
        name: The plugin.
        outcome: ``took it``, ``FAILED``, or ``not asked``: it is off, or has no hook for spans.
        reason: Why, unless it took it.
    """

    name: str
    outcome: str
    reason: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether a plugin that is on did not take the span."""
        return self.outcome == FAILED

    def as_dict(self) -> Dict[str, str]:
        """Return plain data."""
        return {"plugin": self.name, "outcome": self.outcome, "reason": self.reason}


def send_span(provider: TrainingTelemetryProvider, flush_timeout_sec: float = 5.0) -> Tuple[Delivery, ...]:
    """Record a span with an event, have all plugins deliver it, and look at their counters.

    Nothing is sent, and nothing told, where telemetry is switched off.
    """
    if not provider.one_logger_enabled:
        return ()
    before = {status.name: status for status in provider.exporter_status()}
    with timed_span(SPAN_NAME) as span:
        get_recorder().event(span, Event.create(EVENT_NAME))
    provider.flush(flush_timeout_sec)
    deliveries = [_judged(provider, status, before) for status in provider.exporter_status()]
    return (*deliveries, *_not_registered(provider, {delivery.name for delivery in deliveries}))


def failures_meanwhile(provider: TrainingTelemetryProvider, deliveries: Sequence[Delivery]) -> List[str]:
    """Tell which of the plugins that took the span failed since then."""
    took_it = {delivery.name for delivery in deliveries if delivery.outcome == TOOK_IT}
    return [
        f"{status.name} failed {status.failures} times while it was measured. Last error: {status.last_error}"
        for status in provider.exporter_status()
        if status.name in took_it and not status.is_clean
    ]


def _judged(provider: TrainingTelemetryProvider, status: PluginStatus, before: Dict[str, PluginStatus]) -> Delivery:
    earlier = before.get(status.name)
    if status.state == "blocked":
        return Delivery(status.name, NOT_ASKED, "blocked")
    if status.state == "failed":
        return Delivery(status.name, FAILED, status.last_error or "could not be initialized")
    if status.state == "paused" or earlier is None or status.failures > earlier.failures:
        return Delivery(status.name, FAILED, status.last_error or "is left alone, as it keeps failing")
    guard = provider.host.guard_of(provider.host.get_plugin(status.name))
    if guard is None or not guard.hooks & _SPAN_HOOKS:
        return Delivery(status.name, NOT_ASKED, "has no hook for spans")
    if status.calls == earlier.calls:
        return Delivery(status.name, NOT_ASKED, "a plugin with should_export dropped the span")
    return Delivery(status.name, TOOK_IT)


def _not_registered(provider: TrainingTelemetryProvider, known: Set[str]) -> List[Delivery]:
    """Return those that were decided about and never came to the host."""
    return [
        Delivery(decision.name, FAILED if decision.state is State.BROKEN else NOT_ASKED, decision.reason)
        for decision in provider.explain().decisions
        if decision.name not in known and decision.state is not State.ON
    ]
