from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import duckdb
from click.testing import CliRunner, Result

from nv_one_logger.report import analyze
from nv_one_logger.report.commands.convert import convert
from nv_one_logger.report.store.schema import MARKER, TABLES


def run(*arguments: object) -> Result:
    return CliRunner().invoke(convert, [str(argument) for argument in arguments])


def query(folder: Path, table: str, text: str) -> Any:
    return duckdb.sql(f"SELECT {text} FROM read_parquet('{folder / table / '*.parquet'}')").fetchall()


def test_report_of_tables_is_that_of_the_records(reference: Path, tmp_path: Path) -> None:
    assert run(reference, "--to", "parquet", "-o", tmp_path / "tables").exit_code == 0
    assert analyze([tmp_path / "tables"], now=0) == analyze([reference], now=0)


def test_tables_of_two_folders_are_one_session(reference: Path, tmp_path: Path) -> None:
    for attempt in (1, 2):
        assert run(f"{reference}/attempt{attempt}-*.jsonl", "-o", tmp_path / str(attempt)).exit_code == 0
    together = analyze([tmp_path], now=0)
    assert together == analyze([reference], now=0)


def test_tables_have_the_columns_that_are_documented(reference: Path, tmp_path: Path) -> None:
    run(reference, "-o", tmp_path / "tables")
    assert json.loads((tmp_path / "tables" / MARKER).read_text()) == {"layout_version": 1}
    for table, schema in TABLES.items():
        names = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{tmp_path}/tables/{table}/*.parquet')").fetchall()
        assert [row[0] for row in names] == schema.names
    assert query(tmp_path / "tables", "files", "count(*), sum(records)") == [(8, 307)]


def test_everything_is_kept(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording(0)
    one.begin(0)
    one.start("mine", 5, shard=3)
    one.event("loaded", 6, on="mine", rows=128, note="\ud800")
    one.stop("mine", 9, shard=3, bytes=2**70)
    one.write({"type": "novelty", "event": {"name": "later"}})
    run(tmp_path, "-o", tmp_path / "tables")
    rows = query(tmp_path / "tables", "spans", "name, span_id, start_us, stop_us, attributes")
    mine = next(row for row in rows if row[0] == "mine")
    assert mine[1] == "100-2"
    assert mine[3] - mine[2] == 4_000
    assert json.loads(mine[4]) == {"shard": 3, "bytes": 2**70}
    (application,) = [row for row in rows if row[0] == "application"]
    assert application[3] is None
    events = query(tmp_path / "tables", "events", "type, name, attributes")
    assert ("novelty", "later", None) in events
    (loaded,) = [json.loads(row[2]) for row in events if row[1] == "loaded"]
    assert loaded["rows"] == 128


def test_damage_is_told(recording: Callable[..., Any], tmp_path: Path) -> None:
    one = recording(0)
    one.begin(0)
    with one.path.open("ab") as file:
        file.write(b"nonsense\n")
    result = run(tmp_path, "-o", tmp_path / "tables")
    assert result.exit_code == 0
    assert "1 files not whole" in result.output


def test_folder_in_use_and_tables_are_refused(reference: Path, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    assert "is not empty" in run(reference, "-o", tmp_path / "used").output
    assert run(reference, "-o", tmp_path / "tables").exit_code == 0
    again = run(tmp_path / "tables", "-o", tmp_path / "again")
    assert (again.exit_code, "holds tables already" in again.output) == (2, True)
