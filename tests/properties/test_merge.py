"""Laws of merging configurations, checked against an oracle that knows nothing of the implementation."""

from __future__ import annotations

import copy
from itertools import count
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.config.document import Scalar
from nv_one_logger.config.merge import merge_levels, overlay
from nv_one_logger.config.models import Entry, Level, Merged, Origin, OriginKind, Setting
from nv_one_logger.config.names import Names
from nv_one_logger.config.provenance import values_of

KINDS = (OriginKind.PACKAGE, OriginKind.FILE, OriginKind.CODE)
CLASSES = ("a.A", "b.B", "c.C")
SPELLINGS = {"a.A": ("a.A", "a:A", "cat-a"), "b.B": ("b.B", "b:B"), "c.C": ("c.C",)}
NAMES = Names({"cat-a": "a.A"})


class Mention(NamedTuple):
    """One entry, as a person would describe it."""

    class_name: str
    spelling: str
    name: str
    enabled: Optional[bool]
    config: Dict[str, int]

    @property
    def is_enabled(self) -> bool:
        return self.enabled is not False


Level3 = Tuple[List[Mention], List[Mention], List[Mention]]


@st.composite
def mentions(draw: st.DrawFn, kind: OriginKind) -> List[Mention]:
    """Entries of one level without ambiguity: a name or an unnamed class occurs once; a name always has one class."""
    identities = draw(st.lists(st.sampled_from(_identities(kind)), unique=True, max_size=4))
    found = []
    for name, class_name in identities:
        config = draw(st.dictionaries(st.sampled_from("xyz"), st.integers(0, 9), max_size=3))
        spelling = draw(st.sampled_from(SPELLINGS[class_name]))
        found.append(Mention(class_name, spelling, name, draw(st.sampled_from([None, True, False])), config))
    return found


def _identities(kind: OriginKind) -> List[Tuple[str, str]]:
    if kind is OriginKind.PACKAGE:  # a package default always has a name, that of its entry point
        return [("pkg-1", "a.A"), ("pkg-2", "a.A"), ("pkg-3", "b.B")]
    return [("", name) for name in CLASSES] + [("n1", "a.A"), ("n2", "b.B"), ("pkg-1", "a.A"), ("pkg-3", "b.B")]


levels = st.tuples(*(mentions(kind) for kind in KINDS))


def model(level3: Sequence[List[Mention]]) -> Tuple[Level, ...]:
    """The same as typed levels; every setting gets a line of its own, which identifies it."""
    lines = count(1)
    return tuple(Level(kind, tuple(_entry(m, kind, lines) for m in found)) for kind, found in zip(KINDS, level3))


def _entry(mention: Mention, kind: OriginKind, lines: Iterator[int]) -> Entry:
    def setting(value: object) -> Setting:
        return Setting(Scalar(value), Origin(kind, str(kind), line=next(lines), column=1))

    is_package = kind is OriginKind.PACKAGE
    return Entry(
        origin=Origin(kind, str(kind), line=next(lines), column=1),
        path="e",
        name=setting(mention.name) if mention.name and not is_package else None,
        class_name=setting(mention.spelling),
        enabled=None if mention.enabled is None else setting(mention.enabled),
        config={key: setting(value) for key, value in mention.config.items()},
        default_name=mention.name if is_package else "",
    )


class Slot:
    """One exporter of the oracle: the entries that count, the lowest first."""

    def __init__(self, name: str, class_name: str, is_package: bool, layers: List[Tuple[Mention, Entry]]) -> None:
        self.name, self.class_name, self.is_package, self.layers = name, class_name, is_package, layers


def oracle(level3: Sequence[List[Mention]], typed: Sequence[Level]) -> List[Slot]:
    """Decide by brute force, one entry after the other, in the words of the contract."""
    slots: List[Slot] = []
    for found, level in zip(level3, typed):
        lower, result, new = slots, {id(s): [s] for s in slots}, []
        mentioned_by_name = {id(s) for m in found for s in lower if m.name and s.name == m.name}
        touched = set()
        for mention, entry in zip(found, level.entries):
            targets, inherits = _targets(mention, lower, mentioned_by_name)
            if not targets:
                new.append(Slot(mention.name, mention.class_name, level.kind is OriginKind.PACKAGE, [(mention, entry)]))
            for position, target in enumerate(targets):
                if id(target) not in touched:
                    result[id(target)] = []
                    touched.add(id(target))
                if inherits:
                    layers = [*target.layers, (mention, entry)]
                    result[id(target)].append(Slot(target.name, target.class_name, target.is_package, layers))
                elif position == 0:
                    result[id(target)].append(Slot(mention.name, mention.class_name, False, [(mention, entry)]))
        slots = [s for low in lower for s in result[id(low)]] + new
    return slots


