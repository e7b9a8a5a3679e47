"""The attributes of the standard spans and events of a training job.

Every class has a ``create`` whose parameters are its attributes, in the order in which records carry them, and one
read-only property per attribute. ``create`` raises ``OneLoggerError`` ("<name> is required.") for a required argument
that is ``None``; an optional one is not stored then. Times are seconds (float) unless the name says otherwise.

Attributes described as "since 2.4" stand beside the ones the reference had, whose values stay as they were; see
docs/compatibility.md for which to read.
"""

from __future__ import annotations

from typing import ClassVar, Dict, List, Optional, Union

from nv_one_logger.core.attributes import Attributes, AttributeValue
from nv_one_logger.training_telemetry.api._attribute_fields import (
    Optionally,
    Required,
    TrainingAttributes,
    metadata_lines,
    read_any,
    read_bool,
    read_float,
    read_int,
    read_str,
)
from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy

__all__ = [
    "CheckpointSaveSpanAttributes",
    "OneLoggerInitializationAttributes",
    "SaveCheckpointSuccessEventAttributes",
    "SyncCheckpointMetricsUpdateAttributes",
    "TestingMetricsUpdateAttributes",
    "TrainingLoopAttributes",
    "TrainingMetricsUpdateAttributes",
    "TrainingTelemetryAttributes",
    "ValidationMetricsUpdateAttributes",
]


def _read_strategy(attributes: Attributes, name: str) -> Optional[CheckPointStrategy]:
    value = read_any(attributes, name)
    return None if value is None else CheckPointStrategy(value)


def _read_metadata(attributes: Attributes, name: str) -> Optional[List[str]]:
    value: Optional[List[str]] = read_any(attributes, name)
    return value


def _read_perf_tag(attributes: Attributes, name: str) -> Optional[Union[str, List[str]]]:
    value: Optional[Union[str, List[str]]] = read_any(attributes, name)
    return value


class TrainingLoopAttributes(TrainingAttributes):
    """What a training loop starts from and aims at."""

    __slots__ = ()

    train_iterations_start = Required(read_int, "First iteration of this loop, 0-based: iterations already done.")
    train_samples_start = Required(read_int, "Samples processed before this loop.")
    train_tokens_target = Optionally(read_int, "Tokens to process in all.")
    completed_floating_point_operations_overall = Optionally(read_int, "Operations done before this loop.")
    train_iterations_target = Optionally(read_int, "Iterations to reach in all.")
    train_samples_target = Optionally(read_int, "Samples to reach in all.")

    @classmethod
    def create(
        cls,
        train_iterations_start: int,
        train_samples_start: int,
        train_tokens_target: Optional[int] = None,
        completed_floating_point_operations_overall: Optional[int] = None,
        train_iterations_target: Optional[int] = None,
        train_samples_target: Optional[int] = None,
    ) -> TrainingLoopAttributes:
        """Build the attributes of a training loop span."""
        return cls._from_arguments(locals())


class CheckpointSaveSpanAttributes(TrainingAttributes):
    """Which checkpoint is saved, and how."""

    __slots__ = ()

    checkpoint_strategy = Required(read_any, "``sync`` or ``async``, as it was given.")
    current_iteration = Required(read_int, "Global step, as the caller counts it.")
    save_checkpoint_attempt_count = Required(
        read_int, "Attempts with this strategy, failed ones and this one included."
    )

    @classmethod
    def create(
        cls,
        checkpoint_strategy: CheckPointStrategy,
        current_iteration: int,
        save_checkpoint_attempt_count: int,
    ) -> CheckpointSaveSpanAttributes:
        """Build the attributes of a checkpoint save span."""
        return cls._from_arguments(locals())


