"""DuckDB over folders of tables; the only module that knows which engine answers.

Another engine that reads Parquet and speaks SQL (with window functions and ``PERCENTILE_CONT``) can take its place: the
queries in ``nv_one_logger.report.sql`` have parameters ``:name`` and nothing of DuckDB in them.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Dict, Iterable, List, Optional, Sequence, Tuple, Type

import duckdb
import pyarrow as pa

from nv_one_logger.report import sql
from nv_one_logger.report.store.schema import TABLES

__all__ = ["Database"]

Row = Tuple[object, ...]

# Not ``::`` of a cast, nor what stands within a word.
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)\b")
_MEMORY = "400MB"  # of buffers; what needs more goes to the folder for temporary files


class Database:
    """Answers queries about tables.

    Args:
        tables: Folders as ``store.ingest`` writes them.
        scratch: A folder for what does not fit into memory.
    """

    def __init__(self, tables: Sequence[Path], scratch: Path) -> None:
        settings: Dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY, "temp_directory": str(scratch), "threads": 2,
            # No extensions are looked for, on the disk or in the network; the order of unsorted rows costs memory.
            "autoinstall_known_extensions": False, "preserve_insertion_order": False,
        }  # fmt: skip
        self._connection = duckdb.connect(str(scratch / "report.duckdb"), config=settings)
        for table in TABLES:
            self._connection.execute(f"CREATE VIEW {table} AS {_union(table, tables)}")

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self._connection.close()

    def select(self, query: str, **parameters: object) -> List[Row]:
        """Run a query of ``nv_one_logger.report.sql`` and return its rows."""
        return self._connection.execute(_adapted(sql.load(query)), parameters).fetchall()

    def create(self, table: str, query: str, **parameters: object) -> None:
        """Keep the rows of a query as a table."""
        self._connection.execute(f"CREATE OR REPLACE TABLE {table} AS {_adapted(sql.load(query))}", parameters)

    def create_view(self, view: str, query: str) -> None:
        """Name a query without parameters."""
        self._connection.execute(f"CREATE OR REPLACE VIEW {view} AS {sql.load(query)}")

    def fill(self, table: str, columns: Sequence[Tuple[str, pa.DataType]], rows: Iterable[Row]) -> None:
        """Make a table from rows."""
        schema = pa.schema(list(columns))
        listed = list(rows)
        arrays = [pa.array([row[index] for row in listed], field.type) for index, field in enumerate(schema)]
        given = pa.table(arrays, schema)
        self._connection.register("given", given)
        self._connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM given")
        self._connection.unregister("given")


def _union(table: str, folders: Sequence[Path]) -> str:
    parts = []
    for number, folder in enumerate(folders):
        # Each folder numbers its processes from 0.
        shifted = number and "process" in TABLES[table].names
        columns = f"* REPLACE (process + {number << 42} AS process)" if shifted else "*"
        pattern = str(folder / table / "*.parquet").replace("'", "''")
        parts.append(f"SELECT {columns} FROM read_parquet('{pattern}')")
    return " UNION ALL ".join(parts)


def _adapted(text: str) -> str:
    return _PARAMETER.sub(r"$\1", text)
