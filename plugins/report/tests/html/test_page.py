from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from nv_one_logger.report.html import render
from nv_one_logger.report.model import (
    Bucket,
    ErrorGroup,
    FileFinding,
    Ledger,
    LedgerEntry,
    OpenSpan,
    Report,
    SeriesPoint,
    SessionSummary,
)

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"&amp;"


class Reader(HTMLParser):
    """Notes elements, headings and the text outside scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._inside[-1:]):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


@pytest.fixture(scope="module")
def page(report: Report) -> Reader:
    return read(render(report))


def replaced(report: Report, **changes: Any) -> Report:
    return dataclasses.replace(report, **changes)


def empty_report() -> Report:
    entries = tuple(LedgerEntry(bucket, 0, 0.0, ()) for bucket in Bucket)
    return Report(
        session=SessionSummary(None, None, 0, (), 0, 0, 0),
        attempts=(), processes=(), ledger=Ledger((), 0, 0, entries, 0.0, None), timeline=(), iterations=(),
        distribution=(), heat_map=None, series=(), checkpoints=(), errors=(), stragglers=(),
        never_reached_last_common=(), files=(), remarks=(),
    )  # fmt: skip


def test_first_screen_answers_the_three_questions(page: Reader) -> None:
    start = page.text[: page.text.index("Every second of every rank")]
    assert re.search(r"Goodput \d\d\.\d %", start)
    assert re.search(r"Lost iterations \d\.\d % \d+ min", start)
    assert "Attempt 1 ended when a rank vanished Rank 2 vanished in training_single_iteration" in start


def test_every_part_of_the_report_is_on_the_page(page: Reader) -> None:
    for text in (
        "add up to the whole, to the microsecond",
        "No record after the start of training_single_iteration",
        "Slowest in 574 of 600 steps",
        "NCCL timeout after 300 s on collective 5121",
        "dist.all_reduce(gradients)",
        "runs/attempt2-rank1.jsonl 6,011 12 1 0",
        "12 records missing, 2 lines that cannot be read",
        "Files of rank 1 hold no session records",
    ):
        assert text in page.text


def test_headings_go_down_one_level_at_a_time(page: Reader) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(levels, levels[1:]))


def test_every_figure_has_an_accessible_name_and_a_table(page: Reader) -> None:
    plots = [attributes for tag, attributes in page.elements if tag == "div" and attributes.get("class") == "plot"]
    assert len(plots) == 7
    assert all(each["role"] == "img" and each["aria-label"] for each in plots)
    assert sum(tag == "figure" for tag, _ in page.elements) == 7
    assert page.text.count("The same as a table") == 7


def test_ids_are_unique(page: Reader) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_from_anywhere(page: Reader) -> None:
    loading = [value for _, a in page.elements for name, value in a.items() if name in ("src", "href", "action")]
    assert [value for value in loading if value and not value.startswith(("#", "data:"))] == []


def test_texts_of_records_cannot_become_markup(report: Report) -> None:
    session = dataclasses.replace(report.session, application=EVIL, tag=EVIL, hosts=(EVIL,))
    attempt = dataclasses.replace(report.attempts[0], cause_text=EVIL)
    process = dataclasses.replace(
        report.processes[0], host=EVIL, cause_text=EVIL, path=EVIL, open_spans=(OpenSpan(EVIL, 1),)
    )
    straggler = dataclasses.replace(report.stragglers[0], host=EVIL, kind=EVIL, evidence=EVIL)
    hostile = replaced(
        report,
        session=session,
        attempts=(attempt,),
        processes=(process,),
        stragglers=(straggler,),
        series=(SeriesPoint(EVIL, EVIL, 0, 1, 1.0), SeriesPoint(EVIL, EVIL, 1, 2, float("nan"))),
        errors=(ErrorGroup(EVIL, EVIL, 1, (), 0, 0, EVIL),),
        files=(FileFinding(EVIL, 0, 0, 0, 0, EVIL),),
        remarks=(EVIL,),
    )
    text = render(hostile)
    page = read(text)
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert [a for a in scripts if a.get("type") != "application/json"] == [{}, {}]
    assert not any(tag == "img" or any(name.startswith("on") for name in a) for tag, a in page.elements)
    assert page.text.count("onerror=alert(2)") >= 15
    for json_text in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL):
        json.loads(json_text)


def test_empty_report_is_a_page_too() -> None:
    page = read(render(empty_report()))
    assert "Training run" in page.text
    assert "Nothing is recorded." in page.text
    assert "Nothing: every line is a record" in page.text


def test_lone_surrogates_do_not_stop_the_page_from_being_written(report: Report) -> None:
    session = dataclasses.replace(report.session, application="caf\udce9")
    assert "caf?" in render(replaced(report, session=session)).encode("utf-8").decode("utf-8")


def test_long_tables_say_what_they_leave_out(report: Report) -> None:
    many = replaced(report, processes=report.processes * 100)
    assert "500 more rows are not shown" in read(render(many)).text


def test_ledger_that_does_not_add_up_is_not_praised(report: Report) -> None:
    wrong = dataclasses.replace(report.ledger, total=report.ledger.total + 1)
    text = read(render(replaced(report, ledger=wrong))).text
    assert "does not add up" in text
    assert "to the microsecond" not in text


def test_ranks_that_never_reached_the_last_common_step_are_named(report: Report) -> None:
    text = read(render(replaced(report, never_reached_last_common=(1, 2, 3)))).text
    assert "Ranks 1\u20133 never reached the last iteration of the last attempt." in text
