from __future__ import annotations

from nv_one_logger.cli.selftest.budget import BUDGETS, Baseline, Operation


def test_every_operation_has_a_budget() -> None:
    assert set(BUDGETS) == set(Operation)
    assert all(budget.ratio > 0 for budget in BUDGETS.values())


def test_only_a_flush_is_compared_with_the_disk() -> None:
    synced = [operation for operation, budget in BUDGETS.items() if budget.baseline is Baseline.SYNC]
    assert synced == [Operation.FLUSH]
