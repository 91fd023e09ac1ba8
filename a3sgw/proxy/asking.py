"""A request the gateway makes itself of a service: balanced, limited and judged like any other."""

from __future__ import annotations

import asyncio

from a3sgw.errors import ConnectionLost, GatewayError, UpstreamError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.proxy.careful import Careful
from a3sgw.proxy.exchange import Exchange
from a3sgw.proxy.seam import Client
from a3sgw.proxy.tunnel import Make
from a3sgw.routing.route import Route


async def ask(route: Route, request: Request, max_bytes: int) -> Response:
    """The whole answer of the route's service; `GatewayError` when there is none, or its body is longer."""
    asking = _Asking(max_bytes)
    exchange = (Careful if route.care is not None else Exchange)(asking, request, b"", route)
    exchange.request_ended = True
    asking.exchange = exchange
    exchange.begin()
    try:
        return await asking.answer
    finally:
        exchange.on_client_lost()


class _Asking:
    """The client's side of such an exchange (see `Client`): it holds the answer."""

    exchange: Exchange

    def __init__(self, max_bytes: int) -> None:
        self.answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._left = max_bytes
        self._head: Response | None = None
        self._body: list[bytes] = []
        self._ended = False

    def interim(self, status: int, headers: Headers) -> None:
        """Of no interest."""

    def send(self, response: Response, length: int, more: bool) -> None:
        """The head."""
        self._head = response

    def send_whole(self, response: Response, body: bytes) -> None:
        """Everything at once."""
        self.send(response, len(body), True)
        self.write(body)
        self.end(b"")

    def write(self, data: bytes) -> None:
        """A piece of the body."""
        self._left -= len(data)
        if self._left >= 0:
            self._body.append(data)
        elif not self.answer.done():
            self.answer.set_exception(UpstreamError("the answer is too long"))

    def write_last(self, data: bytes) -> None:
        """The last one."""
        self.write(data)

    def end(self, trailers: bytes) -> None:
        """It is whole."""
        self._ended = True

    def switch(
        self, response: Response, protocol: bytes, make: Make, endpoint: asyncio.Transport, early: bytes
    ) -> Client:
        """The gateway itself never asks for that."""
        raise AssertionError("nobody has asked for another protocol")

    def cut(self, data: bytes) -> bool:
        """Not here."""
        return False

    def abort(self) -> None:
        """It will never be."""

    def hold(self, reason: int) -> None:
        """There is nothing to hold: the request is whole."""

    def release(self, reason: int) -> None:
        """The same."""

    def finished(self) -> None:
        """The exchange is over."""
        if self.answer.done():
            return
        head = self._head
        error: GatewayError | None = None
        if self.exchange.error:
            error = UpstreamError(self.exchange.error)
        elif head is None or not self._ended:
            error = ConnectionLost("no whole answer")
        if error is not None or head is None:
            self.answer.set_exception(error or ConnectionLost("no answer"))
        else:
            self.answer.set_result(Response(head.status, head.headers, b"".join(self._body)))
