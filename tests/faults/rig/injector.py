"""Makes the n-th call at one point of the boundary fail: of the file system, or of a plugin's hook."""

from __future__ import annotations

import errno
import functools
import io
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from facts import facts_of_record

from nv_one_logger.exporter import file_exporter
from nv_one_logger.exporter.internal import rotation

# Writes that take fewer bytes than they were given, as a disk that has just become full does: how many are left out.
SHORT = {
    "short by half": lambda size: size // 2,
    "short by one byte": lambda size: 1,
    "nothing written": lambda size: size,
}


class InjectedError(Exception):
    """What a plugin raises that fails; not one of the library's own errors."""


def fault_error(fault: str) -> Exception:
    if fault == "MemoryError":
        return MemoryError("injected")
    return OSError(getattr(errno, fault), os.strerror(getattr(errno, fault)))


class Injector:
    """Counts the calls at every point, and makes those from the ``nth`` on fail, ``times`` of them."""

    def __init__(self, point: Optional[str], nth: int = 1, fault: str = "", times: int = 1) -> None:
        self.calls: Dict[str, int] = Counter()
        self.injected = 0
        self.writes: List[Any] = []  # [bytes as text, how many of them were written]
        self.lost_calls: List[Any] = []  # facts that the plugin was told in the calls that failed
        self.raised: Dict[str, int] = Counter()  # calls of each hook that raised, whoever made them raise
        self.finished: Dict[str, int] = Counter()  # calls of each hook that came back
        self.hit: Dict[str, int] = Counter()  # calls of each hook within which something was made to fail
        self.files: List[FaultyFile] = []
        self._point, self._fault = point, fault
        self._failing = range(nth, nth + times)
        self._lock = threading.Lock()
        self._here = threading.local()

    @property
    def is_inside(self) -> bool:
        """Whether this thread is within a hook of the plugin that meets faults."""
        return getattr(self._here, "is_inside", False)

    def due(self, point: str) -> Optional[str]:
        """Count one call; return the fault that it shall meet, if it is its turn."""
        with self._lock:
            self.calls[point] += 1
            if point != self._point or self.calls[point] not in self._failing:
                return None
            self.injected += 1
            return self._fault

    def reach(self, point: str) -> None:
        """Count one call of a function that either works or raises."""
        fault = self.due(point)
        if fault is not None:
            raise fault_error(fault)

    def reach_hook(self, hook: str, told: Any, call: Callable[[], Any]) -> Any:
        """Make one call of a hook, which may raise before or after it has done its work, or never return."""
        before = self.injected
        fault = self.due(hook)
        if fault == "hang":
            threading.Event().wait()
        try:
            if fault == "raise":
                self.lost_calls += [told] if told else []
                raise InjectedError(f"injected into {hook}")
            self._here.is_inside = True
            result = call()
            if fault == "raise afterwards":
                raise InjectedError(f"injected into {hook}")
        except Exception:
            self.raised[hook] += 1
            raise
        finally:
            self._here.is_inside = False
            self.hit[hook] += self.injected > before
        self.finished[hook] += 1
        return result


class FaultyFile(io.FileIO):
    """A file whose writes and closing may fail."""

    injector: Injector

    def write(self, data: Any) -> Any:
        fault = self.injector.due("write")
        text = bytes(data).decode("utf-8")
        if fault in SHORT:
            kept = len(data) - SHORT[fault](len(data))
            written = super().write(data[:kept]) if kept else 0
            self.injector.writes.append([text, written])
            return written
        if fault is not None:
            self.injector.writes.append([text, 0])
            raise fault_error(fault)
        self.injector.writes.append([text, len(data)])
        return super().write(data)

    def close(self) -> None:
        is_first = not self.closed
        super().close()
        if is_first:
            self.injector.reach("close file")


def break_file_system(injector: Injector, folder: Path) -> None:
    """Have the file exporters' calls of the file system that concern a folder go through the injector."""

    def concerns(path: object) -> bool:
        return isinstance(path, (str, os.PathLike)) and Path(path).parent == folder

    def faulty_open(path: Any, mode: str, **options: Any) -> Any:
        if not concerns(path):
            return open(path, mode, **options)
        injector.reach("open" if mode == "ab" else "open to look")
        if mode != "ab":
            return open(path, mode, **options)
        file = FaultyFile(path, mode)
        file.injector = injector
        injector.files.append(file)
        return file

    def is_ours(fd: int, *_: Any) -> bool:
        return any(not file.closed and file.fileno() == fd for file in injector.files)

    def faulty_encode(record: Any) -> bytes:
        fault = injector.due("encode a record") if injector.is_inside else None
        if fault is not None:
            injector.lost_calls += facts_of_record(record)
            raise fault_error(fault)
        return encode_record(record)

    encode_record = file_exporter.encode_record
    file_exporter.encode_record = faulty_encode
    for name in ("complete_line", "event_line"):
        _break(injector, file_exporter, name, lambda *arguments: injector.is_inside, "make a line")
    file_exporter.open = faulty_open
    _break(injector, os, "fsync", is_ours)
    _break(injector, os, "replace", lambda source, target: concerns(source))
    _break(injector, os, "stat", concerns)
    _break(injector, os, "fstat", is_ours)
    _break(injector, rotation.fcntl, "flock", is_ours)
    _break(injector, Path, "mkdir", lambda path, **options: path == folder)


def _break(injector: Injector, owner: Any, name: str, concerns: Callable[..., bool], point: str = "") -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def faulty(*arguments: Any, **options: Any) -> Any:
        if concerns(*arguments):
            injector.reach(point or name)
        return real(*arguments, **options)

    setattr(owner, name, faulty)
