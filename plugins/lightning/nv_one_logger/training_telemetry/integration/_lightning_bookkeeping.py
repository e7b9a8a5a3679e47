"""What the callback remembers between two hooks of Lightning."""

from __future__ import annotations

import logging
from typing import Any, Dict, Mapping, Optional, Tuple

from nv_one_logger.core.span import SpanName
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.training_telemetry.integration._lightning_operations import Operation
from nv_one_logger.training_telemetry.integration._lightning_recorder import record_error

__all__ = ["Bookkeeping"]

_log = logging.getLogger(__name__)

_OF_THIS_PROCESS = ("_application_recorder", "_is_saving", "_open", "_operation")


class Bookkeeping:
    """The state of a callback and the rules about it.

    Every attribute has its first value on the class: subclasses and users' tests replace ``__init__``, and a callback
    is pickled for processes that ``ddp_spawn`` starts.
    """

    _call_on_app_start: bool = False
    _application_recorder: Optional[object] = None  # the one that the application was started with
    _open: Tuple[Tuple[SpanName, int], ...] = ()  # what was started, oldest first, each with the id of its trainer
    _step_before: object = None  # global_step when the iteration began
    _is_saving: bool = False
    _operation: Optional[Operation] = None
    _provider: TrainingTelemetryProvider

    def _telemetry(self) -> Any:
        provider = vars(self).get("_provider")
        return TrainingTelemetryProvider.instance() if provider is None else provider

    def _leads(self, trainer: Any) -> bool:
        """Tell whether this callback reports for a trainer: with several of its kind, only the first of them does."""
        callbacks = getattr(trainer, "callbacks", None)
        if type(callbacks) is list:
            for callback in callbacks:
                if isinstance(callback, Bookkeeping):
                    return callback is self
        return True

    # --- phases ------------------------------------------------------------------------------------------------------

    def _begin(self, phase: SpanName, trainer: object) -> None:
        self._open = (*self._open, (phase, id(trainer)))

    def _is_open(self, phase: SpanName) -> bool:
        return any(phase is one for one, _ in self._open)

    def _forget(self, phase: SpanName) -> bool:
        """Forget a phase, because it ends now; tell whether it was open."""
        was_open = self._is_open(phase)
        self._open = tuple(one for one in self._open if one[0] is not phase)
        return was_open

    def _end_what_is_open(self, trainer: object, error: Optional[BaseException] = None) -> None:
        """End what was started for a trainer, innermost first; never raises.

        Args:
            trainer: The trainer. Another one may be at work around it, with the same callback.
            error: What ended it, which is recorded on every span that it leaves.
        """
        of_trainer = [one for one in self._open if one[1] == id(trainer)]
        for phase, _ in reversed(of_trainer):
            self._forget(phase)
            if error is not None:
                record_error(phase, error)
            try:
                self._end(phase)
            except Exception as failure:
                _log.warning("The end of %s could not be recorded: %s", phase, failure)

    def _end(self, phase: SpanName) -> None:
        """End a phase that its own hook has not ended."""

    def _tells_of_the_running(self, name: str) -> bool:
        """Tell whether the application reports a save or load that we are recording; it then counts once."""
        operation = self._operation
        if operation is None or operation.name != name:
            return False
        operation.is_reported_by_application = True
        return True

    # --- other processes ---------------------------------------------------------------------------------------------

    def __getstate__(self) -> Dict[str, Any]:
        """Leave out what belongs to this process; the provider is one for each."""
        state = {name: value for name, value in vars(self).items() if name not in _OF_THIS_PROCESS}
        if isinstance(state.get("_provider"), TrainingTelemetryProvider):
            del state["_provider"]
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take the provider of the process that this is."""
        vars(self).update({"_provider": TrainingTelemetryProvider.instance(), **state})
