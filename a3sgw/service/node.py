"""What a route forwards to, from the outside: a service, or something in front of services that chooses among them.

Asked once per request that needs more than a plain balancer; `resolve` goes down from what the router names to the
endpoints, and everything it passes on the way may refuse, redirect, or keep hold of the request until it has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from a3sgw.errors import UpstreamError
from a3sgw.http.message import Request, Response
from a3sgw.plan import Plan
from a3sgw.upstream.endpoint import Endpoint


class Leaf(Protocol):
    """A service with endpoints, where every way ends."""

    name: str
    usable: bool
    left: float


class Hold(Protocol):
    """Something that wants to know how a request ends which it has let pass."""

    def settle(self, token: int, failed: bool | None, seconds: float) -> None:
        """`failed` is None when nothing can be said (the client left, nobody was asked); `seconds` to the head of the
        answer, 0 when there was none."""


class Journey(Protocol):
    """A request on its way to an endpoint; an exchange is one."""

    request: Request
    tried: tuple[Endpoint, ...]
    """Endpoints that have failed for it."""
    avoid: tuple[Leaf, ...]
    """Services that have failed for it."""
    holds: dict[Hold, int]
    """Who has let it pass, with a token each, outermost first."""
    chosen: dict[object, object]
    """What was chosen where there was a choice; it is not made twice."""
    fields: list[tuple[bytes, bytes]]
    """Fields that go on the answer."""
    is_copy: bool
    """Whether it goes to a mirror: then it is not copied again."""
    again_on: frozenset[int]
    """Statuses after which another service is asked."""
    repeatable: int
    """Bytes of a body that may be sent to another service."""

    @property
    def importance(self) -> int:
        """0 low, 1 normal, 2 high."""
        ...

    def settle(self, mark: int) -> None:
        """Those that have let it pass after the first `mark` see it go to somebody else."""
        ...


class Node(Protocol):
    """A place on the way."""

    @property
    def usable(self) -> bool:
        """Whether asking is worth while."""
        ...

    @property
    def keeps_clients(self) -> bool:
        """Whether clients that are bound to it may go on with it, though it may take no new ones."""
        ...

    @property
    def keeps(self) -> int:
        """Bytes of a request's body that have to be kept so that it can be sent again."""
        ...

    @property
    def copies(self) -> int:
        """The same so that it can be copied."""
        ...

    def resolve(self, journey: Journey) -> Leaf | Response | UpstreamError:
        """The service whose endpoints are asked; or the answer; or why there is none."""
        ...

    def leaves(self) -> Iterable[tuple[Leaf, Plan]]:
        """Every service this may lead to, each once, and how it forwards."""
        ...


class Before:
    """Stands before another node; what a subclass does not say is as behind it."""

    def __init__(self, inner: Node) -> None:
        self.inner = inner
        self.keeps = inner.keeps
        self.copies = inner.copies

    @property
    def usable(self) -> bool:
        """As behind it."""
        return self.inner.usable

    @property
    def keeps_clients(self) -> bool:
        """As behind it."""
        return self.inner.keeps_clients

    def leaves(self) -> Iterable[tuple[Leaf, Plan]]:
        """Those behind it."""
        return self.inner.leaves()


def merged(*groups: Iterable[tuple[Leaf, Plan]]) -> tuple[tuple[Leaf, Plan], ...]:
    """Each service once, as its first group has it."""
    found: dict[Leaf, Plan] = {}
    for group in groups:
        for leaf, plan in group:
            found.setdefault(leaf, plan)
    return tuple(found.items())
