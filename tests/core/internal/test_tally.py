from __future__ import annotations

import pickle
import threading

from nv_one_logger.core.internal.tally import Tally


def test_tick_returns_the_number_of_earlier_ticks() -> None:
    tally = Tally()
    assert [tally.tick(), tally.tick()] == [0, 1]
    assert tally.value == 2
    assert tally.value == 2


def test_no_tick_is_lost_between_threads() -> None:
    tally = Tally()
    workers = [threading.Thread(target=lambda: [tally.tick() for _ in range(5000)]) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert tally.value == 40_000


def test_tally_can_be_pickled() -> None:
    tally = Tally(3)
    tally.tick()
    assert pickle.loads(pickle.dumps(tally)).value == 4
