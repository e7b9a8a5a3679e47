from __future__ import annotations

import importlib.util
import json
import sys
from typing import Any

import pytest

from nv_one_logger.core.internal import strenum


def string_enum_of_python(version: Any) -> Any:
    """Return the base class that another version of Python would get."""
    spec = importlib.util.spec_from_file_location("strenum_elsewhere", str(strenum.__file__))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "version_info", version)
        spec.loader.exec_module(module)
    return module.StrEnum


@pytest.fixture(params=["here", "oldest"])
def colour(request: pytest.FixtureRequest) -> Any:
    base = strenum.StrEnum if request.param == "here" else string_enum_of_python((3, 8, 0))
    return base("Colour", {"RED": "red"})


def test_member_is_its_value_in_every_way(colour: Any) -> None:
    assert isinstance(colour.RED, str)
    assert colour.RED == "red"
    assert hash(colour.RED) == hash("red")
    assert f"{colour.RED}|{colour.RED:>5}|{colour.RED!s}|%s" % colour.RED == "red|  red|red|red"
    assert json.dumps({colour.RED: colour.RED}) == '{"red": "red"}'
    assert {"red": 1}[colour.RED] == 1
    assert colour.RED in colour
    assert colour("red") is colour.RED
