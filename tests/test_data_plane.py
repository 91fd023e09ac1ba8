"""What carries traffic: prepared, and then committed or discarded without a trace."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps

import pytest
import uvloop

from a3sgw import load_config
from a3sgw.config.model import Config
from a3sgw.data_plane import DataPlane, Prepared
from a3sgw.entrypoints.stream import StreamEntrypoint
from a3sgw.errors import ConfigError
from a3sgw.listeners import bind, key_of
from a3sgw.options import SocketAddress
from a3sgw.shared.table import SharedTable
from a3sgw.tasks import spawn
from tests.support.descriptors import held, identity
from tests.support.live import GET, dial, fetch, refused, until
from tests.support.origin import OK, Origin

WEB = "tcp 127.0.0.1:0 web"
FRONT = "tcp 127.0.0.1:0 front"


def on_both_loops(test: Callable[[], Awaitable[None]]) -> Callable[[Callable[[], asyncio.AbstractEventLoop]], None]:
    """Sockets are opened and closed differently by the two event loops."""

    @pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
    @wraps(test)
    def run(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        async def play() -> None:
            await test()

        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(play())

    del run.__wrapped__  # or pytest would look for the parameters there
    return run


def config(origin: str = "http://127.0.0.1:1", version: str = "1", more: str = "", *names: str) -> Config:
    """Entrypoints with these names, "web" if there are none, one route, and a version in every answer."""
    entrypoints = "".join(f'entrypoints "{name}" {{ address = "127.0.0.1:0" }}\n' for name in names or ("web",))
    return load_config(
        f"""{entrypoints}
        {"" if "access_log" in more else "access_log { enabled = false }"}
        routers "all" {{
          rule        = "PathPrefix(`/`)"
          service     = "origin"
          middlewares = ["version"]
        }}
        middlewares "version" {{
          type             = "headers"
          response_headers = {{ "X-Version" = "{version}" }}
        }}
        services "origin" {{ load_balancer {{ servers = [{{ url = "{origin}" }}] }} }}
        {more}
        """
    )


class Plane:
    """A data plane, and the sockets it was given: as a control plane would hold them."""

    def __init__(self) -> None:
        self.table = SharedTable.create(64)
        self.plane = DataPlane(self.table)
        self.plane.start()

    async def prepare(self, new: Config, *others: str) -> Prepared:
        """With sockets for what has none yet, and for `others` that are not needed."""
        sockets = {}
        for name, options in new.entrypoints.items():
            if key_of(name, options) not in self.plane._bound.values():
                sockets[key_of(name, options)] = (await bind(options.address, count=2)).sockets
        for other in others:
            sockets[other] = (await bind(SocketAddress("127.0.0.1", 0))).sockets
        return await self.plane.prepare(new, sockets)

    async def use(self, new: Config) -> None:
        """As a reload that succeeds."""
        self.plane.commit(await self.prepare(new))

    def address(self, name: str = "web") -> str:
        return self.plane.entrypoints[name].addresses[0]

    async def version(self, name: str = "web") -> str:
        """Which configuration answers; asks an origin that refuses connections."""
        return ((await fetch(self.address(name))).get(b"x-version") or b"").decode()


@asynccontextmanager
async def plane() -> AsyncIterator[Plane]:
    """Nothing stays open after it."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    server.close()  # what uvloop opens for its first server it keeps
    await server.wait_closed()
    before = held()
    made = Plane()
    try:
        yield made
    finally:
        await made.plane.drain(0.0)
        await made.plane.close()
        made.table.close()
    await until(lambda: held() == before, "everything is closed")


# One configuration...


@on_both_loops
async def test_serving() -> None:
    """Nothing is served before the commit, though the sockets listen already: clients wait in their queue."""
    async with plane() as one, Origin() as origin:
        origin.always(OK)
        prepared = await one.prepare(config(origin.url))
        assert one.plane.entrypoints == {}
        assert one.plane.snapshot is None
        one.plane.commit(prepared)
        assert list(one.plane.entrypoints) == ["web"]
        assert len(one.plane.entrypoints["web"].addresses) == 2
        answer = await fetch(one.address())
        assert (answer.status, answer.get(b"x-version")) == (200, b"1")
        assert one.plane.in_flight() == {}


@on_both_loops
async def test_discarding() -> None:
    """Everything that was opened for it is closed, the sockets included; what serves goes on."""
    async with plane() as one:
        await one.use(config())
        before = held()
        prepared = await one.prepare(config("http://127.0.0.1:1", "2", "", "web", "front"), "tcp nobody's")
        (address, _) = prepared.entrypoints["front"].addresses
        assert not await refused(address)
        await one.plane.discard(prepared)
        await until(lambda: held() == before, "everything new is closed")
        assert await refused(address)
        assert list(one.plane.entrypoints) == ["web"]
        assert await one.version() == "1"


@on_both_loops
async def test_discarding_the_first() -> None:
    """Leaves nothing at all, and another one may come."""
    async with plane() as one:
        before = held()
        await one.plane.discard(await one.prepare(config()))
        await until(lambda: held() == before, "everything is closed")
        await one.use(config())
        assert await one.version() == "1"


