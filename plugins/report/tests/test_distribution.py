from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from nv_one_logger.report.sql import load

PACKAGE = Path(__file__).resolve().parents[1] / "nv_one_logger"


def test_namespace_has_no_init_and_packages_are_typed() -> None:
    assert not (PACKAGE / "__init__.py").exists()
    for folder in {path.parent for path in PACKAGE.rglob("*.py")}:
        assert (folder / "__init__.py").exists()
        assert (folder / "py.typed").exists()


def test_package_and_its_commands_start_without_an_engine() -> None:
    modules = [f"nv_one_logger.report.commands.{name}" for name in ("convert", "report", "verify")]
    check = f"""
import importlib, sys
for name in ["nv_one_logger.report", *{modules!r}]:
    importlib.import_module(name)
print([name for name in ("duckdb", "pyarrow", "plotly") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_commands_are_published() -> None:
    published = {entry.name: entry.value for entry in entry_points(group="nv_one_logger.commands")}
    for name in ("convert", "report", "verify"):
        assert published[name] == f"nv_one_logger.report.commands.{name}"


def test_queries_are_shipped_and_speak_no_engine_s_dialect() -> None:
    queries = {path.stem: path.read_text(encoding="utf-8") for path in (PACKAGE / "report" / "sql").glob("*.sql")}
    assert queries
    for name, text in queries.items():
        assert load(name) == text
        assert text.startswith("-- ")
        code = re.sub("--.*", "", text)
        words = set(re.findall("[A-Z_]+|::", code.upper()))  # of DuckDB or PostgreSQL alone:
        assert not words & {"::", "QUALIFY", "LIMIT", "QUANTILE_CONT", "ARG_MAX", "EXCLUDE", "UNNEST", "MEDIAN"}, name
