"""The configuration of training telemetry."""

from __future__ import annotations

from typing import Any, Callable, ClassVar, Dict, FrozenSet, List, Optional, Union

from pydantic import model_validator

from nv_one_logger.api.config import LoggerConfig, OneLoggerErrorHandlingStrategy
from nv_one_logger.api.internal.config_model import ConfigModel, warn_once
from nv_one_logger.api.telemetry_config import ApplicationType
from nv_one_logger.core.attributes import AttributeValue
from nv_one_logger.core.exceptions import OneLoggerError, assert_that
from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy

__all__ = ["BASE_FIELDS", "TrainingTelemetryConfig"]

BoolOrFn = Union[bool, Callable[[], bool]]
IntOrFn = Union[int, Callable[[], int]]


class TrainingTelemetryConfig(ConfigModel):
    """What is trained, and what is measured of it.

    A field that ends in ``_or_fn`` takes a value or a callable without arguments. A callable is evaluated when its
    property is first read (``global_batch_size_or_fn`` at construction) and the value is kept for as long as the field
    holds that callable. Four are *dynamic*, as sizes may change in a run: ``global_batch_size_or_fn``,
    ``micro_batch_size_or_fn``, ``seq_length_or_fn`` and ``flops_per_sample_or_fn`` are evaluated on every access, which
    for the recorder means once per training iteration. Fields may be assigned afterwards, without checks.

    Everything has a default. Without a batch size, or any other setting, the metrics that need it are left out.

    The fields from ``application_name`` on belong to ``OneLoggerConfig``: they allow to give one object to
    ``TrainingTelemetryProvider.with_base_config`` and are ignored in a config used as ``telemetry_config``.

    Unknown keyword arguments are ignored, and odd values (a negative target, a micro batch of 0) accepted, with one
    warning each.

    Raises:
        OneLoggerError: The batch size or ``log_every_n_train_iterations`` is not positive, or throughput is to be
            logged without the operations per sample.
        pydantic.ValidationError: A value has the wrong type.
    """

    is_train_iterations_enabled_or_fn: BoolOrFn = True
    """Whether training iterations are measured: if not, they have no spans and there are no training metrics."""

    is_validation_iterations_enabled_or_fn: BoolOrFn = True
    """Whether validation iterations are measured: if not, they have no spans and validation metrics no times."""

    is_test_iterations_enabled_or_fn: BoolOrFn = True
    """Whether testing iterations are measured: if not, they have no spans and testing metrics no times."""

    is_save_checkpoint_enabled_or_fn: BoolOrFn = True
    """Whether checkpoints are measured: if not, a save is a bare span without attributes or events."""

    custom_metadata: Optional[Dict[str, AttributeValue]] = None
    """Values of the user's own, by name, that describe this run."""

    perf_tag_or_fn: Optional[Union[str, List[str], Callable[[], Union[str, List[str]]]]] = None
    """One or several tags, equal for runs that are expected to perform alike (code, config, resources)."""

    global_batch_size_or_fn: Optional[IntOrFn] = None
    """Samples per iteration over all ranks."""

    micro_batch_size_or_fn: Optional[Union[int, Callable[[], Optional[int]]]] = None
    """Samples per forward pass of one rank."""

    seq_length_or_fn: Optional[Union[int, Callable[[], Optional[int]]]] = None
    """Tokens per sample."""

    flops_per_sample_or_fn: Optional[Union[int, Callable[[], Optional[int]]]] = None
    """Floating point operations per sample, forward and backward."""

    train_iterations_target_or_fn: Optional[Union[int, Callable[[], Optional[int]]]] = None
    """Iterations to reach in all."""

    train_samples_target_or_fn: Optional[Union[int, Callable[[], Optional[int]]]] = None
    """Samples to reach in all."""

    log_every_n_train_iterations: int = 50
    """Iterations between two events with training metrics."""

    is_log_throughput_enabled_or_fn: BoolOrFn = False
    """Whether throughput is computed; needs ``flops_per_sample_or_fn`` and both targets."""

    save_checkpoint_strategy: CheckPointStrategy = CheckPointStrategy.SYNC
    """Whether training waits for a checkpoint to be written."""

    application_name: Optional[str] = None
    """See ``OneLoggerConfig``; by default from the environment, else the name of the program."""

    world_size_or_fn: Optional[IntOrFn] = None
    """See ``OneLoggerConfig``; by default from the launcher's environment, else 1."""

    session_tag_or_fn: Optional[Union[str, Callable[[], str]]] = None
    """See ``OneLoggerConfig``; by default the launcher's id of the job, else one of this start only."""

    is_baseline_run_or_fn: Optional[BoolOrFn] = None
    """See ``OneLoggerConfig``."""

    error_handling_strategy: Optional[OneLoggerErrorHandlingStrategy] = None
    """See ``OneLoggerConfig``."""

    enable_for_current_rank: Optional[bool] = None
    """See ``OneLoggerConfig``."""

    logger_config: Optional[LoggerConfig] = None
    """See ``OneLoggerConfig``."""

    summary_data_schema_version: Optional[str] = None
    """See ``OneLoggerConfig``."""

    # Real clients pass it, though the type of application is always the same here.
    _arguments_for_others: ClassVar[FrozenSet[str]] = frozenset({"app_type_or_fn"})

    @property
    def app_type(self) -> ApplicationType:
        """What the application does: it trains."""
        return ApplicationType.TRAINING

    @property
    def is_train_iterations_enabled(self) -> bool:
        """See ``is_train_iterations_enabled_or_fn``."""
        return bool(self._evaluate("is_train_iterations_enabled_or_fn"))

    @property
    def is_validation_iterations_enabled(self) -> bool:
        """See ``is_validation_iterations_enabled_or_fn``."""
        return bool(self._evaluate("is_validation_iterations_enabled_or_fn"))

    @property
    def is_test_iterations_enabled(self) -> bool:
        """See ``is_test_iterations_enabled_or_fn``."""
        return bool(self._evaluate("is_test_iterations_enabled_or_fn"))

    @property
    def is_save_checkpoint_enabled(self) -> bool:
        """See ``is_save_checkpoint_enabled_or_fn``."""
        return bool(self._evaluate("is_save_checkpoint_enabled_or_fn"))

    @property
    def is_log_throughput_enabled(self) -> bool:
        """See ``is_log_throughput_enabled_or_fn``."""
        return bool(self._evaluate("is_log_throughput_enabled_or_fn"))

    @property
    def perf_tag(self) -> Optional[Union[str, List[str]]]:
        """See ``perf_tag_or_fn``."""
        return self._evaluate("perf_tag_or_fn")  # type: ignore[no-any-return]  # what the field's type says

    @property
    def global_batch_size(self) -> Optional[int]:
        """See ``global_batch_size_or_fn``; evaluated anew."""
        return self._evaluate_anew("global_batch_size_or_fn")  # type: ignore[no-any-return]  # as the field's type

    @property
    def micro_batch_size(self) -> Optional[int]:
        """See ``micro_batch_size_or_fn``; evaluated anew."""
        return self._evaluate_anew("micro_batch_size_or_fn")  # type: ignore[no-any-return]  # as the field's type

    @property
    def seq_length(self) -> Optional[int]:
        """See ``seq_length_or_fn``; evaluated anew."""
        return self._evaluate_anew("seq_length_or_fn")  # type: ignore[no-any-return]  # as the field's type

    @property
    def flops_per_sample(self) -> Optional[int]:
        """See ``flops_per_sample_or_fn``; evaluated anew."""
        return self._evaluate_anew("flops_per_sample_or_fn")  # type: ignore[no-any-return]  # as the field's type

    @property
    def train_iterations_target(self) -> Optional[int]:
        """See ``train_iterations_target_or_fn``."""
        return self._evaluate("train_iterations_target_or_fn")  # type: ignore[no-any-return]  # as the field's type

    @property
    def train_samples_target(self) -> Optional[int]:
        """See ``train_samples_target_or_fn``."""
        return self._evaluate("train_samples_target_or_fn")  # type: ignore[no-any-return]  # as the field's type

    @model_validator(mode="after")
    def _check_values(self) -> TrainingTelemetryConfig:
        # OneLoggerError and not ValueError: pydantic passes it through, and users catch that type.
        if self.global_batch_size_or_fn is not None:
            size = self.global_batch_size
            assert_that(
                _is_positive(size),
                f"global_batch_size must be set to a positive value, found {size!r}. Set global_batch_size_or_fn to "
                "the samples per iteration over all ranks.",
            )
        assert_that(
            self.log_every_n_train_iterations > 0,
            "log_every_n_train_iterations must be set to a positive value, found "
            f"{self.log_every_n_train_iterations!r}.",
        )
        if self.is_log_throughput_enabled and not _is_positive(self.flops_per_sample):
            raise OneLoggerError(
                "flops_per_sample must be set to a positive value when is_log_throughput_enabled is True, found "
                f"{self.flops_per_sample!r}. Set flops_per_sample_or_fn, or leave throughput off."
            )
        _warn_about_odd_values(self)
        return self


