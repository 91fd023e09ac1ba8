"""The seam between an exchange and the connection that serves it: HTTP/1.1 today, others behind the same verbs."""

from __future__ import annotations

import asyncio
from typing import Protocol

from a3sgw.errors import UpstreamError
from a3sgw.http.headers import Headers
from a3sgw.http.response import Incoming


class Switchable(Protocol):
    """A connection that may be taken over."""

    def detach(self) -> asyncio.Transport:
        """It is the caller's from now on, who gives it another protocol at once."""


class Sink(Protocol):
    """Where a connection delivers one response: `on_whole`, or `on_head`, any number of `on_body`, and `on_end`."""

    takes_whole: bool
    """Whether `on_whole` may be called."""
    only_reads: bool
    """Whether it leaves answers as they are, so that one may be given to many."""

    def on_whole(self, incoming: Incoming, body: bytes) -> None:
        """A response that arrived in one piece; its connection is free again. `body` may be empty."""

    def on_switch(self, origin: Switchable, incoming: Incoming, rest: bytes) -> bool:
        """A 101, and what came behind it: False when it has not been asked for."""

    def on_interim(self, status: int, headers: Headers) -> None:
        """A 1xx response other than 101."""

    def on_head(self, incoming: Incoming, more: bool) -> None:
        """The final head; with `more`, a body piece or the end follows within the same call."""

    def on_body(self, data: bytes) -> None:
        """A piece of the body, never empty."""

    def on_last(self, data: bytes) -> None:
        """The same, when `on_end` follows within the same call."""

    def on_end(self, trailers: bytes) -> None:
        """The response is whole; `trailers` are field lines, mostly none."""

    def on_lost(self, error: UpstreamError, stale: bool) -> None:
        """It will never be whole; `stale` when a reused connection closed before the first byte of an answer."""

    def pause(self) -> None:
        """The endpoint reads too slowly: stop sending it body bytes."""

    def resume(self) -> None:
        """The endpoint takes body bytes again."""


class Origin(Protocol):
    """What an exchange sees of the endpoint's side."""

    def write(self, data: bytes) -> None:
        """A piece of the request body, never empty."""

    def end(self, trailers: bytes = b"") -> None:
        """The request is whole."""

    def abort(self) -> None:
        """Nobody wants the answer any more: close at once."""

    def pause_reading(self) -> None:
        """The client reads too slowly."""

    def resume_reading(self) -> None:
        """The client takes bytes again."""
