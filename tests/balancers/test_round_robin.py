"""Everyone in turn."""

from __future__ import annotations

from dataclasses import dataclass

from a3sgw.balancers.base import Balancer
from a3sgw.balancers.round_robin import STRATEGY, RoundRobin
from a3sgw.http.message import Request


@dataclass(eq=False)
class One:
    """An endpoint as far as balancers know it."""

    name: str
    weight: int = 1
    in_flight: int = 0


A, B, C = One("a"), One("b"), One("c")


def picks(balancer: Balancer[One], count: int, tried: tuple[One, ...] = ()) -> str:
    """Names of the endpoints picked; - for none."""
    found = [balancer.pick(Request(), tried) for _ in range(count)]
    return "".join(one.name if one is not None else "-" for one in found)


def test_in_turn() -> None:
    """Each once, then from the start."""
    assert picks(RoundRobin((A, B, C)), 7) == "abcabca"


def test_those_tried_are_left_out() -> None:
    """The next one that has not been tried; none when all have."""
    balancer = RoundRobin((A, B, C))
    assert picks(balancer, 2, (A,)) == "bc"
    assert picks(balancer, 2, (A, B)) == "cc"
    assert picks(balancer, 1, (A, B, C)) == "-"
    assert picks(balancer, 1) == "a"


def test_nobody() -> None:
    """No endpoint, no pick."""
    assert picks(RoundRobin(()), 2) == "--"


def test_strategy() -> None:
    """The file's class is the strategy of the file's name."""
    assert STRATEGY is RoundRobin
