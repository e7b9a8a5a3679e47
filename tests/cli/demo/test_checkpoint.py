from __future__ import annotations

import os
from pathlib import Path

import pytest

from nv_one_logger.cli.demo.checkpoint import load_checkpoint, save_checkpoint


def test_checkpoint_reads_back_and_its_size_is_told(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "one.json"
    size = save_checkpoint(path, {"epoch": 3, "model": {"weights": [[0.1]]}})
    assert load_checkpoint(path) == {"epoch": 3, "model": {"weights": [[0.1]]}}
    assert size == path.stat().st_size
    assert os.listdir(path.parent) == ["one.json"]


def test_failed_write_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    save_checkpoint(path, {"epoch": 1})
    with pytest.raises(TypeError):
        save_checkpoint(path, {"epoch": object()})
    assert load_checkpoint(path) == {"epoch": 1}
