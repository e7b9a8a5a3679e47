from __future__ import annotations

from typing import Any, Dict

import pytest

from nv_one_logger.config.gate import Gate, plan_entries
from nv_one_logger.config.models import Entry, Merged, Origin, OriginKind
from nv_one_logger.config.names import Names
from nv_one_logger.config.provenance import State
from nv_one_logger.config.sources import load_entries
from nv_one_logger.config.switches import Switches
from nv_one_logger.host.catalogue import Catalogue


def entry(**fields: Any) -> Entry:
    return load_entries([{"class_name": "file", **fields}])[0][0]


def decide(found: Entry, **switches: Any) -> State:
    (plan,) = plan_entries([found], Catalogue(dict), Switches(**switches))
    return plan.decision.state


@pytest.mark.parametrize(
    ("fields", "switches", "expected"),
    [
        ({}, {}, State.ON),
        ({"enabled": False}, {}, State.OFF),
        ({}, {"disable": ("file",)}, State.BLOCKED),
        ({"enabled": False}, {"disable": ("file",)}, State.BLOCKED),
        ({}, {"safe_mode": True}, State.ON),
        ({"class_name": "acme.A"}, {"safe_mode": True}, State.BLOCKED),
        ({"class_name": "acme.A", "name": "file"}, {"safe_mode": True}, State.BLOCKED),
    ],
)
def test_switches_beat_entries(fields: Dict[str, Any], switches: Dict[str, Any], expected: State) -> None:
    assert decide(entry(**fields), **switches) is expected


def test_package_default_that_could_not_be_read_is_broken_unless_it_is_off() -> None:
    origin = Origin(OriginKind.PACKAGE, "acme 1.2", asked=False)
    failed = Entry(origin, "get_default_config()", default_name="team", is_loaded=False, failure="it raised")
    off = load_entries([{"name": "team", "enabled": False}])[0][0]
    gate = Gate(Names.of_builtins(), Switches(), ())

    broken = gate.plan(Merged((failed,))).decision

    assert (broken.state, broken.reason, broken.name) == (State.BROKEN, "it raised", "team")
    assert gate.plan(Merged((off, failed))).decision.state is State.OFF


def test_package_default_is_blocked_by_the_name_of_its_entry_point() -> None:
    gate = Gate(Names.of_builtins(), Switches(disable=("team",)), ("other",))

    assert gate.blocks_default("team")
    assert gate.blocks_default("other")
    assert not gate.blocks_default("third")
