from __future__ import annotations

import os
import platform
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Callable

import pytest

from nv_one_logger.exporter.internal.session_record import SessionDescription

TORCHRUN = {
    "RANK": "5",
    "WORLD_SIZE": "16",
    "LOCAL_RANK": "1",
    "TORCHELASTIC_RUN_ID": "run-7",
    "TORCHELASTIC_RESTART_COUNT": "2",
}


def test_configuration_beats_the_launcher() -> None:
    description = SessionDescription()
    description.configure(SimpleNamespace(application_name="digits", session_tag="mine", world_size=8))
    content = description.content(TORCHRUN)
    assert (content["application_name"], content["session_tag"], content["world_size"]) == ("digits", "mine", 8)


def test_launcher_tells_the_rest() -> None:
    content = SessionDescription().content(TORCHRUN)
    assert (content["session_tag"], content["attempt"]) == ("run-7", 3)
    assert (content["rank"], content["world_size"], content["local_rank"]) == (5, 16, 1)


def test_what_is_not_known_is_left_out() -> None:
    description = SessionDescription()
    description.configure(SimpleNamespace(application_name=None))
    content = description.content({})
    assert not {"application_name", "session_tag", "attempt", "local_rank"} & set(content)
    assert (content["rank"], content["world_size"]) == (0, 1)
    assert None not in content.values()


def test_machine_versions_and_clocks_are_told() -> None:
    before = time.time() * 1000, time.monotonic() * 1000
    content = SessionDescription().content({})
    after = time.time() * 1000, time.monotonic() * 1000
    assert content["schema_version"] == 1
    assert content["host"] == socket.gethostname()
    assert content["versions"]["python"] == platform.python_version()
    assert content["versions"]["core"]
    assert int(before[0]) <= content["timestamp_msec"] <= after[0]
    assert int(before[1]) <= content["monotonic_msec"] <= after[1]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_start_of_the_process_is_told_on_linux(run_python: Callable[..., object], tmp_path: Path) -> None:
    before = time.time() * 1000
    run_python(
        "import os\n"
        "from nv_one_logger.exporter.internal.session_record import SessionDescription\n"
        "content = SessionDescription().content({})\n"
        "open('times', 'w').write(f\"{content['process_start_msec']} {content['timestamp_msec']}\")\n"
    )
    started, told = map(int, (tmp_path / "times").read_text().split())
    assert before - 50 <= started < told  # ticks of 10 ms


def test_start_of_the_process_is_left_out_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: int("none"))
    assert "process_start_msec" not in SessionDescription().content({})
