from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any, Dict, List, Type

import pytest

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.event import Event
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.training_telemetry.api import attributes as module
from nv_one_logger.training_telemetry.api._attribute_fields import TrainingAttributes
from nv_one_logger.training_telemetry.api.attributes import (
    CheckpointSaveSpanAttributes,
    OneLoggerInitializationAttributes,
    SaveCheckpointSuccessEventAttributes,
    SyncCheckpointMetricsUpdateAttributes,
    TestingMetricsUpdateAttributes,
    TrainingLoopAttributes,
    TrainingMetricsUpdateAttributes,
    TrainingTelemetryAttributes,
    ValidationMetricsUpdateAttributes,
)
from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy

CLASSES: List[Type[TrainingAttributes]] = [getattr(module, name) for name in module.__all__]

# Arguments of `create` as on page 04, the required ones first; values of the right type, all different.
REQUIRED: Dict[Type[TrainingAttributes], Dict[str, Any]] = {
    TrainingLoopAttributes: {"train_iterations_start": 1, "train_samples_start": 2},
    CheckpointSaveSpanAttributes: {
        "checkpoint_strategy": CheckPointStrategy.ASYNC,
        "current_iteration": 3,
        "save_checkpoint_attempt_count": 4,
    },
    OneLoggerInitializationAttributes: {
        "world_size": 8,
        "one_logger_training_telemetry_version": "9",
        "enable_for_current_rank": True,
        "session_tag": "s",
        "is_baseline_run": False,
        "summary_data_schema_version": "1.0.0",
        "node_name": "n",
        "rank": 0,
    },
    TrainingTelemetryAttributes: {"perf_tag": "p", "global_batch_size": 8, "log_every_n_train_iterations": 50},
    TrainingMetricsUpdateAttributes: {
        "train_iterations_start": 0,
        "current_iteration": 9,
        "num_iterations": 10,
        "train_samples_start": 0,
        "num_train_samples": 80,
        "interval": 10,
        "avg_iteration_time_sec": 0.5,
        "min_iteration_time_sec": 0.25,
        "max_iteration_time_sec": 1.0,
        "total_iteration_time_sec": 5.0,
    },
    ValidationMetricsUpdateAttributes: {"current_iteration": 5, "interval": 2},
    TestingMetricsUpdateAttributes: {"current_iteration": 5, "interval": 2},
    SaveCheckpointSuccessEventAttributes: {
        "checkpoint_strategy": CheckPointStrategy.SYNC,
        "current_iteration": 3,
        "first_successful_save_checkpoint_timestamp_sec": 1.5,
        "latest_successful_save_checkpoint_timestamp_sec": 2.5,
        "save_checkpoint_success_count": 1,
        "productive_train_iterations": 3,
        "productive_train_samples": 24,
        "productive_train_iterations_sec": 6.0,
        "productive_validation_iterations_sec": 1.0,
    },
    SyncCheckpointMetricsUpdateAttributes: {
        "save_checkpoint_sync_time_total_sec": 3.0,
        "save_checkpoint_sync_time_min_sec": 1.0,
        "save_checkpoint_sync_time_max_sec": 2.0,
    },
}
OPTIONAL: Dict[Type[TrainingAttributes], Dict[str, Any]] = {
    TrainingLoopAttributes: {
        "train_tokens_target": 1,
        "completed_floating_point_operations_overall": 2,
        "train_iterations_target": 3,
        "train_samples_target": 4,
    },
    TrainingTelemetryAttributes: {
        "micro_batch_size": 1,
        "seq_length": 2,
        "flops_per_sample": 3,
        "train_iterations_target": 4,
        "train_samples_target": 5,
        "checkpoint_strategy": CheckPointStrategy.ASYNC,
        "is_train_iterations_enabled": True,
        "is_validation_iterations_enabled": False,
        "is_test_iterations_enabled": True,
        "is_save_checkpoint_enabled": False,
        "is_log_throughput_enabled": True,
    },
    TrainingMetricsUpdateAttributes: {
        "avg_forward_time_sec": 0.1,
        "avg_backward_time_sec": 0.2,
        "avg_dataloader_time_sec": 0.3,
        "avg_tflops": 0.4,
        "train_tokens": 5,
        "avg_tokens_per_second": 0.6,
        "latest_loss": 0.7,
        "avg_batch_size": 8,
        "completed_floating_point_operations_overall": 9,
        "total_flops": 10,
        "train_throughput_per_gpu": 1.1,
        "train_throughput_per_gpu_max": 1.2,
        "train_throughput_per_gpu_min": 1.3,
        "first_logged_train_iterations_finish_timestamp_sec": 1.4,
        "last_logged_train_iterations_finish_timestamp_sec": 1.5,
    },
    ValidationMetricsUpdateAttributes: {
        "avg_iteration_time_sec": 0.1,
        "min_iteration_time_sec": 0.2,
        "max_iteration_time_sec": 0.3,
        "total_iteration_time_sec": 0.4,
    },
    SaveCheckpointSuccessEventAttributes: {
        "productive_train_tflops": 0.1,
        "checkpoint_size": 2,
        "checkpoint_directory": "d",
        "training_start_timestamp_sec": 0.3,
    },
}