class OneLoggerInitializationAttributes(TrainingAttributes):
    """Who runs: the job, this process of it, and the versions."""

    __slots__ = ()

    world_size = Required(read_int, "Number of processes of the job.")
    one_logger_training_telemetry_version = Required(read_str, "Version of this library.")
    enable_for_current_rank = Required(read_bool, "Whether this rank records.")
    session_tag = Required(read_str, "Equal for all jobs that continue one logical run.")
    is_baseline_run = Required(read_bool, "Whether the run is one that others are compared with.")
    summary_data_schema_version = Required(read_str, "Version of the records' vocabulary.")
    node_name = Required(read_str, "Host name.")
    rank = Required(read_int, "Rank of this process, 0-based.")
    custom_metadata = Optionally(_read_metadata, "``key:value`` lines of the base configuration.")
    application_name = Optionally(read_str, "Name of the application, since 2.4.", added=True)
    local_rank = Optionally(read_int, "Rank among the processes of this node, since 2.4.", added=True)

    @classmethod
    def create(
        cls,
        world_size: int,
        one_logger_training_telemetry_version: str,
        enable_for_current_rank: bool,
        session_tag: str,
        is_baseline_run: bool,
        summary_data_schema_version: str,
        node_name: str,
        rank: int,
        custom_metadata: Optional[Dict[str, AttributeValue]] = None,
        application_name: Optional[str] = None,
        local_rank: Optional[int] = None,
    ) -> OneLoggerInitializationAttributes:
        """Build the attributes of the event that opens a run; ``custom_metadata`` is stored as ``key:value`` lines."""
        return cls._from_arguments({**locals(), "custom_metadata": metadata_lines(custom_metadata)})


class TrainingTelemetryAttributes(TrainingAttributes):
    """The training configuration."""

    __slots__ = ()

    perf_tag = Optionally(
        _read_perf_tag, "One or several tags, equal for runs expected to perform alike.", required_by_create=True
    )
    global_batch_size = Required(read_int, "Samples per iteration over all ranks.")
    log_every_n_train_iterations = Required(read_int, "Iterations between two training metrics events.")
    micro_batch_size = Optionally(read_int, "Samples per forward pass of one rank.")
    seq_length = Optionally(read_int, "Tokens per sample.")
    flops_per_sample = Optionally(read_int, "Floating point operations per sample.")
    train_iterations_target = Optionally(read_int, "Iterations to reach in all.")
    train_samples_target = Optionally(read_int, "Samples to reach in all.")
    checkpoint_strategy = Optionally(_read_strategy, "How checkpoints are saved.")
    is_train_iterations_enabled = Optionally(read_bool, "Whether training iterations are measured.")
    is_validation_iterations_enabled = Optionally(read_bool, "Whether validation iterations are measured.")
    is_test_iterations_enabled = Optionally(read_bool, "Whether testing iterations are measured.")
    is_save_checkpoint_enabled = Optionally(read_bool, "Whether checkpoints are measured.")
    is_log_throughput_enabled = Optionally(read_bool, "Whether throughput is computed.")
    custom_metadata = Optionally(_read_metadata, "``key:value`` lines of the telemetry configuration.")
    app_type = Optionally(read_str, "Kind of application; the recorder fills it since 2.4.", added=True)

    @classmethod
    def create(
        cls,
        perf_tag: Union[str, List[str]],
        global_batch_size: int,
        log_every_n_train_iterations: int,
        micro_batch_size: Optional[int] = None,
        seq_length: Optional[int] = None,
        flops_per_sample: Optional[int] = None,
        train_iterations_target: Optional[int] = None,
        train_samples_target: Optional[int] = None,
        checkpoint_strategy: Optional[CheckPointStrategy] = None,
        is_train_iterations_enabled: Optional[bool] = None,
        is_validation_iterations_enabled: Optional[bool] = None,
        is_test_iterations_enabled: Optional[bool] = None,
        is_save_checkpoint_enabled: Optional[bool] = None,
        is_log_throughput_enabled: Optional[bool] = None,
        custom_metadata: Optional[Dict[str, AttributeValue]] = None,
    ) -> TrainingTelemetryAttributes:
        """Build the attributes of the configuration event; ``custom_metadata`` is stored as ``key:value`` lines."""
        return cls._from_arguments({**locals(), "custom_metadata": metadata_lines(custom_metadata)})


