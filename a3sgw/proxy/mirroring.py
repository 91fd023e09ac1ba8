"""A copy of a request for another service: sent beside the request itself, which neither waits for it nor sees it fail.

A request that was chosen for it, and that an endpoint got all of, is counted by exactly one of "mirrored"
(a whole answer came), "mirror_failed" (none did), "mirror_dropped" and "mirror_too_large" (no copy was sent).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from time import monotonic
from typing import cast

from a3sgw.config.mirror import Compare
from a3sgw.errors import NoEndpoint, UpstreamError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.response import Incoming
from a3sgw.plan import Plan
from a3sgw.proxy.comparison import Answer, Difference, NotComparable, compare
from a3sgw.proxy.keeper import Keeper
from a3sgw.service.choice import Choice, choose, heed
from a3sgw.service.mirror import MirrorNode
from a3sgw.service.node import Hold, Leaf
from a3sgw.service.service import Service
from a3sgw.tasks import spawn
from a3sgw.upstream.connection import Upstream
from a3sgw.upstream.endpoint import Endpoint
from a3sgw.upstream.seam import Switchable

_log = logging.getLogger("a3sgw.mirror")
_SENSITIVE = (b"Authorization", b"Proxy-Authorization", b"Cookie", b"X-Api-Key")
_FAILURE = 500
_MINUTE = 60.0
_WORDS = {"status": "mirror_differs_status", "body": "mirror_differs_body", "latency": "mirror_slower"}


@dataclass(slots=True)
class _Way:
    """The `Journey` of a copy: it is asked once, matters least, and makes no copies of its own."""

    request: Request
    tried: tuple[Endpoint, ...] = ()
    avoid: tuple[Leaf, ...] = ()
    holds: dict[Hold, int] = field(default_factory=dict)
    chosen: dict[object, object] = field(default_factory=dict)
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    again_on: frozenset[int] = frozenset()
    importance: int = 0
    is_copy: bool = True
    repeatable: int = 0

    def settle(self, mark: int) -> None:
        """Those that have let it pass after the first `mark` see it fail."""
        for hold in list(self.holds)[mark:]:
            hold.settle(self.holds.pop(hold), True, 0.0)


class Copy:
    """One copy, from the moment it may be sent until both answers are there; also the `Sink` of its own answer."""

    def __init__(self, mirror: MirrorNode, request: Request, own: bytes, pieces: Sequence[bytes] | None) -> None:
        self.takes_whole = True
        self.only_reads = True
        self._mirror = mirror
        self._request = copy(request)
        self._request.headers = Headers(request.headers.encode())  # the request itself may be changed and sent again
        self._way = _Way(self._request)
        self._own = own
        self._pieces = tuple(pieces) if pieces is not None else None
        self._started = monotonic()
        self._failed: bool | None = None
        self._choice: Choice | None = None
        self._origin: Upstream | None = None
        self._answered: asyncio.Future[UpstreamError | None] = asyncio.get_running_loop().create_future()
        # Of its own answer
        self._incoming: Incoming | None = None
        self._head_seconds = 0.0
        self._seconds = 0.0
        # For the comparison
        compares = mirror.options.compare
        self._kept = Keeper(compares.max_body_bytes) if compares is not None else None
        self._main_kept = Keeper(compares.max_body_bytes) if compares is not None else None
        self._main_types: tuple[bytes, bytes] | None = None
        self._main: tuple[int, float, str] | None = None
        self._whole = False

    def __repr__(self) -> str:
        return f"<Copy [{self._request!r} → {self._mirror.options.service}]>"

    # What the exchange calls...

    @classmethod
    def send(cls, mirror: MirrorNode, request: Request, own: bytes, pieces: Sequence[bytes] | None) -> Copy | None:
        """Start a copy of a request whose whole body is `pieces`, None without one; None when no copy is sent.

        `own` are the field lines that the gateway adds. Returns at once; everything else happens in a task.
        """
        if pieces is None and request.content_length != 0:
            mirror.count("mirror_too_large")  # nothing of bodies is kept where none may be copied
            return None
        if mirror.running >= mirror.options.max_concurrent:
            mirror.count("mirror_dropped")
            return None
        made = cls(mirror, request, own, pieces)
        spawn(made._run(), "mirror")
        mirror.running += 1
        return made

    def main_head(self, response: Response) -> None:
        """The head of the main answer, as the endpoint sent it; an answer without one is the gateway's own."""
        self._main_types = _types(response)

    def main_body(self, data: bytes) -> None:
        """A piece of the main answer's body, as the endpoint sent it."""
        if self._main_kept is not None:
            self._main_kept.feed(data)

    def main(self, status: int, seconds: float, error: str) -> None:
        """The main exchange has ended, `seconds` after it began; status 499 when its client left."""
        if self._main_kept is not None:
            self._main = status, seconds, error
            self._both()

    # Asking the mirror...

    async def _run(self) -> None:
        outcome = "mirror_failed"
        try:
            async with asyncio.timeout(self._mirror.options.timeout):
                await self._ask()
            outcome = "mirrored"
        except TimeoutError:
            self._judge(True)
            self._missed("no whole answer in time")
        except UpstreamError as error:
            self._missed(error.reason)
        finally:
            self._mirror.running -= 1
            self._mirror.count(outcome)
            self._leave()
        if outcome == "mirrored":
            self._whole = True
            self._both()

    async def _ask(self) -> None:
        """Send the copy and wait until its answer is whole; UpstreamError when it will never be."""
        if not self._mirror.options.sensitive_headers:
            for name in _SENSITIVE:
                self._request.headers.remove(name)
        service = self._service()
        choice = choose(service, self._request, ())
        if not isinstance(choice, Choice):
            raise NoEndpoint("no endpoint can be used")
        self._choice = choice
        self.takes_whole = self.only_reads = not service.traits.drain_header
        pool = choice.endpoint.pool
        try:
            origin = pool.take() or await pool.connect(service.plan.connect_timeout)
        except UpstreamError:
            self._judge(True)
            raise
        self._send(origin, choice.endpoint, service.plan)
        error = await self._answered
        if error is not None:
            raise error

    def _missed(self, why: str) -> None:
        """There is no answer; what was kept of the main one is of no use."""
        self._main_kept = None
        _log.debug("a copy was not answered", extra={"target": self._mirror.options.service, "why": why})

    def _service(self) -> Service:
        found = self._mirror.target.resolve(self._way)
        if isinstance(found, UpstreamError):
            raise found
        if isinstance(found, Response):
            raise NoEndpoint("the gateway would answer itself")
        return cast(Service, found)

    def _send(self, origin: Upstream, endpoint: Endpoint, plan: Plan) -> None:
        body = b"".join(self._pieces) if self._pieces is not None else None
        self._pieces = None
        request = self._request
        headers = request.headers
        if not (plan.pass_host_header and request.authority):
            headers.set(b"Host", endpoint.authority)
        elif not all(main.pass_host_header for _, main in self._mirror.leaves()):
            headers.set(b"Host", request.authority)
        if body is not None:
            headers.set(b"Content-Length", b"%d" % len(body))
        head = b"%b %b HTTP/1.1\r\n%b%b\r\n" % (request.method, request.target, headers.encode(), self._own)
        self._origin = origin
        origin.send(self, head, request.method, False, not body, plan)
        if body:
            origin.write(body)
            origin.end()

    def _judge(self, failed: bool) -> None:
        """Once, when it is certain: an answer may break after its head."""
        if self._choice is not None and self._failed is None:
            self._failed = failed
            self._choice.judge(failed)

    def _leave(self) -> None:
        """Give back what it still has."""
        origin, self._origin = self._origin, None
        if origin is not None and origin.sink is self:
            origin.abort()
        choice, self._choice = self._choice, None
        if choice is not None:
            choice.endpoint.in_flight -= 1
            choice.over()
        for hold, token in self._way.holds.items():
            hold.settle(token, self._failed, self._head_seconds)

    # Receiving the mirror's answer...

    def on_whole(self, incoming: Incoming, body: bytes) -> None:
        """An answer in one piece."""
        self.on_head(incoming, True)
        if body:
            self.on_body(body)
        self.on_end(b"")

    def on_switch(self, origin: Switchable, incoming: Incoming, rest: bytes) -> bool:
        """Copies never ask for that."""
        return False

    def on_interim(self, status: int, headers: Headers) -> None:
        """Nobody waits for it."""

    def on_head(self, incoming: Incoming, more: bool) -> None:
        """An answer begins."""
        self._incoming = incoming
        self._head_seconds = monotonic() - self._started
        choice = cast(Choice, self._choice)
        choice.answered(incoming.status >= _FAILURE)
        if choice.service.traits.drain_header:
            heed(choice, incoming)

    def on_body(self, data: bytes) -> None:
        """A piece of it; read to the end even when it is too large to be kept, so that the connection stays."""
        if self._kept is not None:
            self._kept.feed(data)

    def on_last(self, data: bytes) -> None:
        """The last piece."""
        self.on_body(data)

    def on_end(self, trailers: bytes) -> None:
        """It is whole."""
        self._seconds = monotonic() - self._started
        self._judge(cast(Choice, self._choice).failed)
        if not self._answered.done():
            self._answered.set_result(None)

    def on_lost(self, error: UpstreamError, stale: bool) -> None:
        """It will never be whole; a kept connection that was closed under us says nothing about the endpoint."""
        if not stale:
            self._judge(True)
        if not self._answered.done():
            self._answered.set_result(error)

    def pause(self) -> None:
        """All of the request is written already."""

    def resume(self) -> None:
        """The same."""

    # Comparing...

    def _both(self) -> None:
        """Compare once both answers are there, and not from within the main exchange, which would wait for it."""
        if self._whole and self._main is not None:
            spawn(self._compare(cast(Compare, self._mirror.options.compare), *self._main), "mirror comparison")

    async def _compare(self, options: Compare, status: int, seconds: float, error: str) -> None:
        count = self._mirror.count
        incoming = cast(Incoming, self._incoming)
        types = _types(incoming)
        main_body, body = cast(Keeper, self._main_kept), cast(Keeper, self._kept)
        limit = options.max_body_bytes
        if error or status == 499 or self._main_types is None or not (main_body.holds(limit) and body.holds(limit)):
            count("mirror_not_compared")
            return
        main = Answer(status, seconds, *self._main_types, b"".join(main_body.pieces))
        mirror = Answer(incoming.status, self._seconds, *types, b"".join(body.pieces))
        try:
            found = compare(main, mirror, options.ignore_fields, limit, options.max_slower_ms)
        except NotComparable:
            count("mirror_not_compared")
            return
        for what in dict.fromkeys(one.what for one in found):
            count(_WORDS[what])
        if not found:
            count("mirror_same")
        elif self._sampled(options):
            self._report(main, mirror, found)

    def _sampled(self, options: Compare) -> bool:
        """Whether one more may be logged in this minute."""
        mirror, now = self._mirror, monotonic()
        if now - mirror.minute >= _MINUTE:
            mirror.minute, mirror.samples = now, 0
        mirror.samples += 1
        return mirror.samples <= options.samples_per_minute

    def _report(self, main: Answer, mirror: Answer, found: list[Difference]) -> None:
        """One line of the log."""
        _log.info(
            "the mirror answered differently",
            extra={
                "service": self._mirror.name,
                "target": self._mirror.options.service,
                "path": self._request.target.decode("latin-1"),
                "status": [main.status, mirror.status],
                "ms": [round(main.seconds * 1000, 1), round(mirror.seconds * 1000, 1)],
                "differences": [one._asdict() for one in found],
            },
        )


def _types(response: Response) -> tuple[bytes, bytes]:
    """Content-Type and Content-Encoding."""
    headers = response.headers
    return headers.get(b"content-type") or b"", (headers.get(b"content-encoding") or b"").strip()
