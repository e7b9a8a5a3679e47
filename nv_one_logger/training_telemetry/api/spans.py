"""Names of the standard spans of a training job."""

from __future__ import annotations

from nv_one_logger.core.internal.strenum import StrEnum

__all__ = ["StandardTrainingJobSpanName"]


class StandardTrainingJobSpanName(StrEnum):
    """One member per standard span; the application span is the core's ``StandardSpanName.APPLICATION``."""

    TRAINING_LOOP = "training_loop"
    VALIDATION_LOOP = "validation_loop"
    TESTING_LOOP = "testing_loop"

    DIST_INIT = "distributed_code_initialization"
    DATA_LOADER_INIT = "data_loader_initialization"
    MODEL_INIT = "model_initialization"
    OPTIMIZER_INIT = "optimizer_initialization"

    CHECKPOINT_LOAD = "checkpoint_load"
    CHECKPOINT_SAVE_SYNC = "checkpoint_save_sync"
    CHECKPOINT_SAVE_ASYNC = "checkpoint_save_async"
    """The time an asynchronous save keeps the main thread, not the time until the checkpoint is complete."""
    CHECKPOINT_SAVE_FINALIZATION = "checkpoint_save_finalization"
    """For users who time the completion of an asynchronous save themselves; no callback makes it."""

    TRAINING_SINGLE_ITERATION = "training_single_iteration"
    VALIDATION_SINGLE_ITERATION = "validation_single_iteration"
    # Upper case, alone among all names: filters and dashboards know it by this value since the reference had it.
    TESTING_SINGLE_ITERATION = "TESTING_SINGLE_ITERATION"

    DATA_LOADING = "data_loading"
    MODEL_FORWARD = "model_forward"
    ZERO_GRAD = "zero_grad"
    MODEL_BACKWARD = "model_backward"
    OPTIMIZER_UPDATE = "optimizer_update"
