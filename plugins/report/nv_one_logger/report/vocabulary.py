"""The words of the records that analysis understands.

They are spelled out here rather than imported from the library: files keep them whatever later versions write.
"""

from __future__ import annotations

from typing import Mapping, Tuple

from nv_one_logger.report.model import Bucket

__all__ = [
    "APPLICATION",
    "COUNTERS",
    "ITERATION",
    "LOAD",
    "OWN_WORK",
    "SAVES",
    "SPAN_BUCKETS",
    "SUMS",
    "TRAINING_LOOP",
    "UNITS",
]

APPLICATION = "application"
TRAINING_LOOP = "training_loop"
ITERATION = "training_single_iteration"
LOAD = "checkpoint_load"
SAVES = ("checkpoint_save_sync", "checkpoint_save_async", "checkpoint_save_finalization")

OWN_WORK = ("data_loading", "model_forward", "zero_grad")
"""Spans of what a rank does by itself, before the first collective operation of a step. The backward pass is none of
them: data-parallel training reduces gradients during it."""

SPAN_BUCKETS: Tuple[Tuple[str, Bucket], ...] = (
    *((name, Bucket.CHECKPOINT_SAVE) for name in SAVES),
    (LOAD, Bucket.CHECKPOINT_LOAD),
    ("validation_loop", Bucket.VALIDATION),
    ("validation_single_iteration", Bucket.VALIDATION),
    ("testing_loop", Bucket.TESTING),
    ("TESTING_SINGLE_ITERATION", Bucket.TESTING),
    ("testing_single_iteration", Bucket.TESTING),
    ("model_initialization", Bucket.MODEL_INIT),
    ("optimizer_initialization", Bucket.OPTIMIZER_INIT),
    ("data_loader_initialization", Bucket.DATA_LOADER_INIT),
    ("distributed_code_initialization", Bucket.DISTRIBUTED_INIT),
    ("data_loading", Bucket.DATA_WAIT),
    (ITERATION, Bucket.TRAINING),
)
"""Which bucket the time of a span belongs to. Where several are open, the one further up counts."""

SUMS = ("job_", "interval_num_", "interval_min_", "interval_max_", "interval_total_", "interval_elapsed_")
"""Beginnings of the names of more such numbers."""

COUNTERS = frozenset(
    [
        "timestamp_msec",
        "train_iterations_start",
        "current_iteration",
        "num_iterations",
        "train_samples_start",
        "num_train_samples",
        "interval",
        "total_iteration_time_sec",
        "min_iteration_time_sec",
        "max_iteration_time_sec",
        "avg_iteration_time_sec",
        "train_tokens",
        "completed_floating_point_operations_overall",
        "total_flops",
        "train_throughput_per_gpu_max",
        "train_throughput_per_gpu_min",
        "first_logged_train_iterations_finish_timestamp_sec",
        "last_logged_train_iterations_finish_timestamp_sec",
        "iteration",
        "step",
        "global_step",
        "avg_batch_size",
        "avg_forward_time_sec",
        "avg_backward_time_sec",
        "avg_dataloader_time_sec",
    ]
)
"""Numbers of events that count, or sum up from the start of the job, and so are no series to look at."""

UNITS: Mapping[str, str] = {
    "train_throughput_per_gpu": "TFLOP/s",
    "avg_tflops": "TFLOP/s",
    "avg_tokens_per_second": "tokens/s",
}
"""Units of the numbers whose names do not tell."""
