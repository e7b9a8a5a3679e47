"""Every call of every hook of every kind of plugin raises, or never comes back; nobody else notices."""

from __future__ import annotations

import os
from typing import Any, Callable, List

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks a process for each fault")

PLUGINS = ["file", "logger", "background", "hooks"]
EXPORT_HOOKS = ["export_start", "export_stop", "export_event", "export_error"]
OTHER_HOOKS = ["configure", "should_export", "flush", "close"]


def every(rig: Any, victim: str, hook: str, fault: str, **more: Any) -> List[Any]:
    """Return a job for every call of a hook that a healthy job makes."""
    calls = rig.healthy(victim, point=hook, nth=1_000_000).result["calls"].get(hook, 0)
    return [{"victim": victim, "point": hook, "nth": nth, "fault": fault, **more} for nth in range(1, calls + 1)]


@pytest.mark.parametrize("fault", ["raise", "raise afterwards"])
@pytest.mark.parametrize("hook", EXPORT_HOOKS + OTHER_HOOKS)
@pytest.mark.parametrize("victim", PLUGINS)
def test_every_call_raises_once(
    rig: Any, no_job_minds: Callable[..., None], victim: str, hook: str, fault: str
) -> None:
    no_job_minds(f"{hook}, {victim}", fault, every(rig, victim, hook, fault))


@pytest.mark.parametrize("victim", PLUGINS)
def test_plugin_that_cannot_be_initialized_is_left_out(
    rig: Any, no_job_minds: Callable[..., None], victim: str
) -> None:
    cases = [{"victim": victim, "point": "initialize", "fault": "raise", "quiet": True}]
    no_job_minds(f"initialize, {victim}", "raise", cases)


@pytest.mark.parametrize("hook", EXPORT_HOOKS)
@pytest.mark.parametrize("victim", ["file", "logger", "hooks"])
def test_plugin_that_always_raises_is_paused(
    rig: Any, no_job_minds: Callable[..., None], victim: str, hook: str
) -> None:
    no_job_minds(f"{hook}, {victim}, always", "raise", every(rig, victim, hook, "raise", times=1000))


@pytest.mark.parametrize("hook", EXPORT_HOOKS)
def test_every_call_hangs_behind_a_queue(rig: Any, no_job_minds: Callable[..., None], hook: str) -> None:
    cases = every(rig, "background", hook, "hang", close_timeout_sec=0.2)
    no_job_minds(f"{hook}, background", "hang", cases)


@pytest.mark.parametrize("hook", ["flush", "close"])
def test_flush_or_close_hangs(rig: Any, no_job_minds: Callable[..., None], hook: str) -> None:
    cases = [case for victim in PLUGINS for case in every(rig, victim, hook, "hang")]
    no_job_minds(f"{hook}, each kind of plugin", "hang", cases)
