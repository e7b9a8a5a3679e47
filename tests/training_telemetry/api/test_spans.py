from __future__ import annotations

from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName


def test_spans_have_the_values_of_the_reference() -> None:
    assert {member.name: str(member) for member in StandardTrainingJobSpanName} == {
        "TRAINING_LOOP": "training_loop",
        "VALIDATION_LOOP": "validation_loop",
        "TESTING_LOOP": "testing_loop",
        "DIST_INIT": "distributed_code_initialization",
        "DATA_LOADER_INIT": "data_loader_initialization",
        "MODEL_INIT": "model_initialization",
        "OPTIMIZER_INIT": "optimizer_initialization",
        "CHECKPOINT_LOAD": "checkpoint_load",
        "CHECKPOINT_SAVE_SYNC": "checkpoint_save_sync",
        "CHECKPOINT_SAVE_ASYNC": "checkpoint_save_async",
        "CHECKPOINT_SAVE_FINALIZATION": "checkpoint_save_finalization",
        "TRAINING_SINGLE_ITERATION": "training_single_iteration",
        "VALIDATION_SINGLE_ITERATION": "validation_single_iteration",
        "TESTING_SINGLE_ITERATION": "TESTING_SINGLE_ITERATION",
        "DATA_LOADING": "data_loading",
        "MODEL_FORWARD": "model_forward",
        "ZERO_GRAD": "zero_grad",
        "MODEL_BACKWARD": "model_backward",
        "OPTIMIZER_UPDATE": "optimizer_update",
    }
