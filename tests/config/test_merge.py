"""Examples of merging, in the words of the contract; tests/properties/test_merge.py checks the laws."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from nv_one_logger.config.entries import parse_entry
from nv_one_logger.config.merge import MergeResult, merge_levels
from nv_one_logger.config.models import Entry, Level, Origin, OriginKind
from nv_one_logger.config.names import Names
from nv_one_logger.config.sources import node_of

NAMES = Names({"file": "pkg.FileExporter", "wandb": "w.W"}, frozenset({"twin"}))
ORIGINS = {
    OriginKind.PACKAGE: Origin(OriginKind.PACKAGE, "dist 1.0", asked=False),
    OriginKind.FILE: Origin(OriginKind.FILE, "a.yaml"),
    OriginKind.CODE: Origin(OriginKind.CODE, "code"),
}


def level(kind: OriginKind, entries: Sequence[Dict[str, Any]]) -> Level:
    return Level(kind, tuple(_entry(kind, index, entry) for index, entry in enumerate(entries)))


def _entry(kind: OriginKind, index: int, given: Dict[str, Any]) -> Entry:
    fields = dict(given)
    default_name = fields.pop("name", "") if kind is OriginKind.PACKAGE else ""
    entry, mistakes = parse_entry(node_of(fields), f"{kind}[{index}]", ORIGINS[kind])
    assert entry is not None
    assert mistakes == ()
    return Entry(
        entry.origin,
        entry.path,
        entry.name,
        entry.class_name,
        entry.enabled,
        entry.background,
        entry.config,
        default_name=default_name,
    )


def merge(
    package: Sequence[Dict[str, Any]] = (), file: Sequence[Dict[str, Any]] = (), code: Sequence[Dict[str, Any]] = ()
) -> MergeResult:
    return merge_levels(
        (level(OriginKind.PACKAGE, package), level(OriginKind.FILE, file), level(OriginKind.CODE, code)), NAMES
    )


def shown(result: MergeResult) -> List[Tuple[str, bool, Dict[str, Any]]]:
    return [
        (
            merged.own_name or NAMES.class_key(merged),
            merged.is_enabled,
            {k: s.value for k, s in merged.config().items()},
        )
        for merged in result.merged
    ]


def problems(result: MergeResult) -> List[str]:
    return [str(problem.error) for problem in result.problems]


def test_file_adds_to_package_defaults_and_code_to_both() -> None:
    result = merge([{"name": "p", "class_name": "a.A"}], [{"class_name": "b.B"}], [{"class_name": "c.C"}])

    assert [name for name, _, _ in shown(result)] == ["p", "b.B", "c.C"]


def test_same_exporter_keys_of_the_higher_source_win_one_level_deep() -> None:
    result = merge(
        [{"name": "p", "class_name": "file", "config": {"a": {"x": 1, "y": 1}, "b": 1}}],
        [{"class_name": "pkg:FileExporter", "config": {"a": {"x": 2}}}],
    )

    assert shown(result) == [("p", True, {"a": {"x": 2}, "b": 1})]


def test_mention_without_enabled_means_enabled() -> None:
    result = merge(file=[{"class_name": "file", "enabled": False}], code=[{"class_name": "file"}])

    assert shown(result) == [("pkg.FileExporter", True, {})]


def test_background_is_inherited_unless_mentioned() -> None:
    result = merge(
        file=[{"class_name": "file", "background": {"max_queue": 3}}, {"class_name": "b.B", "background": True}],
        code=[{"class_name": "file"}, {"class_name": "b.B", "background": False}],
    )

    assert [merged.field("background")[0].value for merged in result.merged] == [{"max_queue": 3}, False]


def test_two_unnamed_entries_of_one_class_in_one_source_both_run() -> None:
    result = merge(code=[{"class_name": "file", "config": {"p": 1}}, {"class_name": "file", "config": {"p": 2}}])

    assert [config for _, _, config in shown(result)] == [{"p": 1}, {"p": 2}]


def test_two_unnamed_entries_over_one_both_inherit_from_it() -> None:
    result = merge(
        file=[{"class_name": "file", "config": {"p": 0, "q": 0}}],
        code=[{"class_name": "file", "config": {"p": 1}}, {"class_name": "file", "config": {"p": 2}}],
    )

    assert [config for _, _, config in shown(result)] == [{"p": 1, "q": 0}, {"p": 2, "q": 0}]


def test_entry_over_one_of_several_unnamed_ones_is_ambiguous() -> None:
    result = merge(file=[{"class_name": "file"}, {"class_name": "file"}], code=[{"class_name": "file"}])

    assert len(result.merged) == 2
    assert problems(result) == [
        (
            "code: code[0].class_name = 'file' is ambiguous: it may mean file[0] (a.yaml) and file[1] (a.yaml). "
            "Give those entries names and refer to one of them by its name."
        )
    ]
    assert result.problems[0].asked


def test_turning_a_class_off_is_never_ambiguous() -> None:
    result = merge(
        file=[{"class_name": "file"}, {"class_name": "file"}, {"name": "n", "class_name": "file"}],
        code=[{"class_name": "file", "enabled": False}],
    )

    assert [enabled for _, enabled, _ in shown(result)] == [False, False, False]
    assert problems(result) == []


def test_turning_a_class_off_spares_what_the_same_source_mentions_by_name() -> None:
    result = merge(
        [{"name": "a", "class_name": "file"}, {"name": "b", "class_name": "file"}],
        [{"class_name": "file", "enabled": False}, {"name": "b", "config": {"x": 1}}],
    )

    assert shown(result) == [("a", False, {}), ("b", True, {"x": 1})]


def test_two_package_defaults_of_one_class_both_run() -> None:
    result = merge([{"name": "a", "class_name": "file"}, {"name": "b", "class_name": "file"}])

    assert [name for name, _, _ in shown(result)] == ["a", "b"]


def test_unnamed_entry_replaces_several_package_defaults_with_a_warning_and_inherits_nothing() -> None:
    result = merge(
        [{"name": "a", "class_name": "file", "config": {"x": 1}}, {"name": "b", "class_name": "file"}],
        [{"class_name": "file", "config": {"y": 2}}],
    )

    assert shown(result) == [("pkg.FileExporter", True, {"y": 2})]
    assert problems(result) == [
        (
            "a.yaml: file[0].class_name = 'file' replaces the package defaults a, b and inherits none of their "
            "arguments. Refer to one of them by its name to change only that one."
        )
    ]
    assert not result.problems[0].asked
    assert [entry.default_name for entry in result.merged[0].replaced] == ["a", "b"]


def test_named_entries_are_told_apart_by_their_names() -> None:
    result = merge(
        file=[{"name": "a", "class_name": "file", "config": {"p": 1}}, {"name": "b", "class_name": "file"}],
        code=[{"name": "a", "config": {"q": 2}}, {"class_name": "file", "config": {"p": 3}}],
    )

    assert shown(result) == [
        ("a", True, {"p": 1, "q": 2}),
        ("b", True, {}),
        ("pkg.FileExporter", True, {"p": 3}),
    ]


def test_name_alone_may_be_the_catalogue_name_of_the_only_lower_entry() -> None:
    result = merge(
        file=[{"class_name": "pkg.FileExporter", "config": {"p": 1}}], code=[{"name": "file", "config": {"q": 2}}]
    )

    assert [config for _, _, config in shown(result)] == [{"p": 1, "q": 2}]


def test_name_alone_is_ambiguous_when_several_lower_entries_answer_to_it() -> None:
    result = merge(file=[{"class_name": "file"}, {"class_name": "file"}], code=[{"name": "file"}])

    assert "is ambiguous" in problems(result)[0]


def test_name_alone_else_means_the_catalogue_entry() -> None:
    result = merge(code=[{"name": "wandb"}, {"name": "twin"}])

    assert [NAMES.class_key(merged) for merged in result.merged] == ["w.W", "twin"]


def test_name_that_nobody_knows_is_an_error_with_the_nearest() -> None:
    result = merge([{"name": "team_file", "class_name": "file"}], [{"name": "team_fil", "enabled": False}])

    assert problems(result) == [
        (
            "a.yaml: file[0].name = 'team_fil' is neither the name of an entry in a source of lower priority nor "
            "that of an installed exporter. Did you mean 'team_file'?"
        )
    ]


def test_turning_off_by_any_name_matches_every_entry_that_answers_to_it() -> None:
    result = merge(
        [{"name": "a", "class_name": "file"}, {"name": "b", "class_name": "w.W"}],
        [{"name": "file", "enabled": False}],
        [{"name": "w:W", "class_name": "wandb", "enabled": False}],
    )

    assert [enabled for _, enabled, _ in shown(result)] == [False, False]


def test_name_of_another_class_replaces_with_a_warning_and_inherits_nothing() -> None:
    result = merge(
        file=[{"name": "n", "class_name": "file", "config": {"p": 1}}],
        code=[{"name": "n", "class_name": "w.W", "config": {"q": 1}}],
    )

    assert shown(result) == [("n", True, {"q": 1})]
    assert problems(result) == [
        (
            "code: code[0].class_name = 'w.W' is another class than the entry of that name in a.yaml "
            "(pkg.FileExporter), so none of its arguments are inherited. Use another name if both are wanted."
        )
    ]


def test_name_used_twice_in_one_level_is_an_error_and_the_first_counts() -> None:
    result = merge(code=[{"name": "n", "class_name": "a.A"}, {"name": "n", "class_name": "b.B"}])

    assert [NAMES.class_key(merged) for merged in result.merged] == ["a.A"]
    assert problems(result) == [
        "code: code[1].name = 'n' is also the name of code[0] in code. Give each entry a name of its own."
    ]


def test_name_that_two_package_defaults_share_is_ambiguous() -> None:
    both = [{"name": "same", "class_name": "a.A"}, {"name": "same", "class_name": "b.B"}]

    assert "is ambiguous" in problems(merge(both, [{"name": "same"}]))[0]
    assert [enabled for _, enabled, _ in shown(merge(both, [{"name": "same", "enabled": False}]))] == [False, False]
