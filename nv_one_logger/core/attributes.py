"""Attributes: the named values that spans and events carry."""

from __future__ import annotations

from typing import Any, Dict, Generator, List, Mapping, Optional, Tuple, Type, TypeVar, Union, cast

from nv_one_logger.core.exceptions import OneLoggerError

__all__ = ["Attribute", "AttributeValue", "Attributes"]

AttributeValue = Union[str, bool, int, float, List[Union[str, bool, int, float]]]

_TIMESTAMP_MSEC = "timestamp_msec"

AttributesT = TypeVar("AttributesT", bound="Attributes")


class Attribute:
    """One named value.

    Args:
        name: The name, a plain string or a member of a string enum.
        value: A string, number, bool or a list of them. Other objects are accepted and rendered as text by the
            exporters that need text; only the elements of a list are checked.

    Raises:
        OneLoggerError: ``value`` is a list whose elements are not all of the first one's type.
    """

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: AttributeValue) -> None:
        # One look-up for the scalars that nearly all attributes are.
        if value.__class__ not in _SCALARS:
            value = _checked(name, value)
        self.name = name
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Attribute):
            return NotImplemented
        return self.name == other.name and bool(self.value == other.value)

    def __hash__(self) -> int:
        # The value may be a list or be assigned later, so only the name counts.
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Attribute(name={self.name!r}, value={self.value!r})"


_new = object.__new__
_SCALARS = frozenset({str, int, float, bool, type(None)})


def _checked(name: str, value: Any) -> Any:
    if isinstance(value, list):
        _check_elements(name, value)
    elif isinstance(value, Generator):
        # Rendering a generator would consume it under the application's feet, or never end.
        return repr(value)
    return value


def _check_elements(name: str, values: List[object]) -> None:
    if not values:
        return
    expected = type(values[0])
    for element in values:
        if not isinstance(element, expected):
            raise OneLoggerError(
                f"Attribute {name}: All elements of a list attribute must be of primitive type, all of the same one; "
                f"found {type(element).__name__} beside {expected.__name__}."
            )