class TrainingMetricsUpdateAttributes(TrainingAttributes):
    """How training went: since the loop began, and (``interval_...``, since 2.4) since the previous such event.

    The cumulative values count from ``train_iterations_start``; times are those of the iterations alone. A scalar
    given to ``on_training_single_iteration_end(metrics=...)`` or ``log_metrics`` becomes ``metric_<name>_last``,
    ``_mean``, ``_min``, ``_max`` and ``_count`` over the interval; see :meth:`metric`.
    """

    __slots__ = ()

    train_iterations_start = Required(read_int, "First iteration of the loop, 0-based.")
    current_iteration = Required(read_int, "Index of the last finished iteration, 0-based.")
    num_iterations = Required(read_int, "Iterations since the loop began.")
    train_samples_start = Required(read_int, "Samples processed before the loop.")
    num_train_samples = Required(read_int, "Samples processed since the loop began.")
    interval = Required(read_int, "The configured ``log_every_n_train_iterations``.")
    avg_iteration_time_sec = Required(read_float, "Mean iteration time since the loop began.")
    min_iteration_time_sec = Required(read_float, "Shortest iteration since the loop began.")
    max_iteration_time_sec = Required(read_float, "Longest iteration since the loop began.")
    total_iteration_time_sec = Required(read_float, "Sum of the iteration times since the loop began.")
    avg_forward_time_sec = Optionally(
        read_float, "Time in ``MODEL_FORWARD`` spans per iteration, since the loop began."
    )
    avg_backward_time_sec = Optionally(read_float, "The same for ``MODEL_BACKWARD`` spans.")
    avg_dataloader_time_sec = Optionally(read_float, "The same for ``DATA_LOADING`` spans.")
    avg_tflops = Optionally(read_float, "10^12 operations per second of iteration time, over all ranks.")
    train_tokens = Optionally(read_int, "Tokens processed since the loop began.")
    avg_tokens_per_second = Optionally(read_float, "Tokens per second of iteration time, over all ranks.")
    latest_loss = Optionally(read_float, "Last value of the metric ``loss`` (or ``train_loss``).")
    avg_batch_size = Optionally(read_int, "Samples per iteration, rounded.")
    completed_floating_point_operations_overall = Optionally(read_int, "Operations of this job and of earlier ones.")
    total_flops = Optionally(read_int, "Operations since the loop began.")
    train_throughput_per_gpu = Optionally(read_float, "10^12 operations per second and rank, since the loop began.")
    train_throughput_per_gpu_max = Optionally(read_float, "Largest value ``train_throughput_per_gpu`` has had.")
    train_throughput_per_gpu_min = Optionally(read_float, "Smallest value ``train_throughput_per_gpu`` has had.")
    first_logged_train_iterations_finish_timestamp_sec = Optionally(
        read_float, "End of the first iteration of the job, seconds since the epoch."
    )
    last_logged_train_iterations_finish_timestamp_sec = Optionally(
        read_float, "End of the last finished iteration, seconds since the epoch."
    )
    interval_num_iterations = Optionally(read_int, "Iterations that this event covers.", added=True)
    interval_num_train_samples = Optionally(read_int, "Samples of these iterations.", added=True)
    interval_train_tokens = Optionally(read_int, "Tokens of these iterations.", added=True)
    interval_avg_iteration_time_sec = Optionally(read_float, "Mean time of these iterations.", added=True)
    interval_min_iteration_time_sec = Optionally(read_float, "The shortest of them.", added=True)
    interval_max_iteration_time_sec = Optionally(read_float, "The longest of them.", added=True)
    interval_total_iteration_time_sec = Optionally(read_float, "Sum of their times.", added=True)
    interval_elapsed_time_sec = Optionally(
        read_float, "From the previous event (or the loop's start) to the end of the last of them.", added=True
    )
    interval_avg_forward_time_sec = Optionally(read_float, "``MODEL_FORWARD`` per iteration.", added=True)
    interval_avg_backward_time_sec = Optionally(read_float, "``MODEL_BACKWARD`` per iteration.", added=True)
    interval_avg_dataloader_time_sec = Optionally(read_float, "``DATA_LOADING`` per iteration.", added=True)
    interval_tokens_per_second = Optionally(read_float, "Tokens per second of iteration time.", added=True)
    interval_throughput_per_gpu = Optionally(read_float, "10^12 operations per second and rank.", added=True)
    interval_iteration_throughput_per_gpu_max = Optionally(read_float, "Of the fastest iteration.", added=True)
    interval_iteration_throughput_per_gpu_min = Optionally(read_float, "Of the slowest iteration.", added=True)
    iteration_throughput_per_gpu_max = Optionally(
        read_float, "10^12 operations per second and rank of the fastest iteration since the loop began.", added=True
    )
    iteration_throughput_per_gpu_min = Optionally(
        read_float, "10^12 operations per second and rank of the slowest iteration since the loop began.", added=True
    )
    job_num_iterations = Optionally(read_int, "Iterations of this job, earlier loops included.", added=True)
    job_num_train_samples = Optionally(read_int, "Samples of this job, earlier loops included.", added=True)
    job_total_iteration_time_sec = Optionally(read_float, "Iteration time of this job, all loops.", added=True)

    @classmethod
    def create(
        cls,
        train_iterations_start: int,
        current_iteration: int,
        num_iterations: int,
        train_samples_start: int,
        num_train_samples: int,
        interval: int,
        avg_iteration_time_sec: float,
        min_iteration_time_sec: float,
        max_iteration_time_sec: float,
        total_iteration_time_sec: float,
        avg_forward_time_sec: Optional[float] = None,
        avg_backward_time_sec: Optional[float] = None,
        avg_dataloader_time_sec: Optional[float] = None,
        avg_tflops: Optional[float] = None,
        train_tokens: Optional[int] = None,
        avg_tokens_per_second: Optional[float] = None,
        latest_loss: Optional[float] = None,
        avg_batch_size: Optional[int] = None,
        completed_floating_point_operations_overall: Optional[int] = None,
        total_flops: Optional[int] = None,
        train_throughput_per_gpu: Optional[float] = None,
        train_throughput_per_gpu_max: Optional[float] = None,
        train_throughput_per_gpu_min: Optional[float] = None,
        first_logged_train_iterations_finish_timestamp_sec: Optional[float] = None,
        last_logged_train_iterations_finish_timestamp_sec: Optional[float] = None,
    ) -> TrainingMetricsUpdateAttributes:
        """Build the attributes of a training metrics event; those new in 2.4 are added with ``add``."""
        return cls._from_arguments(locals())

    def metric(self, name: str, statistic: str = "last") -> Optional[float]:
        """Return a statistic (``last``, ``mean``, ``min``, ``max``, ``count``) of a logged scalar, if it is there."""
        return read_float(self, f"metric_{name}_{statistic}")

    @classmethod
    def _is_added(cls, name: str) -> bool:
        return name in _FILLED_SINCE_2_4 or name.startswith("metric_") or super()._is_added(name)


