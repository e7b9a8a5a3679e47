from __future__ import annotations

from typing import List

from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.reader.lines import Line, LineSplitter


def split(chunks: List[bytes], max_line_bytes: int = 1000) -> List[Line]:
    splitter = LineSplitter(max_line_bytes)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    last = splitter.finish()
    return [*lines, last] if last is not None else lines


def test_line_knows_its_number_offset_and_size() -> None:
    assert split([b"one\n\nthree"]) == [
        Line(1, 0, 3, b"one", True),
        Line(2, 4, 0, b"", True),
        Line(3, 5, 5, b"three", False),
    ]


def test_nothing_has_no_lines() -> None:
    assert split([]) == []
    assert split([b""]) == []


@given(content=st.binary(max_size=60), cuts=st.lists(st.integers(0, 60), max_size=5))
def test_lines_do_not_depend_on_how_the_bytes_arrive(content: bytes, cuts: List[int]) -> None:
    bounds = [0, *sorted(cuts), len(content)]
    chunks = [content[start:end] for start, end in zip(bounds, bounds[1:])]
    assert split(chunks) == split([content])


@given(content=st.lists(st.sampled_from([b"a", b"bb", b"\n", b"\r"])).map(b"".join))
def test_lines_cover_every_byte(content: bytes) -> None:
    lines = split([content])
    assert b"".join((line.data or b"") + b"\n" * line.terminated for line in lines) == content
    assert [line.offset for line in lines] == [
        sum(line.size + line.terminated for line in lines[:index]) for index in range(len(lines))
    ]


def test_content_of_an_overlong_line_is_dropped_and_its_size_kept() -> None:
    lines = split([b"12345", b"678\nok\n"], max_line_bytes=4)
    assert lines == [Line(1, 0, 8, None, True), Line(2, 9, 2, b"ok", True)]


def test_pending_bytes_count_the_unfinished_line() -> None:
    splitter = LineSplitter()
    assert [line.data for line in splitter.feed(b"whole\nhal")] == [b"whole"]
    assert splitter.pending_bytes == 3
