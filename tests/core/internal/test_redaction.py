from __future__ import annotations

import json
import traceback
from typing import Callable, List
from urllib.parse import quote

import pytest

from nv_one_logger.core.internal import redaction
from nv_one_logger.core.internal.redaction import redacted, redacted_error, remember_secrets, without

# With a quote, a backslash, a blank and a letter that texts may write in several ways.
SECRET = "hunter2'\\ \"ü"


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember one secret, and forget it afterwards."""
    monkeypatch.setattr(redaction, "_known", {})
    remember_secrets([SECRET])


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("spell", [str, repr, json.dumps, quote, lambda text: json.dumps(text, ensure_ascii=False)])
def test_secret_is_hidden_in_every_spelling(spell: Callable[[str], str]) -> None:
    assert "hunter2" not in redacted(f"failed for {spell(SECRET)}: unauthorized")
    assert redacted("nothing to hide") == "nothing to hide"


@pytest.mark.usefixtures("remembered")
def test_traceback_without_a_secret_is_left_to_the_logger() -> None:
    error = ValueError("harmless")
    assert redacted_error(error) == ("", error)


@pytest.mark.usefixtures("remembered")
def test_traceback_with_a_secret_becomes_a_text() -> None:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as cause:
            raise ValueError("mine") from cause
    except ValueError as error:
        text, shown = redacted_error(error)
    assert shown is None
    assert "hunter2" not in text
    assert "ValueError: mine" in text
    assert "test_redaction.py" in text


def test_longer_secret_is_hidden_before_one_it_holds() -> None:
    assert without("abcd-efgh abcd", ["abcd", "abcd-efgh"]) == "*** ***"


def test_secret_with_a_lone_surrogate_is_hidden() -> None:
    assert without("\ud800secret", ["\ud800secret"]) == "***"


def test_memory_for_secrets_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", {})
    remember_secrets(f"secret {number}" for number in range(5000))
    assert len(redaction._known) == 1000
    assert redacted("secret 4999") == "***"


def test_error_whose_traceback_cannot_be_had_is_given_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", {"secret": None})

    def fail(*arguments: object) -> List[str]:
        raise ValueError("no traceback")

    monkeypatch.setattr(traceback, "format_exception", fail)
    error = ValueError("x")
    assert redacted_error(error) == ("", error)