def _targets(mention: Mention, lower: List[Slot], mentioned: set[int]) -> Tuple[List[Slot], bool]:
    same_name = [s for s in lower if mention.name and s.name == mention.name]
    same_class = [s for s in lower if s.class_name == mention.class_name and id(s) not in mentioned]
    if mention.name:
        return same_name, True
    if not mention.is_enabled:
        return same_class, True
    reachable = [s for s in same_class if not s.name] or [s for s in same_class if s.is_package]
    return reachable, len(reachable) < 2


def shape(merged: Merged) -> Tuple[Dict[str, object], bool]:
    return {key: setting.value for key, setting in merged.config().items()}, merged.is_enabled


def is_unambiguous(level3: Sequence[List[Mention]]) -> bool:
    return not any(problem.asked for problem in merge_levels(model(level3), NAMES).problems)


@given(levels)
def test_highest_mention_decides_and_every_argument_has_the_highest_value(level3: Level3) -> None:
    typed = model(level3)
    merged = merge_levels(typed, NAMES).merged

    expected = []
    for slot in oracle(level3, typed):
        config: Dict[str, object] = {}
        for mention, _ in slot.layers:
            config.update(mention.config)
        expected.append((config, slot.layers[-1][0].is_enabled))
    assert [shape(item) for item in merged] == expected


@given(levels)
def test_every_value_knows_its_origin_and_everything_it_beat(level3: Level3) -> None:
    typed = model(level3)
    merged = merge_levels(typed, NAMES).merged

    for item, slot in zip(merged, oracle(level3, typed)):
        found = {v.key: [(v.value, v.origin), *((b.value, b.origin) for b in v.beaten)] for v in values_of(item)}
        for key in {key for mention, _ in slot.layers for key in mention.config}:
            expected = [
                (mention.config[key], entry.config[key].origin)
                for mention, entry in reversed(slot.layers)
                if key in mention.config
            ]
            assert found[f"config.{key}"] == expected
        assert found["enabled"] == [
            (mention.is_enabled, entry.origin if entry.enabled is None else entry.enabled.origin)
            for mention, entry in reversed(slot.layers)
        ]


@given(levels)
def test_order_is_that_of_the_lowest_source_then_what_each_higher_one_adds(level3: Level3) -> None:
    typed = model(level3)
    merged = merge_levels(typed, NAMES).merged

    assert [item.layers for item in merged] == [
        tuple(entry for _, entry in reversed(slot.layers)) for slot in oracle(level3, typed)
    ]


@given(levels)
def test_no_exporter_is_lost(level3: Level3) -> None:
    result = merge_levels(model(level3), NAMES)

    assert {NAMES.class_key(item) for item in result.merged} == {m.class_name for found in level3 for m in found}


@given(levels)
def test_every_entry_ends_in_exactly_one_place_or_turns_several_off(level3: Level3) -> None:
    typed = model(level3)
    result = merge_levels(typed, NAMES)

    for level in typed:
        for entry in level.entries:
            places = [item for item in result.merged if entry in item.layers or entry in item.replaced]
            assert places
            assert len(places) == 1 or entry.origin.kind is not OriginKind.CODE or not entry.is_enabled


@given(mentions(OriginKind.CODE), mentions(OriginKind.FILE))
def test_merging_a_source_over_itself_changes_no_value(code: List[Mention], file: List[Mention]) -> None:
    once = overlay((), model(([], [], code))[2], NAMES)
    twice = overlay(once.merged, model(([], [], code))[2], NAMES)

    if all(mention.is_enabled for mention in code):
        assert [shape(item) for item in twice.merged] == [shape(item) for item in once.merged]
    assert len(twice.merged) == len(once.merged)


@given(levels)
def test_merging_in_one_go_or_level_by_level_is_the_same(level3: Level3) -> None:
    typed = model(level3)
    step = overlay(overlay(overlay((), typed[0], NAMES).merged, typed[1], NAMES).merged, typed[2], NAMES)

    assert step.merged == merge_levels(typed, NAMES).merged


@given(levels)
def test_merging_changes_none_of_its_inputs(level3: Level3) -> None:
    typed = model(level3)
    before = copy.deepcopy(typed)

    merge_levels(typed, NAMES)

    assert typed == before


@given(levels)
def test_an_empty_level_changes_nothing(level3: Level3) -> None:
    low = merge_levels(model(level3), NAMES).merged

    assert overlay(low, Level(OriginKind.CODE), NAMES).merged == low


@given(levels)
def test_unambiguous_sources_merge_without_an_error(level3: Level3) -> None:
    assert is_unambiguous(level3)
