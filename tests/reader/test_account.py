from __future__ import annotations

from nv_one_logger.reader.account import BadLine, FileAccount, Gap, RunCounter


def test_numbers_in_order_show_nothing_missing() -> None:
    counter = RunCounter()
    assert [counter.take(number) for number in (1, 2, 3)] == [None, None, None]


def test_jump_tells_the_first_and_last_missing_number() -> None:
    counter = RunCounter()
    counter.take(1)
    assert counter.take(5) == (2, 4)


def test_records_missing_in_front_of_the_first_are_told() -> None:
    assert RunCounter().take(3) == (1, 2)


def test_number_that_does_not_grow_starts_another_run() -> None:
    counter = RunCounter()
    counter.take(1)
    counter.take(2)
    assert counter.take(1) is None
    assert counter.run == 2
    assert counter.take(1) is None
    assert counter.run == 3


def test_restart_that_lost_its_first_records_shows_them() -> None:
    counter = RunCounter()
    for number in (1, 2, 3, 4):
        counter.take(number)
    assert counter.take(3) == (1, 2)
    assert counter.run == 2


def test_bad_line_and_gap_say_where_they_are() -> None:
    assert (
        str(BadLine("f", 3, 120, 9, "not JSON", torn=True))
        == "f, line 3, byte 120: torn last line of 9 bytes: not JSON"
    )
    assert str(BadLine("f", 3, 120, 9, "no 'type'", torn=False)).endswith("corrupt line of 9 bytes: no 'type'")
    assert str(Gap("f", 8, 42, 1, 5, 6)) == "f, before line 8: records 5 to 6 of process 42 (run 1) missing"
    assert str(Gap("f", 8, 42, 1, 5, 5)) == "f, before line 8: record 5 of process 42 (run 1) missing"


def test_account_is_clean_only_without_any_loss() -> None:
    assert FileAccount("f", records=3, blank_lines=1).is_clean
    assert not FileAccount("f", torn_lines=1).is_clean
    assert not FileAccount("f", corrupt_lines=1).is_clean
    assert not FileAccount("f", missing=1).is_clean
    assert not FileAccount("f", error="Permission denied").is_clean
