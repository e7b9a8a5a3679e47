"""How and where checkpoints are saved."""

from __future__ import annotations

from nv_one_logger.core.internal.strenum import StrEnum

__all__ = ["CheckPointStrategy", "CheckPointType"]


class CheckPointStrategy(StrEnum):
    """Whether training waits for a checkpoint to be written."""

    SYNC = "sync"
    """Training waits until the checkpoint is complete."""

    ASYNC = "async"
    """Training goes on while the checkpoint is written; its success is reported later."""


class CheckPointType(StrEnum):
    """Where a checkpoint lives."""

    GLOBAL = "global"
    """On remote, persistent storage."""

    LOCAL = "local"
    """On the local disk, lost with the node."""
