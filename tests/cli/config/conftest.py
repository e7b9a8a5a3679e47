"""A file with ten mistakes, no two of one kind."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import pytest

TEN_MISTAKES: Tuple[Tuple[int, int, str], ...] = (
    (2, 1, "inherits is not a known key"),
    (4, 17, "'fil' is no installed exporter"),
    (8, 5, "enabld is not a known key"),
    (11, 7, "file_pth is no argument of FileExporter"),
    (15, 14, "'maybe' is a text, not true or false"),
    (18, 45, "does not fit Optional[int]"),
    (21, 15, "needs the environment variable NO_SUCH_VARIABLE"),
    (24, 7, "file_path is there twice, first in line 23"),
    (25, 17, "cannot be imported"),
    (28, 7, "api_key is no argument"),
)


@pytest.fixture
def places() -> Tuple[Tuple[int, int, str], ...]:
    """Return line, column and words of the message of each mistake."""
    return TEN_MISTAKES


@pytest.fixture
def ten_mistakes(tmp_path: Path) -> Path:
    """Write the file."""
    path = tmp_path / "bad.yaml"
    path.write_text(
        """\
# ten mistakes
inherits: true
exporters:
  - class_name: fil
  - class_name: file
    name: two
    config: {file_path: w.jsonl}
    enabld: true
  - class_name: file
    config:
      file_pth: x.jsonl
  - class_name: file
    name: four
    config: {file_path: y.jsonl}
    enabled: maybe
  - class_name: file
    name: five
    config: {file_path: z.jsonl, max_bytes: many}
  - class_name: logger
    config:
      logger: ${NO_SUCH_VARIABLE}
  - {class_name: file, name: seven, config: {
      file_path: a.jsonl,
      file_path: b.jsonl}}
  - class_name: no_such_package.Exporter
  - class_name: logger
    config:
      api_key: hunter2hunter2
      logger: x
"""
    )
    return path
