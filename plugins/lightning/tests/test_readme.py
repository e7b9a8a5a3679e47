"""The blocks of the README, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable, List

import pytest

from nv_one_logger.testing import RecordFile

README = Path(__file__).resolve().parents[1] / "README.md"


def blocks(language: str) -> List[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


def ended(path: Path) -> List[str]:
    return [r["name"] for r in RecordFile(path).records() if r["type"] in ("stop", "complete")]


@pytest.mark.slow
def test_programs_of_the_readme(run_python: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    pytest.importorskip("pytorch_lightning")
    run_python("\n".join(blocks("python")))
    found = ended(tmp_path / "run.jsonl")
    assert found.count("training_loop") == found.count("application") == 1
    assert found.count("validation_loop") == 3
    assert found.count("checkpoint_save_sync") == 2


def test_yaml_and_environment_of_the_readme(run_python: Callable[..., Any], tmp_path: Path) -> None:
    from nv_one_logger.training_telemetry.integration import _lightning_factory as factory

    assert f"{factory.SWITCH}=1 python" in blocks("console")[-1]
    if not _is_installed():
        pytest.skip("Lightning finds the callback only where the distribution is installed")
    (tmp_path / "one_logger_exporters_config.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    program = """
import lightning.pytorch as pl
from lightning.pytorch.demos.boring_classes import BoringModel
pl.Trainer(max_steps=2, limit_val_batches=1, logger=False, enable_progress_bar=False).fit(BoringModel())
"""
    run_python(program, **{factory.SWITCH: "1"})
    found = ended(tmp_path / "run.jsonl")
    assert found.count("training_loop") == found.count("checkpoint_save_sync") == found.count("application") == 1


def _is_installed() -> bool:
    from importlib import metadata

    try:
        return bool(metadata.version("nv-one-logger-pytorch-lightning-integration"))
    except metadata.PackageNotFoundError:
        return False


def test_every_defect_has_a_test_that_exists() -> None:
    rows = re.findall(r"^\| (\d+) \| .* \| (.*) \|$", README.read_text("utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(21, 34))
    for _, cell in rows:
        for path, name in re.findall(r"`tests/(\w+\.py)::(\w+)`", cell) or [("", "")]:
            text = (README.parent / "tests" / path).read_text("utf-8")
            assert re.search(rf"^def {name}\(", text, re.MULTILINE), name
