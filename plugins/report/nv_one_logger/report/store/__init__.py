"""From lines to tables: reads files exactly, and keeps what they say in Parquet."""

from __future__ import annotations
