from __future__ import annotations

from typing import Dict, List, Optional

import pytest

from nv_one_logger.config.document import Fields, Items, Node, Place, Scalar, from_python
from nv_one_logger.config.entries import ENTRY_KEYS, did_you_mean, parse_entries, parse_entry, parse_file
from nv_one_logger.config.models import Origin, OriginKind
from nv_one_logger.config.yaml_reader import read_yaml

CODE = Origin(OriginKind.CODE, "code")
FILE = Origin(OriginKind.FILE, "a.yaml", file="a.yaml")


def file_of(text: str) -> Optional[Node]:
    return read_yaml(text)[0]


def test_sound_file_gives_its_entries_with_their_places() -> None:
    parsed = parse_file(
        file_of("inherit: false\nexporters:\n  - name: a\n    class_name: file\n    config: {x: 1}\n"), FILE
    )

    assert parsed.mistakes == ()
    assert parsed.inherit is not None
    assert (parsed.inherit.value, str(parsed.inherit.origin)) == (False, "a.yaml, line 1, column 10")
    (entry,) = parsed.entries
    assert entry.path == "exporters[0]"
    assert (entry.own_name, str(entry.origin)) == ("a", "a.yaml, line 3, column 5")
    assert entry.config["x"].value == 1
    assert str(entry.config["x"].key_origin) == "a.yaml, line 5, column 14"


def test_keys_without_a_value_are_as_if_left_out() -> None:
    (entry,) = parse_file(
        file_of("exporters:\n- class_name: file\n  name:\n  config:\n  enabled:\n  background:\n"), FILE
    ).entries

    assert (entry.name, entry.enabled, entry.background, dict(entry.config)) == (None, None, None, {})
    assert entry.is_sound


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("0", False), ("YES", True), ("off", False)])
def test_text_from_the_environment_may_be_a_truth_value(text: str, expected: bool) -> None:
    flag = Scalar(text, variables=("ON",), is_filled=True)
    pairs = ((Scalar("class_name"), Scalar("file")), (Scalar("enabled"), flag))
    (entry,) = parse_entries([Fields(pairs)], "exporters", CODE)[0]

    assert entry.enabled is not None
    assert entry.enabled.value is expected
    assert entry.enabled.origin.variables == ("ON",)


def test_other_text_from_the_environment_is_no_truth_value() -> None:
    pairs = ((Scalar("class_name"), Scalar("file")), (Scalar("enabled"), Scalar("maybe", variables=("ON",))))
    _, (mistake,) = parse_entries([Fields(pairs)], "exporters", CODE)

    assert mistake.problem == "is a text, not true or false"


def test_background_may_be_a_mapping_of_options() -> None:
    entry, mistakes = parse_entry(from_python({"class_name": "file", "background": {"max_queue": 3}}, 2), "e", CODE)

    assert mistakes == ()
    assert entry is not None
    assert entry.background is not None
    assert entry.background.value == {"max_queue": 3}


def test_entry_with_a_mistake_is_kept_for_further_checks_but_not_sound() -> None:
    entries, mistakes = parse_entries([from_python({"class_name": "file", "enabld": 1}, 2)], "exporters", CODE)

    assert len(mistakes) == 1
    assert [entry.is_sound for entry in entries] == [False]


def test_entry_that_does_not_say_which_exporter_it_means_is_not_kept() -> None:
    entries, mistakes = parse_entries([from_python({"enabled": True}, 2), Scalar(3)], "exporters", CODE)

    assert entries == ()
    assert len(mistakes) == 2


def test_entries_of_wrong_kinds_are_described() -> None:
    kinds: Dict[str, Node] = {
        "empty": Scalar(None),
        "a truth value": Scalar(True),
        "a number": Scalar(1.5),
        "a text": Scalar("x"),
        "a list": Items((Scalar(1),)),
        "an object of type bytes": Scalar(b"x"),
    }
    _, mistakes = parse_entries(list(kinds.values()), "exporters", CODE)

    assert [mistake.problem for mistake in mistakes] == [f"is {kind}, not a mapping" for kind in kinds]


def test_places_of_keys_and_values_are_told_apart() -> None:
    parsed = parse_file(file_of("exporters:\n  - class_name: file\n    enabld: 1\n    enabled: 1\n"), FILE)

    places: List[Place] = [Place(mistake.line, mistake.column) for mistake in parsed.mistakes]
    assert places == [Place(3, 5), Place(4, 14)]


def test_nearest_word_is_suggested() -> None:
    assert did_you_mean("enabld", ENTRY_KEYS, "else") == "Did you mean 'enabled'?"
    assert did_you_mean("zzz", ENTRY_KEYS, "else") == "else"
