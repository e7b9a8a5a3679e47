from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.host.catalogue import Catalogue
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

PACKAGE = Path(__file__).resolve().parents[1] / "nv_one_logger"


def test_exporter_is_in_the_catalogue() -> None:
    (entry,) = [entry for entry in Catalogue().exporters() if entry.name == "otel"]
    assert entry.value == "nv_one_logger.otel.exporter.otel_exporter:OTelExporter"
    assert entry.distribution == "nv-one-logger-otel"


def test_namespaces_have_no_init_and_packages_are_typed() -> None:
    assert not (PACKAGE / "__init__.py").exists()
    assert not (PACKAGE / "otel" / "__init__.py").exists()
    for folder in (PACKAGE / "otel" / "exporter", PACKAGE / "otel" / "exporter" / "internal"):
        assert (folder / "__init__.py").exists()
        assert (folder / "py.typed").exists()


IMPORTS_OF_CORE = """
    import importlib, sys
    from pathlib import Path
    import nv_one_logger.core

    root = Path(nv_one_logger.core.__file__).parents[2]
    needs_an_extra = ("nv_one_logger.cli", "nv_one_logger.otel", "nv_one_logger.testing")
    for path in sorted((root / "nv_one_logger").rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        if not name.startswith(needs_an_extra):
            importlib.import_module(name)
            imported = name
"""
SWITCHED_OFF = """
    import sys
    from nv_one_logger.host.catalogue import Catalogue
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

    assert "otel" in [entry.name for entry in Catalogue().exporters()]
    off = [{"class_name": "otel", "enabled": False}]
    TrainingTelemetryProvider.instance().with_export_config(exporters_config=off).configure_provider()
    imported = "provider"
"""


@pytest.mark.parametrize("program", [IMPORTS_OF_CORE, SWITCHED_OFF], ids=["all of core", "switched off"])
def test_core_imports_nothing_that_the_plugin_needs(program: str, tmp_path: Path) -> None:
    foreign = (
        'print(imported, {"google", "grpc", "nv_one_logger.otel", "opentelemetry", "requests"} & set(sys.modules))'
    )
    command = [sys.executable, "-I", "-c", f"{textwrap.dedent(program)}\n{foreign}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout.split()[1:] == ["set()"], done.stdout + done.stderr
    assert done.stdout.split()[0] != "nv_one_logger.core"


def test_every_argument_can_stand_in_yaml(receiver: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one_logger_exporters_config.yaml").write_text(
        """
exporters:
  - name: otel
    config:
      endpoint: ${ENDPOINT}
      protocol: ${PROTOCOL}
      headers: {x-tenant: blue}
      timeout: 5
      resource: {team: vision, size: 3, tags: [a, b]}
      insecure: true
      markers: true
      logs: true
      close_timeout: 3
""",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENDPOINT", receiver.endpoint)
    monkeypatch.setenv("PROTOCOL", receiver.protocol)
    provider = TrainingTelemetryProvider.instance()
    provider.with_export_config().configure_provider()
    with timed_span("work"):
        pass
    provider.reset()
    names = sorted(span.name for span in receiver.spans)
    assert names == ["span_start_event_for_work", "span_stop_event_for_work", "work"]
    assert receiver.resources[0]["size"] == 3
    assert receiver.headers[0]["x-tenant"] == "blue"


def test_mistakes_in_yaml_say_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "otel.yaml"
    path.write_text("exporters:\n  - name: otel\n    config:\n      endpoint: localhost:4318\n", encoding="utf-8")
    provider = TrainingTelemetryProvider.instance()
    provider.with_export_config(config_file_path=str(path))
    with pytest.raises(Exception, match="is no http or https address") as raised:
        provider.configure_provider()
    assert "line 2" in str(raised.value)
    provider.reset()
