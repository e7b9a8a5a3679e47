"""Files that the reference library wrote, and records made up for one purpose."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any, Callable, Dict, Optional

import pytest

REFERENCE = Path(__file__).parent / "data" / "reference-2.3.1"
START_MSEC = 1_700_000_000_000


class Recording:
    """Writes the records of one process, with a clock that is told the time in milliseconds.

    Args:
        path: The file; it is appended to.
        rank: Rank that the process says of itself; ``None`` to say nothing.
        pid: Its id.
        session_tag: The session.
        world_size: Ranks.
    """

    def __init__(
        self, path: Path, rank: Optional[int] = 0, *, pid: int = 100, session_tag: str = "run-1", world_size: int = 1
    ) -> None:
        self.path = path
        self.rank, self.pid, self.session_tag, self.world_size = rank, pid, session_tag, world_size
        self._count = 0
        self._ids: Dict[str, str] = {}
        self._fresh = itertools.count(1)

    def write(self, record: Dict[str, Any]) -> None:
        """Write one record with the next number."""
        self._count += 1
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**record, "count": self._count, "pid": self.pid}) + "\n")

    def skip(self, records: int) -> None:
        """Lose that many records."""
        self._count += records

    def session(self, at: int, **more: object) -> None:
        """Write a session record."""
        said = {
            "schema_version": 1,
            "application_name": "made-up",
            "session_tag": self.session_tag,
            "rank": self.rank,
            "world_size": self.world_size,
            "host": "node-1",
            "timestamp_msec": START_MSEC + at,
            "monotonic_msec": at,
        }
        self.write({"type": "session", "session": {**said, **more}})

    def heartbeat(self, at: int, **open_spans: int) -> None:
        """Write a heartbeat that names spans by name and start."""
        named = [
            {"id": self._ids.get(name, name), "name": name, "start_msec": START_MSEC + started}
            for name, started in open_spans.items()
        ]
        self.write({"type": "heartbeat", "timestamp_msec": START_MSEC + at, "monotonic_msec": at, "open_spans": named})

    def start(self, name: str, at: int, **attributes: object) -> None:
        """Begin a span; only one of a name can be open."""
        self._ids[name] = f"{self.pid}-{next(self._fresh)}"
        more = {"attributes": attributes} if attributes else {}
        self.write({"type": "start", "id": self._ids[name], "name": name, **more, "start_event": _moment("start", at)})

    def stop(self, name: str, at: int, **attributes: object) -> None:
        """End a span."""
        self.write(
            {"type": "stop", "id": self._ids.pop(name), "name": name, "attributes": attributes,
             "stop_event": _moment("stop", at)}
        )  # fmt: skip

    def span(self, name: str, started: int, ended: int, **attributes: object) -> None:
        """Write a span with nothing in between."""
        self.write(
            {"type": "complete", "id": f"{self.pid}-{next(self._fresh)}", "name": name,
             "attributes": {**attributes, "duration_msec": ended - started},
             "start_event": _moment("start", started), "stop_event": _moment("stop", ended)}
        )  # fmt: skip

    def event(self, name: str, at: int, on: str = "application", **attributes: object) -> None:
        """Write an event on an open span."""
        content = {"name": name, "attributes": {**attributes, "timestamp_msec": START_MSEC + at}}
        self.write({"type": "event", "span_id": self._ids.get(on, on), "event": content})

    def error(self, message: str, at: int, on: str = "application", **attributes: object) -> None:
        """Write an application error."""
        content = {"name": "error", "attributes": {"error_message": message, **attributes,
                                                   "timestamp_msec": START_MSEC + at}}  # fmt: skip
        self.write({"type": "application_error", "span_id": self._ids.get(on, on), "event": content})

    def begin(self, at: int) -> None:
        """Begin the application as the reference library does, which says who the process is."""
        self.start("application", at)
        self.event(
            "one_logger_initialization", at, session_tag=self.session_tag, rank=self.rank,
            world_size=self.world_size, node_name="node-1",
        )  # fmt: skip


def _moment(kind: str, at: int) -> Dict[str, Any]:
    return {"name": f"span_{kind}", "attributes": {"timestamp_msec": START_MSEC + at}}


@pytest.fixture(name="reference")
def fixture_reference() -> Path:
    """Return the folder of files that release 2.3.1 of the reference library wrote."""
    return REFERENCE


@pytest.fixture(name="recording")
def fixture_recording(tmp_path: Path) -> Callable[..., Recording]:
    """Return a function that begins the file of a rank."""

    def begin(rank: Optional[int] = 0, **more: Any) -> Recording:
        path = tmp_path / "records" / f"{more.pop('file', f'r{rank}')}.jsonl"
        path.parent.mkdir(exist_ok=True)
        return Recording(path, rank, **more)

    return begin
