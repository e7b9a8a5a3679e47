from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "nv_one_logger"


def test_namespace_has_no_init_and_packages_are_typed() -> None:
    assert not (PACKAGE / "__init__.py").exists()
    for folder in {path.parent for path in PACKAGE.rglob("*.py")}:
        assert (folder / "__init__.py").exists()
        assert (folder / "py.typed").exists()
