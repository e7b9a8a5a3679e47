"""Applies switches and blocked names: decides for each exporter whether it is on, off, blocked or broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Tuple

from nv_one_logger.config import switches as switch_names
from nv_one_logger.config.models import Entry, Merged, Origin, OriginKind
from nv_one_logger.config.names import Names
from nv_one_logger.config.provenance import Decision, State, values_of
from nv_one_logger.config.switches import Switches
from nv_one_logger.host.catalogue import Catalogue

__all__ = ["Gate", "Plan", "plan_entries"]

_SAFE_MODE_REASON = f"{switch_names.SAFE_MODE}=1 runs built-in exporters only"


@dataclass(frozen=True)
class Plan:
    """One exporter: what the sources say together, and what was decided."""

    merged: Merged
    decision: Decision


def plan_entries(entries: Iterable[Entry], catalogue: Catalogue, switches: Switches) -> Tuple[Plan, ...]:
    """Apply the switches to entries that are already merged."""
    gate = Gate(Names.from_catalogue(catalogue), switches, ())
    return tuple(gate.plan(Merged((entry,))) for entry in entries)


class Gate:
    """Switches and blocked names, ready to be asked about exporters."""

    def __init__(self, names: Names, switches: Switches, blocked: Tuple[str, ...]) -> None:
        self.names = names
        self.switches = switches
        self.blocked = blocked

    def plan(self, merged: Merged) -> Plan:
        """Decide about one exporter."""
        answers, key = self.names.answers_to(merged), self.names.class_key(merged)
        reason = self.reason_to_block(answers, key, is_read=all(layer.is_loaded for layer in merged.layers))
        state = State.BLOCKED if reason else State.ON if merged.is_enabled else State.OFF
        failure = next((layer.failure for layer in merged.layers if layer.failure and not key), "")
        if state is State.ON and failure:
            state, reason = State.BROKEN, failure
        reason = reason or _mention(merged.top)
        origin = merged.top.origin if merged.top.enabled is None else merged.top.enabled.origin
        if state is State.BLOCKED:
            origin = Origin(OriginKind.SWITCH, reason)
        replaced = tuple(entry.origin for entry in merged.replaced)
        return Plan(merged, Decision(answers[0], key, state, reason, origin, answers, values_of(merged), replaced))

    def reason_to_block(self, answers: Tuple[str, ...], key: str, *, is_read: bool = True) -> str:
        """Say why a plugin with these names and this class is blocked; ``""`` when it is not."""
        reason = _block_reason(answers, self.names, self.switches, self.blocked)
        if reason or not self.switches.safe_mode or (is_read and self.names.is_builtin(key)):
            return reason
        return _SAFE_MODE_REASON

    def blocks_default(self, name: str) -> bool:
        """Whether the package default of this entry point is blocked, whatever it says."""
        return bool(self.reason_to_block((name,), "", is_read=False))


def _block_reason(answers: Tuple[str, ...], names: Names, switches: Switches, blocked: Tuple[str, ...]) -> str:
    for name in switches.disable:
        if names.matches(name, answers):
            return f"{switch_names.DISABLE} names {name}"
    for name in blocked:
        if names.matches(name, answers):
            return f"blocked in code as {name}"
    return ""


def _mention(entry: Entry) -> str:
    if entry.enabled is None:
        return f"mentioned in {entry.origin.place}"
    return f"enabled: {str(entry.is_enabled).lower()} in {entry.enabled.origin}"
