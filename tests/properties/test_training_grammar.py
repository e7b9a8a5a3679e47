"""Any sequence of calls, valid or not, from several threads, leaves a stream of records that obeys the grammar."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from contextlib import nullcontext
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.recorder.default_recorder import ExportCustomizationMode
from nv_one_logger.testing import RecordingExporter
from nv_one_logger.training_telemetry.api import callbacks, context
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as Name
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR

Call = Tuple[str, Tuple[Any, ...], Dict[str, Any]]

PAIRS = (
    "app",
    "distributed_init",
    "model_init",
    "dataloader_init",
    "optimizer_init",
    "load_checkpoint",
    "training_single_iteration",
    "validation",
    "validation_single_iteration",
    "testing",
    "testing_single_iteration",
)
# Milliseconds before (or after) now; None is now. One is too old to be meant, one is no time at all.
OFFSETS = st.one_of(st.none(), st.sampled_from([-5000, -10, 10, 3000, -(10**9)]), st.just("yesterday"))


def timed(name: str, keyword: str, *arguments: Any) -> st.SearchStrategy[Call]:
    return OFFSETS.map(lambda offset: (name, arguments, {} if offset is None else {keyword: offset}))


SIMPLE = st.one_of(
    *[timed(f"on_{pair}_start", "start_time_msec") for pair in PAIRS],
    *[timed(f"on_{pair}_end", "finish_time_msec") for pair in PAIRS if pair != "app"],
    timed("on_train_end", "finish_time_msec"),
    timed("on_save_checkpoint_end", "finish_time_msec"),
)
WITH_NUMBERS = st.one_of(
    st.sampled_from([0, 3, -1, None, "many", 2.5]).flatmap(lambda n: timed("on_train_start", "start_time_msec", n)),
    st.sampled_from([0, 1, 2, None, "step"]).flatmap(lambda n: timed("on_save_checkpoint_start", "start_time_msec", n)),
    st.sampled_from([0, 1, 2, None, "step"]).flatmap(lambda n: timed("on_save_checkpoint_success", "time_msec", n)),
)
METRICS = st.sampled_from([{"loss": 1.0}, {"loss": float("nan"), "lr": 1}, {"loss": "low"}, {}, None, 7])
OTHERS = st.one_of(
    METRICS.map(lambda metrics: ("log_metrics", (metrics,), {})),
    METRICS.map(lambda metrics: ("on_training_single_iteration_end", (), {"metrics": metrics})),
    st.just(("on_save_checkpoint_start", (), {})),
    st.just(("on_app_start", (1, 2, 3), {})),
)
CALLBACKS = st.one_of(SIMPLE, WITH_NUMBERS, OTHERS)
SPANS = st.one_of(
    st.sampled_from([*(str(name) for name in Name), "application", "own"]).map(lambda name: ("span", (name,), {})),
    st.sampled_from([*(str(name) for name in Name), "own"]).map(lambda name: ("start", (name,), {})),
    st.integers(0, 5).map(lambda index: ("stop", (index,), {})),
    st.integers(0, 5).map(lambda index: ("event", (index,), {})),
    st.sampled_from(["training_iteration", "validation_loop", "testing_loop", "model_init", "checkpoint_load"]).map(
        lambda name: ("context", (name,), {})
    ),
)


def calls(*kinds: st.SearchStrategy[Call]) -> st.SearchStrategy[List[Call]]:
    return st.lists(st.one_of(*kinds), min_size=8, max_size=60)


class Caller:
    """Makes the calls of one thread; the spans that they start are shared with the other threads."""

    def __init__(self, provider: TrainingTelemetryProvider, spans: List[Any], lock: Any) -> None:
        self.recorder = provider.recorder
        self.spans = spans
        self.lock = lock
        self.raised: List[BaseException] = []

    def make(self, calls: List[Call]) -> None:
        for name, arguments, keywords in calls:
            with self.lock:
                try:
                    self.call(name, arguments, {key: self.time(value) for key, value in keywords.items()})
                except BaseException as error:
                    self.raised.append(error)

    @staticmethod
    def time(value: Any) -> Any:
        return time.time() * 1000 + value if isinstance(value, int) else value

    def call(self, name: str, arguments: Tuple[Any, ...], keywords: Dict[str, Any]) -> None:
        own: Dict[str, Callable[..., None]] = {
            "span": self.span,
            "start": self.start,
            "stop": self.stop,
            "event": self.event,
            "context": self.context,
        }
        (own.get(name) or getattr(callbacks, name))(*arguments, **keywords)

    def span(self, name: str) -> None:
        with timed_span(name) as span:
            span.add_attribute("a", 1)

    def start(self, name: str) -> None:
        self.spans.append(self.recorder.start(name))

    def stop(self, index: int) -> None:
        self.recorder.stop(self.spans[index % len(self.spans)])

    def event(self, index: int) -> None:
        self.recorder.event(self.spans[index % len(self.spans)], Event.create("own", Attributes({"a": 1})))

    def context(self, name: str) -> None:
        try:
            with getattr(context, name)():
                raise ValueError("of the application")
        except ValueError as error:
            if str(error) != "of the application":
                raise


def configure(quiet: bool, exporter: RecordingExporter) -> TrainingTelemetryProvider:
    config = TrainingTelemetryConfig(
        application_name="a",
        session_tag_or_fn="s",
        world_size_or_fn=1,
        global_batch_size_or_fn=8,
        log_every_n_train_iterations=2,
        flops_per_sample_or_fn=10,
        train_iterations_target_or_fn=10,
        train_samples_target_or_fn=80,
        is_log_throughput_enabled_or_fn=True,
        **({"error_handling_strategy": QUIET} if quiet else {}),
    )
    provider = TrainingTelemetryProvider.instance()
    provider.with_base_config(config).with_exporter(exporter)
    provider.with_export_customization(ExportCustomizationMode.EXPORT_ALL_SPANS).configure_provider()
    return provider


@pytest.fixture(autouse=True)
def busy_and_silent(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Switch threads as often as possible, and log nothing."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    with caplog.at_level("CRITICAL"):
        yield
    sys.setswitchinterval(interval)


def assert_grammar(exporter: RecordingExporter) -> None:
    """One start before one stop of each span, everything on a span in between, and parents that started before."""
    running: Dict[int, bool] = {}
    for call in exporter.calls:
        if call.method == "telemetry_data_error":
            continue
        assert call.span is not None
        identity = call.span.id.int
        if call.method == "start":
            assert identity not in running
            parent = call.span.exported_parent
            assert parent is None or parent.id.int in running
            running[identity] = True
        else:
            assert running.get(identity), f"{call.method} {call.name} outside its span"
            running[identity] = call.method != "stop"
    assert not any(running.values())
    counts = Counter(record["type"] for record in exporter.records)
    assert counts["start"] == counts["stop"]
    assert exporter.closed


def run_in_threads(lists: List[List[Call]], end: str, lock: Any) -> None:
    exporter = RecordingExporter()
    provider = configure(quiet=True, exporter=exporter)
    try:
        callbacks.on_app_start()
        spans: List[Any] = [None]
        callers = [Caller(provider, spans, lock) for _ in lists]
        threads = [threading.Thread(target=one.make, args=(list_,)) for one, list_ in zip(callers, lists)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert provider.one_logger_enabled
        if end == "on_app_end":
            callbacks.on_app_end()
    finally:
        provider.reset()
    assert [error for caller in callers for error in caller.raised] == []
    assert_grammar(exporter)


QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ENDS = st.sampled_from(["on_app_end", "reset"])


@QUICK
@given(lists=st.lists(calls(CALLBACKS, SPANS), min_size=1, max_size=4), end=ENDS)
def test_any_calls_in_any_interleaving_never_raise_in_quiet_mode_and_obey_the_grammar(
    lists: List[List[Call]], end: str
) -> None:
    run_in_threads(lists, end, threading.Lock())


@QUICK
@given(lists=st.lists(calls(CALLBACKS), min_size=2, max_size=4), end=ENDS)
def test_callbacks_at_the_same_time_never_raise_in_quiet_mode_and_obey_the_grammar(
    lists: List[List[Call]], end: str
) -> None:
    run_in_threads(lists, end, nullcontext())


@QUICK
@given(calls=calls(CALLBACKS, SPANS))
def test_propagate_mode_may_raise_and_obeys_the_grammar(calls: List[Call]) -> None:
    exporter = RecordingExporter()
    provider = configure(quiet=False, exporter=exporter)
    try:
        callbacks.on_app_start()
        Caller(provider, [None], nullcontext()).make(calls)
        assert provider.one_logger_enabled
        # Whatever was raised left a state in which correct calls work.
        if provider.recorder.get_active_spans_by_name("application"):
            callbacks.on_app_end()
    finally:
        provider.reset()
    assert_grammar(exporter)
