from __future__ import annotations

import os
import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.core.internal import ids
from nv_one_logger.core.internal.ids import new_id_bits, uuid_text


@given(bits=st.integers(0, 2**128 - 1))
def test_text_is_that_of_the_uuid(bits: int) -> None:
    assert uuid_text(bits) == str(uuid.UUID(int=bits))


def test_ids_are_random_uuids() -> None:
    ids = [uuid.UUID(int=new_id_bits()) for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all((one.version, one.variant) == (4, uuid.RFC_4122) for one in ids)


def test_seeding_the_global_generator_repeats_no_id() -> None:
    random.seed(7)
    first = new_id_bits()
    random.seed(7)
    assert new_id_bits() != first


def test_reseeding_begins_another_sequence() -> None:
    one = ids._IdGenerator()
    state = one._random.getstate()
    expected = one.getrandbits(128)
    one._random.setstate(state)
    one.reseed()
    assert one.getrandbits(128) != expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_forked_child_draws_other_ids() -> None:
    new_id_bits()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, str(new_id_bits()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    assert int(os.read(reading, 100)) != new_id_bits()
    os.close(reading)
