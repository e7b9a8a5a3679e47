"""Where a run of the demo puts its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["RunFiles", "new_run"]


@dataclass(frozen=True)
class RunFiles:
    """The files of one run, all in a directory of its own."""

    directory: Path

    @property
    def records(self) -> Path:
        """The records, JSON Lines."""
        return self.directory / "records.jsonl"

    @property
    def log(self) -> Path:
        """The same as readable lines."""
        return self.directory / "records.log"

    @property
    def checkpoints(self) -> Path:
        """Directory of the checkpoints."""
        return self.directory / "checkpoints"

    def discard_if_empty(self) -> None:
        """Take the directory back if nothing was written."""
        if not any(self.directory.iterdir()):
            self.directory.rmdir()


def new_run(output: Path) -> RunFiles:
    """Create the first of ``run-1``, ``run-2``, ... in ``output`` that does not exist, so that nothing is overwritten.

    Two demos started at once get two directories.

    Raises:
        OSError: The directory cannot be created.
    """
    output.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        try:
            directory = output / f"run-{number}"
            directory.mkdir()
            return RunFiles(directory)
        except FileExistsError:
            number += 1