@on_both_loops
async def test_a_configuration_that_cannot_be_used() -> None:
    """ConfigError says why, nothing is left open of it, and what serves goes on."""
    async with plane() as one:
        await one.use(config())
        before = held()
        bad = 'routers "bad" {\n rule = "Hots(`a`)"\n service = "nobody"\n}\n'
        for more in (bad, 'access_log { file = "/no/such/directory/log" }'):
            with pytest.raises(ConfigError):
                await one.prepare(config("http://127.0.0.1:1", "2", more, "web", "front"), "tcp nobody's")
            await until(lambda: held() == before, "everything is closed")
        assert await one.version() == "1"


@on_both_loops
async def test_sockets_that_are_not_needed() -> None:
    """Are closed: those of a listener this process has already, and those nobody asked for."""
    async with plane() as one:
        await one.use(config())
        before = held()
        prepared = await one.prepare(config(version="2"), WEB, "tcp nobody's")
        assert prepared.entrypoints == {}
        assert held() == before
        one.plane.commit(prepared)
        assert held() == before
        assert await one.version() == "2"


# One after the other...


@on_both_loops
async def test_two_generations() -> None:
    """What is new accepts, what stays keeps its sockets and connections, what is gone refuses."""
    async with plane() as one:
        await one.use(config("http://127.0.0.1:1", "1", "", "web", "old"))
        web, old = one.address(), one.address("old")
        kept = await dial(web)
        entrypoint = one.plane.entrypoints["web"]
        await until(lambda: entrypoint.gate.connections, "the connection is accepted")
        await one.use(config("http://127.0.0.1:1", "2", "", "web", "front"))
        assert one.plane.entrypoints["web"] is entrypoint
        assert one.address() == web
        await kept.send(GET)
        assert (await kept.message()).get(b"x-version") == b"2"
        kept.close()
        assert await one.version("front") == "2"
        await until(lambda: one.plane._leaving == set(), "the old one has ended")
        assert await refused(old)


@on_both_loops
async def test_many_generations() -> None:
    """Whatever comes and goes, as much is open as in the beginning."""
    async with plane() as one:
        await one.use(config())
        before = held()
        for number in range(5):
            await one.use(config("http://127.0.0.1:1", str(number), "", "web", "front", "more"))
            await one.use(config(version=f"back {number}"))
        await until(lambda: held() == before, "everything that is gone is closed")
        assert await one.version() == "back 4"


@on_both_loops
async def test_a_running_exchange_keeps_its_route() -> None:
    """It ends as the configuration says under which it began."""
    async with plane() as one, Origin() as origin:
        await one.use(config(origin.url))
        client = await dial(one.address())
        await client.send(GET)
        there = await origin.accept()
        await there.message()
        await one.use(config(origin.url, "2"))
        assert one.plane.in_flight() == {"origin": {origin.url: 1}}
        await there.send(OK)
        assert (await client.message()).get(b"x-version") == b"1"
        client.close()


@on_both_loops
async def test_the_access_log_moves() -> None:
    """Discarding leaves the old one as it is; committing closes it."""
    async with plane() as one:
        with_log = 'access_log { file = "/dev/null" }'
        await one.use(config())
        before = held()
        await one.plane.discard(await one.prepare(config(more=with_log)))
        await until(lambda: held() == before, "the new log is closed")
        await one.use(config(more=with_log))
        await one.plane.discard(await one.prepare(config()))
        await one.version()
        await one.use(config())
        await until(lambda: held() == before, "the old log is closed")


# Other sockets of the same...


@on_both_loops
async def test_accepting_from_other_sockets() -> None:
    """When there are more or fewer workers: those it has in common with before are accepted from without a gap, others
    no longer, and whoever waits at a new one is served."""
    async with plane() as one:
        await one.use(config())
        before = held()
        web = one.plane.entrypoints["web"]
        assert isinstance(web, StreamEntrypoint)
        kept, _ = web._sockets()
        listener = await bind(SocketAddress("127.0.0.1", 0))
        waiting = await dial(listener.addresses[0])
        await waiting.send(GET)
        given = [*listener.sockets, socket.socket(fileno=os.dup(kept.fileno()))]
        identities = {identity(one.fileno()) for one in given}
        await one.plane.accept({WEB: given})
        assert (await waiting.message()).get(b"x-version") == b"1"
        waiting.close()
        assert {identity(one.fileno()) for one in web._sockets()} == identities
        await until(lambda: held() == before, "the other one is closed, and the new one open")
        assert await one.version() == "1"


@on_both_loops
async def test_accepting_for_nobody() -> None:
    """Sockets of a listener that this process does not have are closed."""
    async with plane() as one:
        await one.use(config())
        before = held()
        listener = await bind(SocketAddress("127.0.0.1", 0))
        (address,) = listener.addresses
        await one.plane.accept({FRONT: listener.sockets})
        assert held() == before
        assert await refused(address)


@on_both_loops
async def test_draining() -> None:
    """Nobody is accepted any more, while what runs is answered and told that it is the last."""
    async with plane() as one, Origin() as origin:
        await one.use(config(origin.url))
        address = one.address()
        client = await dial(address)
        await client.send(GET)
        there = await origin.accept()
        await there.message()
        draining = spawn(one.plane.drain(30.0), "drain")
        await until(lambda: not one.plane.entrypoints["web"].addresses, "it has stopped accepting")
        assert await refused(address)
        await there.send(OK)
        answer = await client.message()
        assert (answer.status, answer.get(b"connection")) == (200, b"close")
        await draining
        client.close()
