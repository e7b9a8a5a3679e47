from __future__ import annotations

import logging
from enum import Enum
from typing import Callable, Dict, List, Literal, Optional

import pytest
import yaml

from nv_one_logger.cli.plugins.parameters import describe_parameters
from nv_one_logger.cli.plugins.snippet import entry_yaml
from nv_one_logger.config.convert import convert_arguments
from nv_one_logger.config.models import Origin, OriginKind
from nv_one_logger.config.sources import load_entries
from nv_one_logger.exporter.exporter import BaseExporter
from nv_one_logger.exporter.file_exporter import FileExporter


class Colour(Enum):
    RED = 3


class Everything(BaseExporter):
    def __init__(
        self,
        number: int,
        ratio: float,
        flag: bool,
        text: str,
        items: List[int],
        fields: Dict[str, int],
        colour: Colour,
        word: Literal["on", "off"],
        maybe: Optional[int],
        logger: logging.Logger,
        later: Callable[[], None] = print,
        word_by_default: str = "on",
        plain_by_default: str = "plain",
    ) -> None:
        super().__init__()


def test_required_arguments_have_an_example_and_the_rest_is_commented_out() -> None:
    assert entry_yaml("file", describe_parameters(FileExporter)) == (
        "exporters:\n"
        "  - class_name: file\n"
        "    config:\n"
        '      file_path: "<file_path>"\n'
        "      # fsync: false\n"
        "      # max_bytes: null\n"
        "      # backup_count: 5\n"
        "      # session_record: false\n"
        "      # heartbeat_sec: null\n"
    )


@pytest.mark.parametrize("uncomment", [False, True])
def test_pasted_snippet_is_a_configuration_without_mistakes(uncomment: bool) -> None:
    text = entry_yaml("somewhere:Everything", describe_parameters(Everything))
    if uncomment:
        text = text.replace("# word", "word").replace("# plain", "plain")
    (entry,) = yaml.safe_load(text)["exporters"]
    if uncomment:
        assert entry["config"]["word_by_default"] == "on"
        assert entry["config"]["plain_by_default"] == "plain"
    (loaded,), problems = load_entries([entry])
    assert not problems
    converted = convert_arguments(Everything, loaded.config, path="config", origin=Origin(OriginKind.CODE, "code"))
    assert converted.errors == []


def test_default_that_only_code_can_give_is_left_blank() -> None:
    assert "      # later:\n" in entry_yaml("x", describe_parameters(Everything))


def test_entry_by_name_requires_nothing() -> None:
    text = entry_yaml("acme_file", describe_parameters(FileExporter), key="name")
    assert yaml.safe_load(text) == {"exporters": [{"name": "acme_file"}]}


def test_plugin_without_arguments_has_no_config() -> None:
    text = entry_yaml("file", ())
    assert text == "exporters:\n  - class_name: file\n"
