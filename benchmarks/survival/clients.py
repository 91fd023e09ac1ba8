"""Clients that ask again and again over kept connections, and count what they get."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PAUSE = 0.02
_PATIENCE = 20.0


class Clients:
    """`gets` clients that send GET and `posts` that send POST; `ended` counts (method, status or error)."""

    def __init__(self, port: int, gets: int, posts: int) -> None:
        self._port = port
        self._stopping = False
        self._tasks = [
            asyncio.get_running_loop().create_task(self._ask(method)) for method in ["GET"] * gets + ["POST"] * posts
        ]
        self.ended: Counter[tuple[str, str]] = Counter()
        self.seconds: list[float] = []

    async def stop(self) -> None:
        """Let what runs end."""
        self._stopping = True
        await asyncio.gather(*self._tasks)
        self.seconds.sort()

    def failed(self, method: str) -> Counter[str]:
        """What was no success."""
        return Counter({what: count for (one, what), count in self.ended.items() if one == method and what != "200"})

    async def _ask(self, method: str) -> None:
        body = b"body" if method == "POST" else b""
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        request = b"%b / HTTP/1.1\r\nHost: a.example\r\n%b\r\n%b" % (method.encode(), length, body)
        while not self._stopping:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                self.ended[method, "not reached"] += 1
                await asyncio.sleep(_PAUSE)
                continue
            try:
                await self._keep_asking(reader, writer, method, request)
            except (OSError, EOFError, TimeoutError) as error:
                self.ended[method, type(error).__name__] += 1
            finally:
                writer.close()

    async def _keep_asking(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, request: bytes
    ) -> None:
        while not self._stopping:
            began = time.monotonic()
            writer.write(request)
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                await reader.readexactly(int(found[1]) if found else 0)
            self.seconds.append(time.monotonic() - began)
            self.ended[method, head[9:12].decode()] += 1
            await asyncio.sleep(_PAUSE)
