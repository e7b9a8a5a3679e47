"""The one place that knows this process's configuration and recorder."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Callable, Optional

from nv_one_logger.api.config import LoggerConfig
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.internal.library_logger import apply_logger_settings
from nv_one_logger.core.internal.singleton import SingletonMeta

if TYPE_CHECKING:
    from nv_one_logger.api.config import OneLoggerConfig
    from nv_one_logger.api.recorder import Recorder

__all__ = ["OneLoggerProvider"]


class OneLoggerProvider(metaclass=SingletonMeta):
    """Holds the configuration and the recorder of this process; reach it through ``instance()``.

    Applications configure it through the provider of their telemetry domain, such as ``TrainingTelemetryProvider``.
    All methods may be called from any thread. Whether telemetry is enabled is read live on every call, so
    ``config.enable_for_current_rank`` may be assigned at any time. ``_config``, ``_recorder`` and
    ``_logging_force_disabled`` are frozen names: users' tests assign them.
    """

    def __init__(self) -> None:
        self._recorder: Optional[Recorder] = None
        self._config: Optional[OneLoggerConfig] = None
        self._logging_force_disabled = False
        self._lock = threading.Lock()  # guards configure and _reset
        self._undo_logger_config: Optional[Callable[[], object]] = None
        self._state_token = object()  # another one after configure and _reset; log-once notices depend on it

    def configure(self, config: OneLoggerConfig, recorder: Recorder) -> None:
        """Store both, which makes telemetry ready. The same two objects may be given again.

        Raises:
            OneLoggerError: One of the two is missing, or the provider holds another configuration or recorder already.
        """
        _require("config", config, is_given=bool(config))
        _require("recorder", recorder, is_given=recorder is not None)
        with self._lock:
            if self._holds_other_than(config, recorder):
                raise OneLoggerError(
                    "OneLoggerProvider already configured! Configure it once per process, or reset the provider "
                    "(TrainingTelemetryProvider.instance().reset()) before configuring it anew."
                )
            self._config = config
            self._recorder = recorder
            self._apply_logger_config(config)
            self._state_token = object()

    def _holds_other_than(self, config: OneLoggerConfig, recorder: Recorder) -> bool:
        return (self._config is not None and self._config is not config) or (
            self._recorder is not None and self._recorder is not recorder
        )

    @property
    def recorder(self) -> Recorder:
        """The recorder.

        Raises:
            OneLoggerError: The provider is not configured.
        """
        if self._recorder is None:
            raise OneLoggerError("OneLoggerProvider has no recorder. Configure telemetry before using it.")
        return self._recorder

    @property
    def config(self) -> OneLoggerConfig:
        """The configuration.

        Raises:
            OneLoggerError: The provider is not configured.
        """
        if self._config is None:
            raise OneLoggerError("OneLoggerProvider has no config. Configure telemetry before using it.")
        return self._config

    @property
    def one_logger_ready(self) -> bool:
        """Whether the provider is configured, enabled or not."""
        return self._config is not None and self._recorder is not None

    @property
    def one_logger_enabled(self) -> bool:
        """Whether calls are recorded: configured, enabled for this rank, and not switched off since."""
        config = self._config
        return not (
            config is None
            or self._recorder is None
            or self._logging_force_disabled
            or not config.enable_for_current_rank
        )

    def force_disable_logging(self) -> None:
        """Switch telemetry off for the rest of this configuration's life. Open spans and exporters stay as they are."""
        self._logging_force_disabled = True

    def _reset(self) -> None:
        """Forget configuration and recorder, as in a new process. The caller closes the recorder first."""
        with self._lock:
            self._recorder = None
            self._config = None
            self._logging_force_disabled = False
            self._take_back_logger_config()
            self._state_token = object()

    def _apply_logger_config(self, config: OneLoggerConfig) -> None:
        self._take_back_logger_config()
        logger_config = getattr(config, "logger_config", None)  # a test double of a config may have none
        if isinstance(logger_config, LoggerConfig):
            # A finalizer, so that the level set for one application never outlives its provider.
            undo = weakref.finalize(self, _apply_what_was_set(logger_config))
            undo.atexit = False  # the log files stay open for the last lines
            self._undo_logger_config = undo

    def _take_back_logger_config(self) -> None:
        if self._undo_logger_config is not None:
            self._undo_logger_config()
            self._undo_logger_config = None


def recorder_if_enabled() -> Optional[Recorder]:
    """Return the recorder while telemetry is enabled, else ``None``.

    What ``OneLoggerProvider.instance()`` says in ``one_logger_enabled`` and ``recorder``, for the hot path: every span
    asks three times, and this way a tenth of its cost is spared.
    """
    provider: Optional[OneLoggerProvider] = _instances.get(OneLoggerProvider)
    if provider is None or provider._logging_force_disabled:
        return None
    config = provider._config
    if config is None or not config.enable_for_current_rank:
        return None
    return provider._recorder


_instances = SingletonMeta._instances


def _require(name: str, value: object, is_given: bool) -> None:
    if not is_given:
        raise OneLoggerError(f"OneLoggerProvider.configure() needs a {name}, found {value!r}. Give both arguments.")


def _apply_what_was_set(logger_config: LoggerConfig) -> Callable[[], None]:
    """Apply what the user set; a default must not create a file nor override the application's log levels.

    Of the paths, one that equals its default counts as unset even if it was named: a configuration that went through
    ``model_dump()`` names every field.
    """
    fields = LoggerConfig.model_fields
    info_path, error_path = logger_config.log_file_path_for_info, logger_config.log_file_path_for_err
    return apply_logger_settings(
        level=logger_config.log_level if "log_level" in logger_config.model_fields_set else None,
        info_path=None if info_path == fields["log_file_path_for_info"].default else info_path,
        error_path=None if error_path == fields["log_file_path_for_err"].default else error_path,
        log_format=logger_config.log_format,
    )
