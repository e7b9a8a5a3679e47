from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Sequence

import pytest

from nv_one_logger.config.models import Origin, OriginKind
from nv_one_logger.config.prepare import Prepared, construct, prepare
from nv_one_logger.config.resolve import resolve
from nv_one_logger.config.sources import load_sources
from nv_one_logger.config.switches import Switches
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.host.catalogue import DEFAULTS_GROUP, Catalogue


def prepared(
    code: Sequence[Any] = (), file: str = "", environ: Any = None, catalogue: Any = None, named: bool = True
) -> Prepared:
    path = "conf.yaml" if named else "one_logger_exporters_config.yaml"
    if file:
        Path(path).write_text(file)
    sources = load_sources(list(code), path if file and named else None, environ=environ or {}, call_site="train.py:7")
    catalogue = catalogue or Catalogue(dict)
    (plan,) = resolve([sources], catalogue, Switches()).plans
    return prepare(plan, catalogue, None)


def test_mistake_of_a_lower_source_is_reported_with_its_own_key(acme: str, workdir: Path) -> None:
    file = "exporters:\n  - class_name: logger\n    enabled: false\n  - name: a\n    class_name: acme.AcmeExporter\n"
    file += "    config: {retries: many, urll: x}\n    background: {max_que: 1}\n"
    Path("conf.yaml").write_text(file)
    sources = load_sources([{"name": "a", "config": {"url": "x"}}], "conf.yaml", environ={})
    plan = resolve([sources], Catalogue(dict), Switches()).plans[1]

    problems = prepare(plan, Catalogue(dict), None).problems

    assert [(problem.error.source, problem.error.key) for problem in problems] == [
        ("conf.yaml, line 6, column 23", "exporters[1].config.retries"),
        ("conf.yaml, line 6, column 29", "exporters[1].config.urll"),
        ("conf.yaml, line 7, column 18", "exporters[1].background.max_que"),
    ]


def test_secret_from_the_environment_stays_out_of_the_message_of_a_constructor(module: Any, workdir: Path) -> None:
    module(
        "talkative",
        "from nv_one_logger.exporter.exporter import BaseExporter\n"
        "class Talkative(BaseExporter):\n"
        "    def __init__(self, url: str) -> None:\n        raise OSError(f'no {url}')\n",
    )
    item = prepared(
        file="exporters:\n  - class_name: talkative.Talkative\n    config: {url: 'https://${MY_TOKEN}@host'}\n",
        environ={"MY_TOKEN": "hunter22"},
    )

    with pytest.raises(ConfigError) as raised:
        construct(item)

    assert "hunter22" not in str(raised.value)
    assert raised.value.problem == "cannot be constructed (OSError: no ***)"


def test_nothing_is_called_before_it_is_constructed(acme: str) -> None:
    item = prepared([{"class_name": "acme.Raises"}])

    assert item.problems == ()
    with pytest.raises(ConfigError, match="ValueError"):
        construct(item)


def test_ready_plugin_is_itself(acme: str) -> None:
    item = prepared([{"class_name": "acme.tap"}])

    assert construct(item) is item.found


def test_options_of_the_background_come_from_the_highest_mention(workdir: Path) -> None:
    item = prepared(
        [{"class_name": "file", "config": {"file_path": "x"}, "background": {"max_queue": 2}}],
        file="exporters:\n  - class_name: file\n    background: {when_full: block}\n",
    )

    assert item.background is not None
    assert item.background.arguments == {"max_queue": 2}
    assert isinstance(construct(item), BackgroundExporter)


@pytest.mark.parametrize(("named", "asked", "is_error"), [(True, True, False), (False, False, True)])
def test_mistake_raises_when_a_person_named_the_file(named: bool, asked: bool, is_error: bool, workdir: Path) -> None:
    item = prepared(file="exporters:\n  - class_name: nowhere.Exporter\n", named=named)

    assert [(problem.asked, problem.is_error) for problem in item.problems] == [(asked, is_error)]


@pytest.mark.parametrize(("code", "asked"), [([], False), ([{"name": "team", "config": {"a": 1}}], True)])
def test_mistake_of_a_package_default_raises_when_a_person_mentioned_it(
    code: Sequence[Dict[str, Any]], asked: bool, workdir: Path
) -> None:
    class Point:
        name, value, dist = "team", "m:D", None

        def load(self) -> object:
            config = {"class_name": "nowhere.Exporter"}
            return type("D", (), {"get_default_config": staticmethod(lambda: config)})

    item = prepared(code, catalogue=Catalogue(lambda: {DEFAULTS_GROUP: [Point()]}))

    assert [problem.asked for problem in item.problems] == [asked]
    assert item.problems[0].error.source == str(
        Origin(OriginKind.PACKAGE, "an unknown distribution (entry point 'team')")
    )
