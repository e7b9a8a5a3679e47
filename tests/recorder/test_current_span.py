from __future__ import annotations

import gc

from nv_one_logger.recorder.current_span import current_span_of


class Owner:
    pass


def test_two_owners_have_a_variable_each() -> None:
    first, second = Owner(), Owner()
    assert current_span_of(first) is not current_span_of(second)


def test_variable_begins_without_a_span() -> None:
    owner = Owner()
    assert current_span_of(owner).name == "nv_one_logger_current_span"


def test_variables_of_owners_that_are_gone_are_used_again() -> None:
    seen = set()
    for _ in range(50):
        owner = Owner()
        seen.add(id(current_span_of(owner)))
        del owner
        gc.collect()
    assert len(seen) < 10
