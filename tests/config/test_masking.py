from __future__ import annotations

from typing import Dict

import pytest

from nv_one_logger.config.document import Fields, Items, Node, Scalar
from nv_one_logger.config.masking import (
    is_secret,
    is_secret_path,
    masked,
    metadata_without_secrets,
    shown,
    without_secrets,
)


@pytest.mark.parametrize("key", ["token", "API_KEY", "password", "client_secret", "tokens", "Key", "Authorization"])
def test_key_that_looks_like_a_secret_is_one(key: str) -> None:
    assert is_secret(key)


@pytest.mark.parametrize("key", ["file_path", "url", "timeout_sec", "", "tokenizer", "keywords"])
def test_other_keys_are_none(key: str) -> None:
    assert not is_secret(key)


def test_secrets_are_hidden_at_any_depth_and_nothing_else_is() -> None:
    value = {"url": "x", "auth": {"token": "t", "user": "me"}, "headers": [{"api_key": ["k"]}, "plain"], "key": None}

    assert masked("config", value) == {
        "url": "x",
        "auth": {"token": "***", "user": "me"},
        "headers": [{"api_key": "***"}, "plain"],
        "key": None,
    }
    assert masked("password", "x") == "***"


def test_only_the_argument_decides_not_the_entry() -> None:
    assert is_secret_path("exporters[0].config.api_key[1]")
    assert is_secret_path("exporters[0].config.auth.token")
    assert not is_secret_path("exporters[0].config.url")
    assert is_secret_path("api_key")


def test_value_filled_from_a_secret_variable_is_hidden_whatever_its_key() -> None:
    filled = Scalar("https://me:hunter22@host", variables=("API_TOKEN",))
    tree = Fields(((Scalar("url"), filled), (Scalar("urls"), Items((Scalar("x", variables=("RUN",)), filled)))))

    assert shown("config.a", tree) == {"url": "***", "urls": ["x", "***"]}
    assert shown("config.url", filled) == "***"
    assert shown("config.api_key[0]", Scalar("x")) == "***"
    assert shown("config.api_key", Scalar(None)) is None


def test_secrets_are_removed_from_texts_of_others() -> None:
    config: Dict[str, Node] = {
        "api_key": Scalar("hunter22"),
        "auth": Scalar({"password": ["hunter22-long"], "user": "hunter"}),
        "url": Scalar("hunter"),
        "token": Scalar("abc"),
        "server": Fields(((Scalar("secret"), Items((Scalar("in a list"),))), (Scalar("host"), Scalar("host")))),
        "base": Scalar("from-variable", variables=("MY_TOKEN",)),
    }

    text = without_secrets("no hunter22-long, no hunter22, in a list, from-variable, but hunter, host and abc", config)

    assert text == "no ***, no ***, ***, ***, but hunter, host and abc"


def test_metadata_of_an_application_shows_counts_of_tokens_and_no_secret() -> None:
    metadata = {"run": "a", "api_key": "x", "tokens": "y", "train_tokens": 10, "nested": {"password": "z"}, "key": None}
    assert metadata_without_secrets(metadata) == {
        "run": "a",
        "api_key": "***",
        "tokens": "***",
        "train_tokens": 10,
        "nested": {"password": "***"},
        "key": None,
    }
    assert metadata_without_secrets(None) is None
