"""What the connections of one entrypoint share: how many there may be, here and in all processes."""

from __future__ import annotations

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw import load_config
from a3sgw.config.registry import Registry
from a3sgw.observe.metrics import Metrics
from a3sgw.proxy.gate import Gate
from a3sgw.proxy.places import Counts
from a3sgw.routing.table import Table
from a3sgw.shared.table import SharedTable
from a3sgw.snapshot import Parts, Snapshot
from a3sgw.sweeper import NEVER, Sweeper

SWEEPER = Sweeper()
METRICS = Metrics()
TABLE: Table = Snapshot.compile(
    load_config('entrypoints "web" { address = ":80" }\n'), Parts(SWEEPER, lambda *names: (), Registry())
).tables["web"]
OPTIONS = {
    limit: load_config(f'entrypoints "web" {{\n address = ":80"\n max_connections = {limit}\n}}\n').entrypoints["web"]
    for limit in (0, 1, 3, 10)
}


class Connection:
    """Nothing but a connection to count."""

    deadline = NEVER
    route = None

    def overdue(self) -> None:
        """Never happens."""

    def drain(self, seconds: float) -> None:
        """It is never idle."""

    def abort(self) -> None:
        """It has no other side."""


class Counted:
    """A table as other processes would see it."""

    def __init__(self) -> None:
        self.held: dict[bytes, int] = {}

    def acquire(self, key: bytes, limit: int) -> bool:
        """See `Counts`."""
        if limit and self.held.get(key, 0) >= limit:
            return False
        self.held[key] = self.held.get(key, 0) + 1
        return True

    def release(self, key: bytes) -> None:
        """See `Counts`, and never more than was acquired."""
        self.held[key] -= 1
        assert self.held[key] >= 0
        if not self.held[key]:
            del self.held[key]


def gate(name: str = "web", limit: int = 3, counted: Counts | None = None) -> Gate:
    """A gate with this `max_connections`."""
    made = Gate(name, SWEEPER, METRICS.entrypoint(name), counted)
    made.apply(OPTIONS[limit], TABLE)
    return made


def test_alone_it_counts_its_own() -> None:
    """Without a table, the limit is that of this gate; one that leaves makes room."""
    one, other = gate(), gate()
    inside = [Connection() for _ in range(3)]
    assert all(one.admit(connection) for connection in inside)
    assert not one.admit(Connection())
    assert other.admit(Connection())
    one.leave(inside[0])
    assert one.admit(Connection())


def test_together_they_count_all() -> None:
    """With a table, gates of one name share a limit, and those of another name have their own."""
    counted = Counted()
    one, other, elsewhere = gate("web", 3, counted), gate("web", 3, counted), gate("admin", 3, counted)
    first, refused = Connection(), Connection()
    assert one.admit(first)
    assert one.admit(Connection())
    assert other.admit(Connection())
    assert not one.admit(refused)
    assert not other.admit(Connection())
    assert elsewhere.admit(Connection())
    one.leave(refused)
    assert not other.admit(Connection())
    one.leave(first)
    assert other.admit(Connection())


def test_together_in_shared_memory() -> None:
    """The same with the real table, attached twice; what a dead process held is free once it is swept."""
    first = SharedTable.create(64)
    second = SharedTable.attach(os.dup(first.descriptor), first.next_owner())
    one, other = gate("web", 3, first), gate("web", 3, second)
    mine = [Connection(), Connection()]
    assert all(one.admit(connection) for connection in mine)
    assert other.admit(Connection())
    assert not other.admit(Connection())
    assert not one.admit(Connection())
    one.leave(mine.pop())
    assert other.admit(Connection())
    assert not one.admit(Connection())
    second.close()
    first.sweep()
    assert first.held(b"max_connections\0web") == 1
    assert one.admit(Connection())
    first.close()


def test_without_a_limit_nothing_is_counted() -> None:
    """An entrypoint that has no limit does not ask the table."""
    counted = Counted()
    one = gate("web", 0, counted)
    one.admit(Connection())
    assert counted.held == {}


