from __future__ import annotations

from typing import Any, List

import pytest
from pydantic import ValidationError

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.api.internal import config_model
from nv_one_logger.api.telemetry_config import ApplicationType, TelemetryConfig
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy
from nv_one_logger.training_telemetry.api.config import BASE_FIELDS, TrainingTelemetryConfig


def make(**fields: Any) -> TrainingTelemetryConfig:
    return TrainingTelemetryConfig(**{"perf_tag_or_fn": "perf", "global_batch_size_or_fn": 8, **fields})


def test_fields_stand_in_the_order_of_the_reference_before_the_base_fields() -> None:
    names = list(TrainingTelemetryConfig.model_fields)
    assert names[: len(names) - len(BASE_FIELDS)] == [
        "is_train_iterations_enabled_or_fn",
        "is_validation_iterations_enabled_or_fn",
        "is_test_iterations_enabled_or_fn",
        "is_save_checkpoint_enabled_or_fn",
        "custom_metadata",
        "perf_tag_or_fn",
        "global_batch_size_or_fn",
        "micro_batch_size_or_fn",
        "seq_length_or_fn",
        "flops_per_sample_or_fn",
        "train_iterations_target_or_fn",
        "train_samples_target_or_fn",
        "log_every_n_train_iterations",
        "is_log_throughput_enabled_or_fn",
        "save_checkpoint_strategy",
    ]
    assert set(names[-len(BASE_FIELDS) :]) == BASE_FIELDS
    assert set(OneLoggerConfig.model_fields) >= BASE_FIELDS


def test_defaults_are_those_of_the_reference() -> None:
    config = make()
    assert (config.is_train_iterations_enabled, config.is_validation_iterations_enabled) == (True, True)
    assert (config.is_test_iterations_enabled, config.is_save_checkpoint_enabled) == (True, True)
    assert (config.is_log_throughput_enabled, config.log_every_n_train_iterations) == (False, 50)
    assert config.save_checkpoint_strategy is CheckPointStrategy.SYNC
    assert (config.micro_batch_size, config.seq_length, config.flops_per_sample) == (None, None, None)
    assert (config.train_iterations_target, config.train_samples_target, config.custom_metadata) == (None, None, None)


def test_nothing_needs_to_be_given() -> None:
    config = TrainingTelemetryConfig()
    assert (config.perf_tag, config.global_batch_size) == (None, None)


def test_it_is_a_telemetry_config_that_trains() -> None:
    assert isinstance(make(), TelemetryConfig)
    assert make().app_type is ApplicationType.TRAINING
    assert make(app_type_or_fn="inference").app_type is ApplicationType.TRAINING


def test_values_and_callables_are_both_accepted() -> None:
    config = make(
        perf_tag_or_fn=lambda: ["a", "b"],
        global_batch_size_or_fn=lambda: 32,
        micro_batch_size_or_fn=lambda: 4,
        seq_length_or_fn=lambda: 16,
        flops_per_sample_or_fn=lambda: 100,
        train_iterations_target_or_fn=lambda: 10,
        train_samples_target_or_fn=lambda: 320,
        is_log_throughput_enabled_or_fn=lambda: True,
        is_train_iterations_enabled_or_fn=lambda: False,
        is_validation_iterations_enabled_or_fn=lambda: False,
        is_test_iterations_enabled_or_fn=lambda: False,
        is_save_checkpoint_enabled_or_fn=lambda: False,
    )
    assert (config.perf_tag, config.global_batch_size, config.micro_batch_size) == (["a", "b"], 32, 4)
    assert (config.seq_length, config.flops_per_sample) == (16, 100)
    assert (config.train_iterations_target, config.train_samples_target) == (10, 320)
    assert config.is_log_throughput_enabled
    assert not config.is_train_iterations_enabled
    assert not config.is_validation_iterations_enabled
    assert not config.is_test_iterations_enabled
    assert not config.is_save_checkpoint_enabled


