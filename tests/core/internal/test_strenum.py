from __future__ import annotations

import json

from nv_one_logger.core.internal.strenum import StrEnum


class Colour(StrEnum):
    RED = "red"


def test_member_is_its_value_in_every_way() -> None:
    assert isinstance(Colour.RED, str)
    assert Colour.RED == "red"
    assert hash(Colour.RED) == hash("red")
    assert f"{Colour.RED}|{Colour.RED:>5}|{Colour.RED!s}|%s" % Colour.RED == "red|  red|red|red"
    assert json.dumps({Colour.RED: Colour.RED}) == '{"red": "red"}'
    assert {"red": 1}[Colour.RED] == 1
