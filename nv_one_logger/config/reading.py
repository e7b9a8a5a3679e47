"""What the readers of files share: the mistake they report, and their limits."""

from __future__ import annotations

from nv_one_logger.config.document import Place

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "MAX_NUMBER", "DocumentError"]

#: A configuration file may be this large. A list of a thousand exporters takes about half of it.
MAX_BYTES = 262_144

#: Lists and mappings may be nested this deep.
MAX_DEPTH = 50

#: A file may hold this many values after aliases are followed, so that a few lines cannot fill the memory.
MAX_NODES = 20_000


#: A number may be written with this many characters; a computer reads none that is longer.
MAX_NUMBER = 400


class DocumentError(Exception):
    """A file does not have the form of its format.

    Attributes:
        problem: What is wrong.
        place: Where.
        key: The key concerned, or ``""``.
        remedy: What to do.
    """

    def __init__(self, problem: str, place: Place, *, key: str = "", remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place
        self.key = key
        self.remedy = remedy