def create(cls: Any, **arguments: Any) -> Any:
    return cls.create(**arguments)


@pytest.mark.parametrize("cls", CLASSES)
def test_attributes_are_stored_in_order_and_read_back_by_property(cls: Any) -> None:
    given = {**REQUIRED[cls], **OPTIONAL.get(cls, {})}
    attributes = create(cls, **given)
    assert list(attributes.to_json().items()) == list(given.items())
    assert {name: getattr(attributes, name) for name in given} == given
    assert list(inspect.signature(cls.create).parameters)[: len(given)] == list(given)


@pytest.mark.parametrize("cls", CLASSES)
def test_required_arguments_can_be_given_by_position(cls: Any) -> None:
    assert cls.create(*REQUIRED[cls].values()).to_json() == REQUIRED[cls]


@pytest.mark.parametrize(("cls", "name"), [(cls, name) for cls in CLASSES for name in REQUIRED[cls]])
def test_required_argument_must_be_given(cls: Any, name: str) -> None:
    with pytest.raises(OneLoggerError, match=f"^{name} is required.$"):
        create(cls, **{**REQUIRED[cls], name: None})
    with pytest.raises(TypeError):
        create(cls, **{key: value for key, value in REQUIRED[cls].items() if key != name})


def test_checks_run_in_the_order_of_the_parameters() -> None:
    with pytest.raises(OneLoggerError, match=r"^train_iterations_start is required\.$"):
        create(TrainingLoopAttributes, train_iterations_start=None, train_samples_start=None)


@pytest.mark.parametrize(
    ("cls", "name"), [(cls, name) for cls in CLASSES for name in REQUIRED[cls] if name != "perf_tag"]
)
def test_required_property_of_an_incomplete_collection_raises(cls: Any, name: str) -> None:
    for empty in (cls(), cls({}), cls.from_json({})):
        with pytest.raises(OneLoggerError, match=f"^{name} is required.$"):
            getattr(empty, name)


@pytest.mark.parametrize(("cls", "name"), [(cls, name) for cls in OPTIONAL for name in OPTIONAL[cls]])
def test_optional_argument_that_is_none_is_not_stored(cls: Any, name: str) -> None:
    attributes = create(cls, **{**REQUIRED[cls], name: None})
    assert name not in attributes
    assert getattr(attributes, name) is None


def test_perf_tag_and_app_type_are_none_when_absent() -> None:
    assert TrainingTelemetryAttributes().perf_tag is None
    assert TrainingTelemetryAttributes().app_type is None
    assert "app_type" not in inspect.signature(TrainingTelemetryAttributes.create).parameters


def test_wrong_type_of_a_stored_value_shows_when_it_is_read() -> None:
    with pytest.raises(OneLoggerError, match="Attribute train_iterations_start must be an integer"):
        _ = TrainingLoopAttributes({"train_iterations_start": "one"}).train_iterations_start


def test_properties_are_read_only_and_documented() -> None:
    attributes = TrainingLoopAttributes.create(1, 2)
    with pytest.raises(AttributeError, match="train_samples_start is read-only"):
        attributes.train_samples_start = 3  # type: ignore[assignment]  # what the test is about
    assert "Samples" in (TrainingLoopAttributes.train_samples_start.__doc__ or "")


