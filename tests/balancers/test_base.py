"""What every balancer does."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import cast, get_args

import pytest

from a3sgw.balancers.base import Balancer, client_ip, named
from a3sgw.config.strategy import Strategy
from a3sgw.http.message import Request
from tests.balancers.fakes import One, many, path, picks, some

STRATEGIES: Sequence[str] = get_args(Strategy)


def kind(strategy: str) -> type[Balancer[One]]:
    """The class behind a strategy's name."""
    return cast(type[Balancer[One]], import_module(f"a3sgw.balancers.{strategy.replace('-', '_')}").STRATEGY)


def test_there_are_strategies() -> None:
    """The language knows eight."""
    assert len(STRATEGIES) == 8


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nobody_and_one(strategy: str) -> None:
    """No endpoint, no pick; a single one is picked until it has been tried."""
    assert picks(kind(strategy)(), 2) == "--"
    (one,) = some(1)
    balancer = kind(strategy)((one,))
    assert picks(balancer, 3) == "aaa"
    assert picks(balancer, 2, (one,)) == "--"
    assert picks(balancer, 1) == "a"


@pytest.mark.parametrize("shares", [(1.0, 1.0, 1.0), (5.0, 1.0, 0.3)])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_those_tried_are_left_out(strategy: str, shares: tuple[float, ...]) -> None:
    """Somebody else as long as there is one, whoever has been tried."""
    a, b, c = some(*shares)
    balancer = kind(strategy)((a, b, c))
    for _ in range(30):
        assert picks(balancer, 1, (a,)) in ("b", "c")
        assert picks(balancer, 1, (a, b)) == "c"
        assert picks(balancer, 1, (c, a, One("gone"))) == "b"
        assert picks(balancer, 1, (a, b, c)) == "-"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_update_in_place(strategy: str) -> None:
    """The bound method that was handed out picks from the endpoints of the last update."""
    a, b, c = some(1, 2, 3)
    balancer = kind(strategy)((a, b))
    pick = balancer.pick
    for usable in ((c,), (), (a, c), (a, b, c)):
        balancer.update(usable)
        found = {pick(Request(), ()) for _ in range(20)}
        assert found <= set(usable or (None,))
    balancer.ended(One("gone"), 0.1)
    assert pick(Request(), ()) is not None


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_thousand_endpoints(strategy: str) -> None:
    """Exchanges come and go among a thousand; each tried one leads to another."""
    endpoints = many(1000)
    balancer = kind(strategy)(endpoints, path)
    request = Request()
    running = []
    for number in range(3000):
        request.path = b"/%d" % number
        endpoint = balancer.pick(request, ())
        assert endpoint is not None
        assert balancer.pick(request, [endpoint]) not in (None, endpoint)
        endpoint.in_flight += 1
        balancer.began(endpoint)
        running.append(endpoint)
        if len(running) > 100:
            first = running.pop(0)
            first.in_flight -= 1
            balancer.ended(first, 0.01)


def test_an_address_listed_twice_is_two() -> None:
    """Each has its own name to hash."""
    assert [name for name, _ in named([One("a"), One("b"), One("a")])] == [b"a", b"b", b"a 2"]


def test_without_a_key_it_is_the_client() -> None:
    """Hashing strategies go by the address of the client when nothing else is asked for."""
    request = Request()
    assert client_ip(request) == b""
    request.client_ip = "2001:db8::1"
    assert kind("hrw")().key(request) == b"2001:db8::1"
