"""The seam between an exchange and the connection its request came on."""

from __future__ import annotations

import asyncio
from typing import Protocol

from a3sgw.http.headers import Headers
from a3sgw.http.message import Response
from a3sgw.proxy.tunnel import Make

WAITING, SLOW = 2, 4
"""Why a request is not read: it is not yet known where to, or the endpoint reads too slowly."""


class Client(Protocol):
    """What an exchange sees of the client's side: HTTP/1.1 today, other versions behind the same verbs."""

    def interim(self, status: int, headers: Headers) -> None:
        """A 1xx head."""

    def send(self, response: Response, length: int, more: bool) -> None:
        """The final head. `length` is body bytes, CHUNKED or UNTIL_CLOSE; a Content-Length stands in the headers
        already.
        With `more`, `write` or `end` follows at once."""

    def send_whole(self, response: Response, body: bytes) -> None:
        """Head and body at once; `body` has the length that the head says."""

    def write(self, data: bytes) -> None:
        """A piece of the body, never empty."""

    def write_last(self, data: bytes) -> None:
        """The same, when `end` follows at once, so that both can leave together."""

    def end(self, trailers: bytes) -> None:
        """The response is whole."""

    def switch(
        self, response: Response, protocol: bytes, make: Make, endpoint: asyncio.Transport, early: bytes
    ) -> Client:
        """A 101 to `protocol`; from now on everything goes through the tunnel
        that `make` makes, to an endpoint of which `early` has been
        read already. Returns who is to be told in its place that the exchange is over."""

    def cut(self, data: bytes) -> bool:
        """The last piece of a body that will never be whole: it arrives, and the client sees that this was not the end.
        False where that cannot be said without a reset."""

    def abort(self) -> None:
        """It will never be whole: close so that the client cannot mistake it for a whole one."""

    def hold(self, reason: int) -> None:
        """Read no more of the request for now: WAITING or SLOW."""

    def release(self, reason: int) -> None:
        """Read on, unless another reason holds."""

    def finished(self) -> None:
        """The exchange is over; the connection may go on to the next."""
