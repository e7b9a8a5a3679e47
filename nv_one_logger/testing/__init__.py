"""The kit for people who write exporters, or programs that record: doubles, a clock, and a conformance suite.

* :class:`RecordingExporter` keeps what it is given, in order.
* :class:`FakeClock` decides what ``time.time`` and ``time.perf_counter`` say.
* :class:`RecordFile` reads back what a ``FileExporter`` wrote.
* :class:`nv_one_logger.testing.conformance.ExporterContract` tests an exporter; it needs pytest.
* :mod:`nv_one_logger.testing.pytest_plugin` has fixtures; pytest finds them by itself.

Names are imported when they are first used: pytest imports this package at every start, also where nobody needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING:
    from nv_one_logger.testing.fake_clock import FakeClock
    from nv_one_logger.testing.record_file import RecordFile
    from nv_one_logger.testing.recording_exporter import RecordedCall, RecordingExporter

__all__ = ["FakeClock", "RecordFile", "RecordedCall", "RecordingExporter"]

_MODULES = {
    "FakeClock": "fake_clock",
    "RecordFile": "record_file",
    "RecordedCall": "recording_exporter",
    "RecordingExporter": "recording_exporter",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
