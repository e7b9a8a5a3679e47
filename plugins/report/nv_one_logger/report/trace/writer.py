"""Streams trace events to a file, which appears under its name when it is complete."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Iterable, List, Mapping, Optional, Type, cast

__all__ = ["TraceFile"]

_BATCH = 1000


class TraceFile:
    """A trace in the JSON Object Format, compressed if its name ends with ``.gz``. Use it in a ``with`` statement.

    Written beside its name first, so that a run that is cut off leaves no half a trace, nor destroys an older one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        self._file: Optional[IO[bytes]] = None
        self._batch: List[str] = []
        self._is_first = True

    def __enter__(self) -> TraceFile:
        if self._path.name.endswith(".gz"):
            # No name and no time inside: the same records give the same bytes.
            raw = open(self._partial, "wb")  # closed by _close()
            self._raw: Optional[IO[bytes]] = raw
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6)
            self._file = cast(IO[bytes], packed)
        else:
            self._raw = None
            self._file = open(self._partial, "wb")  # closed by _close()
        self._write('{"displayTimeUnit":"ms","traceEvents":[\n')
        return self

    def add(self, events: Iterable[Mapping[str, object]]) -> None:
        """Write events."""
        for event in events:
            self._batch.append(json.dumps(event, separators=(",", ":"), allow_nan=False))
        if len(self._batch) >= _BATCH:
            self._flush()

    def finish(self, facts: Mapping[str, object]) -> None:
        """Write what is known about the trace as a whole, and let the file appear."""
        self._flush()
        self._write(f'\n],"otherData":{json.dumps(facts, separators=(",", ":"), allow_nan=False)}}}\n')
        self._close()
        os.replace(self._partial, self._path)

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            self._partial.unlink()

    def _flush(self) -> None:
        if self._batch:
            self._write(("" if self._is_first else ",\n") + ",\n".join(self._batch))
            self._is_first = False
            self._batch.clear()

    def _write(self, text: str) -> None:
        if self._file is not None:
            self._file.write(text.encode("ascii"))

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
        if self._raw is not None:
            self._raw.close()
