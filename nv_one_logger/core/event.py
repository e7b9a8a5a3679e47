"""Events: moments on a span, among them errors of the application and of the telemetry itself."""

from __future__ import annotations

import logging
import sys
import traceback
from enum import Enum
from typing import Any, Dict, Mapping, Optional, Type, TypeVar, Union, cast

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.exceptions import OneLoggerError, assert_that
from nv_one_logger.core.internal.held_values import name_text
from nv_one_logger.core.internal.log_limiter import LogLimiter
from nv_one_logger.core.internal.strenum import StrEnum
from nv_one_logger.core.time import TracingTimestamp

__all__ = [
    "Attributes",
    "ErrorEvent",
    "Event",
    "EventName",
    "StandardEventAttributeName",
    "StandardEventName",
    "TelemetryDataError",
]

EventName = Union[Enum, str]

EventT = TypeVar("EventT", bound="Event")

_log = LogLimiter(logging.getLogger(__name__))


class StandardEventName(StrEnum):
    """Names of the events that the library itself makes."""

    SPAN_START = "span_start"
    SPAN_STOP = "span_stop"
    ERROR = "error"
    TELEMETRY_DATA_ERROR = "telemetry_data_error"


class StandardEventAttributeName(StrEnum):
    """Names of the attributes that the library itself puts on events."""

    TIMESTAMP_MSEC = "timestamp_msec"
    """int, milliseconds since the epoch; on every event."""
    ERROR_MESSAGE = "error_message"
    EXCEPTION_TYPE = "exception_type"
    """Name of the exception's class."""
    EXCEPTION_MESSAGE = "exception_message"
    EXCEPTION_TRACEBACK = "exception_traceback"
    TELEMETRY_DATA_ERROR_TYPE = "telemetry_data_error_type"


_TIMESTAMP_MSEC = "timestamp_msec"


def _name_str(name: EventName) -> str:
    if type(name) is str:
        return name
    return name_text(name)


def _name_key(name: EventName) -> object:
    """Return what two names are compared by: a string enum equals its value, any other enum only itself."""
    return str(name.value) if isinstance(name, Enum) and isinstance(name, str) else name


class Event:
    """A moment on a span, with a name and attributes.

    The event keeps a copy of the attributes, of the same class, with its time as ``timestamp_msec``; the caller's
    collection stays as it is.

    Args:
        name: A string or a member of an enum.
        timestamp: When it happened.
        attributes: What to say about it. A ``timestamp_msec`` of another value than the timestamp's is replaced, with
            a warning in the log.

    Raises:
        OneLoggerError: There is no timestamp.
    """

    # The attributes are kept as plain values and made into a collection when somebody asks for one.
    __slots__ = ("_attributes", "_attributes_class", "_name", "_timestamp", "_values")

    def __init__(self, name: EventName, timestamp: TracingTimestamp, attributes: Optional[Attributes] = None) -> None:
        if not cast(object, timestamp):
            raise OneLoggerError(f"Event {_name_str(name)} needs a timestamp, found {timestamp!r}.")
        self._name = name
        self._timestamp = timestamp
        self._attributes: Optional[Attributes] = None
        self._attributes_class: Type[Attributes] = Attributes if attributes is None else type(attributes)
        self._values: Dict[str, Any] = _own_values(name, timestamp, attributes)

    @property
    def name(self) -> EventName:
        """The name as it was given."""
        return self._name

    @property
    def name_str(self) -> str:
        """The name as text; of any enum member, its value."""
        return _name_str(self._name)

    @property
    def timestamp(self) -> TracingTimestamp:
        """When it happened."""
        return self._timestamp

    @property
    def attributes(self) -> Attributes:
        """The attributes, ``timestamp_msec`` among them."""
        attributes = self._attributes
        if attributes is None:
            attributes = self._attributes = self._attributes_class._of_event(self._values)
        return attributes

    def attributes_json(self) -> Dict[str, Any]:
        """Return the attributes as plain values, ``attributes.to_json()`` without making the collection."""
        return self._values.copy() if self._attributes is None else self._attributes.to_json()

    @classmethod
    def create(
        cls, name: EventName, attributes: Optional[Attributes] = None, timestamp: Optional[TracingTimestamp] = None
    ) -> Event:
        """Make an event that happened at ``timestamp``, by default now."""
        if timestamp is None:
            timestamp = TracingTimestamp.now()
        if cls is not Event:
            return cls(name, timestamp, attributes)
        event = _new(Event)  # the constructor's work, without the cost of calling it
        event._name = name
        event._timestamp = timestamp
        event._attributes = None
        event._attributes_class = Attributes if attributes is None else attributes.__class__
        event._values = _own_values(name, timestamp, attributes)
        return event

    def to_json(self) -> Dict[str, Any]:
        """Return ``{"name": str, "timestamp": {...}, "attributes": {...}}``."""
        data: Dict[str, Any] = {"name": self.name_str, "timestamp": self._timestamp.to_json()}
        attributes = self.attributes_json()
        if attributes:
            data["attributes"] = attributes
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Event:
        """Rebuild an event, of the class its name tells, from what :meth:`to_json` returned.

        Raises:
            OneLoggerError: The name or the timestamp is missing.
        """
        for key in ("name", "timestamp"):
            if not data or not data.get(key):
                raise OneLoggerError(f"An event needs a {key}, found {data!r}.")
        name = data["name"]
        if name == StandardEventName.ERROR:
            return ErrorEvent.from_json(data)
        if name == StandardEventName.TELEMETRY_DATA_ERROR and "error_type" in data:
            return TelemetryDataError.from_json(data)
        return cls(name, TracingTimestamp.from_json(data["timestamp"]), _attributes_from_json(data))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return self._name == other._name and self._timestamp == other._timestamp and self.attributes == other.attributes

    def __hash__(self) -> int:
        # Without the attributes: they are a dict, and two equal events have equal names and times anyway.
        return hash((_name_key(self._name), self._timestamp))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name_str!r}, timestamp={self._timestamp!r})"


