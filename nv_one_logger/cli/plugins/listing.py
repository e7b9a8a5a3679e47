"""Every plugin there is, what was decided about it and why; imports none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from nv_one_logger.config import OriginKind, Plan, Resolution, State
from nv_one_logger.config.gate import Gate
from nv_one_logger.config.switches import DISABLED
from nv_one_logger.core.internal.version import get_version
from nv_one_logger.host.catalogue import CatalogueEntry

__all__ = ["AVAILABLE", "BLOCKED", "PluginRow", "find_row", "list_plugins", "problems_of"]

AVAILABLE = "available"
BLOCKED = "blocked"


@dataclass(frozen=True)
class PluginRow:
    """One plugin.

    Attributes:
        name: The name it is best known by.
        state: ``on``, ``off``, ``blocked``, ``broken``, or ``available``: installed, and no source mentions it.
        reason: What decided that.
        distribution: Who published it; ``""`` when that cannot be told without importing.
        version: Version of that distribution.
        reference: Where its class is, as published or configured.
        aliases: All names it answers to.
        entry: Its entry in the catalogue, if it has one.
        is_default: Whether it is the default of a package, so that its name alone means it, arguments included.
    """

    name: str
    state: str
    reason: str
    distribution: str
    version: str
    reference: str
    aliases: Tuple[str, ...] = ()
    entry: Optional[CatalogueEntry] = None
    is_default: bool = False

    @property
    def publisher(self) -> str:
        """Distribution and version, for a person."""
        return f"{self.distribution} {self.version}".strip() or "-"

    def as_dict(self) -> Dict[str, object]:
        """Return plain data."""
        return {
            "name": self.name,
            "state": self.state,
            "reason": self.reason,
            "distribution": self.distribution,
            "version": self.version,
            "reference": self.reference,
            "aliases": list(self.aliases),
        }


def list_plugins(resolution: Resolution) -> Tuple[PluginRow, ...]:
    """Return every plugin that is configured, in calling order, then every other one that is installed."""
    configured = [_configured(plan, resolution) for plan in resolution.plans]
    names = {row.name for row in configured}
    entries = [entry for entry in resolution.catalogue.exporters() if entry.name not in names]
    rest = [_installed(entry, configured, resolution) for entry in entries]
    if resolution.switches.disabled:  # then nobody has asked them what they want
        rest.extend(_unasked(entry) for entry in resolution.catalogue.package_defaults())
    return (*configured, *rest)


def find_row(rows: Tuple[PluginRow, ...], name: str) -> Optional[PluginRow]:
    """Look a plugin up by any name it answers to; one that is configured comes before one that is only installed."""
    exact = [row for row in rows if row.name == name]
    return next(iter([*exact, *(row for row in rows if name in row.aliases or name == row.reference)]), None)


def _configured(plan: Plan, resolution: Resolution) -> PluginRow:
    decision = plan.decision
    entry = _entry_of(decision.class_name, resolution)
    default = next((layer.origin for layer in plan.merged.layers if layer.origin.kind is OriginKind.PACKAGE), None)
    reference = entry.value if entry is not None else decision.class_name
    distribution, version = _publisher_of(entry)
    if default is not None:
        distribution, version = default.distribution, default.version
        reference = reference or _default_reference(decision.name, resolution)
    return PluginRow(
        decision.name,
        str(decision.state),
        decision.reason,
        distribution,
        version,
        reference,
        decision.aliases,
        entry,
        is_default=default is not None,
    )


def _entry_of(class_name: str, resolution: Resolution) -> Optional[CatalogueEntry]:
    entries = resolution.catalogue.exporters()
    return next((entry for entry in entries if class_name and _key(entry, resolution) == class_name), None)


def _default_reference(name: str, resolution: Resolution) -> str:
    return next((entry.value for entry in resolution.catalogue.package_defaults() if entry.name == name), "")


def _installed(entry: CatalogueEntry, configured: Sequence[PluginRow], resolution: Resolution) -> PluginRow:
    key = _key(entry, resolution)
    aliases = tuple(dict.fromkeys((entry.name, key)))
    state, reason = AVAILABLE, "no source mentions it"
    others = [other for other in resolution.catalogue.exporters() if other.name == entry.name and other is not entry]
    if others:
        publishers = " and ".join(other.publisher for other in others)
        reason = f"also published by {publishers}: use the class path"
    uses = [row for row in configured if row.entry is entry]
    if uses:
        state = next((row.state for row in uses if row.state == State.ON), uses[0].state)
        reason = f"as {', '.join(row.name for row in uses)}"
    blocked = Gate(resolution.names, resolution.switches, resolution.blocked).reason_to_block(aliases, key)
    if resolution.switches.disabled:
        blocked = _disabled_reason()
    if blocked:
        state, reason = BLOCKED, blocked
    return PluginRow(entry.name, state, reason, *_publisher_of(entry), entry.value, aliases, entry)


def _publisher_of(entry: Optional[CatalogueEntry]) -> Tuple[str, str]:
    if entry is None:
        return "", ""
    version = entry.version
    if entry.is_builtin and not version:  # a source tree, which no installer has described
        version = get_version(entry.distribution)
    return entry.distribution, version


def _unasked(entry: CatalogueEntry) -> PluginRow:
    return PluginRow(
        entry.name, BLOCKED, _disabled_reason(), entry.distribution, entry.version, entry.value, (entry.name,)
    )


def _disabled_reason() -> str:
    return f"{DISABLED}=1 switches all telemetry off"


def _key(entry: CatalogueEntry, resolution: Resolution) -> str:
    return resolution.names.key(entry.import_path)


def problems_of(resolution: Resolution) -> List[str]:
    """Return what is wrong with installed distributions and the configuration, in words."""
    return [str(problem.error) for problem in resolution.problems]
