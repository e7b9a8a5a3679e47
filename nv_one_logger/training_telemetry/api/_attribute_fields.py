"""The small mechanism behind the attributes classes: typed fields, and the collection made of them.

A class states each attribute once as a field (:class:`Required` or :class:`Optionally`) and spells the signature of
its ``create``, which type checkers and editors read; everything else follows from the two.
"""

from __future__ import annotations

from typing import Any, Callable, ClassVar, FrozenSet, Generic, List, Mapping, Optional, Type, TypeVar, overload

from nv_one_logger.core.attributes import Attributes
from nv_one_logger.core.exceptions import OneLoggerError

__all__ = [
    "Optionally",
    "Required",
    "TrainingAttributes",
    "metadata_lines",
    "read_any",
    "read_bool",
    "read_float",
    "read_int",
    "read_str",
]

T = TypeVar("T")
AttributesT = TypeVar("AttributesT", bound="TrainingAttributes")


class _Field(Generic[T]):
    """A read-only attribute of a collection, read through one of its typed getters.

    Args:
        read: Takes the collection and the name; returns the value or ``None``, or raises for a wrong type.
        doc: What the attribute says, with its unit.
        added: Whether 2.3.1 did not have it (see :class:`TrainingAttributes`).
    """

    def __init__(self, read: Callable[[Attributes, str], Optional[T]], doc: str, *, added: bool = False) -> None:
        self._read = read
        self.__doc__ = doc
        self.added = added
        self.is_required = False
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __set__(self, instance: Attributes, value: object) -> None:
        raise AttributeError(f"{self.name} is read-only; use add() to store a value.")


class Required(_Field[T]):
    """An attribute that ``create`` insists on."""

    def __init__(self, read: Callable[[Attributes, str], Optional[T]], doc: str) -> None:
        super().__init__(read, doc)
        self.is_required = True

    @overload
    def __get__(self, instance: None, owner: type) -> Required[T]: ...

    @overload
    def __get__(self, instance: Attributes, owner: type) -> T: ...

    def __get__(self, instance: Optional[Attributes], owner: type) -> object:
        if instance is None:
            return self
        value = self._read(instance, self.name)
        if value is None:
            raise OneLoggerError(f"{self.name} is required.")
        return value


class Optionally(_Field[T]):
    """An attribute that may be absent; reading it then gives ``None``.

    Args:
        read: See ``_Field``, as the next two.
        doc: What the attribute says.
        added: Whether 2.3.1 did not have it.
        required_by_create: Whether ``create`` insists on it all the same.
    """

    def __init__(
        self,
        read: Callable[[Attributes, str], Optional[T]],
        doc: str,
        *,
        added: bool = False,
        required_by_create: bool = False,
    ) -> None:
        super().__init__(read, doc, added=added)
        self.is_required = required_by_create

    @overload
    def __get__(self, instance: None, owner: type) -> Optionally[T]: ...

    @overload
    def __get__(self, instance: Attributes, owner: type) -> Optional[T]: ...

    def __get__(self, instance: Optional[Attributes], owner: type) -> object:
        return self if instance is None else self._read(instance, self.name)


class TrainingAttributes(Attributes):
    """Base of the attributes classes of training telemetry.

    Attributes that 2.3.1 did not have count in a comparison only when both sides carry them, so that a collection
    built from the arguments of 2.3.1 still equals the one the recorder makes.
    """

    __slots__ = ()

    _required: ClassVar[FrozenSet[str]] = frozenset()
    _added: ClassVar[FrozenSet[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fields = [field for base in reversed(cls.__mro__) for field in vars(base).values() if isinstance(field, _Field)]
        cls._required = frozenset(field.name for field in fields if field.is_required)
        cls._added = frozenset(field.name for field in fields if field.added)

    @classmethod
    def _from_arguments(cls: Type[AttributesT], arguments: Mapping[str, object]) -> AttributesT:
        """Build the collection from ``locals()`` of ``create``: parameter by parameter, in order, ``None`` left out.

        Raises:
            OneLoggerError: A required argument is ``None``.
        """
        for name, value in arguments.items():
            if value is None and name in cls._required:
                raise OneLoggerError(f"{name} is required.")
        return cls.from_known({name: value for name, value in arguments.items() if name != "cls"})

    @classmethod
    def from_known(cls: Type[AttributesT], values: Mapping[str, object]) -> AttributesT:
        """Build the collection of what is known: a value that is ``None`` or absent is left out, required or not.

        This is how the recorder reports when a setting such as the batch size was never given; ``create`` keeps
        raising.
        """
        return cls({name: value for name, value in values.items() if value is not None})

    def __eq__(self, other: object) -> bool:
        if super().__eq__(other):
            return True
        if not isinstance(other, Attributes):
            return False
        one_sided = [name for name in self.keys() ^ other.keys() if self._is_added(name)]
        return bool(one_sided) and _without(self, one_sided) == _without(other, one_sided)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # a mutable dict, as its base

    @classmethod
    def _is_added(cls, name: str) -> bool:
        return name in cls._added


def _without(attributes: Attributes, names: List[str]) -> Attributes:
    rest = Attributes.merge(attributes)
    rest._stamped = attributes._stamped
    for name in names:
        rest.pop(name, None)
    return rest


def read_bool(attributes: Attributes, name: str) -> Optional[bool]:
    """Read a bool; see :meth:`Attributes.get_bool_value`."""
    return attributes.get_bool_value(name)


def read_int(attributes: Attributes, name: str) -> Optional[int]:
    """Read an int; see :meth:`Attributes.get_int_value`."""
    return attributes.get_int_value(name)


def read_float(attributes: Attributes, name: str) -> Optional[float]:
    """Read a number; see :meth:`Attributes.get_float_value`."""
    return attributes.get_float_value(name)


def read_str(attributes: Attributes, name: str) -> Optional[str]:
    """Read a string; see :meth:`Attributes.get_str_value`."""
    return attributes.get_str_value(name)


def read_any(attributes: Attributes, name: str) -> Optional[Any]:
    """Read the value as it is stored."""
    attribute = attributes.get(name)
    return None if attribute is None else attribute.value


def metadata_lines(custom_metadata: Optional[Mapping[str, object]]) -> Optional[List[str]]:
    """Turn a mapping into the list of ``"key:value"`` lines that records carry."""
    if custom_metadata is None:
        return None
    return [f"{key}:{value}" for key, value in custom_metadata.items()]
