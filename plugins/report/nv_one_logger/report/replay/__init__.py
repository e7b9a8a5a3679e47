"""``one-logger replay``: sends what was recorded to any exporter plugin, as if it happened again, with original times.

``target`` builds the exporter, ``rebuild`` turns records back into spans and events, ``journal`` remembers how far it
came, ``replaying`` does the work and counts.
"""

from __future__ import annotations

from nv_one_logger.report.replay.replaying import ReplaySummary, replay_records

__all__ = ["ReplaySummary", "replay_records"]
