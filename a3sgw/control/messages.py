"""The messages between the supervisor and its workers, as MessagePack.

Both ends are always of one version: a worker that says another one in its `Hello` is not used. State that the control
plane owns (endpoint health, weights, drains, certificates, the log level) is pushed whole when a worker starts, and by
item when it changes; what workers notice themselves is reported upwards.
"""

from __future__ import annotations

from typing import Literal

from a3sgw.encoding import DecodeError, Struct, msgpack
from a3sgw.observe.metrics import MetricsData

VERSION = 1
"""Of this list of messages; every frame carries it."""


class Message(Struct, frozen=True, tag=True):
    """Any of those below."""


# Down: life of a worker...


class Welcome(Message, frozen=True, tag=True):
    """The first message to a worker: who it is, and where it works."""

    worker: int
    """Its place, from 0; a replacement gets the place of the one before."""
    owner: int
    """Its number in the shared table, never used twice."""
    directory: bytes
    """Where relative file names of the configuration are looked up, as the system has it; empty when there is none."""
    log_level: str
    log_format: str
    """What the command line says about the log; empty when it says nothing."""


class Stop(Message, frozen=True, tag=True):
    """Accept no more, finish what is running, end."""

    seconds: float
    """What still runs after this time is cut."""
    patience: float
    """Idle connections are kept until they have been quiet for this long; 0 when nobody accepts after this worker."""


class Collect(Message, frozen=True, tag=True):
    """Report all counters now."""

    token: int


class ReopenLogs(Message, frozen=True, tag=True):
    """Log files were moved."""


class LogLevel(Message, frozen=True, tag=True):
    """Show messages from `level` up, whatever the configuration says; an empty one ends that."""

    level: Literal["debug", "info", "warn", "error", ""]


# Down: configuration, in pieces small enough that reading one does not hold up a request...


class Items(Message, frozen=True, tag=True):
    """Routers, services, middlewares or entrypoints that are new or changed, pickled by name."""

    generation: int
    section: str
    items: bytes


class Order(Message, frozen=True, tag=True):
    """More names of a section, in order; the first for a section replaces what was known."""

    generation: int
    section: str
    names: list[str]


class Sockets(Message, frozen=True, tag=True):
    """Sockets of listeners that are new in the configuration to come; they travel with this message, in order."""

    listeners: list[tuple[str, int]]
    """(key of the listener, number of sockets)."""


class Prepare(Message, frozen=True, tag=True):
    """Everything else of a configuration: compile it, open what is new, and say whether it can be used."""

    generation: int
    rest: bytes
    """The configuration without the sections above, pickled."""


class Listen(Message, frozen=True, tag=True):
    """Accept from these sockets of known listeners, and from no others of them: there are more or fewer workers."""

    listeners: list[tuple[str, int]]


class Commit(Message, frozen=True, tag=True):
    """Everybody can use it: do."""

    generation: int


class Abandon(Message, frozen=True, tag=True):
    """Somebody cannot use it: forget it, and stop preparing it."""

    generation: int


# Down: what the control plane knows about endpoints...


class EndpointHealth(Message, frozen=True, tag=True):
    """What the probes say of one endpoint."""

    service: str
    url: str
    state: Literal["healthy", "degraded", "unhealthy"]


class EndpointWeight(Message, frozen=True, tag=True):
    """Use this weight instead of the configured one, -1 for that again."""

    service: str
    url: str
    weight: int


class EndpointDrain(Message, frozen=True, tag=True):
    """Give this endpoint no new clients, or new ones again."""

    service: str
    url: str
    draining: bool
    until: float = 0.0
    """On CLOCK_MONOTONIC; 0 until it is taken back."""


class Addresses(Message, frozen=True, tag=True):
    """What a name stands for now."""

    service: str
    server: str
    """As configured."""
    addresses: list[tuple[str, int, int]]
    """(address, port, weight); 0 where the configured one holds."""


class Certificate(Message, frozen=True, tag=True):
    """A certificate for these names; the newest for a name is used."""

    names: list[str]
    chain: bytes
    """PEM."""
    key: bytes
    """PEM."""

    def __repr__(self) -> str:
        return f"Certificate(names={self.names!r})"


# Up and down: what one worker has noticed and the others should know...


class Ejection(Message, frozen=True, tag=True):
    """An endpoint failed so often that it is left out for a while."""

    service: str
    url: str
    until: float
    """On CLOCK_MONOTONIC, which all processes of a machine share; 0 takes it back."""


class BreakerState(Message, frozen=True, tag=True):
    """A circuit breaker has changed."""

    service: str
    url: str
    """Empty when the breaker is the service's."""
    state: Literal["closed", "open", "half-open"]


# Up...


class Hello(Message, frozen=True, tag=True):
    """The first message of a worker."""

    version: str
    """Of the gateway."""
    pid: int


class Prepared(Message, frozen=True, tag=True):
    """This configuration can be used."""

    generation: int


class Refused(Message, frozen=True, tag=True):
    """This configuration cannot be used."""

    generation: int
    problems: list[tuple[str, str]]
    """(what is wrong, what to do)."""


class Abandoned(Message, frozen=True, tag=True):
    """This configuration is forgotten, and the preparation that went on has ended."""

    generation: int


class Committed(Message, frozen=True, tag=True):
    """This configuration is in use; once after the start that makes the worker ready."""

    generation: int


class Leaving(Message, frozen=True, tag=True):
    """The worker was told to stop by somebody else; it accepts no more."""


class Heartbeat(Message, frozen=True, tag=True):
    """The event loop turns."""

    connections: int


class Counters(Message, frozen=True, tag=True):
    """Counters that have changed since the last report, or all of them when asked for."""

    token: int
    """Of the question; 0 when nobody asked."""
    data: MetricsData
    in_flight: dict[str, dict[str, int]]
    """Requests at each endpoint now, by service and URL; without those where there are none."""


Down = (
    Welcome | Stop | Collect | ReopenLogs | LogLevel | Items | Order | Sockets | Prepare | Listen | Commit | Abandon
    | EndpointHealth | EndpointWeight | EndpointDrain | Addresses | Certificate | Ejection | BreakerState
)  # fmt: skip
Up = (
    Hello | Prepared | Refused | Abandoned | Committed | Leaving | Heartbeat | Counters
    | EndpointHealth | EndpointDrain | Ejection | BreakerState
)  # fmt: skip
Pushed = EndpointHealth | EndpointWeight | EndpointDrain | Addresses | Certificate | Ejection | BreakerState | LogLevel
"""What is sent again to a worker that starts."""

_encoder = msgpack.Encoder()
_decoders = {"down": msgpack.Decoder(Down), "up": msgpack.Decoder(Up)}


class BadMessage(Exception):
    """Bytes that are not a message of this direction."""


def encode(message: Message) -> bytes:
    """The body of a frame."""
    return _encoder.encode(message)


def decode(direction: Literal["down", "up"], body: bytes) -> Message:
    """The message in a frame; BadMessage when it is none."""
    try:
        message: Message = _decoders[direction].decode(body)
    except (DecodeError, UnicodeDecodeError) as error:  # the latter for text that is no UTF-8
        raise BadMessage(str(error)) from None
    return message
