from __future__ import annotations

from nv_one_logger.reader.values import integer, mapping, sequence, text, timestamp


def test_what_is_of_another_type_reads_as_absent() -> None:
    assert [integer(value) for value in (7, True, 7.0, "7", None)] == [7, None, None, None, None]
    assert [text(value) for value in ("a", 1, None)] == ["a", None, None]
    assert [mapping(value) for value in ({"a": 1}, [1], None)] == [{"a": 1}, {}, {}]
    assert [list(sequence(value)) for value in ([1], {"a": 1}, "ab", None)] == [[1], [], [], []]
    assert [timestamp(value) for value in ({"timestamp_msec": 5}, {"timestamp_msec": "5"}, {})] == [5, None, None]
