"""From tables to a report: one module for each question."""

from __future__ import annotations
