from __future__ import annotations

from pathlib import Path

import pytest

from nv_one_logger.report.replay.journal import Journal, JournalError


def test_place_in_every_file_is_remembered(tmp_path: Path) -> None:
    state = tmp_path / "state"
    journal = Journal(state, "t")
    for path, offset in (("a", 0), ("a", 100), ("b", 7)):
        journal.note(path, offset)
    # No close(): the process was killed.
    again = Journal(state, "t")
    assert again.is_resumed
    assert [again.is_done("a", 100), again.is_done("a", 101)] == [True, False]
    assert [again.is_done("b", 7), again.is_done("b", 8)] == [True, False]
    assert not again.is_done("c", 0)
    again.close()
    journal.close()


def test_state_of_another_target_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path / "state", "otel").close()
    with pytest.raises(JournalError, match=r"is the state of a replay to 'otel', not to 'file'"):
        Journal(tmp_path / "state", "file")


@pytest.mark.parametrize(
    "text", ["", "x", "{}\n{}\n", "[1]\n2\n", '{"version":1,"target":"t","done":3}\n{"offset":1}\n']
)
def test_file_that_is_no_state_is_refused_and_kept(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text(text, encoding="utf-8")
    with pytest.raises(JournalError, match=r"is no state of a replay"):
        Journal(tmp_path / "mine", "t")
    assert (tmp_path / "mine").read_text(encoding="utf-8") == text


def test_without_a_file_nothing_is_remembered(tmp_path: Path) -> None:
    journal = Journal(None, "t")
    journal.note("a", 5)
    assert not journal.is_done("a", 5)
    journal.close()
