from __future__ import annotations

import os
import signal

import pytest

from nv_one_logger.cli.demo.interrupt import InterruptRequest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="os.kill ends the process there")


def test_nothing_asked_nothing_raised() -> None:
    with InterruptRequest() as request:
        request.check()


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_waits_for_the_next_check(number: int, exit_code: int) -> None:
    with InterruptRequest() as request:
        os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            request.check()
    assert request.exit_code == exit_code


def test_second_signal_interrupts_at_once() -> None:
    with InterruptRequest():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with InterruptRequest():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
