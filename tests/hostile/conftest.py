"""Objects that make everything hard, and a running job that meets them."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import io
import logging
import pathlib
import re
import types
import uuid
from typing import Any, Callable, Dict, Iterator, List, NamedTuple

import pytest

from nv_one_logger.api.config import OneLoggerErrorHandlingStrategy
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.logger_exporter import LoggerExporter
from nv_one_logger.testing import RecordFile
from nv_one_logger.training_telemetry.api import TrainingTelemetryConfig, TrainingTelemetryProvider

PROPAGATE = OneLoggerErrorHandlingStrategy.PROPAGATE_EXCEPTIONS
QUIET = OneLoggerErrorHandlingStrategy.DISABLE_QUIETLY_AND_REPORT_METRIC_ERROR


class HasNoText:
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class TextOverflows(HasNoText):
    def __str__(self) -> str:
        raise RecursionError

    def __repr__(self) -> str:
        raise MemoryError


class CannotBeCompared:
    def __eq__(self, other: object) -> bool:
        raise ValueError("not comparable")

    def __hash__(self) -> int:
        raise ValueError("not hashable")


class AnswersNothing(HasNoText):
    """As a proxy does that stands for nothing yet."""

    def __getattribute__(self, name: str) -> Any:
        raise ValueError(f"no {name}")


class HasNoClass:
    @property  # type: ignore[misc]  # that is the point
    def __class__(self) -> type:
        raise ValueError("no class")


class HasNoTruth:
    def __bool__(self) -> bool:
        raise ValueError("neither")

    def __len__(self) -> int:
        raise ValueError("no length")


class _Meta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        raise ValueError("no instances")

    def __getattribute__(cls, name: str) -> Any:
        raise ValueError(f"no {name}")


class OfNoType(metaclass=_Meta):
    pass


class OddText(str):
    def __str__(self) -> str:
        raise ValueError("no text")

    def encode(self, *arguments: Any, **options: Any) -> bytes:
        raise ValueError("no bytes")


class OddInt(int):
    def __str__(self) -> str:
        raise ValueError("no text")

    def __int__(self) -> int:
        raise ValueError("no int")

    __index__ = __int__


class OddFloat(float):
    def __float__(self) -> float:
        raise ValueError("no float")

    __repr__ = __str__ = HasNoText.__str__


class OddList(List[Any]):
    def __iter__(self) -> Iterator[Any]:
        raise ValueError("no items")

    def __len__(self) -> int:
        raise ValueError("no length")


class OddDict(Dict[Any, Any]):
    def items(self) -> Any:
        raise ValueError("no items")

    __iter__ = keys = items


class Colour(enum.Enum):
    RED = HasNoText()


@dataclasses.dataclass
class Point:
    x: object = dataclasses.field(default_factory=HasNoText)


def _contains_itself() -> Dict[str, object]:
    items: List[object] = []
    fields: Dict[str, object] = {"items": items}
    items.append(fields)
    return fields


def _deep() -> List[object]:
    value: List[object] = []
    for _ in range(50_000):
        value = [value]
    return value


def hostile_values() -> Dict[str, Any]:
    """Return one value of every kind, by a name for the test's id."""
    return {
        "HasNoText": HasNoText(),
        "TextOverflows": TextOverflows(),
        "CannotBeCompared": CannotBeCompared(),
        "AnswersNothing": AnswersNothing(),
        "HasNoClass": HasNoClass(),
        "HasNoTruth": HasNoTruth(),
        "OfNoType": OfNoType(),
        "class OfNoType": OfNoType,
        "OddText": OddText("x"),
        "OddInt": OddInt(3),
        "OddFloat": OddFloat(0.5),
        "OddList": OddList([1]),
        "OddDict": OddDict(a=1),
        "Colour": Colour.RED,
        "Point": Point(),
        "contains itself": _contains_itself(),
        "deep": _deep(),
        "generator": (number for number in range(3)),
        "open file": io.StringIO("text"),
        "None": None,
        "complex": 1j,
        "Decimal": decimal.Decimal("sNaN"),
        "Fraction": fractions.Fraction(1, 3),
        "bytes": b"\xff\x00",
        "bytearray": bytearray(b"\xff"),
        "memoryview": memoryview(b"\xff"),
        "range": range(10**9),
        "set": {1, "a"},
        "frozenset": frozenset({1}),
        "deque": collections.deque([1, HasNoText()]),
        "mapping proxy": types.MappingProxyType({"a": 1}),
        "namespace": types.SimpleNamespace(a=1),
        "odd keys": {1: 2, None: 3, (1, 2): 4, HasNoText(): 5},
        "tuple": (1, (HasNoText(),)),
        "function": len,
        "module": types,
        "class": int,
        "exception": ValueError(HasNoText()),
        "ellipsis": ...,
        "not implemented": NotImplemented,
        "timedelta": datetime.timedelta.max,
        "datetime": datetime.datetime.max,
        "uuid": uuid.UUID(int=0),
        "path": pathlib.Path("a\udc80"),
        "array": array.array("i", [1]),
        "pattern": re.compile("a"),
        "huge": 10**5000,
        "huge and negative": -(10**400),
        "nan": float("nan"),
        "infinity": float("-inf"),
        "surrogate": "\ud800",
        "nul": "\0",
        "control": "\x1b[31m\n\u2028",
        "Mapping": collections.ChainMap({"a": HasNoText()}),
    }


class Job(NamedTuple):
    """A configured provider with three exporters, and what they got."""

    provider: TrainingTelemetryProvider
    file: RecordFile
    background_file: RecordFile
    lines: List[str]


StartJob = Callable[[OneLoggerErrorHandlingStrategy], Job]


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def start_job(tmp_path: pathlib.Path) -> Iterator[StartJob]:
    """Configure the provider with a file, a log and a background exporter."""
    logger = logging.getLogger("hostile.records")
    handler = _Lines()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False

    def start(strategy: OneLoggerErrorHandlingStrategy) -> Job:
        provider = TrainingTelemetryProvider.instance()
        config = TrainingTelemetryConfig(
            application_name="hostile", session_tag_or_fn="s", error_handling_strategy=strategy
        )
        provider.with_base_config(config)
        provider.with_exporter(FileExporter(file_path=tmp_path / "a.jsonl"))
        provider.with_exporter(LoggerExporter(logger))
        provider.with_exporter(BackgroundExporter(FileExporter(file_path=tmp_path / "b.jsonl")))
        provider.configure_provider()
        return Job(provider, RecordFile(tmp_path / "a.jsonl"), RecordFile(tmp_path / "b.jsonl"), handler.lines)

    yield start
    TrainingTelemetryProvider.instance().reset()
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for ``hostile_value`` with each of them, one that asks for ``strategy`` with both."""
    if "hostile_value" in metafunc.fixturenames:
        metafunc.parametrize("hostile_value", list(hostile_values()), indirect=True)  # pytest looks at parameters
    if "strategy" in metafunc.fixturenames:
        metafunc.parametrize("strategy", [QUIET, PROPAGATE], ids=["quiet", "propagate"])


@pytest.fixture
def hostile_value(request: pytest.FixtureRequest) -> Any:
    """Return a value of the kind that the parameter names."""
    return hostile_values()[request.param]


@pytest.fixture
def all_hostile_values() -> Dict[str, Any]:
    """Return every value by its name."""
    return hostile_values()
