"""The kept connections of one endpoint: the one used last is taken first, so the rest can grow old and go."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from a3sgw.errors import ConnectError, ConnectTimeout
from a3sgw.http.repeat import RepeatedResponse
from a3sgw.plan import NO_LIMIT
from a3sgw.sweeper import Sweeper
from a3sgw.upstream.connection import Upstream

Spoken = TypeVar("Spoken", bound=asyncio.Protocol)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect: host and port, or the path of a unix socket; `tls` when the endpoint speaks it."""

    host: str = ""
    port: int = 0
    path: str = ""
    server_name: str = ""
    """Name to verify and to send as SNI; empty = the host."""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Pool:
    """Idle connections of one address, at most `limit`, each kept for `idle_timeout` seconds."""

    def __init__(
        self,
        address: Address,
        sweeper: Sweeper,
        tls: ssl.SSLContext | None = None,
        limit: int = 256,
        idle_timeout: float = 60.0,
        identity: tuple[object, ...] = (),
    ) -> None:
        self.address = address
        self.identity = identity
        """What it was made of: a reload goes on using a pool whose identity is the same."""
        self._sweeper = sweeper
        self.tls = tls
        """What the endpoint is spoken to with; None for plain connections."""
        self._limit = limit
        self._idle_timeout = idle_timeout
        self._idle: list[Upstream] = []
        self._closed = False
        self.repeated = RepeatedResponse()
        """What the endpoint said last, for its next answer to be compared with."""

    def __repr__(self) -> str:
        return f"<Pool [{self.address}, {len(self._idle)} idle]>"

    def take(self) -> Upstream | None:
        """An idle connection, or None: then `connect`. Connections leave the pool as soon as they close."""
        return self._idle.pop() if self._idle else None

    def take_live(self) -> Upstream | None:
        """The same, for a request that cannot be sent twice: none that the endpoint is known to have closed."""
        while self._idle:
            upstream = self._idle.pop()
            if upstream.is_there:
                return upstream
            upstream.close()
        return None

    def give(self, upstream: Upstream, hint: int | None) -> None:
        """Keep a connection that has finished; `hint` is how many seconds the endpoint said it keeps it."""
        idle = self._idle
        if self._closed or len(idle) >= self._limit or (hint is not None and hint < 2):
            upstream.close()
            return
        timeout = self._idle_timeout if hint is None else min(self._idle_timeout, hint - 1)
        upstream.deadline = self._sweeper.now + timeout
        idle.append(upstream)

    def remove(self, upstream: Upstream) -> None:
        """It has closed; fine if it was not idle."""
        if upstream in self._idle:
            self._idle.remove(upstream)

    async def connect(self, seconds: float) -> Upstream:
        """A new connection; ConnectTimeout after that many seconds, ConnectError when refused or not trusted."""
        _, upstream = await self.dial(lambda: Upstream(self, self._sweeper), seconds)
        return upstream

    async def dial(self, factory: Callable[[], Spoken], seconds: float) -> tuple[asyncio.Transport, Spoken]:
        """The same for another protocol than HTTP, one from `factory`; nothing of it is kept here."""
        loop = asyncio.get_running_loop()
        address = self.address
        name = (address.server_name or address.host) if self.tls else None
        try:
            async with asyncio.timeout(None if seconds == NO_LIMIT else seconds):
                if address.path:
                    return await loop.create_unix_connection(factory, address.path, ssl=self.tls, server_hostname=name)
                return await loop.create_connection(
                    factory, address.host, address.port, ssl=self.tls, server_hostname=name
                )
        except TimeoutError:
            raise ConnectTimeout(f"no connection to {address} in {seconds:g} s") from None
        except ssl.SSLError as error:
            raise ConnectError(f"TLS with {address} failed: {getattr(error, 'verify_message', '') or error}") from None
        except (OSError, UnicodeError) as error:
            raise ConnectError(f"cannot connect to {address}: {error}") from None

    def close(self) -> None:
        """Close idle connections now and busy ones when they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
