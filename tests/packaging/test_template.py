"""The template for an exporter: rendered, built, installed beside core, tested by its own tests, and enabled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, NamedTuple

import pytest

TEMPLATE = Path(__file__).resolve().parents[2] / "plugins" / "template"
LONGEST_LINE = 120

ENABLE = """
import json, sys
from nv_one_logger.host.catalogue import Catalogue
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

(entry,) = [entry for entry in Catalogue().exporters() if entry.name == "acme"]
provider = TrainingTelemetryProvider.instance()
provider.with_export_config(config_file_path="exporters.yaml")
imported_before = "one_logger_acme" in sys.modules
provider.configure_provider()
(plugin,) = provider.host.plugins()
provider.reset()
found = [entry.value, entry.distribution, entry.version]
print(json.dumps([found, imported_before, plugin[0], type(plugin[1]).__name__, type(plugin[1].exporter).__name__]))
"""

YAML = """
exporters:
  - name: acme
    config: {url: "http://127.0.0.1:9/records", timeout_sec: 0.5}
    background: true
"""


class Rendered(NamedTuple):
    folder: Path
    environment: Any


@pytest.fixture(scope="module")
def render(
    run_module: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Mapping[str, str]], Path]:
    """Answer the template's questions and return the folder it makes; what is not answered has its default."""

    def render(answers: Mapping[str, str]) -> Path:
        base = tmp_path_factory.mktemp("template")
        folders = {"cookiecutters_dir": str(base / "templates"), "replay_dir": str(base / "replay")}
        (base / "config.yaml").write_text(json.dumps(folders), encoding="utf-8")
        given = [f"{question}={answer}" for question, answer in answers.items()]
        options = ["--no-input", "--config-file", str(base / "config.yaml"), "--output-dir", str(base / "made")]
        run_module("cookiecutter", *options, str(TEMPLATE), *given)
        (folder,) = (base / "made").iterdir()
        return folder

    return render


@pytest.fixture(scope="module")
def rendered(
    render: Callable[[Mapping[str, str]], Path],
    run_module: Callable[..., str],
    make_shelf: Callable[[Iterable[str]], Path],
    new_environment: Callable[[Path], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Rendered:
    """Render it with the defaults, and install the wheel into an environment that has pytest too."""
    folder, wheels = render({}), tmp_path_factory.mktemp("wheels")
    run_module("build", "--no-isolation", "--wheel", "--outdir", str(wheels), str(folder))
    environment = new_environment(tmp_path_factory.mktemp("environment") / "venv")
    environment.pip("install", *(str(wheel) for wheel in wheels.iterdir()))
    environment.share("tests", make_shelf(["pytest"]))
    return Rendered(folder, environment)


def test_its_own_tests_pass_and_none_is_left_out(rendered: Rendered) -> None:
    said = rendered.environment.pytest(rendered.folder)

    assert " passed" in said
    assert "TestAcmeExporterInTheBackground" not in said  # nothing of it is named as failed or skipped
    reasons = [line for line in said.splitlines() if line.startswith("SKIPPED")]
    assert all("numpy" in line or "_backend() is not overridden" in line for line in reasons), said


def test_it_is_in_the_catalogue_and_enabled_from_yaml(rendered: Rendered, tmp_path: Path) -> None:
    (tmp_path / "exporters.yaml").write_text(YAML, encoding="utf-8")

    found, imported_before, name, plugin, exporter = json.loads(rendered.environment.run(ENABLE, cwd=tmp_path))

    assert found == ["one_logger_acme.exporter:AcmeExporter", "one-logger-acme", "0.1.0"]
    assert not imported_before
    assert (name, plugin, exporter) == ("acme", "BackgroundExporter", "AcmeExporter")


@pytest.mark.parametrize(
    ("answers", "package", "class_name"),
    [
        ({"name": "big-query"}, "one_logger_big_query", "BigQueryExporter"),
        ({"name": "s3", "distribution": "Our.S3-Exporter", "package": "our_s3"}, "our_s3", "S3Exporter"),
        ({"name": "a_b", "description": 'Says "hello" to A & B.', "author": "O'Neil"}, "one_logger_a_b", "ABExporter"),
    ],
    ids=["two-words", "own-names", "quotes"],
)
def test_other_answers_make_a_project_too(
    answers: Mapping[str, str], package: str, class_name: str, render: Callable[[Mapping[str, str]], Path]
) -> None:
    folder = render(answers)

    assert f"class {class_name}(" in (folder / package / "exporter.py").read_text(encoding="utf-8")
    assert (folder / package / "py.typed").exists()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        text = path.read_text(encoding="utf-8")
        assert "cookiecutter" not in text, path
        if path.suffix == ".py":
            compile(text, str(path), "exec")
            assert max(map(len, text.splitlines()), default=0) <= LONGEST_LINE, path


@pytest.mark.parametrize(
    "answers",
    [{"name": "Big Query"}, {"name": "file"}, {"package": "1st"}, {"package": "class"}, {"class_name": "x y"}],
    ids=lambda answers: "-".join(next(iter(answers.items()))),
)
def test_answer_that_cannot_work_is_refused_by_name(
    answers: Mapping[str, str], render: Callable[[Mapping[str, str]], Path]
) -> None:
    (question,) = answers
    with pytest.raises(AssertionError, match=rf"{question} = .* is not possible"):
        render(answers)
