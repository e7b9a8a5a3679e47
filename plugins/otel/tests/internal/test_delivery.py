from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

import pytest

from nv_one_logger.otel.exporter.internal.delivery import Delivery, Limits
from nv_one_logger.otel.exporter.internal.sender import Outcome

SMALL = Limits(max_queue=100, max_batch=8, delay_sec=0.01)


class FakeSender:
    """Takes batches, unless told otherwise."""

    def __init__(self, decide: Callable[[Sequence[int]], Outcome] = lambda batch: Outcome(True)) -> None:
        self.decide = decide
        self.batches: list[list[int]] = []
        self.taken: list[int] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.is_sending = threading.Event()
        self.shutdowns = 0
        self.trouble = ""

    def send(self, batch: Sequence[int]) -> Outcome:
        self.batches.append(list(batch))
        self.is_sending.set()
        self.goes_on.wait(20)
        outcome = self.decide(batch)
        if outcome.is_accepted:
            self.taken += batch
        return outcome

    def flush(self, timeout_sec: float) -> None:
        """Nothing is held back."""

    def shutdown(self) -> None:
        self.shutdowns += 1


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_FIRST_PAUSE_SEC", "_LONGEST_PAUSE_SEC", "_HURRIED_PAUSE_SEC"):
        monkeypatch.setattr(f"nv_one_logger.otel.exporter.internal.delivery.{name}", 0.001)


def deliver(sender: FakeSender, count: int, limits: Limits = SMALL) -> Delivery[int]:
    delivery: Delivery[int] = Delivery("spans", sender, limits)  # type: ignore[arg-type]  # all that is used of it
    for number in range(count):
        delivery.put(number)
    return delivery


def test_items_arrive_in_order_and_in_batches() -> None:
    sender = FakeSender()
    delivery = deliver(sender, 50)
    assert delivery.flush(5.0)
    assert sender.taken == list(range(50))
    assert max(map(len, sender.batches)) == 8
    assert delivery.status() == ("spans", 50, 50, 0, 0, None)
    delivery.close(5.0)
    assert sender.shutdowns == 1


def test_few_items_go_out_after_the_delay() -> None:
    sender = FakeSender()
    delivery = deliver(sender, 1)
    assert sender.is_sending.wait(5)
    delivery.close(5.0)


def test_refused_batch_is_tried_again_smaller_and_keeps_its_place() -> None:
    sender = FakeSender(lambda batch: Outcome(len(batch) <= 2, reason="too large"))
    delivery = deliver(sender, 20)
    assert delivery.flush(5.0)
    assert sender.taken == list(range(20))
    assert delivery.status()[:5] == ("spans", 20, 20, 0, 0)
    delivery.close(5.0)


def test_item_that_is_refused_alone_is_given_up_while_others_arrive() -> None:
    sender = FakeSender(lambda batch: Outcome(13 not in batch, reason="bad item"))
    delivery = deliver(sender, 30)
    assert not delivery.flush(0.5)  # the last one left: nothing tells a bad item from a bad connection
    for number in range(100, 105):
        delivery.put(number)
        delivery.flush(0.2)
    assert delivery.flush(5.0)
    assert sorted(sender.taken) == sorted(set(range(30)) - {13} | set(range(100, 105)))
    assert delivery.take_losses() == (1, "bad item")
    assert delivery.take_losses() == (0, "")
    delivery.close(5.0)


def test_nothing_is_given_up_while_the_backend_is_away() -> None:
    is_away = threading.Event()
    is_away.set()
    sender = FakeSender(lambda batch: Outcome(not is_away.is_set(), reason="away"))
    delivery = deliver(sender, 20)
    assert not delivery.flush(0.5)
    is_away.clear()
    assert delivery.flush(5.0)
    assert sorted(sender.taken) == list(range(20))
    assert delivery.status()[:5] == ("spans", 20, 20, 0, 0)
    delivery.close(5.0)


def test_full_queue_drops_the_oldest_and_counts() -> None:
    sender = FakeSender()
    sender.goes_on.clear()
    delivery = deliver(sender, 8)
    assert sender.is_sending.wait(5)  # these eight are on their way
    for number in range(8, 158):
        delivery.put(number)
    assert delivery.take_losses() == (50, "the queue of 100 was full")
    assert delivery.status()[:5] == ("spans", 158, 0, 50, 108)
    sender.goes_on.set()
    assert delivery.flush(5.0)
    assert sender.taken == [*range(8), *range(58, 158)]
    assert delivery.status()[:5] == ("spans", 158, 108, 50, 0)
    delivery.close(5.0)


def test_reason_of_a_loss_outlives_failures_that_come_later() -> None:
    attempts = threading.Semaphore(0)

    def refuse(batch: Sequence[int]) -> Outcome:
        attempts.release()
        return Outcome(False, reason="away")

    delivery = deliver(FakeSender(refuse), 120)  # 100 have room
    while attempts.acquire(blocking=False):  # those during the puts do not count
        pass
    assert all(attempts.acquire(timeout=10) for _ in range(3))
    assert delivery.status().last_error == "away"
    count, reason = delivery.take_losses()
    assert count >= 20
    assert "the queue of 100 was full" in reason == delivery.loss_reason
    delivery.close(5.0)


