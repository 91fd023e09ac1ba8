"""A response through the gateway that takes as long as a test wants."""

from __future__ import annotations

from tests.support.live import GET
from tests.support.origin import Origin
from tests.support.wire import Wire
from tests.support.workers import Crew

_BEGUN = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n"
_REST = b"4\r\nrest\r\n0\r\n\r\n"


class Stream:
    """What has begun arrives at the client; then either it `finishes`, or it `is_cut`."""

    def __init__(self, client: Wire, there: Wire) -> None:
        self.client = client
        self.there = there

    async def finishes(self) -> None:
        """The origin sends the rest, and the client gets all of it."""
        await self.there.send(_REST)
        assert await self.client.until(b"0\r\n\r\n") == _REST

    async def is_cut(self) -> None:
        """Wait until the client's connection has ended, without anything that looks like the end of the response."""
        assert (await self.client.end())[0] == b""


async def begin(running: Crew, origin: Origin, pid: int = 0) -> Stream:
    """A response that has begun, through the worker `pid` if one is named; the origin answers nobody else meanwhile."""
    client = await running.connect(pid)
    await client.send(GET)
    there = await origin.accept()
    await there.message()
    await there.send(_BEGUN)
    await client.until(b"begun\r\n")
    return Stream(client, there)