@pytest.mark.parametrize(("limit", "held"), [(1, 2), (0, 0)])
def test_a_new_limit_counts_those_inside(limit: int, held: int) -> None:
    """Connections that were open before there was a limit take places; without one they give them back."""
    counted = Counted()
    one = gate("web", 3 if limit == 0 else 0, counted)
    one.admit(Connection())
    one.admit(Connection())
    one.apply(OPTIONS[limit], TABLE)
    assert sum(counted.held.values()) == held
    assert one.admit(Connection()) is (limit == 0)


steps = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.one_of(
            st.just(("admit", None)),
            st.tuples(st.just("leave"), st.integers(0, 20)),
            st.tuples(st.just("apply"), st.sampled_from(sorted(OPTIONS))),
        ),
    ),
    max_size=60,
)


@given(steps)
def test_counts_never_drift(taken: list[tuple[int, tuple[str, int | str | None]]]) -> None:
    """Whatever happens in whatever order: the table holds what is open under each limited name, and nothing else."""
    counted = Counted()
    gates = [gate("web", 0, counted), gate("web", 3, counted)]
    inside: list[list[Connection]] = [[], []]
    for which, (what, value) in taken:
        one, mine = gates[which], inside[which]
        if what == "admit":
            connection = Connection()
            open_ = sum(len(there.connections) for there in gates if there.name == one.name and there.max_connections)
            room = not one.max_connections or open_ < one.max_connections
            assert one.admit(connection) is room
            if room:
                mine.append(connection)
            else:
                one.leave(connection)
        elif what == "leave" and mine:
            one.leave(mine.pop(int(value or 0) % len(mine)))
        elif what == "apply":
            one.apply(OPTIONS[int(value or 0)], TABLE)
        expected: dict[bytes, int] = {}
        for there in gates:
            if there.max_connections and there.connections:
                key = b"max_connections\0" + there.name.encode()
                expected[key] = expected.get(key, 0) + len(there.connections)
        assert counted.held == expected
    for one, mine in zip(gates, inside, strict=True):
        for connection in mine:
            one.leave(connection)
    assert counted.held == {}


async def test_draining_ends_with_the_last() -> None:
    """It returns 0 as soon as everybody has left, also those who come while it waits."""
    one = gate(limit=0)
    first, second = Connection(), Connection()
    one.admit(first)
    loop = asyncio.get_running_loop()

    def change_places() -> None:
        one.admit(second)
        one.leave(first)
        one.leave(second)

    loop.call_later(0.01, change_places)
    started = loop.time()
    one.close(30)
    assert await one.drained(30) == 0
    assert loop.time() - started < 5


async def test_draining_cuts_what_is_left() -> None:
    """After the time given it says how many had to be cut."""
    one = gate(limit=0)
    one.admit(Connection())
    one.admit(Connection())
    one.close()
    assert await one.drained(0.01) == 2


async def test_draining_waits_for_those_at_the_door() -> None:
    """A connection that was accepted but not yet known is not forgotten."""
    one = gate(limit=0)
    connection = Connection()
    loop = asyncio.get_running_loop()
    came = asyncio.Event()

    def come() -> None:
        came.set()
        one.admit(connection)
        loop.call_later(0.01, one.leave, connection)

    loop.call_soon(loop.call_soon, come)
    one.close()
    assert await one.drained(5) == 0
    assert came.is_set()


def test_one_connection_takes_the_place_of_another() -> None:
    """What was counted stays counted once: the new one is watched and drained, the old one is nobody's."""
    sweeper = Sweeper()
    metrics = Metrics().entrypoint("replaced")
    gate = Gate("replaced", sweeper, metrics)
    gate.apply(OPTIONS[1], TABLE)
    old, new, stranger = Connection(), Connection(), Connection()
    assert gate.admit(old)
    gate.replace(old, new)
    gate.replace(stranger, Connection())
    assert gate.connections == {new}
    assert not gate.admit(stranger)
    gate.leave(old)
    assert gate.connections == {new}
    gate.leave(new)
    assert gate.admit(stranger)
    assert metrics.data()["accepted"] == 2
