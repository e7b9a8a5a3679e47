from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import jsonschema
import pytest
import yaml

from nv_one_logger.cli.config.schema import make_schema
from nv_one_logger.cli.config.starting_file import starting_file
from nv_one_logger.config import LoadedSources, Switches, check, load_sources, resolve
from nv_one_logger.host.catalogue import Catalogue

ACME = '''
    from pathlib import Path
    from typing import Callable, List, Optional
    from pydantic import BaseModel
    from nv_one_logger.exporter.exporter import BaseExporter


    class Proxy(BaseModel):
        host: str
        port: int = 80


    class AcmeExporter(BaseExporter):
        """Sends spans to Acme.

        Args:
            url: Where the server listens.
        """

        def __init__(
            self,
            url: str,
            retries: int = 3,
            proxies: Optional[List[Proxy]] = None,
            on_error: Optional[Callable[[Exception], None]] = None,
        ) -> None:
            super().__init__()
'''

GOOD = [
    "exporters: []",
    "exporters: [{class_name: file, config: {file_path: x.jsonl}}]",
    "inherit: false\nexporters: [{class_name: acme, config: {url: a, proxies: [{host: a, port: 3}, {host: b}]}}]",
    "exporters: [{class_name: acme, config: {url: x, retries: '${RETRIES:-3}'}, enabled: '${FLAG:-true}'}]",
    "exporters: [{class_name: acme, config: {url: x, proxies: null}, background: true}]",
    "exporters: [{class_name: acme, config: {url: x}, background: {max_queue: 10, when_full: block}}]",
    "exporters: [{class_name: 'acme:AcmeExporter', name: mine, config: {url: x}}]",
    "exporters: [{class_name: nv_one_logger.exporter.FileExporter, config: {file_path: x, max_bytes: 5}}]",
    "exporters: [{class_name: logger, config: {logger: my_app}}]",
    "exporters: [{class_name: acme, enabled: false}]",
    "exporters: [{name: acme, config: {url: x}}]",
    "exporters: [{class_name: math.AnyClass, config: {whatever: 1}, enabled: false}]",
    "exporters: [{name: team_file, config: {backup_count: 3}}]",
    "exporters: [{name: team_file, enabled: false}]",
]

BAD = [
    "[]",
    "{}",
    "exporters: 3",
    "exporters: []\nexporter: []",
    "exporters: [file]",
    "exporters: [{config: {}}]",
    "exporters: [{class_name: fil}]",
    "exporters: [{class_name: file}]",
    "exporters: [{class_name: file, config: {}}]",
    "exporters: [{class_name: file, config: {file_path: x, max_bytes: many}}]",
    "exporters: [{class_name: file, config: {file_pth: x}}]",
    "exporters: [{class_name: file, config: {file_path: x}, enabld: true}]",
    "exporters: [{class_name: file, config: {file_path: x}, enabled: maybe}]",
    "exporters: [{class_name: file, config: {file_path: x}, background: {max_que: 3}}]",
    "exporters: [{class_name: logger, config: {logger: 3}}]",
    "exporters: [{class_name: acme, config: {url: x, proxies: [{host: a, port: far}]}}]",
    "exporters: [{class_name: acme, config: {url: x, on_error: print}}]",
    "exporters: [{class_name: 'acme.AcmeExporter', config: {ur: x}}]",
    "exporters: [{name: acme, config: {ur: x}}]",
    "exporters: [{name: team_file, config: {backup_count: few}}]",
]

DEFAULTS = """
    class Defaults:
        @staticmethod
        def get_default_config():
            return {"class_name": "file", "config": {"file_path": "x.jsonl"}, "enabled": False}
"""


@pytest.fixture(autouse=True)
def installed_plugins(distribution: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    distribution("acme-telemetry", exporters={"acme": "acme:AcmeExporter"}, modules={"acme": ACME})


@pytest.fixture
def team(distribution: Any) -> None:
    distribution("team", defaults={"team_file": "team_defaults:Defaults"}, modules={"team_defaults": DEFAULTS})


def document() -> Dict[str, Any]:
    made = make_schema(resolve([LoadedSources()], Catalogue(), Switches()))
    assert made.left_out == ()
    jsonschema.Draft7Validator.check_schema(made.document)
    return made.document


def errors_of(text: str, schema: Dict[str, Any]) -> List[str]:
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(yaml.safe_load(text))]


def check_says(text: str, tmp_path: Path) -> List[str]:
    (tmp_path / "x.yaml").write_text(text)
    problems = check(resolve([load_sources(None, "x.yaml", environ={})], Catalogue(), Switches()))
    return [str(problem.error) for problem in problems if problem.asked]


@pytest.mark.parametrize("text", GOOD)
def test_good_file_passes_schema_and_check(text: str, tmp_path: Path, team: None) -> None:
    assert errors_of(text, document()) == []
    assert check_says(text, tmp_path) == []


@pytest.mark.parametrize("text", BAD)
def test_bad_file_fails_schema_and_check(text: str, tmp_path: Path, distribution: Any) -> None:
    if "team_file" in text:
        distribution("team", defaults={"team_file": "team_defaults:Defaults"}, modules={"team_defaults": DEFAULTS})
    assert errors_of(text, document()) != []
    assert check_says(text, tmp_path) != []


def test_package_default_of_a_class_makes_its_arguments_optional(team: None, tmp_path: Path) -> None:
    text = "exporters: [{class_name: file, config: {backup_count: 3}}]"
    assert errors_of(text, document()) == []
    assert check_says(text, tmp_path) == []


def test_starting_file_passes() -> None:
    catalogue = Catalogue()
    assert errors_of(starting_file(catalogue.exporters(), catalogue.package_defaults()), document()) == []


def test_editors_are_told_what_arguments_mean() -> None:
    definitions = document()["definitions"]
    properties = definitions["acme"]["properties"]
    assert definitions["acme"]["description"] == "Sends spans to Acme. (acme-telemetry 1.0)"
    assert properties["url"]["description"] == "Where the server listens."
    assert properties["retries"]["default"] == 3
    assert "only code can give it" in properties["on_error"]["description"]


def test_broken_plugin_is_left_out_and_its_arguments_are_not_checked(distribution: Any) -> None:
    distribution("bad", exporters={"bad": "bad_plugin:Exporter"}, modules={"bad_plugin": "1 / 0"})
    made = make_schema(resolve([LoadedSources()], Catalogue(), Switches()))
    assert [plugin.row.name for plugin in made.left_out] == ["bad"]
    assert errors_of("exporters: [{class_name: bad, config: {anything: 1}}]", made.document) == []


def test_plugin_that_takes_anything_may_get_anything(distribution: Any) -> None:
    source = ACME.replace("on_error: Optional[Callable[[Exception], None]] = None", "**more: int")
    distribution("open", exporters={"open": "open_plugin:AcmeExporter"}, modules={"open_plugin": source})
    assert errors_of("exporters: [{class_name: open, config: {url: x, anything: 1}}]", document()) == []


def test_name_published_twice_is_described_once(distribution: Any) -> None:
    distribution("one", exporters={"acme": "acme:Proxy"})
    distribution("two", exporters={"twice": "acme:AcmeExporter"})
    made = make_schema(resolve([LoadedSources()], Catalogue(), Switches()))
    names = made.document["definitions"]["entry"]["properties"]["class_name"]["anyOf"][0]["enum"]  # type: ignore[index]
    assert sorted(names) == sorted(set(names))
