"""Lightning under either name, alone and beside the other, each in a process of its own."""

from __future__ import annotations

import importlib.util
from typing import Any, Callable

import pytest

PROGRAM = """
import sys
{blocked}
import {package} as pl
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.testing import RecordFile
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider
from nv_one_logger.training_telemetry.integration._compat import lightning as compat
from nv_one_logger.training_telemetry.integration.pytorch_lightning import (
    OneLoggerPTLTrainer, TimeEventCallback, hook_trainer_cls
)
import torch

class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def training_step(self, batch, batch_idx):
        return self.layer(batch).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)

    def train_dataloader(self):
        return torch.utils.data.DataLoader(torch.ones(8, 3), batch_size=4)

assert compat.ptl is pl and issubclass(OneLoggerPTLTrainer, pl.Trainer), compat.ptl
assert [base.__module__.split(".")[0] for base in TimeEventCallback.__mro__ if base.__name__ == "Callback"] == {bases}
provider = TrainingTelemetryProvider.instance()
config = TrainingTelemetryConfig(application_name="a", session_tag_or_fn="s", global_batch_size_or_fn=4)
provider.with_base_config(config).with_exporter(FileExporter(file_path="run.jsonl")).configure_provider()
Trainer, callback = hook_trainer_cls(pl.Trainer, provider)
arguments = dict(accelerator="cpu", max_steps=2, logger=False, enable_progress_bar=False,
                 enable_model_summary=False, default_root_dir=".")
Trainer(**arguments).fit(Model())
OneLoggerPTLTrainer(arguments, provider).fit(Model())
callback.on_app_end()
ended = [r["name"] for r in RecordFile("run.jsonl").records() if r["type"] in ("stop", "complete")]
assert ended.count("training_loop") == ended.count("checkpoint_save_sync") == 2, ended
"""


@pytest.mark.parametrize("package", ["lightning", "pytorch_lightning"])
def test_one_package_alone(package: str, run_python: Callable[..., Any]) -> None:
    pytest.importorskip(package)
    other = {"lightning": "pytorch_lightning", "pytorch_lightning": "lightning"}[package]
    blocked = "" if importlib.util.find_spec(other) is None else f"sys.modules[{other!r}] = None"
    module = {"lightning": "lightning.pytorch"}.get(package, package)
    run_python(PROGRAM.format(blocked=blocked, package=module, bases=[package]))


def test_neither_package_is_an_import_error_with_a_remedy(run_python: Callable[..., Any]) -> None:
    run_python(
        """
import sys
sys.modules["lightning"] = sys.modules["pytorch_lightning"] = None
try:
    import nv_one_logger.training_telemetry.integration.pytorch_lightning
except ImportError as error:
    assert "pip install 'nv-one-logger-pytorch-lightning-integration[lightning]'" in str(error), error
else:
    raise AssertionError
"""
    )


@pytest.mark.slow
def test_broken_second_package_does_no_harm(run_python: Callable[..., Any], tmp_path: Any) -> None:
    pytest.importorskip("lightning")
    (tmp_path / "pytorch_lightning.py").write_text("raise RuntimeError('broken')", encoding="utf-8")
    run_python("from nv_one_logger.training_telemetry.integration.pytorch_lightning import TimeEventCallback")
