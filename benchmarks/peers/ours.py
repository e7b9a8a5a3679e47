"""The workloads that only this project has, beside those of the common API."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

from measure import Workload, best_batch_ns, main
from one_logger import WORKLOADS, Name, configure, recorder


class Idle:
    """An exporter that does nothing: what is measured is the host."""

    def initialize(self) -> None: ...

    def export_start(self, span: Any) -> None: ...

    def export_stop(self, span: Any) -> None: ...

    def export_event(self, event: Any, span: Any) -> None: ...

    def export_error(self, event: Any, span: Any) -> None: ...

    def export_telemetry_data_error(self, error: Any) -> None: ...

    def close(self) -> None: ...


def further_plugin(directory: Path) -> Callable[[int], Dict[str, float]]:
    """Return what each further plugin adds to one call of a hook."""
    from nv_one_logger.core.event import Event
    from nv_one_logger.core.span import Span
    from nv_one_logger.host import ExporterHost

    span, event = Span.create("work"), Event.create("tick")

    def cost(plugins: int, operations: int) -> float:
        host = ExporterHost()
        for _ in range(plugins):
            host.register(Idle())
        host.initialize()
        host.hook.export_start(span=span)
        return best_batch_ns(lambda: host.hook.export_event(event=event, span=span), operations)

    def measure(operations: int) -> Dict[str, float]:
        return {"ns": (cost(11, operations) - cost(1, operations)) / 10, "lost": 0}

    return measure


def background(directory: Path) -> Any:
    """Record to a file exporter in the background, with room for everything."""
    from nv_one_logger.exporter.background_exporter import BackgroundExporter
    from nv_one_logger.exporter.file_exporter import FileExporter

    configure(directory, 0)
    exporter = BackgroundExporter(
        FileExporter(directory / "background.jsonl"), max_queue=10_000_000, close_timeout_sec=120.0
    )
    recorder().host.register(exporter)
    return exporter


def background_span(directory: Path) -> Workload:
    exporter = background(directory)
    from nv_one_logger.core.attributes import Attributes

    one = recorder()

    def operation() -> None:
        one.stop(one.start(Name.WORK, Attributes({"shard": 3, "phase": "train"})))

    def finish() -> int:
        exporter.close()
        return sum(1 for _ in (directory / "background.jsonl").open())

    return Workload(operation, finish)


def background_event(directory: Path) -> Workload:
    exporter = background(directory)
    from nv_one_logger.core.attributes import Attributes
    from nv_one_logger.core.event import Event

    one = recorder()
    outer = one.start(Name.OUTER)

    def operation() -> None:
        one.event(outer, Event.create("batch", Attributes({"rows": 128, "loss": 0.25, "phase": "train"})))

    def finish() -> int:
        exporter.close()
        return sum(1 for _ in (directory / "background.jsonl").open())

    return Workload(operation, finish, lines_besides=1)


if __name__ == "__main__":
    main(
        {
            **WORKLOADS,
            "further_plugin": further_plugin,
            "background_span": background_span,
            "background_event": background_event,
        }
    )