_new = object.__new__


def _own_values(name: EventName, timestamp: TracingTimestamp, attributes: Optional[Attributes]) -> Dict[str, Any]:
    """Return the values of the caller's attributes and, stamped on them, the time of the event."""
    msec = int(timestamp._seconds_since_epoch * 1000)
    if attributes is None:
        return {_TIMESTAMP_MSEC: msec}
    raw = attributes._raw
    values = attributes.to_json() if raw is None else raw.copy()
    if _TIMESTAMP_MSEC in values and not attributes._stamped and values[_TIMESTAMP_MSEC] != msec:
        _warn_about_foreign_time(name, values[_TIMESTAMP_MSEC], msec)
    values[_TIMESTAMP_MSEC] = msec
    return values


def _warn_about_foreign_time(name: EventName, given: object, msec: int) -> None:
    _log.warning(
        "foreign timestamp",
        "Event %s: attribute timestamp_msec = %r is replaced by the event's own time, %d. "
        "Pass timestamp= to say when it happened, or use another attribute name.",
        _name_str(name),
        given,
        msec,
    )


def _attributes_from_json(data: Mapping[str, Any]) -> Attributes:
    return Attributes.from_json(data.get("attributes"))


def _text_of(exception: BaseException) -> str:
    try:
        return str(exception)
    except Exception:
        return f"<{type(exception).__name__} whose text cannot be had>"


def _traceback_of(exception: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(type(exception), exception, exception.__traceback__))
    except Exception:  # an exception whose __str__ raises, on the interpreters where that is not caught
        return "".join(traceback.format_tb(exception.__traceback__))


