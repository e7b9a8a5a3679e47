from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from nv_one_logger.report.model import Report


def load_sample() -> ModuleType:
    """Import the module beside this one; tests are no packages."""
    path = Path(__file__).with_name("sample_report.py")
    spec = importlib.util.spec_from_file_location("sample_report", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def report() -> Report:
    made = load_sample().make_report()
    assert isinstance(made, Report)
    return made
