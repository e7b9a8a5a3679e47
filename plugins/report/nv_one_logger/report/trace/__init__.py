"""``one-logger trace``: all ranks as one trace that Perfetto and Chrome show.

``survey`` reads the files a first time and learns who the processes are and what they did at the same moment,
``clocks`` tells from that how far their clocks are apart. The second reading writes: ``lanes`` keeps spans of several
threads from crossing, ``events`` turns records into trace events, ``writer`` streams them to the file.
"""

from __future__ import annotations

from nv_one_logger.report.trace.tracing import TraceSummary, write_trace

__all__ = ["TraceSummary", "write_trace"]
