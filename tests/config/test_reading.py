from __future__ import annotations

from nv_one_logger.config.document import Place
from nv_one_logger.config.reading import MAX_BYTES, MAX_DEPTH, MAX_NODES, DocumentError


def test_limits_are_those_of_the_documentation() -> None:
    assert (MAX_BYTES, MAX_DEPTH, MAX_NODES) == (262_144, 50, 20_000)


def test_mistake_keeps_its_parts() -> None:
    error = DocumentError("is bad", Place(1, 2), key="a.b", remedy="Mend it")

    assert (str(error), error.place, error.key, error.remedy) == ("is bad", Place(1, 2), "a.b", "Mend it")
