"""Decides which plugins are on, with which arguments, from all sources and switches; imports no plugin."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from nv_one_logger.config import switches as switch_names
from nv_one_logger.config.entries import did_you_mean
from nv_one_logger.config.gate import Gate, Plan
from nv_one_logger.config.merge import merge_levels
from nv_one_logger.config.models import Entry, Level, OriginKind, Problem
from nv_one_logger.config.names import Names
from nv_one_logger.config.package_defaults import duplicate_defaults, read_default, unread_default
from nv_one_logger.config.provenance import Explanation, State, origin_of_type
from nv_one_logger.config.sources import FileSource, LoadedSources
from nv_one_logger.config.switches import Switches
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.host.catalogue import Catalogue

__all__ = ["Resolution", "Trial", "Verdict", "resolve", "resolve_switches"]


@dataclass(frozen=True)
class Trial:
    """What entries with mistakes would lead to: never built, only checked, so that one error shows all mistakes."""

    plans: Tuple[Plan, ...] = ()
    problems: Tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether a plugin registered by hand may run: ``ON``, ``OFF`` or ``BLOCKED``, why, and all names it answers to."""

    state: State
    reason: str
    names: Tuple[str, ...]


@dataclass(frozen=True)
class Resolution:
    """The outcome of all sources and switches together.

    Attributes:
        plans: One per exporter, in calling order, those that are off or blocked included.
        problems: Every mistake and warning so far.
        trial: The same with the entries that have mistakes, for checking.
        switches: The switches.
        blocked: Names blocked in code.
        catalogue: What is installed.
        sources: Texts of the sources read.
    """

    plans: Tuple[Plan, ...] = ()
    problems: Tuple[Problem, ...] = ()
    trial: Trial = field(default_factory=Trial)
    switches: Switches = field(default_factory=Switches)
    blocked: Tuple[str, ...] = ()
    catalogue: Catalogue = field(default_factory=Catalogue)
    names: Names = field(default_factory=Names.of_builtins)
    sources: Tuple[str, ...] = ()

    @property
    def explanation(self) -> Explanation:
        """What is known before anything is imported; the constructors' defaults are added by ``build``."""
        return Explanation(
            decisions=tuple(plan.decision for plan in self.plans),
            problems=tuple(str(problem.error) for problem in self.problems),
            sources=self.sources,
            switches=_switch_texts(self.switches),
        )

    def verdict(self, plugin: object, name: Optional[str] = None) -> Verdict:
        """Decide about a plugin registered by hand: switches, blocked names, and entries in code that are off apply."""
        key = self.names.key(origin_of_type(plugin))
        own = (name,) if name else ()
        answers = tuple(dict.fromkeys([*own, *self.names.names_of_class(key)]))
        reason = Gate(self.names, self.switches, self.blocked).reason_to_block(answers, key)
        if reason:
            return Verdict(State.BLOCKED, reason, answers)
        for plan in self.plans:
            top = plan.merged.top
            subject = top.own_name or plan.decision.class_name
            is_off_in_code = top.origin.kind is OriginKind.CODE and not top.is_enabled
            if is_off_in_code and self.names.matches(subject, answers):
                return Verdict(State.OFF, f"enabled: false in {top.origin.place}", answers)
        return Verdict(State.ON, "registered by hand", answers)


def resolve(
    sources: Sequence[LoadedSources],
    catalogue: Catalogue,
    switches: Switches,
    *,
    blocked: Collection[str] = (),
    known_names: Iterable[str] = (),
) -> Resolution:
    """Merge everything by priority and apply the switches.

    The only code of others that runs here is ``get_default_config`` of installed package defaults that are not off.

    Args:
        sources: What each ``with_export_config`` call loaded, in order.
        catalogue: What is installed.
        switches: The switches.
        blocked: Names blocked in code (``without_plugin``).
        known_names: Names of plugins registered by hand, so that a switch naming one is not taken for a misspelling.
    """
    if switches.disabled:
        return Resolution(switches=switches, blocked=tuple(blocked), catalogue=catalogue)
    names = Names.from_catalogue(catalogue)
    files = _distinct_files(sources)
    applied = [file for file in files if not file.is_broken]
    code = tuple(entry for source in sources for entry in source.code)
    file_level = Level(OriginKind.FILE, tuple(entry for file in applied for entry in file.entries))
    code_level = Level(OriginKind.CODE, tuple(entry for entry in code if entry.is_sound))
    gate = Gate(names, switches, tuple(blocked))
    problems = [Problem(error, asked=False) for error in switches.problems]
    problems.extend(problem for source in sources for problem in source.problems)
    problems.extend(problem for file in files for problem in file.problems)
    defaults: Tuple[Entry, ...] = ()
    if all(_inherits(file) for file in applied):
        defaults = _read_defaults(catalogue, gate, (file_level, code_level), problems)
    package_level = Level(OriginKind.PACKAGE, defaults)
    result = merge_levels((package_level, file_level, code_level), names)
    problems.extend(result.problems)
    plans = tuple(gate.plan(merged) for merged in result.merged)
    problems.extend(Problem(error, asked=False) for error in catalogue.problems())
    problems.extend(_misspelt_switches(gate, plans, catalogue, known_names))
    return Resolution(
        plans,
        tuple(problems),
        _try_mistaken(files, code, package_level, gate),
        switches,
        tuple(blocked),
        catalogue,
        names,
        _source_texts(sources, files, defaults),
    )


