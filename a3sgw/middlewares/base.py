"""The hooks a middleware may have. A chain holds only those a class overrides, so the rest cost nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from a3sgw.errors import NoEndpoint
from a3sgw.files import WatchedFile
from a3sgw.http.message import Request, Response
from a3sgw.options import BaseOptions
from a3sgw.outcome import Outcome
from a3sgw.plan import Plan
from a3sgw.shared.table import SharedTable

_T = TypeVar("_T")
OptionsType = TypeVar("OptionsType", bound=BaseOptions)


class RefusingOptions(BaseOptions):
    """Options of a middleware that can refuse a request."""

    mode: Literal["enforce", "observe"] = "enforce"
    """`observe` decides, counts and logs `would_block`, but lets everything pass: to try a policy on real traffic."""


class Stage(IntEnum):
    """What should come before what in a chain: `validate` warns when it is written otherwise."""

    ADDRESSES = 1
    AUTHENTICATION = 2
    LIMITS = 3
    REPETITION = 4


def _count_nothing(what: str) -> None:
    """For middlewares nobody serves with."""


Ask = Callable[[str, Request, int], Awaitable[Response]]
"""(service, request, most bytes of the answer's body) → the whole answer; GatewayError when there is none."""


async def ask_nobody(service: str, request: Request, max_bytes: int) -> Response:
    """The same."""
    raise NoEndpoint("no services here")


class Shared:
    """What several middlewares of one process use together, such as one connection for all who ask one server.

    Take in `open` and give back in `close`: a configuration that is only looked at takes nothing.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[object, tuple[Any, int]] = {}

    def take(self, key: object, thing: _T) -> tuple[_T, bool]:
        """What is there under this key, or `thing` from now on; and whether it is the first time, so that it has to be
        opened."""
        held, users = self._held.get(key, (thing, 0))
        self._held[key] = held, users + 1
        return held, not users

    def give(self, key: object) -> bool:
        """One user less; whether it was the last, who closes it."""
        held, users = self._held.pop(key)
        if users > 1:
            self._held[key] = held, users - 1
        return users <= 1


@dataclass(frozen=True, slots=True)
class Context:
    """What a middleware gets from the process it runs in; one made without a process has the defaults."""

    name: str = ""
    """What it is called in the configuration."""
    directory: Path = Path()
    """Relative file names are looked up here: the directory of the configuration."""
    table: SharedTable | None = None
    """Limits that hold for all workers together; None where nothing is ever served, as in `validate`."""
    count: Callable[[str], None] = _count_nothing
    """Counts one event, under one of a few fixed words: a3sgw_middleware_events_total."""
    ask: Ask = ask_nobody
    """Sends a request without a body to a service of the configuration."""
    shared: Shared = field(default_factory=Shared)
    """What all middlewares of this process have in common."""

    @property
    def serves(self) -> bool:
        """Whether it is a process that serves, so that nothing may take long in `attach`."""
        return self.table is not None


class BodyFilter:
    """Sees the body of one message, piece by piece; made anew for each message that needs it."""

    keeps_length = False
    """True when it never changes how many bytes there are, so that Content-Length may stay."""
    length: int | None = None
    """How many bytes will come out in all, where that is known although it changes."""

    def feed(self, data: bytes) -> bytes:
        """A piece in, a piece out, possibly empty; ClientError refuses the message from here on."""
        return data

    def flush(self) -> bytes:
        """What is left at the end."""
        return b""

    def broken(self, status: int) -> bytes:
        """What to say last when a response breaks off in the middle, for a reason that `status` tells; its coding stays
        visibly unfinished. Most say nothing."""
        return b""


class Middleware(Generic[OptionsType]):
    """One policy on a route. Override the hooks you need; `request` and `response` may be ``async``, or return an
    awaitable when they have to wait: only then does a request get a task.

    Order of calls: `request` in the order written, `response` in reverse, and only for those whose `request` let it
    pass.
    """

    stage: ClassVar[Stage | None] = None
    """Where in a chain it belongs, if it matters."""
    stands_first: ClassVar[bool] = False
    """Whether its hooks come before those of others wherever it is written: CORS answers before anybody refuses."""
    response_may_wait = False
    """Whether a `response` that is not ``async`` may return an awaitable."""
    body_bytes = 0
    """Bytes of a request body that `request` wants to see, as `request.body`: a longer one is refused with 413."""
    sets_fields: frozenset[bytes] = frozenset()
    """Names of request fields that it sets or deletes, in any case: where the gateway itself has something to say under
    one of them (X-Forwarded-*, X-Real-Ip, X-Request-Id), the middleware has the last word."""
    conceals: tuple[bytes, ...] = ()
    """Query parameters whose values are secrets: logs show them as REDACTED, whoever answers the request."""
    files: tuple[WatchedFile[Any], ...] = ()
    """What it watches."""
    context = Context()

    def __init__(self, options: OptionsType) -> None:
        self.options = options

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.options!r}>"

    def attach(self, context: Context) -> None:
        """Called once, before `open` and also by `validate`: read files here, and raise OptionError or OSError when
        they cannot be used."""
        self.context = context

    def succeed(self, previous: Middleware[Any]) -> None:
        """Called after `attach` when a reload has changed its options: take over what still holds from the one that had
        the same name and kind. Only look at that one: it may go on, should the reload fail."""

    def watch(self, name: str, read: Callable[[bytes], _T], key: str, use: Callable[[_T], None]) -> None:
        """In `attach`: a file beside the configuration, and again whenever it changes. `use` gets what `read` makes of
        it; what `read` refuses with OptionError or ValueError is about the option `key`, and later leaves what is."""
        file = WatchedFile(
            self.context.directory / name,
            read,
            key,
            changed=use,
            failed=lambda: self.context.count("file_refused"),
            later=self.context.serves,
        )
        if file.is_read:
            use(file.value)
        self.files = (*self.files, file)

    async def open(self) -> None:
        """The configuration that names it is about to serve; what can fail fails here, and within half a minute."""
        for file in self.files:
            await file.open()

    async def close(self) -> None:
        """No configuration names it any more."""
        for file in self.files:
            await file.close()

    def accept(self, address: str) -> bool:
        """A connection has come from there and has said nothing yet: False closes it. Only where an entrypoint names
        this middleware."""
        return True

    def closed(self, address: str) -> None:
        """A connection that was accepted is over."""

    def plan(self, plan: Plan) -> Plan:
        """At load: change how the route forwards."""
        return plan

    def request(self, request: Request) -> Response | Awaitable[Response | None] | None:
        """The head is complete: return a Response to answer now, None to go on; a GatewayError refuses.

        With ``mode = "observe"`` a refusal is counted and the request goes on, so `done` is called for it as well.
        """

    def request_body(self, request: Request) -> BodyFilter | None:
        """A filter for this request's body, or None."""

    def response(self, request: Request, response: Response) -> Response | Awaitable[Response | None] | None:
        """The response head is there and may be changed; a Response that is returned goes to the client instead."""

    def response_body(self, request: Request, response: Response) -> BodyFilter | None:
        """A filter for this response's body, or None."""

    def done(self, request: Request, outcome: Outcome) -> None:
        """The exchange has ended; exactly once, whatever happened."""
