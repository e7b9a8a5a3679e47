"""What is installed: typed modules in namespaces that other distributions share, and nothing imported unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import nv_one_logger.training_telemetry.integration._lightning_factory as factory

HOME = Path(factory.__file__).parent


def test_namespaces_have_no_init_and_are_typed() -> None:
    for folder in (HOME, HOME / "_compat"):
        assert not (folder / "__init__.py").exists()
        assert (folder / "py.typed").exists()


def test_core_imports_nothing_of_lightning(run_python: Callable[..., Any]) -> None:
    run_python(
        """
import sys
import nv_one_logger.host, nv_one_logger.exporter, nv_one_logger.training_telemetry.api
import nv_one_logger.training_telemetry.integration._lightning_factory as factory
assert factory.callbacks() == []
assert not {"torch", "lightning", "pytorch_lightning"} & set(sys.modules)
"""
    )