@pytest.mark.parametrize("cls", [OneLoggerInitializationAttributes, TrainingTelemetryAttributes])
def test_custom_metadata_becomes_lines(cls: Any) -> None:
    attributes = create(cls, **REQUIRED[cls], custom_metadata={"a": 1, "b": [1, 2]})
    assert attributes.custom_metadata == ["a:1", "b:[1, 2]"]
    assert create(cls, **REQUIRED[cls]).custom_metadata is None


def test_strategy_is_converted_where_the_reference_does() -> None:
    stored = {"checkpoint_strategy": "async"}
    assert CheckpointSaveSpanAttributes(stored).checkpoint_strategy == "async"
    assert SaveCheckpointSuccessEventAttributes(stored).checkpoint_strategy is CheckPointStrategy.ASYNC
    assert TrainingTelemetryAttributes(stored).checkpoint_strategy is CheckPointStrategy.ASYNC


def test_training_start_of_zero_is_dropped() -> None:
    required = REQUIRED[SaveCheckpointSuccessEventAttributes]
    attributes = SaveCheckpointSuccessEventAttributes.create(**required, training_start_timestamp_sec=0.0)
    assert attributes.training_start_timestamp_sec is None


def test_what_is_known_makes_a_partial_collection() -> None:
    attributes = TrainingTelemetryAttributes.from_known({"perf_tag": None, "global_batch_size": 8})
    assert attributes.to_json() == {"global_batch_size": 8}


@pytest.mark.parametrize("cls", CLASSES)
def test_class_survives_events_spans_copies_and_pickles(cls: Any) -> None:
    attributes = create(cls, **REQUIRED[cls])
    span = Span.create("x", span_attributes=attributes)
    for other in (
        Event.create("x", attributes).attributes,
        span.attributes,
        span.updated_attributes,
        copy.copy(attributes),
        pickle.loads(pickle.dumps(attributes)),
    ):
        assert type(other) is cls
    assert pickle.loads(pickle.dumps(attributes)) == attributes


# --- attributes that 2.3.1 did not have ------------------------------------------------------------------------------


def test_collection_with_new_attributes_equals_the_one_built_from_the_old() -> None:
    old = TrainingMetricsUpdateAttributes.create(**REQUIRED[TrainingMetricsUpdateAttributes])
    new = TrainingMetricsUpdateAttributes.merge(old)
    new.add("interval_num_iterations", 10).add("latest_loss", 0.5).add("metric_loss_mean", 0.75)
    stamped = Event.create("training_metrics_update", new).attributes
    assert new == old
    assert old == new
    assert stamped == old
    assert (new != old) is False
    assert Attributes(old.to_json()) == new


def test_differences_in_old_attributes_always_count() -> None:
    old = TrainingMetricsUpdateAttributes.create(**REQUIRED[TrainingMetricsUpdateAttributes])
    other = TrainingMetricsUpdateAttributes.create(
        **{**REQUIRED[TrainingMetricsUpdateAttributes], "num_iterations": 11}
    )
    other.add("interval_num_iterations", 10)
    assert old != other
    assert old != TrainingMetricsUpdateAttributes.merge(old).add("anything", 1)
    assert old != {"a": 1}


def test_new_attributes_count_when_both_have_them() -> None:
    one = ValidationMetricsUpdateAttributes.create(5, 2).add("interval_num_iterations", 3)
    other = ValidationMetricsUpdateAttributes.create(5, 2).add("interval_num_iterations", 4)
    assert one != other


def test_statistics_of_a_logged_scalar_are_read_by_name() -> None:
    attributes = TrainingMetricsUpdateAttributes({"metric_loss_last": 0.5, "metric_loss_mean": 0.75})
    assert attributes.metric("loss") == 0.5
    assert attributes.metric("loss", "mean") == 0.75
    assert attributes.metric("accuracy") is None


def test_pytest_does_not_collect_the_attributes_of_testing() -> None:
    assert TestingMetricsUpdateAttributes.__test__ is False
