"""Where files stand: namespaces, the mirror of the tests, the size of a module."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, List, Sequence

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "nv_one_logger"

# Separately installed distributions add to these; an __init__.py in one of them would hide the others.
NAMESPACES = {"nv_one_logger", "nv_one_logger/training_telemetry", "nv_one_logger/training_telemetry/docs"}
PLUGIN_NAMESPACES = {
    *NAMESPACES,
    "nv_one_logger/otel",
    "nv_one_logger/wandb",
    "nv_one_logger/training_telemetry/integration",
    "nv_one_logger/training_telemetry/integration/_compat",
}

MOST_LINES = 500


def folders_with_modules(root: Path) -> List[str]:
    return sorted({path.parent.relative_to(root).as_posix() for path in (root / "nv_one_logger").rglob("*.py")})


@pytest.mark.parametrize("root", [ROOT, *sorted((ROOT / "plugins").iterdir())], ids=lambda path: path.name)
def test_namespaces_have_no_init(root: Path) -> None:
    assert [name for name in sorted(PLUGIN_NAMESPACES) if (root / name / "__init__.py").exists()] == []


def test_every_other_folder_is_a_regular_and_typed_package() -> None:
    folders = [folder for folder in folders_with_modules(ROOT) if folder not in NAMESPACES]
    needed = [f"{folder}/{name}" for folder in folders for name in ("__init__.py", "py.typed")]
    assert [path for path in needed if not (ROOT / path).exists()] == []


def test_tests_are_no_packages() -> None:
    folders = [ROOT / "tests", *(ROOT / "plugins").glob("*/tests")]
    assert [str(path) for folder in folders for path in folder.rglob("__init__.py")] == []


def test_tests_mirror_the_library(modules: Sequence[Any]) -> None:
    """``nv_one_logger/x/y.py`` has ``tests/x/test_y.py``; long ones may be split into ``test_y_subject.py``."""
    holes = []
    for module in modules:
        # Private modules are tested through the public one that uses them; an __init__.py only re-exports.
        if module.is_package or module.path.name.startswith("_"):
            continue
        folder = ROOT / "tests" / module.path.parent.relative_to("nv_one_logger")
        stem = module.path.stem
        if not (folder / f"test_{stem}.py").exists() and not list(folder.glob(f"test_{stem}_*.py")):
            holes.append(module.path.as_posix())
    assert holes == []


def test_modules_are_split_before_they_are_long(modules: Sequence[Any]) -> None:
    assert [m.path.as_posix() for m in modules if m.text.count("\n") >= MOST_LINES] == []


def test_annotations_are_never_evaluated_at_import(modules: Sequence[Any]) -> None:
    """Python 3.8 could not evaluate many of them, and evaluating costs time."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    defining = [m for m in modules if any(isinstance(node, definitions) for node in m.tree.body)]
    assert [m.path.as_posix() for m in defining if "from __future__ import annotations\n" not in m.text] == []


def test_tests_wait_for_events_and_never_sleep() -> None:
    sleepers = []
    for path in [*(ROOT / "tests").rglob("*.py"), *(ROOT / "plugins").glob("*/tests/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep":
                sleepers.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert sleepers == []
