"""What the tests share: a small model on the CPU, a configured provider, and the records that it wrote."""

from __future__ import annotations

import importlib
import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: nox -s pytorch")
from nv_one_logger.api.config import OneLoggerConfig, OneLoggerErrorHandlingStrategy  # noqa: E402
from nv_one_logger.exporter.file_exporter import FileExporter  # noqa: E402
from nv_one_logger.testing import RecordFile  # noqa: E402
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig  # noqa: E402
from nv_one_logger.training_telemetry.api.training_telemetry_provider import (  # noqa: E402
    TrainingTelemetryProvider,
)

QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR
BATCH_SIZE = 4

PACKAGES = [name for name in ("lightning.pytorch", "pytorch_lightning") if importlib.util.find_spec(name.split(".")[0])]


class Job:
    """A configured application, and what it recorded."""

    def __init__(self, provider: TrainingTelemetryProvider, file: RecordFile) -> None:
        self.provider = provider
        self.file = file

    def records(self) -> List[Dict[str, Any]]:
        self.provider.flush()
        return self.file.records()

    def ended(self, name: str) -> List[Dict[str, Any]]:
        """The attributes of the spans of a name that have ended, oldest first."""
        return [r["attributes"] for r in self.records() if r["type"] in ("stop", "complete") and r["name"] == name]

    def counts(self) -> Dict[str, int]:
        """How many spans of each name have ended."""
        return dict(Counter(r["name"] for r in self.records() if r["type"] in ("stop", "complete")))

    def events(self, name: str) -> List[Dict[str, Any]]:
        return [r["event"]["attributes"] for r in self.records() if r.get("event", {}).get("name") == name]

    def errors(self) -> List[str]:
        """The errors of the application: what happened, and the exception."""
        attributes = [r["event"]["attributes"] for r in self.records() if r["type"] == "application_error"]
        return [f"{one['error_message']}{one.get('exception_message', '')}" for one in attributes]

    def problems(self) -> List[str]:
        """What telemetry says against itself."""
        return [str(record) for record in self.records() if record["type"] == "telemetry_data_error"]

    def open_spans(self) -> List[str]:
        return [span.name_str for span in self.provider.recorder._spans]

    def parents(self) -> Dict[str, Optional[str]]:
        """The name of each span's parent, from the records as the reader rebuilds them."""
        self.provider.flush()
        found: Dict[str, Optional[str]] = {}
        for tree in self.file.trees():
            for root in tree.roots:
                _add_parents(root, None, found)
        return found


def _add_parents(node: Any, parent: Optional[str], found: Dict[str, Optional[str]]) -> None:
    found[node.name] = parent
    for child in node.children:
        _add_parents(child, node.name, found)


def telemetry_config(**fields: Any) -> TrainingTelemetryConfig:
    return TrainingTelemetryConfig(
        **{
            "perf_tag_or_fn": "perf",
            "global_batch_size_or_fn": BATCH_SIZE,
            "log_every_n_train_iterations": 2,
            **fields,
        }
    )


@pytest.fixture
def start_job(tmp_path: Path) -> Callable[..., Job]:
    """Configure the provider; keywords are fields of ``TrainingTelemetryConfig``, but for the ones named here."""

    def start(*, quiet: bool = False, enabled: bool = True, telemetry: bool = True, **fields: Any) -> Job:
        arguments: Dict[str, Any] = {
            "application_name": "app",
            "session_tag_or_fn": "run1",
            "world_size_or_fn": 1,
            "enable_for_current_rank": enabled,
            **({"error_handling_strategy": QUIET} if quiet else {}),
            **({"telemetry_config": telemetry_config(**fields)} if telemetry else {}),
        }
        file = RecordFile(tmp_path / "telemetry.jsonl")
        provider = TrainingTelemetryProvider.instance()
        provider.with_base_config(OneLoggerConfig(**arguments)).with_exporter(FileExporter(file_path=file.path))
        provider.configure_provider()
        return Job(provider, file)

    return start


@pytest.fixture(autouse=True)
def _like_a_fresh_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("ONE_LOGGER_", "SLURM_", "PL_")) or name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    yield
    TrainingTelemetryProvider.instance().reset()
    unhook = importlib.import_module("nv_one_logger.training_telemetry.integration.pytorch_lightning")
    for package in PACKAGES:
        unhook.unhook_trainer_cls(importlib.import_module(package).Trainer)


class Library:
    """One of Lightning's two packages, and what the tests need of it."""

    def __init__(self, package: str) -> None:
        self.ptl = importlib.import_module(package)
        self.model_class = type("Model", (Behaviour, self.ptl.LightningModule), {})

    def model(self, **behaviour: Any) -> Any:
        return self.model_class(**behaviour)

    def arguments(self, folder: Path, **more: Any) -> Dict[str, Any]:
        """Arguments of a trainer that says nothing and saves nothing by itself."""
        return {
            "max_epochs": 1,
            "accelerator": "cpu",
            "logger": False,
            "enable_checkpointing": "callbacks" in more and _saves(more["callbacks"]),
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "num_sanity_val_steps": 0,
            "default_root_dir": str(folder),
            **more,
        }

    def trainer(self, folder: Path, **more: Any) -> Any:
        return self.ptl.Trainer(**self.arguments(folder, **more))

    def checkpoints(self, folder: Path, **more: Any) -> Any:
        more = {"save_top_k": -1, "every_n_train_steps": 2, **more}
        return self.ptl.callbacks.ModelCheckpoint(dirpath=str(folder / "checkpoints"), **more)


def _saves(callbacks: Any) -> bool:
    found = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    return any("ModelCheckpoint" in [cls.__name__ for cls in type(one).__mro__] for one in found)


class Behaviour:
    """Steps and data of the model: four batches of training data, two of other data; misbehaves as it is told."""

    def __init__(self, fail_in: str = "", skip_batch: Optional[int] = None, error: Any = None) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)
        self.fail_in = fail_in
        self.skip_batch = skip_batch
        self.error = error or RuntimeError("no more")

    def loss(self, name: str, batch: Any) -> Any:
        if self.fail_in == name:
            raise self.error
        return self.layer(batch[0]).square().mean()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> Optional[int]:
        return -1 if batch_idx == self.skip_batch else None

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return self.loss("training", batch)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.loss("validation", batch)

    def test_step(self, batch: Any, batch_idx: int) -> None:
        self.loss("test", batch)

    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        return self.loss("predict", batch)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)  # type: ignore[attr-defined]  # of the module

    def train_dataloader(self) -> Any:
        return _data(4)

    def val_dataloader(self) -> Any:
        return _data(2)

    test_dataloader = predict_dataloader = val_dataloader


def _data(batches: int) -> Any:
    data = torch.utils.data.TensorDataset(torch.ones(batches * BATCH_SIZE, 3))
    return torch.utils.data.DataLoader(data, batch_size=BATCH_SIZE)


@pytest.fixture(params=PACKAGES)
def library(request: pytest.FixtureRequest) -> Library:
    """Each of Lightning's packages that is installed."""
    return Library(request.param)


@pytest.fixture
def preferred() -> Library:
    """The package that the integration prefers."""
    return Library(PACKAGES[0])


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program in a fresh interpreter that finds what this one finds."""

    def run(program: str, **env: str) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "program.py"
        path.write_text(program, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(path)],
            cwd=tmp_path,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    return run
