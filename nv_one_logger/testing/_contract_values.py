"""Conformance tests: values that nobody expects in an attribute, and that come all the same."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

import pytest

from nv_one_logger.testing._contract_base import ContractBase, OpenSession

__all__ = ["UnusualValuesContract"]

_SECTION = "Unusual values"
_DEPTH = 500  # far beyond what JSON encoders allow, and within what Python's own recursion does
_LONG = "x" * 1_000_000

_RESERVED_NAMES = (
    *("attributes", "count", "duration_msec", "event", "id", "name", "parent_id", "pid", "span_id", "start_event"),
    *("stop_event", "timestamp", "timestamp_msec", "type"),
    *("", " ", "a.b", ".", "a=b", "a | b", "[a]", '"', "\\", "\n", "\0", "\u2028", "\ud800", "$", "__class__"),
)


class _Hostile:
    """An object that cannot be looked at."""

    def _refuse(self) -> Any:
        raise RuntimeError("this object cannot be looked at")

    __str__ = __repr__ = __bool__ = __len__ = _refuse


class UnusualValuesContract(ContractBase):
    """No value of an attribute costs a record, or the records that follow."""

    def test_non_finite_floats(self, open_session: OpenSession) -> None:
        """NaN and infinity, as a loss may be."""
        nan, infinity = float("nan"), float("inf")
        self._check_values(open_session, {"loss": nan, "high": infinity, "low": -infinity, "all": [nan, infinity]})

    def test_numpy_scalars(self, open_session: OpenSession) -> None:
        """What ``loss.mean()`` gives; without numpy this is skipped."""
        numpy = pytest.importorskip("numpy")
        values = {"loss": numpy.float32(0.5), "step": numpy.int64(7), "nan": numpy.float64("nan")}
        self._check_values(open_session, {**values, "is_best": numpy.bool_(True)})

    def test_long_text(self, open_session: OpenSession) -> None:
        """A text of a million characters, such as a traceback of a recursion or a whole configuration."""
        self._check_values(open_session, {"text": _LONG, "wide": "\u00e9" * 1000})

    def test_surrogates(self, open_session: OpenSession) -> None:
        """Text that has no UTF-8 form, such as a file name from a foreign file system."""
        self._check_values(open_session, {"path": "/data/\udcff\ud800.bin", "zero": "a\0b", "lines": "a\r\nb\u2028c"})

    def test_deep_nesting(self, open_session: OpenSession) -> None:
        """A value within a value, five hundred times, and one that contains itself."""
        nested: List[Any] = []
        for _ in range(_DEPTH):
            nested = [nested]
        loop: Dict[str, Any] = {}
        loop["loop"] = loop
        self._check_values(open_session, {"nested": nested, "loop": loop})

    def test_reserved_names(self, open_session: OpenSession) -> None:
        """Names that records use themselves, and such as no format likes."""
        self._check_values(open_session, dict.fromkeys(_RESERVED_NAMES, "value"), is_for_events=False)

    def test_foreign_objects(self, open_session: OpenSession) -> None:
        """Values that are neither text nor number, among them one whose ``__str__`` raises."""
        values = {"hostile": _Hostile(), "none": None, "bytes": b"\xff\0", "set": {1}, "complex": 1j, "type": int}
        self._check_values(open_session, {**values, "huge": 1 << 20_000, "object": object(), "keys": {1: {None: 2}}})

    def _check_values(
        self, open_session: OpenSession, values: Mapping[str, Any], *, is_for_events: bool = True
    ) -> None:
        __tracebackhide__ = True
        session = open_session()
        span = session.start("unusual", values)
        # An event's own time would replace a reserved name, with a warning.
        session.event(span, "unusual_event", values if is_for_events else None)
        session.stop(span)
        session.span("ordinary")
        why = "applications record what they have; one odd value must cost neither its record nor the next one"
        self._end_cleanly(session, f"attributes {_shown(values)} are exported", why, _SECTION)
        if self._overrides("read_back"):
            expected = [("start", "unusual"), ("event", "unusual_event"), ("stop", "unusual")]
            self._check_arrivals(session.exporter, [*expected, ("start", "ordinary"), ("stop", "ordinary")], _SECTION)


def _shown(values: Mapping[str, Any]) -> str:
    return ", ".join(ascii(name) for name in values)