def resolve_switches(
    catalogue: Catalogue, switches: Switches, *, blocked: Collection[str] = (), known_names: Iterable[str] = ()
) -> Resolution:
    """Decide what the switches alone say, for plugins that all come from code; see :func:`resolve`."""
    names = Names.from_catalogue(catalogue)
    gate = Gate(names, switches, tuple(blocked))
    problems = [Problem(error, asked=False) for error in switches.problems]
    problems.extend(_misspelt_switches(gate, (), catalogue, known_names))
    return Resolution(
        problems=tuple(problems), switches=switches, blocked=tuple(blocked), catalogue=catalogue, names=names
    )


def _distinct_files(sources: Sequence[LoadedSources]) -> Tuple[FileSource, ...]:
    """One file read by several calls counts once."""
    files: Dict[str, FileSource] = {}
    for source in sources:
        if source.file is not None:
            files.setdefault(os.path.abspath(source.file.path), source.file)
    return tuple(files.values())


def _inherits(file: FileSource) -> bool:
    return file.inherit is None or bool(file.inherit.value)


def _read_defaults(
    catalogue: Catalogue, gate: Gate, levels: Sequence[Level], problems: List[Problem]
) -> Tuple[Entry, ...]:
    points = catalogue.package_defaults()
    problems.extend(duplicate_defaults(points))
    entries: List[Entry] = []
    for point in points:
        if gate.blocks_default(point.name) or _is_off(point.name, levels):
            entries.append(unread_default(point))
            continue
        entry, found = read_default(point)
        is_asked = entry is None and _is_mentioned(point.name, levels)
        problems.extend(replace(problem, asked=is_asked) for problem in found)
        if entry is None:
            entry = replace(unread_default(point), failure=str(found[0].error))
        entries.append(entry)
    return tuple(entries)


def _is_mentioned(name: str, levels: Sequence[Level]) -> bool:
    return any(entry.own_name == name for level in levels for entry in level.entries)


def _is_off(name: str, levels: Sequence[Level]) -> bool:
    """Whether a package default is off whatever its class is: nothing above the ``enabled: false`` may revive it."""
    is_off = False
    for level in levels:
        mentions = [entry for entry in level.entries if entry.own_name == name]
        if mentions:
            is_off = not mentions[0].is_enabled
        elif any(entry.name is None and entry.is_enabled for entry in level.entries):
            is_off = False
    return is_off


def _try_mistaken(files: Sequence[FileSource], code: Tuple[Entry, ...], package_level: Level, gate: Gate) -> Trial:
    """Merge as if entries with mistakes counted; files nobody named do not, as they stop nothing."""
    counted = [file for file in files if not file.is_broken or file.origin.asked]
    if all(entry.is_sound for entry in code) and not any(file.is_broken for file in counted):
        return Trial()
    file_level = Level(OriginKind.FILE, tuple(entry for file in counted for entry in file.entries))
    result = merge_levels((package_level, file_level, Level(OriginKind.CODE, code)), gate.names)
    return Trial(tuple(gate.plan(merged) for merged in result.merged), result.problems)


def _misspelt_switches(
    gate: Gate, plans: Sequence[Plan], catalogue: Catalogue, known_names: Iterable[str]
) -> List[Problem]:
    """A name that nothing answers to is fine, as one setting may serve many machines, unless it looks misspelt."""
    known = {name for plan in plans for name in plan.decision.aliases}
    known.update(gate.names.all_names(), known_names, (point.name for point in catalogue.package_defaults()))
    problems: List[Problem] = []
    for name in gate.switches.disable:
        if gate.names.matches(name, tuple(known)):
            continue
        remedy = did_you_mean(name, sorted(known), "")
        if remedy:
            error = ConfigError(
                "names no plugin", source="environment", key=switch_names.DISABLE, value=name, remedy=remedy
            )
            problems.append(Problem(error, asked=False))
    return problems


def _switch_texts(switches: Switches) -> Tuple[str, ...]:
    texts: Mapping[str, str] = {
        switch_names.DISABLED: "1" if switches.disabled else "",
        switch_names.SAFE_MODE: "1" if switches.safe_mode else "",
        switch_names.DISABLE: ",".join(switches.disable),
        switch_names.STRICT: "1" if switches.strict else "",
    }
    return tuple(f"{name}={value}" for name, value in texts.items() if value)


def _source_texts(
    sources: Sequence[LoadedSources], files: Sequence[FileSource], defaults: Sequence[Entry]
) -> Tuple[str, ...]:
    texts = [entry.origin.label for source in sources for entry in source.code]
    for file in files:
        texts.append(f"{file.origin.label} (left out, it has mistakes)" if file.is_broken else file.origin.label)
        if not file.is_broken and not _inherits(file) and file.inherit is not None:
            texts.append(f"no package defaults (inherit: false in {file.inherit.origin})")
    texts.extend(entry.origin.label for entry in defaults)
    return tuple(dict.fromkeys(texts))
