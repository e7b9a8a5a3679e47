"""Where telemetry goes in Weights & Biases, and as which run."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from typing import Any, Dict, List, Mapping, Optional

__all__ = ["Config"]

_RANK_VARIABLES = ("RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID")
_MAX_GROUP = 128  # what wandb accepts


class _DrawnName(str):
    """A run name that nobody chose, and that a better one may replace."""


def _draw_run_name() -> str:
    return _DrawnName(f"one-logger-tracking-run-{uuid.uuid4()}")


@dataclass
class Config:
    """Where telemetry goes, and as which run.

    Attributes:
        entity: User or team that owns the run.
        host: Address of the wandb server.
        api_key: Key for that server; empty means what wandb finds by itself. Hidden in the ``repr``.
        project: Project of the run.
        run_name: Name for people. The default is the session tag and the rank, without them a unique text.
        save_dir: Folder under which wandb keeps its files, in ``<save_dir>/wandb``.
        tags: Tags of the run.
        run_id: Identity of the run; a run of this id is continued. The default is made of session tag and rank.
        group: Group of the run. The default is the session tag, so that the ranks of a job are one group.
        span_details: Whether each record says what it belongs to: span, span id, parent, step; and whether errors are
            recorded. The default is yes where the exporter knows its application, as from a provider.
        init_timeout_sec: How long wandb may take to start the run, in seconds.
        close_timeout_sec: How long closing may hold up the application, in seconds.
        max_waiting: How many records may wait for a process that is slow; then the oldest is dropped.
    """

    entity: str
    host: str = "https://api.wandb.ai"
    api_key: str = ""
    project: str = "one-logger-tracking"
    run_name: str = field(default_factory=_draw_run_name)
    save_dir: str = "./wandb"
    tags: List[str] = field(default_factory=lambda: ["e2e_metrics_enabled"])
    run_id: Optional[str] = None
    group: Optional[str] = None
    span_details: Optional[bool] = None
    init_timeout_sec: float = 30.0
    close_timeout_sec: float = 4.0
    max_waiting: int = 10_000

    def __repr__(self) -> str:
        texts = (f"{item.name}={_shown(item.name, getattr(self, item.name))}" for item in fields(self))
        return f"{type(self).__name__}({', '.join(texts)})"


def _shown(name: str, value: object) -> str:
    return "'***'" if name == "api_key" and value else repr(value)


@dataclass(frozen=True)
class Application:
    """What the exporter was told about the program that it serves.

    Attributes:
        name: Name of the application.
        session_tag: Equal for all ranks, and for a later start only if that continues this one.
        world_size: Number of processes of the job.
        rank: Number of this process among them.
    """

    name: str
    session_tag: str
    world_size: int
    rank: int

    @classmethod
    def of(cls, one_logger_config: Any, environ: Mapping[str, str]) -> Application:
        """Read it from a ``OneLoggerConfig`` and the launcher's environment."""
        base = one_logger_config
        return cls(base.application_name, base.session_tag, base.world_size, rank_of(environ))

    def as_run_config(self) -> Dict[str, Any]:
        """Return what the run's configuration says about it."""
        return {
            "application_name": self.name,
            "session_tag": self.session_tag,
            "world_size": self.world_size,
            "rank": self.rank,
        }


def rank_of(environ: Mapping[str, str]) -> int:
    """Return the rank that torchrun, MPI or Slurm gave this process, 0 without one of them."""
    for variable in _RANK_VARIABLES:
        text = environ.get(variable, "")
        if text.isdecimal():
            return int(text)
    return 0


def resolved(config: Config, application: Optional[Application], fork_of: Optional[int] = None) -> Config:
    """Return the configuration with every choice made that was left to us.

    Args:
        config: What the user gave.
        application: What is known about the program, ``None`` if nothing is.
        fork_of: Process id of a forked process that needs a run of its own; ``None`` in any other.
    """
    made = replace(config, save_dir=os.path.abspath(config.save_dir or "."))
    if application is not None:
        made.run_id = config.run_id or _run_id(application)
        made.group = config.group or application.session_tag[:_MAX_GROUP] or None
        if isinstance(config.run_name, _DrawnName):
            made.run_name = f"{application.session_tag}-rank{application.rank}"
    if made.span_details is None:
        made.span_details = application is not None
    made.run_id = made.run_id or uuid.uuid4().hex[:16]  # fixed here: a restarted child process continues its run
    if fork_of is not None:
        made.run_id = f"{made.run_id}-{fork_of}"
        made.run_name = f"{made.run_name}-{fork_of}"
    return made


def _run_id(application: Application) -> str:
    """Make the same id for the same session and rank: readable, and unique even where the readable part is not."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", application.session_tag)[:40].strip("-")
    digest = sha256(application.session_tag.encode("utf-8", "backslashreplace")).hexdigest()[:12]
    return "-".join(filter(None, [readable, digest, f"rank{application.rank}"]))
