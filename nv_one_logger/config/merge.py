"""Merges the entries of all sources by priority. Pure: no file, no environment, no import, no input changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import AbstractSet, Dict, List, Optional, Sequence, Tuple

from nv_one_logger.config.entries import did_you_mean
from nv_one_logger.config.models import Entry, Level, Merged, Origin, OriginKind, Problem
from nv_one_logger.config.names import Names

__all__ = ["MergeResult", "merge_levels", "overlay"]


@dataclass(frozen=True)
class MergeResult:
    """Outcome of a merge.

    Attributes:
        merged: One item per exporter, in the order of the lowest source, then what each higher one adds.
        problems: Entries that could not be placed, and warnings.
    """

    merged: Tuple[Merged, ...] = ()
    problems: Tuple[Problem, ...] = ()


def merge_levels(levels: Sequence[Level], names: Names) -> MergeResult:
    """Merge all levels, the lowest priority first."""
    result = MergeResult()
    for level in levels:
        above = overlay(result.merged, level, names)
        result = MergeResult(above.merged, result.problems + above.problems)
    return result


def overlay(low: Sequence[Merged], level: Level, names: Names) -> MergeResult:
    """Lay the entries of one level over what the lower levels gave.

    Same exporter: the higher mention decides ``enabled``; ``config`` is merged one level deep and the higher source's
    keys win. Different exporters are all kept. Entries of one level never match each other.
    """
    entries, problems = _uniquely_named(level.entries)
    named = {position for entry in entries for position in _named(entry, low)}
    placed = _Placement(low)
    for entry in entries:
        match = _match(entry, low, names, named)
        problems.extend(match.problems)
        placed.put(match)
    return MergeResult(placed.result(), tuple(problems))


@dataclass(frozen=True)
class _Match:
    """Where an entry belongs: over ``positions`` of the lower levels, at the end when there are none, or nowhere."""

    entry: Entry
    positions: Tuple[int, ...] = ()
    inherits: bool = True
    is_refused: bool = False
    problems: Tuple[Problem, ...] = ()


class _Placement:
    """What stands at each position of the lower levels after entries were put over it."""

    def __init__(self, low: Sequence[Merged]) -> None:
        self._low = low
        self._over: Dict[int, List[Merged]] = {}
        self._new: List[Merged] = []

    def put(self, match: _Match) -> None:
        if match.is_refused:
            return
        if not match.positions:
            self._new.append(Merged((match.entry,)))
        elif match.inherits:
            for position in match.positions:
                self._over.setdefault(position, []).append(self._low[position].with_layer(match.entry))
        else:
            lost = [self._low[position] for position in match.positions]
            beaten = tuple(layer for merged in lost for layer in (*merged.layers, *merged.replaced))
            for position in match.positions:
                self._over.setdefault(position, [])
            self._over[match.positions[0]].append(Merged((match.entry,), beaten))

    def result(self) -> Tuple[Merged, ...]:
        kept = [merged for position, low in enumerate(self._low) for merged in self._over.get(position, [low])]
        return (*kept, *self._new)


def _match(entry: Entry, low: Sequence[Merged], names: Names, named: AbstractSet[int]) -> _Match:
    exact = _named(entry, low)
    if exact and entry.is_enabled:
        return _match_named(entry, exact, low, names)
    if entry.name is not None:
        return _match_by_any_name(entry, exact, low, names, named)
    return _match_by_class(entry, low, names, named)


def _match_named(entry: Entry, exact: Tuple[int, ...], low: Sequence[Merged], names: Names) -> _Match:
    if len(exact) > 1:
        return _ambiguous(entry, [low[position] for position in exact])
    position = exact[0]
    if entry.class_name is None:
        return _Match(entry, exact)
    key, lower_key = names.key(str(entry.class_name.value)), names.class_key(low[position])
    if lower_key in ("", key):
        return _Match(entry, exact)
    problem = entry.class_name.origin.error(
        f"is another class than the entry of that name in {low[position].top.origin.place} ({lower_key}), "
        "so none of its arguments are inherited",
        key=f"{entry.path}.class_name",
        value=entry.class_name.value,
        remedy="Use another name if both are wanted",
    )
    return _Match(entry, exact, inherits=False, problems=(Problem(problem, asked=False),))


def _match_by_any_name(
    entry: Entry, exact: Tuple[int, ...], low: Sequence[Merged], names: Names, named: AbstractSet[int]
) -> _Match:
    """Place a named entry that is off, or whose name no lower entry has as its own."""
    name = entry.own_name
    answering = tuple(
        i for i, merged in enumerate(low) if i not in named and names.matches(name, names.answers_to(merged))
    )
    if not entry.is_enabled and (exact or answering):
        return _Match(entry, tuple(sorted({*exact, *answering})))
    if entry.class_name is not None:
        return _Match(entry)
    if len(answering) > 1:
        return _ambiguous(entry, [low[position] for position in answering])
    if answering:
        return _Match(entry, answering)
    if names.is_known(name):
        return _Match(replace(entry, class_name=entry.name))
    return _unknown(entry, low, names)


def _match_by_class(entry: Entry, low: Sequence[Merged], names: Names, named: AbstractSet[int]) -> _Match:
    key = _class_key(entry, names)
    same = [i for i, merged in enumerate(low) if i not in named and names.class_key(merged) == key]
    if not entry.is_enabled:
        return _Match(entry, tuple(same))
    unnamed = tuple(i for i in same if not low[i].own_name)
    candidates = unnamed or tuple(i for i in same if low[i].is_package_default)
    if len(candidates) < 2:
        return _Match(entry, candidates)
    found = [low[position] for position in candidates]
    tops = [merged.top for merged in found]
    unnamed_above = {id(top) for top in tops if top.name is None and top.origin.kind is not OriginKind.PACKAGE}
    if len(unnamed_above) > 1:
        return _ambiguous(entry, found)
    return _Match(entry, candidates, inherits=False, problems=(_replacing(entry, found),))


def _named(entry: Entry, low: Sequence[Merged]) -> Tuple[int, ...]:
    if entry.name is None:
        return ()
    return tuple(i for i, merged in enumerate(low) if merged.own_name == entry.own_name)


def _class_key(entry: Entry, names: Names) -> str:
    return "" if entry.class_name is None else names.key(str(entry.class_name.value))


def _uniquely_named(entries: Sequence[Entry]) -> Tuple[List[Entry], List[Problem]]:
    kept: List[Entry] = []
    problems: List[Problem] = []
    seen: Dict[str, Entry] = {}
    for entry in entries:
        first: Optional[Entry] = None if entry.name is None else seen.setdefault(entry.own_name, entry)
        if first is None or first is entry or entry.name is None:
            kept.append(entry)
            continue
        error = entry.name.origin.error(
            f"is also the name of {first.path} in {first.origin.place}",
            key=f"{entry.path}.name",
            value=entry.own_name,
            remedy="Give each entry a name of its own",
        )
        problems.append(Problem(error, asked=entry.origin.asked))
    return kept, problems


def _subject(entry: Entry) -> Tuple[Origin, object, str]:
    """Origin, value and key of what an entry refers to."""
    setting = entry.name if entry.name is not None else entry.class_name
    field = "name" if entry.name is not None else "class_name"
    assert setting is not None
    return setting.origin, setting.value, f"{entry.path}.{field}"


def _ambiguous(entry: Entry, found: Sequence[Merged]) -> _Match:
    origin, value, key = _subject(entry)
    places = " and ".join(f"{merged.top.path} ({merged.top.origin.place})" for merged in found)
    error = origin.error(
        f"is ambiguous: it may mean {places}",
        key=key,
        value=value,
        remedy="Give those entries names and refer to one of them by its name",
    )
    return _Match(entry, is_refused=True, problems=(Problem(error, asked=entry.origin.asked),))


def _unknown(entry: Entry, low: Sequence[Merged], names: Names) -> _Match:
    origin, value, key = _subject(entry)
    known = dict.fromkeys([*(merged.own_name for merged in low if merged.own_name), *names.all_names()])
    error = origin.error(
        "is neither the name of an entry in a source of lower priority nor that of an installed exporter",
        key=key,
        value=value,
        remedy=did_you_mean(str(value), known, "Add a class_name, or install the distribution that publishes it"),
    )
    return _Match(entry, is_refused=True, problems=(Problem(error, asked=entry.origin.asked),))


def _replacing(entry: Entry, found: Sequence[Merged]) -> Problem:
    origin, value, key = _subject(entry)
    listed = ", ".join(merged.own_name for merged in found)
    error = origin.error(
        f"replaces the package defaults {listed} and inherits none of their arguments",
        key=key,
        value=value,
        remedy="Refer to one of them by its name to change only that one",
    )
    return Problem(error, asked=False)
