"""One instance per class, made on first use."""

from __future__ import annotations

import threading
from typing import Any, ClassVar, Dict, Generic, NoReturn, Type, TypeVar, cast

__all__ = ["SingletonMeta"]

T = TypeVar("T")
InstanceT = TypeVar("InstanceT")


class SingletonMeta(type, Generic[T]):
    """Metaclass of a class that has one instance, reached through ``Cls.instance()``.

    Every subclass has an instance of its own. Making the first instance is safe for many threads: one re-entrant
    lock serves all singletons, so that two of them may create each other. May be subscripted
    (``metaclass=SingletonMeta["Foo"]``), which has no effect at run time.

    ``_instances`` (class to instance) and ``_lock`` are frozen names: tests forget instances through them.
    """

    _lock: ClassVar[threading.RLock] = threading.RLock()
    _instances: ClassVar[Dict[type, Any]] = {}

    def __call__(cls, *args: object, **kwargs: object) -> NoReturn:
        """Refuse to make a second instance.

        Raises:
            TypeError: Always.
        """
        raise TypeError(f"{cls.__name__} cannot be instantiated directly. Use {cls.__name__}.instance() instead.")

    def instance(cls: Type[InstanceT]) -> InstanceT:
        """Return the instance, made without arguments on first use.

        Whatever the constructor raises is raised here, and the next call tries again.
        """
        found = SingletonMeta._instances.get(cls)
        if found is not None:
            return found  # type: ignore[no-any-return]  # a cast would be a tenth of the cost of a disabled span
        with SingletonMeta._lock:
            found = SingletonMeta._instances.get(cls)
            if found is None:
                found = type.__call__(cls)
                SingletonMeta._instances[cls] = found
            return cast(InstanceT, found)