# Known to 2.3.1, but never set by it.
_FILLED_SINCE_2_4 = frozenset(
    {
        "avg_forward_time_sec",
        "avg_backward_time_sec",
        "avg_dataloader_time_sec",
        "avg_tflops",
        "avg_tokens_per_second",
        "latest_loss",
        "avg_batch_size",
    }
)


class ValidationMetricsUpdateAttributes(TrainingAttributes):
    """How validation went: all validations of the job, and (``interval_...``, since 2.4) this one alone."""

    __slots__ = ()

    current_iteration = Required(read_int, "Last finished training iteration, 0-based.")
    interval = Required(read_int, "Training iterations since the previous validation.")
    avg_iteration_time_sec = Optionally(read_float, "Mean iteration time of all validations of the job.")
    min_iteration_time_sec = Optionally(read_float, "Shortest iteration of all validations.")
    max_iteration_time_sec = Optionally(read_float, "Longest iteration of all validations.")
    total_iteration_time_sec = Optionally(read_float, "Iteration time of all validations.")
    interval_num_iterations = Optionally(read_int, "Iterations of this validation.", added=True)
    interval_avg_iteration_time_sec = Optionally(read_float, "Their mean time.", added=True)
    interval_min_iteration_time_sec = Optionally(read_float, "The shortest of them.", added=True)
    interval_max_iteration_time_sec = Optionally(read_float, "The longest of them.", added=True)
    interval_total_iteration_time_sec = Optionally(read_float, "Sum of their times.", added=True)

    @classmethod
    def create(
        cls,
        current_iteration: int,
        interval: int,
        avg_iteration_time_sec: Optional[float] = None,
        min_iteration_time_sec: Optional[float] = None,
        max_iteration_time_sec: Optional[float] = None,
        total_iteration_time_sec: Optional[float] = None,
    ) -> ValidationMetricsUpdateAttributes:
        """Build the attributes of a validation metrics event."""
        return cls._from_arguments(locals())