class ErrorEvent(Event):
    """An error of the instrumented application.

    Args:
        timestamp: When it happened.
        error_message: What failed, in words.
        exception_type: Name of the exception's class, if one was raised.
        exception_message: Text of the exception, possibly empty; needed with ``exception_type``.
        exception_traceback: Where it was raised; when left out, that of the exception being handled, provided it is
            of the named class.
        attributes: More to say; these win over the four above in the attributes of the event.

    Raises:
        OneLoggerError: There is an exception type but no exception message.
    """

    __slots__ = ("error_message", "exception_message", "exception_traceback", "exception_type")

    def __init__(
        self,
        timestamp: TracingTimestamp,
        error_message: str,
        exception_type: Optional[str] = None,
        exception_message: Optional[str] = None,
        exception_traceback: Optional[str] = None,
        attributes: Optional[Attributes] = None,
    ) -> None:
        assert_that(
            not exception_type or exception_message is not None,
            f"An error event with exception type {exception_type} needs an exception_message (it may be empty).",
        )
        if exception_type and exception_traceback is None:
            exception_traceback = _traceback_being_handled(exception_type)
        self.error_message = error_message
        self.exception_type = exception_type
        self.exception_message = exception_message
        self.exception_traceback = exception_traceback or None
        own = Attributes({"error_message": error_message})
        for name in ("exception_type", "exception_message", "exception_traceback"):
            value = getattr(self, name)
            if value is not None and (value or exception_type):
                own.add(name, value)
        super().__init__(StandardEventName.ERROR, timestamp, Attributes.merge(own, attributes))

    @classmethod
    def create(  # type: ignore[override]  # the contract gives each kind of event its own arguments
        cls,
        error_message: str,
        exception: Optional[BaseException] = None,
        exception_traceback: Optional[str] = None,
        attributes: Optional[Attributes] = None,
        timestamp: Optional[TracingTimestamp] = None,
    ) -> ErrorEvent:
        """Make an error event, with type, text and traceback taken from the exception.

        Args:
            error_message: What failed, in words.
            exception: The exception, if there is one; its own traceback is used, wherever this is called.
            exception_traceback: Text to use instead of the exception's own traceback.
            attributes: More to say.
            timestamp: When it happened, by default now.
        """
        when = timestamp or TracingTimestamp.now()
        if exception is None:
            return ErrorEvent(when, error_message, exception_traceback=exception_traceback, attributes=attributes)
        return ErrorEvent(
            when,
            error_message,
            type(exception).__name__,
            _text_of(exception),
            exception_traceback or _traceback_of(exception),
            attributes,
        )

    def to_json(self) -> Dict[str, Any]:
        """Return the event's JSON form and the four fields of the error, as far as they are set."""
        data = super().to_json()
        data["error_message"] = self.error_message
        for name in ("exception_type", "exception_message", "exception_traceback"):
            value = getattr(self, name)
            if value is not None:
                data[name] = value
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ErrorEvent:
        """Rebuild an error event from what :meth:`to_json` returned.

        Raises:
            KeyError: ``timestamp`` or ``error_message`` is missing.
        """
        return ErrorEvent(
            TracingTimestamp.from_json(data["timestamp"]),
            data["error_message"],
            data.get("exception_type"),
            data.get("exception_message"),
            data.get("exception_traceback") or "",  # "" and not None: nothing is to be looked up here and now
            _attributes_from_json(data),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ErrorEvent):
            return False  # also to a plain event: it would compare less than this
        return super().__eq__(other) and self._error_fields() == other._error_fields()

    __hash__ = Event.__hash__

    def _error_fields(self) -> object:
        return self.error_message, self.exception_type, self.exception_message, self.exception_traceback


def _traceback_being_handled(exception_type: str) -> Optional[str]:
    exception = sys.exc_info()[1]
    if exception is None or type(exception).__name__ != exception_type:
        return None
    return _traceback_of(exception)


class TelemetryDataError(Event):
    """A problem of the telemetry itself: what was recorded is missing or must not be trusted.

    Args:
        timestamp: When it was noticed.
        error_type: Whether nothing usable was collected, or some data that must not be trusted.
        error_message: What went wrong, in words.
        attributes: More to say.
    """

    class ErrorType(StrEnum):
        """How bad it is."""

        NO_TELEMETRY_DATA = "no_telemetry_data"
        """Nothing usable was collected."""
        INCOMPLETE_TELEMETRY_DATA = "incomplete_telemetry_data"
        """Some data was collected, but must not be trusted."""

    __slots__ = ("error_message", "error_type")

    def __init__(
        self,
        timestamp: TracingTimestamp,
        error_type: TelemetryDataError.ErrorType,
        error_message: str,
        attributes: Optional[Attributes] = None,
    ) -> None:
        self.error_type = error_type
        self.error_message = error_message
        own = Attributes({"error_message": error_message, "telemetry_data_error_type": str(error_type)})
        super().__init__(StandardEventName.TELEMETRY_DATA_ERROR, timestamp, Attributes.merge(own, attributes))

    @classmethod
    def create(  # type: ignore[override]  # the contract gives each kind of event its own arguments
        cls, error_type: TelemetryDataError.ErrorType, error_message: str, attributes: Optional[Attributes] = None
    ) -> TelemetryDataError:
        """Make a telemetry data error that is noticed now."""
        return TelemetryDataError(TracingTimestamp.now(), error_type, error_message, attributes)

    def to_json(self) -> Dict[str, Any]:
        """Return the event's JSON form and ``error_type`` (its value) and ``error_message``."""
        data = super().to_json()
        data["error_type"] = str(self.error_type)
        data["error_message"] = self.error_message
        return data

    @classmethod
    def from_json(cls: Type[TelemetryDataError], data: Mapping[str, Any]) -> TelemetryDataError:
        """Rebuild a telemetry data error from what :meth:`to_json` returned.

        Raises:
            KeyError: ``timestamp``, ``error_type`` or ``error_message`` is missing.
        """
        return TelemetryDataError(
            TracingTimestamp.from_json(data["timestamp"]),
            TelemetryDataError.ErrorType(data["error_type"]),
            data["error_message"],
            _attributes_from_json(data),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TelemetryDataError):
            return False
        return (
            super().__eq__(other) and self.error_type == other.error_type and self.error_message == other.error_message
        )

    __hash__ = Event.__hash__
