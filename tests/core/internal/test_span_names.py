from __future__ import annotations

from nv_one_logger.core import span
from nv_one_logger.core.internal import span_names


def test_names_are_public_where_spans_are() -> None:
    assert all(getattr(span, name) is getattr(span_names, name) for name in span_names.__all__)
    assert set(span_names.__all__) <= set(span.__all__)