class TestingMetricsUpdateAttributes(TrainingAttributes):
    """How testing went: where training stood, and (since 2.4) the iterations of this testing loop."""

    __slots__ = ()
    __test__: ClassVar[bool] = False  # the name makes pytest collect the class otherwise

    current_iteration = Required(read_int, "Last finished training iteration, 0-based.")
    interval = Required(read_int, "Training iterations since the previous testing.")
    interval_num_iterations = Optionally(read_int, "Iterations of this testing loop.", added=True)
    interval_avg_iteration_time_sec = Optionally(read_float, "Their mean time.", added=True)
    interval_min_iteration_time_sec = Optionally(read_float, "The shortest of them.", added=True)
    interval_max_iteration_time_sec = Optionally(read_float, "The longest of them.", added=True)
    interval_total_iteration_time_sec = Optionally(read_float, "Sum of their times.", added=True)

    @classmethod
    def create(cls, current_iteration: int, interval: int) -> TestingMetricsUpdateAttributes:
        """Build the attributes of a testing metrics event."""
        return cls._from_arguments(locals())


class SaveCheckpointSuccessEventAttributes(TrainingAttributes):
    """Which checkpoint is safe, and the work it secures (that done when the save began)."""

    __slots__ = ()

    checkpoint_strategy = Required(_read_strategy, "How it was saved.")
    current_iteration = Required(read_int, "Global step, as the caller counts it.")
    first_successful_save_checkpoint_timestamp_sec = Required(read_float, "First success, seconds since the epoch.")
    latest_successful_save_checkpoint_timestamp_sec = Required(read_float, "This success, seconds since the epoch.")
    save_checkpoint_success_count = Required(read_int, "Successes of this job, this one included.")
    productive_train_iterations = Required(read_int, "Iterations secured, those before this job included.")
    productive_train_samples = Required(read_int, "Samples secured, those before this job included.")
    productive_train_iterations_sec = Required(read_float, "Training iteration time secured, this job only.")
    productive_validation_iterations_sec = Required(read_float, "Validation iteration time spent, this job only.")
    productive_train_tflops = Optionally(read_float, "10^12 operations secured: a count, not a rate.")
    checkpoint_size = Optionally(read_int, "Size, bytes.")
    checkpoint_directory = Optionally(read_str, "Where it lies.")
    training_start_timestamp_sec = Optionally(read_float, "Start of the training loop, seconds since the epoch.")
    productive_train_floating_point_operations = Optionally(read_int, "Operations secured, since 2.4.", added=True)

    @classmethod
    def create(
        cls,
        checkpoint_strategy: CheckPointStrategy,
        current_iteration: int,
        first_successful_save_checkpoint_timestamp_sec: float,
        latest_successful_save_checkpoint_timestamp_sec: float,
        save_checkpoint_success_count: int,
        productive_train_iterations: int,
        productive_train_samples: int,
        productive_train_iterations_sec: float,
        productive_validation_iterations_sec: float,
        productive_train_tflops: Optional[float] = None,
        checkpoint_size: Optional[int] = None,
        checkpoint_directory: Optional[str] = None,
        training_start_timestamp_sec: Optional[float] = None,
    ) -> SaveCheckpointSuccessEventAttributes:
        """Build the attributes of a success event; a ``training_start_timestamp_sec`` of 0 is dropped."""
        return cls._from_arguments({**locals(), "training_start_timestamp_sec": training_start_timestamp_sec or None})


class SyncCheckpointMetricsUpdateAttributes(TrainingAttributes):
    """How long saving checkpoints has kept the main thread, over all saves of one strategy."""

    __slots__ = ()

    save_checkpoint_sync_time_total_sec = Required(read_float, "In all.")
    save_checkpoint_sync_time_min_sec = Required(read_float, "The shortest save.")
    save_checkpoint_sync_time_max_sec = Required(read_float, "The longest save.")

    @classmethod
    def create(
        cls,
        save_checkpoint_sync_time_total_sec: float,
        save_checkpoint_sync_time_min_sec: float,
        save_checkpoint_sync_time_max_sec: float,
    ) -> SyncCheckpointMetricsUpdateAttributes:
        """Build the attributes of a checkpoint metrics event."""
        return cls._from_arguments(locals())
