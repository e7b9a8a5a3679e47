from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nv_one_logger.cli.selftest.budget import BUDGETS, Operation
from nv_one_logger.cli.selftest.measuring import Cost, measure

FILE = "{class_name: file, config: {file_path: y.jsonl}}"


def test_every_operation_is_measured_with_the_plugins_in_force(running: Any) -> None:
    provider = running(FILE)
    costs = measure(provider, 30)
    assert [cost.operation for cost in costs] == list(Operation)
    assert all(cost.microseconds > 0 and cost.ratio > 0 for cost in costs)
    by_operation = {cost.operation: cost for cost in costs}
    assert by_operation[Operation.DISABLED_SPAN].ratio < by_operation[Operation.SPAN].ratio
    types = [json.loads(line)["type"] for line in Path("y.jsonl").read_text().splitlines()]
    assert types.count("event") == 30
    assert 30 <= types.count("complete") <= 60
    assert provider.one_logger_enabled


def test_only_the_disabled_span_is_measured_where_telemetry_is_off(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE_LOGGER_DISABLED", "1")
    provider = running(FILE)
    assert [cost.operation for cost in measure(provider, 5)] == [Operation.DISABLED_SPAN]
    assert not provider.one_logger_enabled


def test_cost_is_compared_with_its_budget() -> None:
    limit = BUDGETS[Operation.SPAN].ratio
    assert Cost(Operation.SPAN, 10.0, limit).is_within_budget
    assert not Cost(Operation.SPAN, 10.0, limit + 0.1).is_within_budget
    assert Cost(Operation.FLUSH, 10.12345, 1.23456).as_dict() == {
        "operation": "flush",
        "microseconds": 10.123,
        "baseline": "raw write and fsync",
        "ratio": 1.235,
        "budget": BUDGETS[Operation.FLUSH].ratio,
        "within_budget": True,
    }
