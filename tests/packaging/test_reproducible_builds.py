"""Whoever builds a release gets the same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE_DATE_EPOCH = "1750000000"


def copy_of_the_sources(folder: Path, age: float) -> Path:
    """Copy what is built, as another checkout would have it: elsewhere, and with other times and permissions."""
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "nv_one_logger", folder / "nv_one_logger", ignore=ignored, copy_function=shutil.copyfile)
    for path in folder.rglob("*"):
        os.utime(path, (age, age))
    return folder


def build(source: Path, timezone: str, umask: int) -> Dict[str, str]:
    """Build wheel and sdist, and return the digest of each by its name."""
    out = source.parent / f"{source.name}-dist"
    program = f"import os, runpy; os.umask({umask}); runpy.run_module('build', run_name='__main__')"
    arguments = ["--no-isolation", "--sdist", "--wheel", "--outdir", str(out), str(source)]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH, "TZ": timezone, "PYTHONHASHSEED": str(umask)}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}


def test_two_builds_of_core_are_equal_byte_for_byte(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    first = build(copy_of_the_sources(tmp_path / "one", age=1_600_000_000), "UTC", 0o022)
    second = build(copy_of_the_sources(tmp_path / "elsewhere" / "two", age=1_700_000_000), "Asia/Tokyo", 0o077)
    assert len(first) == 2
    assert first == second
