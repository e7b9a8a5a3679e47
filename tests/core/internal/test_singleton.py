from __future__ import annotations

import threading
from typing import Any, Dict, List

import pytest

from nv_one_logger.core.internal.singleton import SingletonMeta


class Plain(metaclass=SingletonMeta):
    pass


class Child(Plain):
    pass


def test_instance_is_always_the_same_object() -> None:
    assert Plain.instance() is Plain.instance()


def test_every_subclass_has_its_own_instance() -> None:
    assert type(Child.instance()) is Child
    assert type(Plain.instance()) is Plain
    assert Plain.instance() is not Child.instance()


def test_calling_the_class_is_refused_with_the_way_to_do_it() -> None:
    with pytest.raises(TypeError, match=r"Plain cannot be instantiated directly\. Use Plain\.instance\(\)"):
        Plain()


def test_metaclass_can_be_subscripted_for_type_checkers() -> None:
    class Typed(metaclass=SingletonMeta["Typed"]):  # type: ignore[metaclass]  # mypy knows plain metaclasses only
        pass

    assert Typed.instance() is Typed.instance()


def test_failing_constructor_is_tried_again() -> None:
    failures = [ValueError("not yet")]

    class Late(metaclass=SingletonMeta):
        def __init__(self) -> None:
            if failures:
                raise failures.pop()

    with pytest.raises(ValueError, match="not yet"):
        Late.instance()
    assert isinstance(Late.instance(), Late)


def test_singletons_may_create_each_other() -> None:
    class Inner(metaclass=SingletonMeta):
        pass

    class Outer(metaclass=SingletonMeta):
        def __init__(self) -> None:
            self.inner = Inner.instance()

    assert Outer.instance().inner is Inner.instance()


def test_instances_can_be_forgotten_through_the_class() -> None:
    first = Plain.instance()
    with SingletonMeta._lock:
        Plain._instances.pop(Plain, None)
    assert Plain.instance() is not first


def test_thread_that_waited_for_the_lock_takes_the_instance_made_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    class MadeMeanwhile(Dict[type, Any]):
        def get(self, key: type, default: object = None) -> Any:
            found = super().get(key, default)
            self[key] = "made by another thread"
            return found

    monkeypatch.setattr(SingletonMeta, "_instances", MadeMeanwhile())
    assert Plain.instance() == "made by another thread"  # type: ignore[comparison-overlap]


def test_many_threads_get_one_instance() -> None:
    made: List[Any] = []
    everyone_is_ready = threading.Barrier(8)

    class Contended(metaclass=SingletonMeta):
        def __init__(self) -> None:
            made.append(self)

    def ask() -> None:
        everyone_is_ready.wait(timeout=10)
        Contended.instance()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert made == [Contended.instance()]
