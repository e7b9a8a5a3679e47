"""What people use instead: plain logging with JSON, structlog and loguru, one line per span or event."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any, Callable, Dict

from measure import Workload, count_lines, main


def plain_logging(path: Path) -> Callable[[Dict[str, Any]], None]:
    logger = logging.getLogger("bench")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(logging.FileHandler(path))
    return lambda values: logger.info(json.dumps(values))


def structlog_logging(path: Path) -> Callable[[Dict[str, Any]], None]:
    import structlog

    logger = structlog.wrap_logger(
        structlog.BytesLogger(path.open("ab", buffering=0)),
        processors=[
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(serializer=lambda value, **_: json.dumps(value).encode()),
        ],
    )
    return lambda values: logger.info("record", **values)


def loguru_logging(path: Path) -> Callable[[Dict[str, Any]], None]:
    from loguru import logger

    logger.remove()
    logger.add(path, serialize=True, format="{message}")
    return lambda values: logger.bind(**values).info("record")


def span_with(make: Callable[[Path], Callable[[Dict[str, Any]], None]]) -> Callable[[Path], Workload]:
    def workload(directory: Path) -> Workload:
        path = directory / "log.jsonl"
        log = make(path)

        def operation() -> None:
            begin = time.perf_counter()
            log({"name": "work", "shard": 3, "phase": "train", "duration": time.perf_counter() - begin})

        return Workload(operation, lambda: count_lines(path))

    return workload


def event_with(make: Callable[[Path], Callable[[Dict[str, Any]], None]]) -> Callable[[Path], Workload]:
    def workload(directory: Path) -> Workload:
        path = directory / "log.jsonl"
        log = make(path)
        return Workload(
            lambda: log({"name": "batch", "rows": 128, "loss": 0.25, "phase": "train"}), lambda: count_lines(path)
        )

    return workload


MAKERS = {"logging": plain_logging, "structlog": structlog_logging, "loguru": loguru_logging}

if __name__ == "__main__":
    workloads = {f"{name}.span": span_with(make) for name, make in MAKERS.items()}
    workloads.update({f"{name}.event": event_with(make) for name, make in MAKERS.items()})
    main(workloads)
