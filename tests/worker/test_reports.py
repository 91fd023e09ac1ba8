"""What a worker tells of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from a3sgw.control.messages import Counters, Heartbeat, Message
from a3sgw.data_plane import DataPlane
from a3sgw.observe.counters import RouteKey
from a3sgw.shared.table import SharedTable
from a3sgw.tasks import spawn
from a3sgw.worker import reports as module
from a3sgw.worker.reports import Reports
from tests.support.done import done
from tests.support.live import until

API: RouteKey = ("web", "api", "s")
SHOP: RouteKey = ("web", "shop", "s")


class Told:
    """A worker without traffic, whose counters a test moves, and what it has told."""

    def __init__(self, table: SharedTable) -> None:
        self.plane = DataPlane(table)
        self.messages: list[Message] = []
        self.first = asyncio.Event()
        """Set with the first counters, while more are about to come."""
        self.reports = Reports(self.plane, self._send)

    def _send(self, message: Message) -> None:
        self.messages.append(message)
        if isinstance(message, Counters):
            self.first.set()

    def serve(self, key: RouteKey) -> None:
        """One request."""
        self.plane.metrics.route(*key).observe(done(b"GET", 200, 0.5, 2, 2))

    @property
    def counters(self) -> list[Counters]:
        """All that came, in order."""
        return [one for one in self.messages if isinstance(one, Counters)]

    def counts(self, start: int = 0) -> list[tuple[RouteKey, int]]:
        """Routes and their counts as told, from this message on."""
        return [(route["key"], sum(route["buckets"])) for one in self.counters[start:] for route in one.data["routes"]]


@pytest_asyncio.fixture
async def told() -> AsyncIterator[Told]:
    """One that has not started."""
    table = SharedTable.create(64)
    one = Told(table)
    yield one
    one.reports.stop()
    await one.plane.close()
    table.close()


async def test_the_first_beat_comes_at_once(told: Told) -> None:
    """So that the supervisor need not wait for it."""
    told.reports.start()
    assert told.messages == [Heartbeat(0)]


async def test_beats_and_reports(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten heartbeats for each report, until it is stopped."""
    monkeypatch.setattr(module, "BEAT", 0.0)
    told.serve(API)
    told.reports.start()
    await until(lambda: len(told.counters) >= 5, "reports have come")
    told.reports.stop()
    kinds = [type(one) for one in told.messages]
    assert set(kinds) == {Heartbeat, Counters}
    assert kinds.index(Counters) >= 10
    assert told.counts() == [(API, 1)]
    there = len(told.messages)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(told.messages) == there


async def test_only_what_has_changed(told: Told) -> None:
    """Counters are totals, so what has not moved need not be told again; connections always are."""
    told.serve(API)
    told.serve(SHOP)
    await told.reports.report()
    assert told.counts() == [(API, 1), (SHOP, 1)]
    seen = len(told.counters)
    told.serve(SHOP)
    told.plane.metrics.entrypoint("web").opened()
    await told.reports.report()
    assert told.counts(seen) == [(SHOP, 2)]
    assert told.counters[-1].data["entrypoints"][0]["open"] == 1
    seen = len(told.counters)
    await told.reports.report()
    assert told.counts(seen) == []


async def test_an_answer(told: Told) -> None:
    """The token comes with the last message, when everything has been told; a report that nobody asked for has none."""
    told.serve(API)
    await told.reports.report(7)
    assert [one.token for one in told.counters] == [0] * (len(told.counters) - 1) + [7]
    assert told.counts() == [(API, 1)]
    await told.reports.report()
    assert told.counters[-1].token == 0


async def test_thousands_of_routes(told: Told) -> None:
    """Come in pieces, between which others have a turn, and all are there."""
    keys = [("web", f"r{number}", "s") for number in range(1001)]
    for key in keys:
        told.serve(key)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    turning = spawn(turn(), "turns")
    await told.reports.report(3)
    turning.cancel()
    assert max(len(one.data["routes"]) for one in told.counters) <= 200
    assert sorted(told.counts()) == sorted((key, 1) for key in keys)
    assert turns >= 5


async def test_a_question_during_a_report(told: Told) -> None:
    """An older count is never told after a newer one, which would set a total back; and the answer is complete."""
    keys = [("web", f"r{number}", "s") for number in range(1000)]
    for key in keys:
        told.serve(key)
    running = spawn(told.reports.report(), "report")
    await told.first.wait()
    assert len(told.counters) == 1
    last = keys[-1]
    told.serve(last)
    await told.reports.report(7)
    await running
    assert told.counters[-1].token == 7
    assert [count for key, count in told.counts() if key == last] == [1, 2]
    assert len(told.counts()) == 1001, "one report after the other: the second one knows what the first has told"


async def test_a_route_that_comes_back(told: Told) -> None:
    """Its counters begin anew, and are told even if they have reached what they were before; those of routes that are
    gone are not remembered."""
    told.serve(API)
    await told.reports.report()
    for _ in range(2):
        told.plane.metrics.forget([])
    await told.reports.report()
    assert told.reports._told == {}
    seen = len(told.counters)
    told.serve(API)
    await told.reports.report()
    assert told.counts(seen) == [(API, 1)]


async def test_a_report_that_is_cut_off(told: Told) -> None:
    """What it has not told is told by the next one: the last of a worker, which has served it all the same."""
    keys = [("web", f"r{number}", "s") for number in range(1000)]
    for key in keys:
        told.serve(key)
    running = spawn(told.reports.report(), "report")
    await told.first.wait()
    assert len(told.counters) == 1
    running.cancel()
    await asyncio.wait([running])
    assert len(told.counts()) < 1000
    await told.reports.report()
    assert {key for key, _ in told.counts()} == set(keys)
