"""What was replaced closes after the last exchange on it, in order, and at once when the gateway stops."""

from __future__ import annotations

import asyncio

import pytest

from a3sgw.plan import Plan
from a3sgw.proxy.gate import Connection
from a3sgw.retire import Close, retire
from a3sgw.routing.chain import Chain
from a3sgw.routing.route import Route
from a3sgw.tasks import spawn


class Client(Connection):
    """A connection that runs an exchange on `route`."""

    deadline = 0.0

    def __init__(self, route: Route | None) -> None:
        self.on: Route | None = route
        self.looked = asyncio.Event()

    @property
    def route(self) -> Route | None:
        self.looked.set()
        return self.on

    def overdue(self) -> None:
        raise AssertionError

    def drain(self, seconds: float) -> None:
        raise AssertionError

    def abort(self) -> None:
        raise AssertionError


def route() -> Route:
    return Route("r", Chain(), None, Plan(), ())


def closing(diary: list[str], *names: str) -> list[Close]:
    async def note(name: str) -> None:
        diary.append(name)

    return [lambda name=name: note(name) for name in names]  # type: ignore[misc]  # a lambda with a default


async def test_nothing_runs() -> None:
    """Everything closes at once, in order."""
    diary: list[str] = []
    await retire([], closing(diary, "first", "second"))
    assert diary == ["first", "second"]


async def test_an_exchange_runs() -> None:
    """Until its connection has another route, or none."""
    for following in (None, route()):
        old = route()
        client, diary = Client(old), list[str]()
        retiring = spawn(retire([(client, old)], closing(diary, "closed")), "retire")
        await client.looked.wait()
        assert diary == []
        client.on = following
        await retiring
        assert diary == ["closed"]


async def test_the_gateway_stops() -> None:
    """What is cancelled closes all the same."""
    old = route()
    client, diary = Client(old), list[str]()
    retiring = spawn(retire([(client, old)], closing(diary, "closed")), "retire")
    await client.looked.wait()
    retiring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await retiring
    assert diary == ["closed"]
