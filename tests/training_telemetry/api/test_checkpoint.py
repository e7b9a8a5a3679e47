from __future__ import annotations

import json

from nv_one_logger.training_telemetry.api.checkpoint import CheckPointStrategy, CheckPointType


def test_strategies_and_types_have_the_values_of_the_reference() -> None:
    assert [str(member) for member in CheckPointStrategy] == ["sync", "async"]
    assert [str(member) for member in CheckPointType] == ["global", "local"]


def test_a_member_is_its_value_everywhere() -> None:
    assert CheckPointStrategy("async") is CheckPointStrategy.ASYNC
    assert CheckPointStrategy.SYNC == "sync"
    assert hash(CheckPointStrategy.SYNC) == hash("sync")
    assert json.dumps({CheckPointStrategy.SYNC: CheckPointType.LOCAL}) == '{"sync": "local"}'