class Attributes(Dict[str, Attribute]):
    """An ordered collection of attributes by name.

    It is a ``dict`` from name to :class:`Attribute`, but is built from, and updated with, raw values. Two
    collections are equal when their contents are, whatever their classes; the ``timestamp_msec`` that an event
    stamps on its own copy counts only against a collection that has one too.

    Args:
        dictionary: Raw values by name (or ready :class:`Attribute` objects, which are taken as they are).
    """

    # True on the private copy of an event: its `timestamp_msec` is the event's stamp, not the caller's.
    __slots__ = ("_stamped",)

    def __init__(self, dictionary: Optional[Mapping[str, Any]] = None) -> None:
        self._stamped = False
        if dictionary:
            dict.update(self, _wrap_all(dictionary))

    def __setitem__(self, name: str, value: Any) -> None:
        dict.__setitem__(self, name, _wrap(name, value))

    def setdefault(self, name: str, default: Any = None) -> Attribute:
        """Return the attribute, storing ``default`` (a raw value or an :class:`Attribute`) if it is absent."""
        if name not in self:
            self[name] = default
        return self[name]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Store every entry of a mapping or of pairs, raw values or :class:`Attribute` objects."""
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def copy(self: AttributesT) -> AttributesT:
        """Return a collection of the same class that shares the :class:`Attribute` objects."""
        new = _blank(type(self))
        dict.update(new, self)
        new._stamped = self._stamped
        return new

    def __copy__(self: AttributesT) -> AttributesT:
        return self.copy()

    def __or__(self: AttributesT, other: Any) -> AttributesT:  # type: ignore[override]  # dict's is overloaded
        if not isinstance(other, Mapping):
            return cast(AttributesT, NotImplemented)
        new = self.copy()
        new.update(other)
        return new

    def __ror__(self: AttributesT, other: Any) -> AttributesT:  # type: ignore[override]  # dict's is overloaded
        if not isinstance(other, Mapping):
            return cast(AttributesT, NotImplemented)
        new = type(self)()
        new.update(other)
        dict.update(new, self)
        return new

    def __ior__(self: AttributesT, other: Any) -> AttributesT:  # type: ignore[override]  # dict's is overloaded
        self.update(other)
        return self

    def __eq__(self, other: object) -> bool:
        if dict.__eq__(self, other) is True:  # it may be NotImplemented
            return True
        if not isinstance(other, Attributes) or self._stamped == other._stamped:
            return False
        stamped, plain = (self, other) if self._stamped else (other, self)
        if _TIMESTAMP_MSEC in plain or len(stamped) != len(plain) + 1:
            return False
        return all(name in stamped and stamped[name] == attribute for name, attribute in plain.items())

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # a mutable dict, as its base

    def __reduce__(self) -> Tuple[Any, ...]:
        return _rebuild, (type(self), list(self.items()), self._stamped)

    def add(self: AttributesT, name: str, value: AttributeValue) -> AttributesT:
        """Store a raw value and return the collection, so that calls chain."""
        dict.__setitem__(self, name, Attribute(name, value))
        return self

    def add_attribute(self, attribute: Attribute) -> Attribute:
        """Store an attribute under its own name, replacing an earlier one, and return it."""
        dict.__setitem__(self, attribute.name, attribute)
        return attribute

    def add_attributes(self, other_attributes: Attributes) -> None:
        """Store every attribute of the other collection; the :class:`Attribute` objects are shared."""
        dict.update(self, other_attributes)

    def to_json(self) -> Dict[str, Any]:
        """Return ``{name: value}`` in order; the values are not copied."""
        return {name: attribute.value for name, attribute in self.items()}

    @classmethod
    def from_json(cls: Type[AttributesT], data: Optional[Mapping[str, Any]]) -> AttributesT:
        """Build a collection from what :meth:`to_json` returned; nothing gives an empty one."""
        new = cls()
        for name, value in (data or {}).items():
            new.add(name, value)
        return new

    @classmethod
    def merge(
        cls: Type[AttributesT], attributes: Optional[Attributes] = None, other: Optional[Attributes] = None
    ) -> AttributesT:
        """Return a new collection with everything of both; ``other`` wins where a name is in both."""
        new = cls()
        if attributes:
            dict.update(new, attributes)
        if other:
            dict.update(new, other)
        return new

    def get_bool_value(self, attribute_name: str) -> Optional[bool]:
        """Return the value, ``None`` if absent.

        Raises:
            OneLoggerError: The value is not a bool.
        """
        return cast(Optional[bool], self._typed_value(attribute_name, bool, "a boolean"))

    def get_int_value(self, attribute_name: str) -> Optional[int]:
        """Return the value, ``None`` if absent.

        Raises:
            OneLoggerError: The value is not an int (a bool is one).
        """
        return cast(Optional[int], self._typed_value(attribute_name, int, "an integer"))

    def get_float_value(self, attribute_name: str) -> Optional[float]:
        """Return the value unconverted (an int stays an int), ``None`` if absent.

        Raises:
            OneLoggerError: The value is neither a float nor an int.
        """
        return cast(Optional[float], self._typed_value(attribute_name, (float, int), "a float"))

    def get_str_value(self, attribute_name: str) -> Optional[str]:
        """Return the value, ``None`` if absent.

        Raises:
            OneLoggerError: The value is not a string.
        """
        return cast(Optional[str], self._typed_value(attribute_name, str, "a string"))

    def _typed_value(self, name: str, types: Union[type, Tuple[type, ...]], kind: str) -> object:
        attribute = self.get(name)
        if attribute is None:
            return None
        if not isinstance(attribute.value, types):
            raise OneLoggerError(f"Attribute {name} must be {kind}, found {attribute.value!r}.")
        return attribute.value

    def _stamped_copy(self: AttributesT, timestamp_msec: int) -> AttributesT:
        """Return the copy that an event keeps, with its time (milliseconds since the epoch) as last entry if new."""
        new = _blank(type(self))
        dict.update(new, self)
        stamp = _new(Attribute)
        stamp.name = _TIMESTAMP_MSEC
        stamp.value = timestamp_msec
        dict.__setitem__(new, _TIMESTAMP_MSEC, stamp)
        new._stamped = True
        return new


def _wrap_all(dictionary: Mapping[str, Any]) -> Dict[str, Attribute]:
    wrapped: Dict[str, Attribute] = {}
    for name, value in dictionary.items():
        kind = value.__class__
        if kind is Attribute:
            wrapped[name] = value
            continue
        # `Attribute(name, value)` written out: calling a class with a Python constructor takes twice as long, and
        # this is a fifth of the cost of an event.
        attribute = _new(Attribute)
        attribute.name = name
        attribute.value = value if kind in _SCALARS else _checked(name, value)
        wrapped[name] = attribute
    return wrapped


def _blank(cls: Type[AttributesT]) -> AttributesT:
    """Return an empty instance; a constructor that does nothing more than ours is skipped, which halves a copy."""
    if cls is not Attributes and cls.__init__ is not Attributes.__init__:
        return cls()
    new = dict.__new__(cls)
    new._stamped = False
    return new


def _wrap(name: str, value: Any) -> Attribute:
    return value if isinstance(value, Attribute) else Attribute(name, value)


def _rebuild(cls: Type[AttributesT], items: List[Tuple[str, Attribute]], stamped: bool) -> AttributesT:
    new = cls()
    dict.update(new, items)
    new._stamped = stamped
    return new
