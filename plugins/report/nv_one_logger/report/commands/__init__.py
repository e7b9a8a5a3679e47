"""The commands ``one-logger verify``, ``convert`` and ``report``, one module each."""

from __future__ import annotations
