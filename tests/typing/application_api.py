"""A program of a user of the application interface, as the type checker must see it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import List

from nv_one_logger.api.config import LoggerConfig, OneLoggerConfig
from nv_one_logger.api.context import propagate_span
from nv_one_logger.api.one_logger_provider import OneLoggerProvider
from nv_one_logger.api.recorder import Recorder
from nv_one_logger.api.timed_span import get_recorder, timed_span
from nv_one_logger.core.internal.safe_execution import exception_guard, safely_execute
from nv_one_logger.core.internal.singleton import SingletonMeta
from nv_one_logger.core.internal.utils import evaluate_value
from nv_one_logger.core.span import Span


class Registry(metaclass=SingletonMeta):
    """A singleton keeps its own type."""

    names: List[str] = []


@timed_span("load")
def load(path: str, repeat: int = 1) -> int:
    """A decorated function keeps its signature."""
    return len(path) * repeat


@timed_span("fetch")
async def fetch(path: str) -> bytes:
    """So does a coroutine function."""
    return path.encode()


@exception_guard
def guarded(value: int) -> str:
    """So does a guarded one."""
    return str(value)


@safely_execute
def safe(value: int) -> str:
    """So does one that is skipped while telemetry is off."""
    return str(value)


@safely_execute(otherwise="")
def safe_with_a_default(value: int) -> str:
    """So does one with a result for that case."""
    return str(value)


def configuration() -> OneLoggerConfig:
    """Values and callables are both accepted."""
    return OneLoggerConfig(
        application_name="app",
        world_size_or_fn=lambda: 4,
        session_tag_or_fn="run1",
        custom_metadata={"cluster": None, "nodes": 2, "jobs": ["a", "b"]},
        logger_config=LoggerConfig(log_level="DEBUG"),
    )


async def program() -> None:
    """Use everything."""
    provider: OneLoggerProvider = OneLoggerProvider.instance()
    recorder: Recorder = get_recorder()
    config = configuration()
    provider.configure(config, recorder)
    with timed_span("work") as span:
        work: Span = span
        work.add_attribute("rows", 3)
    with ThreadPoolExecutor() as pool:
        sizes: List[int] = list(pool.map(propagate_span(load), ["a", "b"]))
    data: bytes = await fetch("a")
    texts: List[str] = [guarded(1), safe(2), safe_with_a_default(value=3), config.session_tag]
    names: List[str] = Registry.instance().names
    number: int = evaluate_value(lambda: 7) + evaluate_value(7) + config.world_size
    print(sizes, data, texts, names, number)