@pytest.mark.parametrize(("given", "kept"), [("32", 32), (1e3, 1000), (True, 1)])
def test_numbers_are_converted_as_by_the_reference(given: Any, kept: int) -> None:
    assert make(global_batch_size_or_fn=given).global_batch_size == kept


def test_strategy_is_accepted_as_text() -> None:
    assert make(save_checkpoint_strategy="async").save_checkpoint_strategy is CheckPointStrategy.ASYNC


@pytest.mark.parametrize(
    "fields", [{"global_batch_size_or_fn": 1.5}, {"save_checkpoint_strategy": "sometimes"}, {"perf_tag_or_fn": 1}]
)
def test_wrong_type_is_refused(fields: Any) -> None:
    with pytest.raises(ValidationError):
        make(**fields)


@pytest.mark.parametrize("size", [0, -1, lambda: 0, lambda: None, lambda: "many"])
def test_batch_size_must_be_positive(size: Any) -> None:
    with pytest.raises(OneLoggerError, match="global_batch_size must be set to a positive value"):
        make(global_batch_size_or_fn=size)


@pytest.mark.parametrize("every", [0, -1])
def test_log_interval_must_be_positive(every: int) -> None:
    with pytest.raises(OneLoggerError, match="log_every_n_train_iterations must be set to a positive value"):
        make(log_every_n_train_iterations=every)


@pytest.mark.parametrize("flops", [None, 0, -1, lambda: 0])
def test_throughput_needs_operations_per_sample(flops: Any) -> None:
    with pytest.raises(
        OneLoggerError, match="flops_per_sample must be set to a positive value when is_log_throughput_enabled is True"
    ):
        make(is_log_throughput_enabled_or_fn=True, flops_per_sample_or_fn=flops)


def test_fields_may_be_assigned_without_checks() -> None:
    config = make()
    config.global_batch_size_or_fn = -1
    config.log_every_n_train_iterations = 7
    assert (config.global_batch_size, config.log_every_n_train_iterations) == (-1, 7)


def test_callable_is_evaluated_once_until_it_is_replaced() -> None:
    calls: List[str] = []

    def target() -> int:
        calls.append("target")
        return len(calls)

    config = make(train_iterations_target_or_fn=target)
    assert calls == []
    assert [config.train_iterations_target for _ in range(3)] == [1, 1, 1]
    config.train_iterations_target_or_fn = lambda: 99
    assert config.train_iterations_target == 99


@pytest.mark.parametrize("name", ["global_batch_size", "micro_batch_size", "seq_length", "flops_per_sample"])
def test_sizes_are_dynamic(name: str) -> None:
    sizes = iter(range(1, 100))
    config = make(**{f"{name}_or_fn": lambda: next(sizes)})
    first, second = getattr(config, name), getattr(config, name)
    assert second == first + 1


def test_odd_values_of_real_clients_are_accepted_with_one_warning_each(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(config_model, "_reported", set())
    for _ in range(2):
        config = make(
            train_iterations_target_or_fn=-1, micro_batch_size_or_fn=0, perf_tag_or_fn="", custom_metadata={" ": 1}
        )
    assert (config.train_iterations_target, config.micro_batch_size) == (-1, 0)
    assert [message.split(" ")[1] for message in caplog.messages] == [
        "train_iterations_target_or_fn",
        "micro_batch_size_or_fn",
        "perf_tag_or_fn",
        "custom_metadata",
    ]


def test_unknown_arguments_are_ignored_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(config_model, "_reported", set())
    for _ in range(2):
        make(global_batchsize_or_fn=3, app_type_or_fn="x")
    (message,) = caplog.messages
    assert "Did you mean global_batch_size_or_fn?" in message


def test_base_fields_are_accepted_and_ignored_in_a_telemetry_config() -> None:
    base = OneLoggerConfig(
        application_name="a",
        session_tag_or_fn="s",
        world_size_or_fn=1,
        telemetry_config=make(application_name="b", world_size_or_fn=0),
    )
    assert (base.application_name, base.world_size) == ("a", 1)
