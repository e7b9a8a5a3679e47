"""Reads back, in a test, what a file exporter wrote."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

from nv_one_logger.reader import ProcessTree, RecordReader, build_trees

__all__ = ["RecordFile"]


class RecordFile:
    """A file of records, one JSON object a line, that need not exist yet.

    Args:
        path: Give it to a ``FileExporter``.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        self.path = Path(path)

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def records(self, type: Optional[str] = None) -> List[Dict[str, Any]]:
        """Return the records in order, all or those of a type such as ``"complete"``; none if there is no file.

        Raises:
            ValueError: A line is not JSON.
        """
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").split("\n")  # a string may hold other line ends
        records = [json.loads(line) for line in lines if line]
        return [record for record in records if type in (None, record["type"])]

    def trees(self) -> List[ProcessTree]:
        """Return the spans of every process that wrote to the file, as ``nv_one_logger.reader`` rebuilds them."""
        return build_trees(RecordReader([self.path]))
