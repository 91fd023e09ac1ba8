"""Health by probes in a row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.machines.health import DEGRADED, HEALTHY, UNHEALTHY, HealthMachine

LETTERS = {HEALTHY: "h", DEGRADED: "d", UNHEALTHY: "u"}


@pytest.mark.parametrize(
    ("thresholds", "probes", "states"),
    [
        ((3, 1, None), "---+-", "hhuhh"),
        ((3, 2, None), "--+---+-++", "hhhhhuuuuh"),
        ((1, 1, None), "-+-", "uhu"),
        ((5, 2, 3), "-----++", "hhdduuh"),
        ((5, 2, 3), "---+-+----+++", "hhdddddddddhh"),
        ((5, 2, 3), "---+-----", "hhdddddd" + "u"),
        ((5, 1, 3), "-----+---", "hhdduhhhd"),
        ((5, 3, 3), "-----++---", "hhdduuuuuu"),
        ((2, 1, 2), "--", "hu"),
    ],
)
def test_the_way_down_and_up(thresholds: tuple[int, int, int | None], probes: str, states: str) -> None:
    """Unhealthy, healthy and degraded come after as many probes in a row as their thresholds say."""
    machine = HealthMachine(*thresholds)
    seen, changes = "", []
    for probe in probes:
        before = machine.state
        changes.append(machine.seen(probe == "+") == (machine.state != before))
        seen += LETTERS[machine.state]
    assert seen == states
    assert all(changes)


@pytest.mark.parametrize("state", [HEALTHY, DEGRADED, UNHEALTHY])
def test_restoring(state: str) -> None:
    """A state is taken over as it is, and what was counted before is not."""
    machine = HealthMachine(3, 2, 2)
    machine.seen(False)
    machine.restore(state)
    assert machine.state == state
    assert not machine.seen(False)
    assert machine.state == state


def test_only_known_states_are_restored() -> None:
    """What is no state is refused."""
    with pytest.raises(ValueError, match="poorly"):
        HealthMachine(3, 1).restore("poorly")


@given(st.integers(1, 6), st.integers(1, 6), st.lists(st.booleans(), max_size=40))
def test_without_degraded(unhealthy: int, healthy: int, probes: list[bool]) -> None:
    """Without its threshold nothing is ever degraded, and enough in a row decide."""
    machine = HealthMachine(unhealthy, healthy)
    for number, ok in enumerate(probes, 1):
        machine.seen(ok)
        assert machine.state != DEGRADED
        if number >= healthy and all(probes[number - healthy : number]):
            assert machine.state == HEALTHY
        if number >= unhealthy and not any(probes[number - unhealthy : number]):
            assert machine.state == UNHEALTHY