BASE_FIELDS: FrozenSet[str] = frozenset(
    {
        "application_name",
        "world_size_or_fn",
        "session_tag_or_fn",
        "is_baseline_run_or_fn",
        "error_handling_strategy",
        "enable_for_current_rank",
        "logger_config",
        "summary_data_schema_version",
    }
)
"""Fields of ``TrainingTelemetryConfig`` that are ``OneLoggerConfig``'s."""


def _is_positive(value: Any) -> bool:
    try:
        return bool(value > 0)  # numpy numbers, too
    except Exception:  # no number, or of the value's own comparison
        return False


def _warn_about_odd_values(config: TrainingTelemetryConfig) -> None:
    """Say once per field what is accepted because real clients pass it, but cannot be meant.

    Callables other than the ones checked above are left alone: they may not be ready at construction.
    """
    for name in ("train_iterations_target_or_fn", "train_samples_target_or_fn", "micro_batch_size_or_fn"):
        value = getattr(config, name)
        if isinstance(value, int) and value <= 0:
            _warn(name, value, "is not positive")
    if config.perf_tag_or_fn in ("", []):
        _warn("perf_tag_or_fn", config.perf_tag_or_fn, "names nothing")
    for key in config.custom_metadata or ():
        if not key.strip():
            _warn("custom_metadata", key, "has a blank key")


def _warn(name: str, value: object, problem: str) -> None:
    warn_once(
        ("TrainingTelemetryConfig", name),
        "TrainingTelemetryConfig: %s = %r %s; it is kept as it is. Leave it out if it is not known.",
        name,
        value,
        problem,
    )
