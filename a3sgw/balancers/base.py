"""What every balancer does, and what it needs to know of an endpoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from a3sgw.http.message import Request


class Weighted(Protocol):
    """An endpoint as far as balancers know it; compared and hashed by identity."""

    url: str
    """Its name: hashes are of this, so that they are the same in all processes and after a restart."""
    share: float
    """Effective weight now, above 0: the configured one, or a part of it while the endpoint starts slowly."""
    in_flight: int
    """Exchanges now running on it; changed by others, before they call `Balancer.began` or `Balancer.ended`."""


EndpointType = TypeVar("EndpointType", bound=Weighted)
Key = Callable[[Request], bytes]


class Balancer(ABC, Generic[EndpointType]):
    """Made at load and kept up to date in place; `pick` is on the request path, its bound method is what is called."""

    feedback: ClassVar[bool] = False
    """Whether `began` and `ended` must be called."""

    def __init__(self, endpoints: Sequence[EndpointType] = (), key: Key | None = None) -> None:
        """`endpoints` as for `update`; `key` gives the bytes that hashing strategies go by, the client if None."""
        self.key = key or client_ip
        self.update(endpoints)

    @abstractmethod
    def update(self, endpoints: Sequence[EndpointType]) -> None:
        """The usable endpoints or their shares have changed; what is known of those that stay is kept."""

    @abstractmethod
    def pick(self, request: Request, tried: Collection[EndpointType]) -> EndpointType | None:
        """The endpoint to ask; None when all have been `tried` or there is none."""

    def began(self, endpoint: EndpointType) -> None:
        """An exchange began on `endpoint`, and is counted in its `in_flight` already."""

    def ended(self, endpoint: EndpointType, seconds: float | None) -> None:
        """An exchange ended and is no longer counted in `in_flight`.

        `seconds` is the time to the first byte of its answer, None when there was none.
        """


def client_ip(request: Request) -> bytes:
    """The client's address as text, what is hashed when nothing else is asked for; empty when there is none."""
    return request.client_ip.encode()


def named(endpoints: Iterable[EndpointType]) -> Iterator[tuple[bytes, EndpointType]]:
    """(name to hash, endpoint); an address listed twice is two endpoints, so it has two names."""
    seen: dict[str, int] = {}
    for endpoint in endpoints:
        seen[endpoint.url] = number = seen.get(endpoint.url, 0) + 1
        yield (endpoint.url if number == 1 else f"{endpoint.url} {number}").encode(), endpoint
