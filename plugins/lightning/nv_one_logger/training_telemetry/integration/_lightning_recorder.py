"""What the integration asks of the recorder and tells it, beside the callbacks; nothing here raises."""

from __future__ import annotations

import logging
from typing import Any, List, Optional

from nv_one_logger.core.span import Span, SpanName, StandardSpanName
from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName
from nv_one_logger.training_telemetry.api.training_recorder import TrainingRecorder
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

__all__ = [
    "PREDICTION_LOOP",
    "SAVE_SPANS",
    "active_recorder",
    "active_spans",
    "record_error",
    "record_failed_write",
    "saves_in_background",
    "start_prediction",
    "stop_prediction",
]

PREDICTION_LOOP = "prediction_loop"
"""Name of the span of ``trainer.predict``, for which there is no standard one."""

SAVE_SPANS = (StandardTrainingJobSpanName.CHECKPOINT_SAVE_SYNC, StandardTrainingJobSpanName.CHECKPOINT_SAVE_ASYNC)

_log = logging.getLogger(__name__)


def active_recorder(provider: Optional[Any] = None) -> Optional[TrainingRecorder]:
    """Return the recorder; ``None`` where nothing is recorded: not configured, disabled on this rank, switched off."""
    provider = provider or TrainingTelemetryProvider.instance()
    try:
        return provider.recorder if provider.one_logger_enabled else None
    except Exception as error:  # reset by another thread in between, or configured without training telemetry
        _log.debug("There is no training recorder: %s", error)
        return None


def active_spans(name: SpanName, provider: Optional[Any] = None) -> List[Span]:
    """Return the open spans of a name, none where nothing is recorded."""
    recorder = active_recorder(provider)
    spans = None if recorder is None else recorder.get_active_spans_by_name(name)
    return spans if isinstance(spans, list) else []  # users' tests give providers that return anything


def record_error(name: SpanName, error: BaseException, message: Optional[str] = None) -> None:
    """Record an exception of the application on the open span of that name, in the words of the contexts.

    Like there, what is no ``Exception`` (Ctrl-C, ``SystemExit``) is no error.
    """
    if not isinstance(error, Exception):
        return
    try:
        for span in active_spans(name):
            recorder = active_recorder()
            if recorder is not None:
                recorder.error(span, message or f"Error in {span.name_str}: ", error)
    except Exception as failure:
        _log.warning("The error in %s could not be recorded: %s", name, failure)


def record_failed_write(step: int, error: BaseException) -> None:
    """Record that a checkpoint written in the background did not get there. Its span is long over."""
    record_error(StandardSpanName.APPLICATION, error, f"The checkpoint of step {step} was not written: ")


def start_prediction() -> None:
    """Start the span of a prediction loop."""
    recorder = active_recorder()
    if recorder is not None:
        recorder.start(span_name=PREDICTION_LOOP)


def stop_prediction() -> None:
    """Stop the span of a prediction loop, if there is one."""
    for span in active_spans(PREDICTION_LOOP):
        recorder = active_recorder()
        if recorder is not None:
            recorder.stop(span)


def saves_in_background() -> bool:
    """Tell whether the configuration says that training does not wait for checkpoints to be written."""
    try:
        config = TrainingTelemetryProvider.instance().config.telemetry_config
    except Exception:  # not configured: nothing is reported anyway
        return True
    return getattr(config, "save_checkpoint_strategy", None) == CheckPointStrategy.ASYNC
