"""The shipped example: importing it does nothing, and its calls of the library work.

``tests/pytorch`` runs it with the real PyTorch; here a stand-in with the same names takes its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from nv_one_logger.testing import RecordFile

STAND_IN = """
import contextlib
class Tensor:
    def __init__(self, value=0.5): self.value = value
    def detach(self): return self
    def clone(self): return self
    def backward(self): pass
    def __float__(self): return self.value
def manual_seed(seed): pass
def randn(*shape): return Tensor()
def randint(low, high, shape): return Tensor()
def save(state, path): open(path, "w").close()
class utils:
    class data:
        @staticmethod
        def TensorDataset(*tensors): return tensors
        @staticmethod
        def DataLoader(dataset, batch_size, shuffle): return [dataset] * 8
class _Module:
    def __init__(self, *args): pass
    def __call__(self, *args): return Tensor()
    def parameters(self): return []
    def state_dict(self): return {}
class nn:
    Sequential = Linear = ReLU = CrossEntropyLoss = _Module
class optim:
    class SGD:
        def __init__(self, parameters, lr): pass
        def zero_grad(self): pass
        def step(self): pass
"""


def test_importing_the_example_does_nothing(run_python: Callable[..., Any], tmp_path: Path) -> None:
    program = """
import nv_one_logger.training_telemetry.docs.example
from nv_one_logger.training_telemetry.api import TrainingTelemetryProvider
assert not TrainingTelemetryProvider.instance().one_logger_ready
"""
    run_python(program)
    assert list(tmp_path.iterdir()) == []


def test_example_records_its_training(run_python: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(STAND_IN, encoding="utf-8")
    program = (
        "import sys; sys.path.insert(0, '.')\nfrom nv_one_logger.training_telemetry.docs.example import main; main()"
    )
    run_python(program)
    records = RecordFile(tmp_path / "training_telemetry.json").records()
    names = [record["name"] for record in records if record["type"] in ("start", "complete")]
    assert names.count("epoch_summary") == 10
    assert names.count("checkpoint_save_sync") == 2
    metrics = [
        record["event"]["attributes"]
        for record in records
        if record.get("event", {}).get("name") == "training_metrics_update"
    ]
    assert [one["current_iteration"] for one in metrics] == [9, 19, 29, 39, 49, 59, 69, 79]
    assert metrics[-1]["latest_loss"] == 0.5
    assert metrics[-1]["total_flops"] > 0
