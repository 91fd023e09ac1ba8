"""Endpoints and requests as far as balancers know them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from a3sgw.balancers.base import Balancer
from a3sgw.http.message import Request


@dataclass(eq=False)
class One:
    """An endpoint; equal only to itself."""

    url: str
    share: float = 1.0
    in_flight: int = 0


def some(*shares: float) -> list[One]:
    """One endpoint per share, named a, b, c …"""
    return [One(chr(97 + number), share) for number, share in enumerate(shares)]


def many(count: int, share: float = 1.0) -> list[One]:
    """Endpoints with addresses as they are in a cluster."""
    return [One(f"http://10.1.{number // 256}.{number % 256}:8080", share) for number in range(count)]


def picks(balancer: Balancer[One], count: int, tried: Sequence[One] = ()) -> str:
    """Names of the endpoints picked; - for none."""
    found = [balancer.pick(Request(), tried) for _ in range(count)]
    return "".join(one.url if one is not None else "-" for one in found)


def counted(balancer: Balancer[One], count: int) -> Counter[str]:
    """How often each was picked, by name."""
    request = Request()
    found: Counter[str] = Counter()
    for _ in range(count):
        endpoint = balancer.pick(request, ())
        assert endpoint is not None
        found[endpoint.url] += 1
    return found


# For strategies that go by a key...


def path(request: Request) -> bytes:
    """The key these tests go by."""
    return request.path


def asked(number: int) -> Request:
    """A request with its own key; keys are alike in all but a few bytes, as user ids are."""
    request = Request()
    request.path = b"/user/%d" % number
    return request


def chosen(balancer: Balancer[One], count: int) -> list[str]:
    """Who gets each of `count` keys, by name."""
    pick = balancer.pick
    return [found.url if (found := pick(asked(number), ())) is not None else "-" for number in range(count)]


def moved(before: Sequence[str], after: Sequence[str]) -> float:
    """Part (0 to 1) of the keys that went elsewhere."""
    assert len(before) == len(after) > 0
    return sum(one != other for one, other in zip(before, after, strict=True)) / len(before)


def fixed_chance(seed: str) -> Callable[[], float]:
    """A `random.random` that always says the same: blake2b over a counter."""
    state = [0]

    def chance() -> float:
        state[0] += 1
        digest = blake2b(f"{seed} {state[0]}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64

    return chance
