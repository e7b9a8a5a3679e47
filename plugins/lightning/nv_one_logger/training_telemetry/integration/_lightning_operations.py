"""Saving and loading of checkpoints, which Lightning has no callback hooks around: recorded where they happen."""

from __future__ import annotations

import functools
import logging
from typing import Any, Callable, Optional

from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName
from nv_one_logger.training_telemetry.integration._lightning_background import BackgroundWrite, background_io
from nv_one_logger.training_telemetry.integration._lightning_recorder import (
    SAVE_SPANS,
    active_recorder,
    active_spans,
    record_error,
    record_failed_write,
    saves_in_background,
)

__all__ = ["Operation", "record_calls_of", "recorded_load", "recorded_save", "stop_recording_calls_of"]

_log = logging.getLogger(__name__)

_IS_SAVING = "_nv_one_logger_is_saving"


class Operation:
    """A save or a load that Lightning is in the middle of.

    Args:
        name: ``"save"`` or ``"load"``.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_reported_by_application = False
        """Whether the application told of it, too: it knows better when it succeeded."""


def recorded_save(callback: Any, trainer: Any, save: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Save a checkpoint and tell the callback of its start, its success and its end.

    A save that is known already is left alone: one that the application reports itself, and one seen both at the class
    of the trainer and at the trainer.

    Args:
        callback: A ``TimeEventCallback``; ``None`` for a trainer without one.
        trainer: The trainer.
        save: Its ``save_checkpoint``, without what this adds to it.
        args: What it was called with.
        kwargs: What it was called with.
    """
    is_known = getattr(callback, "_is_saving", False) is True or getattr(trainer, _IS_SAVING, False) is True
    if callback is None or is_known:
        return save(*args, **kwargs)
    step = trainer.global_step
    callback.on_save_checkpoint_start(global_step=step)
    operation = Operation("save")
    setattr(trainer, _IS_SAVING, True)
    try:
        is_written, result = _save(callback, trainer, operation, step, functools.partial(save, *args, **kwargs))
        if is_written and not operation.is_reported_by_application:
            callback.on_save_checkpoint_success(global_step=step)
    finally:
        setattr(trainer, _IS_SAVING, False)
        callback.on_save_checkpoint_end()
    return result


def _save(callback: Any, trainer: Any, operation: Operation, step: int, save: Callable[[], Any]) -> Any:
    """Return whether the checkpoint is written by now, and what ``save`` returned."""
    plugin = None if active_recorder() is None else background_io(trainer)
    callback._operation = operation
    try:
        if plugin is None:
            return True, save()
        with BackgroundWrite(plugin, functools.partial(_report_write, callback, operation, step)) as write:
            result = save()
        if write.is_submitted and not saves_in_background():
            _warn_of_unreported_writes(callback)
        return not write.is_submitted, result
    except BaseException as error:
        for name in SAVE_SPANS:
            record_error(name, error)
        raise
    finally:
        callback._operation = None


def _report_write(callback: Any, operation: Operation, step: int, error: Optional[BaseException]) -> None:
    """Report the end of a write in the background. Whatever went wrong here would count as a failure of the write."""
    try:
        if error is not None:
            record_failed_write(step, error)
        elif saves_in_background() and not operation.is_reported_by_application:
            callback.on_save_checkpoint_success(global_step=step)
    except Exception as failure:
        _log.warning("The end of writing the checkpoint of step %s could not be reported: %s", step, failure)


def _warn_of_unreported_writes(callback: Any) -> None:
    if getattr(callback, "_has_warned_of_writes", False) is not True:
        callback._has_warned_of_writes = True
        _log.warning(
            "AsyncCheckpointIO writes checkpoints in the background, but save_checkpoint_strategy says that training "
            "waits for them: their success is not reported. Set save_checkpoint_strategy=CheckPointStrategy.ASYNC."
        )


def recorded_load(callback: Any, trainer: Any, load: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Load a checkpoint and tell the callback of start and end, unless the application reports this load itself."""
    name = StandardTrainingJobSpanName.CHECKPOINT_LOAD
    if active_spans(name):
        return load(*args, **kwargs)
    callback.on_load_checkpoint_start()
    callback._operation = Operation("load")
    try:
        return load(*args, **kwargs)
    except BaseException as error:
        record_error(name, error)
        raise
    finally:
        callback._operation = None
        callback.on_load_checkpoint_end()


class _RecordedMethod:
    """Takes the place of a method on one object. A class and no closure, because trainers are pickled."""

    def __init__(self, record: Callable[..., Any], callback: Any, trainer: Any, original: Callable[..., Any]) -> None:
        self.callback = callback
        self.original = original
        self._record = record
        self._trainer = trainer

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._record(self.callback, self._trainer, self.original, *args, **kwargs)


def record_calls_of(trainer: Any, callback: Any) -> None:
    """Record the saves and loads of this one trainer, until :func:`stop_recording_calls_of`. Never raises."""
    if getattr(trainer, "nv_one_logger_callback", None) is not callback:  # else its class records its saves
        _replace(trainer, "save_checkpoint", recorded_save, callback, trainer)
    _replace(getattr(trainer, "strategy", None), "load_checkpoint", recorded_load, callback, trainer)


def _replace(owner: Any, name: str, record: Callable[..., Any], callback: Any, trainer: Any) -> None:
    try:
        found = vars(owner).get(name)
        if isinstance(found, _RecordedMethod):  # left by a run that was interrupted
            found.callback = callback
        else:
            setattr(owner, name, _RecordedMethod(record, callback, trainer, getattr(owner, name)))
    except Exception as error:  # an object of a kind that cannot be changed
        _log.warning("Calls of %s of %s are not recorded: %s", name, type(owner).__name__, error)


def stop_recording_calls_of(trainer: Any, callback: Any) -> None:
    """Leave the trainer as it was. Never raises."""
    for owner, name in ((trainer, "save_checkpoint"), (getattr(trainer, "strategy", None), "load_checkpoint")):
        found = getattr(owner, "__dict__", {}).get(name)
        if isinstance(found, _RecordedMethod) and found.callback is callback:
            del owner.__dict__[name]
            if found.original != getattr(owner, name):  # somebody else had put it on the object
                setattr(owner, name, found.original)
