"""Nothing in the repository belongs to one machine or one registry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator, List, Pattern, Tuple

ROOT = Path(__file__).resolve().parents[2]

# Put together here, so that this file does not find itself.
_FOLDERS = "|".join(re.escape(str(folder)) for folder in {ROOT, Path.home(), Path("/ro" + "ot"), Path("/wo" + "rk")})
MACHINE_PATHS = re.compile(rf"(?<![\w.}}/-])(?:{_FOLDERS})/")
_DOMAINS = [("py" + "pi", "org"), ("python" + "hosted", "org"), ("npm" + "js", "org"), ("crates", "io")]
REGISTRY_HOSTS = re.compile("|".join(rf"{name}\.{top}\b" for name, top in _DOMAINS) + r"|deb\.debian\.org")
MERGE_LEFTOVERS = re.compile(r"^(?:<<<<<<<|>>>>>>>) ", re.MULTILINE)
LARGEST_FILE_BYTES = 512 * 1024


def texts(files: List[Path]) -> Iterator[Tuple[Path, str]]:
    for path in files:
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT), content.decode("utf-8")


def found(files: List[Path], pattern: Pattern[str]) -> List[str]:
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}"
        for path, text in texts(files)
        for match in pattern.finditer(text)
    ]


def test_no_file_names_a_path_of_one_machine(tracked_files: List[Path]) -> None:
    assert found(tracked_files, MACHINE_PATHS) == []


def test_no_file_names_a_package_registry(tracked_files: List[Path]) -> None:
    assert found(tracked_files, REGISTRY_HOSTS) == []


def test_no_merge_is_left_unfinished(tracked_files: List[Path]) -> None:
    assert found(tracked_files, MERGE_LEFTOVERS) == []


def test_no_file_is_very_large(tracked_files: List[Path]) -> None:
    assert [str(path) for path in tracked_files if path.stat().st_size > LARGEST_FILE_BYTES] == []
