"""Writes rows to Parquet in pieces, so that memory does not grow with their number."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Dict, List, Optional, Sequence, Tuple, Type

import pyarrow as pa
import pyarrow.parquet as pq

from nv_one_logger.report.store.schema import LAYOUT_VERSION, MARKER, TABLES

__all__ = ["TableWriter", "mark_complete"]

# A row group: large enough to compress and prune well, small enough to hold of several tables at once.
_ROWS = 32768


class TableWriter:
    """Takes rows for all tables and writes one file a table, ``<folder>/<table>/<part>.parquet``.

    Args:
        folder: Where; folders are made as needed.
        part: Name of the files, unlike that of any other writer into the same folder.
    """

    def __init__(self, folder: Path, part: str) -> None:
        self._folder = folder
        self._part = part
        self._rows: Dict[str, List[Tuple[object, ...]]] = {name: [] for name in TABLES}
        self._writers: Dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()

    def rows(self, table: str) -> List[Tuple[object, ...]]:
        """Return the list to append rows of a table to; call :meth:`relieve` now and then."""
        return self._rows[table]

    def relieve(self) -> None:
        """Write the rows of those tables that have many."""
        for table, rows in self._rows.items():
            if len(rows) >= _ROWS:
                self._write(table, rows)

    def close(self) -> None:
        """Write what is left and close the files."""
        for table, rows in self._rows.items():
            if rows:
                self._write(table, rows)
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _write(self, table: str, rows: List[Tuple[object, ...]]) -> None:
        schema = TABLES[table]
        columns: Sequence[Tuple[object, ...]] = list(zip(*rows, strict=True))
        batch = pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)
        rows.clear()
        writer = self._writers.get(table)
        if writer is None:
            path = self._folder / table / f"{self._part}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = self._writers[table] = pq.ParquetWriter(path, schema, compression="zstd", compression_level=1)
        writer.write_table(batch)


def mark_complete(folder: Path) -> None:
    """Make sure that every table exists, be it without rows, and leave the mark by which the folder is known."""
    for table, schema in TABLES.items():
        (folder / table).mkdir(parents=True, exist_ok=True)
        pq.write_table(schema.empty_table(), folder / table / "empty.parquet")
    marker = json.dumps({"layout_version": LAYOUT_VERSION})
    (folder / MARKER).write_text(marker + "\n", encoding="utf-8")
