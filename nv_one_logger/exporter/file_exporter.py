"""Writes records to a file, one JSON object a line."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple, Union

from nv_one_logger.core.event import Event
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal import launcher
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.base_json_exporter import BaseJsonExporter
from nv_one_logger.exporter.exporter import ExportError, RecordWriteError
from nv_one_logger.exporter.internal.encoder import encode_record
from nv_one_logger.exporter.internal.heartbeat import heartbeat_or_none, heartbeat_record
from nv_one_logger.exporter.internal.hookimpl import hookimpl
from nv_one_logger.exporter.internal.lines import complete_line, event_line
from nv_one_logger.exporter.internal.pending_watch import watch
from nv_one_logger.exporter.internal.placeholders import fill_placeholders, has_placeholder
from nv_one_logger.exporter.internal.record_type import RecordType
from nv_one_logger.exporter.internal.rotation import Rotation, rotation_or_none
from nv_one_logger.exporter.internal.session_record import SessionDescription

__all__ = ["FileExporter"]

_SESSION = RecordType.SESSION.value
_SESSION_LINE = b'{"type":"session",'

# What fsync says of pipes, terminals and the like: there is no disk to have it on.
_NOT_FOR_DISK = (errno.EINVAL, errno.ENOTSUP, errno.EROFS)


class FileExporter(BaseJsonExporter):
    """Appends records to a file as JSON Lines: strict JSON in UTF-8, one record a line.

    Each record is one ``write(2)`` at the end of the file, so it is visible at once, survives ``kill -9``, and whole
    lines of several threads and processes may go to one file (on local POSIX file systems; elsewhere give each process
    a file of its own with ``{rank}`` or ``{pid}``). The file is never truncated. After a failed write the next record
    is tried and starts on a line of its own. A span that is still open after a second has its start in the file.

    Args:
        file_path: Where to write; missing parent directories are created. ``{rank}``, ``{pid}``, ``{session_tag}`` and
            ``{application_name}`` are replaced when the exporter is initialized; other braces stay as they are. A
            forked child appends to its parent's file, or, with ``{pid}``, to one of its own.
        fsync: Have every record on the disk before the call returns: survives a power cut, at the disk's speed.
        max_bytes: Rename the file to ``<name>.1`` once it is at least this large, and begin a new one.
        backup_count: How many renamed files are kept.
        session_record: Begin what each process writes to a file, renamed ones included, with a record of who it is:
            application, session tag, attempt, rank, world size, host, versions, and the time on two clocks. A forked
            child does so when it first has something to write.
        heartbeat_sec: Every so many seconds, while the exporter is open, write a record that names the open spans (the
            64 that began first), from a thread. So a file tells when its process was last alive, and doing what.

    Raises:
        OneLoggerError: ``max_bytes``, ``backup_count`` or ``heartbeat_sec`` is not positive, or the file is to be
            rotated on a platform without POSIX file locks and is not one of the process's own (``{pid}``).
    """

    def __init__(
        self,
        file_path: Union[Path, str],
        *,
        fsync: bool = False,
        max_bytes: Optional[int] = None,
        backup_count: int = 5,
        session_record: bool = False,
        heartbeat_sec: Optional[float] = None,
    ) -> None:
        super().__init__()
        self._filepath = Path(file_path)  # frozen name: users' tests read it
        self._file: Optional[io.FileIO] = None  # frozen name: users' tests read and close it
        self._fsync = fsync
        _check_rotation(self._filepath, max_bytes, backup_count)
        self._rotation: Optional[Rotation] = rotation_or_none(max_bytes, backup_count)
        # Whether the file ends within a line, so that the next record has to begin with a line end.
        self._ends_within_line = False
        self._opens_at_next_record = False  # in a forked child that does not share the parent's file
        # What a forked child shares, until its first record. Then `_file` is None, so that it says who it is first,
        # without a check that each record pays for.
        self._parents_file: Optional[io.FileIO] = None
        self._session = SessionDescription() if session_record else None
        self._heartbeat = heartbeat_or_none(heartbeat_sec)
        self._placeholder_values: Dict[str, object] = {}
        self._open_path = self._filepath
        self._watch = watch()
        # A subclass that writes otherwise gets every record.
        self._makes_lines = type(self)._write is FileExporter._write

    @property
    def path(self) -> Path:
        """The file that is written, placeholders replaced; before ``initialize()`` the path as given."""
        return self._open_path

    @hookimpl
    def configure(self, config: Any) -> None:
        """Learn application and session, for the placeholders and the session record."""
        if self._session is not None:
            self._session.configure(config)
        for name in ("application_name", "session_tag"):
            value = getattr(config, name, None)
            if value is not None:
                self._placeholder_values[name] = value

    def initialize(self) -> None:
        """Open the file for appending. A second call keeps the file that is open.

        Raises:
            ExportError: The file or its directory cannot be created or opened.
        """
        with self._lock:
            if self._file is None or self._file.closed:
                try:
                    self._open_anew()
                    self._write_session()
                except (OSError, ValueError) as error:  # ValueError: no path can hold what is in this one
                    self._state = BaseJsonExporter._State.NOT_INITIALIZED
                    raise ExportError(
                        f"FileExporter cannot open {self._open_path} ({getattr(error, 'strerror', None) or error}). "
                        "Give file_path= a place that this process may write to."
                    ) from error
            super().initialize()  # after opening: it writes the start that is still pending
            if self._heartbeat is not None:
                self._heartbeat.begin(self._clock())
        watch().add(self)
        if self._heartbeat is not None:
            watch().add_heartbeat(self)

    @hookimpl
    def flush(self, timeout_sec: float) -> None:
        """Write the pending start and have everything on the disk.

        Raises:
            ExportError: The start could not be written, or the disk failed.
        """
        with self._lock:
            error = self._flush_pending()
            if self._file is not None:
                try:
                    self._sync(self._file)
                except RecordWriteError as failure:
                    error = error or failure
        self._raise_first(error)

    def close(self) -> None:
        """Write the pending start and close the file. What fails is logged; the exporter is closed all the same."""
        with self._lock:
            try:
                super().close()
            except Exception:  # noqa: S110  # logged where the write failed; close() has to succeed
                pass
            file, self._file = self._file or self._parents_file, None
            self._parents_file = None
            if file is not None:
                try:
                    file.close()
                except OSError:  # of a full or broken disk; each record had its own verdict already
                    pass

    def write_heartbeat_if_due(self, now: float) -> Optional[float]:
        """Write a heartbeat if one is due at ``now`` (monotonic seconds).

        Returns:
            Seconds until the next is due, ``None`` when none is to come: the exporter is closed, or this is a forked
            child that has written nothing. A failure is raised by a later call, so that it is counted like any other.
        """
        heartbeat = self._heartbeat
        if heartbeat is None:
            return None
        with self._lock:
            if not self.ready:
                return None
            if not heartbeat.has_begun and self._count > 0:
                heartbeat.begin(now)
            if heartbeat.take(now):
                self._write_aside(lambda: heartbeat_record(self._open_spans))
            return heartbeat.remaining(now)

    def _write(self, json_dict: Dict[str, Any]) -> None:
        self._append(encode_record(json_dict) + b"\n")

    def _write_complete(self, span: Span) -> Optional[Exception]:
        try:
            line = complete_line(span, self._count + 1, self._pid) if self._makes_lines else None
        except MemoryError:
            line = None  # the other way may do with less, and numbers the record before it fails
        if line is None:
            return super()._write_complete(span)
        self._count += 1
        return self._write_or_error(self._append, line)

    def _write_event(self, event: Event, span: Span) -> Optional[Exception]:
        try:
            line = event_line(event, span, self._count + 1, self._pid) if self._makes_lines else None
        except MemoryError:
            line = None  # the other way may do with less, and numbers the record before it fails
        if line is None:
            return super()._write_event(event, span)
        self._count += 1
        return self._write_or_error(self._append, line)

    def _append(self, line: bytes) -> None:
        """Write one line, its end included, at the end of the file."""
        file = self._file
        if file is None:
            file, line = self._file_after_fork(line)
        if self._rotation is not None:
            file, line = self._file_after_rotation(self._rotation, file, line)
        if self._ends_within_line:
            line = b"\n" + line
        try:
            written = file.write(line)
        except (OSError, ValueError) as error:  # ValueError: somebody closed the file
            raise RecordWriteError(f"FileExporter could not write to {self._open_path}: {error}") from error
        if written != len(line):
            # Not retried: the rest could land behind a line of another process.
            self._ends_within_line = True
            raise RecordWriteError(
                f"FileExporter wrote {written} of {len(line)} bytes to {self._open_path}. The disk may be full."
            )
        self._ends_within_line = False
        if self._fsync:
            self._sync(file)

    def _sync(self, file: io.FileIO) -> None:
        try:
            os.fsync(file.fileno())
        except (OSError, ValueError) as error:  # ValueError: somebody closed the file
            if getattr(error, "errno", None) in _NOT_FOR_DISK:
                return
            raise RecordWriteError(f"{self._open_path} could not be flushed to disk: {error}") from error

    def _open_anew(self) -> None:
        """Open the file that the path names for this process."""
        values = {**self._placeholder_values, "pid": os.getpid(), "rank": launcher.rank(os.environ)}
        self._open_path = fill_placeholders(self._filepath, values)
        self._open()

    def _open(self) -> None:
        self._open_path.parent.mkdir(parents=True, exist_ok=True)
        file = open(self._open_path, "ab", buffering=0)  # noqa: SIM115  # closed by close()
        if self._parents_file is not None:  # a forked child that was initialized before it wrote anything
            self._parents_file.close()
            self._parents_file = None
        self._file = file
        self._ends_within_line = _ends_within_line(self._open_path)
        self._opens_at_next_record = False

    def _introduce(self, line: bytes) -> bytes:
        """Write the session record, if asked for, in front of a line; return that with the number that then is its."""
        # Should the file be rotated away right now, the session record comes here itself, and needs none in front.
        if self._session is None or line.startswith(_SESSION_LINE):
            return line
        self._count -= 1
        self._write_session()
        self._count += 1
        return b'%b,"count":%d,"pid":%d}\n' % (line.rpartition(b',"count":')[0], self._count, self._pid)

    def _write_session(self) -> None:
        session = self._session
        if session is not None:
            self._write_aside(lambda: {"type": _SESSION, "session": session.content(os.environ)})

    def _write_aside(self, make_record: Callable[[], Dict[str, Any]]) -> None:
        """Write a record that is no call's own; its failure is raised by the next call, which is counted for it."""
        try:
            error = self._number_and_write(make_record())
        except Exception as failure:  # of making it
            error = failure
        if error is not None:
            self._failure_in_background = error

    def _renew_after_fork(self) -> None:
        super()._renew_after_fork()
        if self._heartbeat is not None:
            self._heartbeat.stop()  # until the child has something to tell
        file = self._file or self._parents_file
        self._parents_file = None
        # Appending through the parent's file is safe. But `{pid}` promises a file for each process, and the lock of a
        # rotation belongs to the open file: parent and child, sharing one, would both hold it.
        if file is not None and (self._rotation is not None or has_placeholder(self._filepath, "pid")):
            file.close()  # of the child's descriptor; nothing is buffered
            self._file = None
            self._opens_at_next_record = True
        elif file is not None and self._session is not None:
            self._file, self._parents_file = None, file

    def _file_after_fork(self, line: bytes) -> Tuple[io.FileIO, bytes]:
        """Return the file of a forked child that has this line to write first, and the line, numbered anew."""
        if self._parents_file is not None:
            self._file, self._parents_file = self._parents_file, None
            line = self._introduce(line)
        elif self._opens_at_next_record:
            try:
                self._open_anew()
            except OSError as error:
                raise RecordWriteError(f"FileExporter cannot open {self._open_path}: {error}") from error
            line = self._introduce(line)
        if self._file is None:
            raise ExportError(f"FileExporter has no open file ({self._open_path}). Call initialize first.")
        return self._file, line

    def _file_after_rotation(self, rotation: Rotation, file: io.FileIO, line: bytes) -> Tuple[io.FileIO, bytes]:
        """Return the file to write this line to, rotated or reopened where that is due, and the line, numbered anew.

        A failing rotation costs no record.
        """
        try:
            is_moved = rotation.has_moved(file.fileno(), self._open_path)
            if not is_moved and rotation.is_due(file.fileno()):
                rotation.rotate(file.fileno(), self._open_path)
                is_moved = True
            if is_moved:
                self._open()
                file.close()
        except (OSError, ValueError, MemoryError):  # disk full, directory gone: go on in the file that is open
            return file, line
        if is_moved:
            line = self._introduce(line)
        return self._file or file, line


def _ends_within_line(path: Path) -> bool:
    """Whether a file has content that does not end with a line end; if that cannot be told, it may well be so."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False  # a pipe or terminal has no content to look at
        with open(path, "rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except (OSError, MemoryError):
        return True


def _check_rotation(path: Path, max_bytes: Optional[int], backup_count: int) -> None:
    if max_bytes is None:
        return
    if max_bytes <= 0 or backup_count <= 0:
        raise OneLoggerError(
            f"FileExporter for {path}: max_bytes and backup_count must be positive, "
            f"found {max_bytes!r} and {backup_count!r}. Leave max_bytes out to keep one growing file."
        )
    if not Rotation.can_share_files() and not has_placeholder(path, "pid"):
        raise OneLoggerError(
            f"FileExporter for {path}: rotating a file that other processes may write needs POSIX file locks. "
            "Put {pid} into file_path, so that each process has its own file."
        )
