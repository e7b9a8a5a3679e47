"""Starts the run of the telemetry, beside whatever the application does with wandb."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import Any, Collection, Dict, Iterator, Mapping, Optional

from nv_one_logger.wandb.exporter.config import Config
from nv_one_logger.wandb.exporter.records import STEP_KEY

__all__ = ["log", "start_run"]

# These attach a run to the application's own run, resume that one, or make it part of a sweep.
_FOREIGN_VARIABLES = (
    "WANDB_RUN_ID",
    "WANDB_SERVICE",
    "WANDB_RESUME",
    "WANDB_RUN_GROUP",
    "WANDB_SWEEP_ID",
    "WANDB_SWEEP_PARAM_PATH",
)
_SESSION_SETTINGS = ("api_key", "base_url", "mode")


def start_run(
    config: Config, run_config: Optional[Mapping[str, Any]] = None, finish_sec: Optional[float] = None
) -> Any:
    """Start a run of our own, or continue the one with the configured id, and return it.

    A run of the application is neither returned nor finished, and no credentials or settings are stored anywhere.

    Args:
        config: Where and as which run.
        run_config: What the run's configuration shall say.
        finish_sec: How long wandb may upload at the end, in seconds. By default most of ``close_timeout_sec``, so that
            wandb gives up before we do.

    Raises:
        Exception: What wandb raises, for instance for a missing key or a server that does not answer.
    """
    import wandb

    os.makedirs(config.save_dir or ".", exist_ok=True)  # else wandb takes the system's folder for temporary files
    with _without_foreign_variables(), _session_lent(config.api_key):
        return wandb.init(
            project=config.project,
            name=config.run_name,
            entity=config.entity,
            tags=config.tags,
            dir=config.save_dir,
            id=config.run_id,
            resume="allow" if config.run_id else None,
            group=config.group,
            reinit="create_new",
            config=dict(run_config) if run_config else None,
            settings=_run_settings(config, getattr(wandb.Settings, "model_fields", ()), finish_sec),
        )


def _run_settings(config: Config, known: Collection[str], finish_sec: Optional[float]) -> Dict[str, Any]:
    """Return the settings of the run: nothing of the process is watched or captured, only our records count."""
    settings: Dict[str, Any] = {
        "console": "off",
        "disable_git": True,
        "disable_code": True,
        "quiet": True,
        "x_disable_stats": True,
        "init_timeout": config.init_timeout_sec,
    }
    if "finish_timeout" in known:  # recent versions
        settings["finish_timeout"] = 0.75 * config.close_timeout_sec if finish_sec is None else finish_sec
    if config.host:
        settings["base_url"] = config.host
    if config.api_key:
        settings["api_key"] = config.api_key
    return settings


def log(run: Any, metrics: Dict[str, Any]) -> None:
    """Hand one record to wandb, at its step if it has one."""
    step = metrics.get(STEP_KEY)
    if step is None:
        run.log(data=metrics, commit=True)
        return
    run.log(data=metrics, commit=True, step=step)


@contextmanager
def _without_foreign_variables() -> Iterator[None]:
    kept = {name: os.environ.pop(name) for name in _FOREIGN_VARIABLES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


@contextmanager
def _session_lent(key: str) -> Iterator[None]:
    """Lend our key to the session for the log-in, and put back what that changes for later runs of this process.

    Before 0.23, wandb looks for the key in the settings of the session, not in those of the run.
    """
    setup = sys.modules.get("wandb.sdk.wandb_setup")
    singleton = getattr(setup, "singleton", None)
    settings = getattr(singleton(), "settings", None) if callable(singleton) else None
    before = {name: getattr(settings, name) for name in _SESSION_SETTINGS if hasattr(settings, name)}
    try:
        if key and "api_key" in before:
            with suppress(ValueError):  # no possible key: wandb says so itself when it starts the run
                setattr(settings, "api_key", key)  # noqa: B010  # wandb's, and not known to type checkers here
        yield
    finally:
        for name, value in before.items():
            if getattr(settings, name) != value:
                setattr(settings, name, value)
