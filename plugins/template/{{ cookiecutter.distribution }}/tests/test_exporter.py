from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest
from nv_one_logger.core.exceptions import OneLoggerError
from nv_one_logger.core.span import Span
from nv_one_logger.exporter import BackgroundExporter, Exporter
from nv_one_logger.testing.conformance import Arrival, ExporterContract, arrivals_of

from {{ cookiecutter.package }}.exporter import {{ cookiecutter.class_name }}


class Test{{ cookiecutter.class_name }}(ExporterContract):
    """What every exporter has to do; see docs/testing-plugins.md of nv-one-logger."""

    @pytest.fixture(autouse=True)
    def _keep_server(self, server: Any) -> None:
        self.server = server

    def make_exporter(self, tmp_path: Path) -> Exporter:
        return {{ cookiecutter.class_name }}(self.server.url)

    def read_back(self, exporter: Exporter) -> List[Arrival]:
        return arrivals_of(self.server.records)

    def break_backend(self, exporter: Exporter) -> None:
        self.server.is_refusing = True

    def mend_backend(self, exporter: Exporter) -> None:
        self.server.is_refusing = False
        self.server.answers.set()

    def make_config(self, tmp_path: Path) -> Dict[str, Any]:
        return {"class_name": "{{ cookiecutter.name }}", "config": {"url": self.server.url}}


class Test{{ cookiecutter.class_name }}InTheBackground(Test{{ cookiecutter.class_name }}):
    """The same with ``background: true``; then also a server that hangs holds nobody up."""

    def make_exporter(self, tmp_path: Path) -> Exporter:
        return BackgroundExporter({{ cookiecutter.class_name }}(self.server.url), close_timeout_sec=1.0)

    def hang_backend(self, exporter: Exporter) -> None:
        self.server.answers.clear()

    def make_config(self, tmp_path: Path) -> Dict[str, Any]:
        return {**super().make_config(tmp_path), "background": True}


def test_headers_are_sent_along(server: Any) -> None:
    exporter = {{ cookiecutter.class_name }}(server.url, headers={"Authorization": "Bearer secret"})
    exporter.initialize()
    exporter.export_start(Span.create("work"))
    exporter.close()
    assert server.headers[0]["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://localhost/"])
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(OneLoggerError, match="http or https"):
        {{ cookiecutter.class_name }}(url)
