from __future__ import annotations

import pytest

from nv_one_logger.config.document import Scalar
from nv_one_logger.config.surprise import surprise


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("on", True, "YAML reads on without quotes as true"),
        ("no", False, "YAML reads no without quotes as false"),
        ("~", None, "YAML reads ~ without quotes as null"),
        ("1.10", 1.1, "YAML reads 1.10 without quotes as the number 1.1"),
    ],
)
def test_surprise_tells_how_yaml_read_a_text(text: str, value: object, expected: str) -> None:
    assert surprise(Scalar(value, text=text), "config.mode") == expected


def test_nothing_surprises_in_a_text_in_quotes_nor_is_a_secret_repeated() -> None:
    assert surprise(Scalar("on"), "config.mode") == ""
    assert surprise(Scalar("x", text="x"), "config.mode") == ""
    assert surprise(Scalar(123, text="123"), "config.api_key") == ""
