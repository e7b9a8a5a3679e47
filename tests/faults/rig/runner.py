"""Runs the rig's programs, each in a process of its own, forked from one that has imported everything."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple

HERE = Path(__file__).parent


class Outcome(NamedTuple):
    """What is left of one case."""

    case: Dict[str, Any]
    status: int
    """Its exit status, negative for a signal."""
    is_hung: bool
    result: Dict[str, Any]
    """What the program wrote down at its end; empty if it did not get there."""

    @property
    def folder(self) -> Path:
        return Path(self.case["folder"])


class Rig:
    """Runs a program for any number of cases.

    Args:
        folder: Where each case gets a folder.
        program: Name of a module with ``run(case)``.
        places: Folders to import it from, beside this one.
    """

    def __init__(self, folder: Path, program: str = "job", places: Iterable[Path] = ()) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        path = [*map(str, places), *_paths_of_the_library()]
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        self._zygote = subprocess.Popen(
            [sys.executable, str(HERE / "zygote.py"), program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
        )

    def run(self, cases: Iterable[Dict[str, Any]]) -> List[Outcome]:
        """Run the cases, a few at once, and return how they ended, in order."""
        asked: Dict[str, Dict[str, Any]] = {}
        for case in cases:
            folder = self._folder / str(next(self._numbers))
            folder.mkdir()
            asked[str(folder)] = {**case, "folder": str(folder)}
        pipe = self._zygote
        assert pipe.stdin is not None
        assert pipe.stdout is not None
        pipe.stdin.write("".join(json.dumps(case) + "\n" for case in asked.values()).encode())
        pipe.stdin.flush()
        answers = [json.loads(pipe.stdout.readline()) for _ in asked]
        ended = {answer["folder"]: answer for answer in answers}
        return [_outcome(case, ended[folder]) for folder, case in asked.items()]

    def close(self) -> None:
        self._zygote.communicate(timeout=60)


def _paths_of_the_library() -> List[str]:
    import nv_one_logger.core

    home = Path(nv_one_logger.core.__file__).parent.parent.parent
    return [] if "site-packages" in str(home) else [str(home)]


def _outcome(case: Dict[str, Any], answer: Dict[str, Any]) -> Outcome:
    result = Path(case["folder"]) / "result.json"
    found = json.loads(result.read_text()) if result.exists() else {}
    return Outcome(case, answer["status"], answer["is_hung"], found)
