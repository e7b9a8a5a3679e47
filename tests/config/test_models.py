from __future__ import annotations

from nv_one_logger.config.document import Fields, Place, Scalar
from nv_one_logger.config.models import Entry, Merged, Origin, OriginKind, Setting

FILE = Origin(OriginKind.FILE, "a.yaml", file="/x/a.yaml", line=3, column=5)
CODE = Origin(OriginKind.CODE, "code at train.py:1")


def test_origin_of_a_file_shows_line_and_column() -> None:
    assert FILE.place == "a.yaml, line 3, column 5"
    assert str(CODE) == "code at train.py:1"


def test_origin_names_the_variables_that_filled_the_value() -> None:
    origin = Origin(OriginKind.FILE, "a.yaml", line=1, column=2, variables=("RUN", "TAG"))

    assert str(origin) == "a.yaml, line 1, column 2, $RUN from the environment, $TAG from the environment"


def test_origin_moves_within_its_source() -> None:
    assert FILE.at(Place(9, 1)).place == "a.yaml, line 9, column 1"


def test_mistake_knows_file_line_and_column() -> None:
    error = FILE.error("is bad", key="k", value=None, remedy="Mend it")

    assert str(error) == "a.yaml, line 3, column 5: k = None is bad. Mend it."
    assert (error.file, error.line, error.column) == ("/x/a.yaml", 3, 5)
    assert not FILE.error("is bad").has_value


def setting(value: object, origin: Origin = CODE) -> Setting:
    return Setting(Scalar(value), origin)


def test_value_of_a_setting_is_new_at_each_call() -> None:
    found = Setting(Fields(((Scalar("a"), Scalar(1)),)), CODE)

    assert found.value == {"a": 1}
    assert found.value is not found.value


def test_entry_that_says_nothing_about_it_is_enabled() -> None:
    assert Entry(CODE, "e").is_enabled
    assert not Entry(CODE, "e", enabled=setting(False)).is_enabled


def test_name_of_an_entry_is_its_own_else_that_of_its_entry_point() -> None:
    assert Entry(CODE, "e", name=setting("mine"), default_name="theirs").own_name == "mine"
    assert Entry(CODE, "e", default_name="theirs").own_name == "theirs"
    assert Entry(CODE, "e").own_name == ""


def test_merged_entry_gives_the_highest_value_and_remembers_all() -> None:
    low = Entry(FILE, "low", enabled=setting(False, FILE), config={"a": setting(1, FILE), "b": setting(2, FILE)})
    high = Entry(CODE, "high", config={"b": setting(3), "c": setting(4)})
    merged = Merged((low,)).with_layer(high)

    assert {key: found.value for key, found in merged.config().items()} == {"a": 1, "b": 3, "c": 4}
    assert [found.value for found in merged.settings_of("b")] == [3, 2]
    assert [found.value for found in merged.field("enabled")] == [False]
    assert merged.is_enabled
    assert merged.top is high
    assert not merged.is_package_default
