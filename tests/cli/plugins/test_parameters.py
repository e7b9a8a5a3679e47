from __future__ import annotations

import math
from typing import Any

from nv_one_logger.cli.plugins.parameters import describe_parameters, takes_more
from nv_one_logger.exporter.file_exporter import FileExporter


def test_arguments_have_type_default_and_text(acme: Any) -> None:
    from acme import AcmeExporter  # type: ignore[import-not-found]  # installed by the fixture

    url, retries, mode, api_key, on_error = describe_parameters(AcmeExporter)
    assert (url.name, url.type_text, url.is_required, url.default_text) == ("url", "str", True, "required")
    assert url.text == "Where the server listens, with the port."
    assert (retries.type_text, retries.default_text, retries.text) == ("int", "3", "How often to try again.")
    assert mode.schema.schema["anyOf"][0] == {"enum": ["fast", "safe", "FAST", "SAFE"]}  # type: ignore[index]
    assert api_key.default_text == "'***'"
    assert on_error.schema.words != ""
    assert takes_more(AcmeExporter)


def test_keyword_only_arguments_are_arguments() -> None:
    assert [one.name for one in describe_parameters(FileExporter)] == [
        "file_path",
        "fsync",
        "max_bytes",
        "backup_count",
        "session_record",
        "heartbeat_sec",
    ]
    assert not takes_more(FileExporter)


def test_what_is_no_class_takes_none() -> None:
    assert describe_parameters(math) == ()
    assert not takes_more(math)


def test_class_without_a_signature_may_take_anything() -> None:
    assert describe_parameters(type) == ()
    assert takes_more(type)


def test_plain_data_tells_a_required_argument_from_one_that_is_none_by_default() -> None:
    by_name = {one.name: one.as_dict() for one in describe_parameters(FileExporter)}
    assert (by_name["file_path"]["required"], by_name["file_path"]["default"]) == (True, None)
    assert (by_name["max_bytes"]["required"], by_name["max_bytes"]["default"]) == (False, "None")
