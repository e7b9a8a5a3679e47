from __future__ import annotations

import os

import pytest

from nv_one_logger.api.config import OneLoggerConfig
from nv_one_logger.otel.exporter.internal.resource import application_attributes, make_resource, rank

APPLICATION = {"service.name": "app", "one_logger.rank": 2}


def test_configuration_names_the_application() -> None:
    config = OneLoggerConfig(application_name="app", world_size_or_fn=4, session_tag_or_fn="tag")
    assert application_attributes(config, {"SLURM_PROCID": "3"}) == {
        "service.name": "app",
        "one_logger.session_tag": "tag",
        "one_logger.world_size": 4,
        "one_logger.rank": 3,
    }


def test_value_that_cannot_be_had_is_left_out() -> None:
    config = OneLoggerConfig(application_name="app", world_size_or_fn=4, session_tag_or_fn=lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    assert "one_logger.session_tag" not in application_attributes(config, {})


@pytest.mark.parametrize(
    ("environ", "expected"), [({}, 0), ({"RANK": "1", "SLURM_PROCID": "9"}, 1), ({"PMI_RANK": "x"}, None)]
)
def test_rank(environ: dict[str, str], expected: int | None) -> None:
    assert rank(environ) == expected


def test_application_host_and_process_are_named() -> None:
    attributes = make_resource(APPLICATION, {}, {}).attributes
    assert attributes["service.name"] == "app"
    assert attributes["process.pid"] == os.getpid()
    assert attributes["host.name"]
    assert attributes["telemetry.sdk.language"] == "python"


def test_without_a_configuration_it_is_the_default_of_the_sdk() -> None:
    attributes = make_resource({}, {}, {}).attributes
    assert str(attributes["service.name"]).startswith("unknown_service")
    assert "host.name" not in attributes


@pytest.mark.parametrize("variable", ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"])
def test_environment_wins_over_the_application_and_configuration_over_both(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "named" if variable == "OTEL_SERVICE_NAME" else "service.name=named,a=1")
    assert make_resource(APPLICATION, {}, os.environ).attributes["service.name"] == "named"
    configured = make_resource(APPLICATION, {"service.name": "mine"}, os.environ).attributes
    assert configured["service.name"] == "mine"
