"""The marker of hookimpls, here so that exporters may carry it without importing the host."""

from __future__ import annotations

import pluggy

__all__ = ["PROJECT_NAME", "hookimpl"]

PROJECT_NAME = "nv_one_logger"

hookimpl = pluggy.HookimplMarker(PROJECT_NAME)
"""Marks a function as the implementation of the hook of its name; takes the options of pluggy (``tryfirst``, ...)."""