def test_batch_that_comes_back_to_a_full_queue_makes_room_first() -> None:
    answers = iter([Outcome(False, reason="away")])
    sender = FakeSender(lambda batch: next(answers, Outcome(True)))
    sender.goes_on.clear()
    delivery = deliver(sender, 8)
    assert sender.is_sending.wait(5)
    for number in range(8, 108):
        delivery.put(number)
    sender.goes_on.set()
    assert delivery.flush(5.0)
    assert sender.taken == list(range(8, 108))
    assert delivery.status()[:5] == ("spans", 108, 100, 8, 0)
    delivery.close(5.0)


def test_partial_success_is_counted() -> None:
    sender = FakeSender(lambda batch: Outcome(True, rejected=1, reason="no space"))
    delivery = deliver(sender, 3)
    assert delivery.flush(5.0)
    assert delivery.status()[:5] == ("spans", 3, 2, 1, 0)
    assert delivery.take_losses() == (1, "no space")
    delivery.close(5.0)


def test_close_delivers_what_waits() -> None:
    sender = FakeSender()
    delivery = deliver(sender, 30, SMALL._replace(delay_sec=60.0, max_batch=50))
    delivery.close(5.0)
    assert sender.taken == list(range(30))


def test_close_tries_twice_and_counts_the_rest() -> None:
    sender = FakeSender(lambda batch: Outcome(False, reason="away"))
    delivery = deliver(sender, 5, SMALL._replace(delay_sec=60.0))
    delivery.close(5.0)
    assert len(sender.batches) == 2
    reason = "the end came before the backend took them (away)"
    assert delivery.status() == ("spans", 5, 0, 5, 0, reason)


def test_close_leaves_a_hanging_backend_behind() -> None:
    sender = FakeSender()
    sender.goes_on.clear()
    delivery = deliver(sender, 20)
    assert sender.is_sending.wait(5)
    delivery.close(0.05)
    assert delivery.status() == ("spans", 20, 0, 20, 0, "the end came before the backend took them")
    assert sender.shutdowns == 1
    sender.goes_on.set()
    delivery.close(5.0)
    assert delivery.status()[:5] == ("spans", 20, 0, 20, 0)
    assert sender.shutdowns == 1


def test_item_after_the_end_is_counted_as_lost() -> None:
    delivery = deliver(FakeSender(), 1)
    delivery.close(5.0)
    delivery.put(7)
    assert delivery.status() == ("spans", 2, 1, 1, 0, "it came after the end")


def test_where_no_thread_can_be_started_the_caller_delivers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    sender = FakeSender()
    delivery = deliver(sender, 20)
    assert delivery.flush(5.0)
    assert sender.taken == list(range(20))
    delivery.put(20)
    delivery.close(5.0)
    assert sender.taken == list(range(21))
    assert sender.shutdowns == 1


def test_failing_shutdown_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    sender = FakeSender()
    sender.shutdown = lambda: 1 / 0  # type: ignore[method-assign,assignment]
    deliver(sender, 1).close(5.0)
    assert "The exporter of spans could not be shut down: division by zero" in caplog.text


def test_outage_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    sender = FakeSender(lambda batch: Outcome(False, reason="away"))
    delivery = deliver(sender, 5)
    delivery.flush(0.1)
    delivery.close(5.0)
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "spans wait, as they cannot be delivered (away). It will be tried again; so far 0 are lost." in line


def test_tick_is_called_while_it_is_wanted() -> None:
    ticks = threading.Semaphore(0)
    wanted = threading.Event()
    delivery: Delivery[int] = Delivery("spans", FakeSender(), SMALL, ticks.release, wanted.is_set)  # type: ignore[arg-type]
    assert delivery.is_idle
    wanted.set()
    delivery.poke()
    assert ticks.acquire(timeout=5)
    assert ticks.acquire(timeout=5)
    delivery.close(5.0)


def test_failing_tick_does_not_end_the_delivery(caplog: pytest.LogCaptureFixture) -> None:
    sender = FakeSender()
    delivery: Delivery[int] = Delivery("spans", sender, SMALL, lambda: 1 / 0)  # type: ignore[arg-type]
    delivery.put(1)
    assert delivery.flush(5.0)
    delivery.close(5.0)
    assert sender.taken == [1]
    assert "could not be made: division by zero" in caplog.text


def test_limits_come_from_the_environment(caplog: pytest.LogCaptureFixture) -> None:
    environ = {"OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_SCHEDULE_DELAY": "250", "OTEL_BLRP_MAX_QUEUE_SIZE": "many"}
    assert Limits.from_environ(environ, "OTEL_BSP") == (10, 10, 0.25)
    assert Limits.from_environ(environ, "OTEL_BLRP") == Limits()
    assert "OTEL_BLRP_MAX_QUEUE_SIZE = 'many' is ignored" in caplog.text
