"""What the control plane knows about endpoints, certificates and breakers."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import get_args

import pytest

from a3sgw.control.messages import (
    Addresses,
    BreakerState,
    Certificate,
    Ejection,
    EndpointDrain,
    EndpointHealth,
    EndpointWeight,
    LogLevel,
    Pushed,
)
from a3sgw.control.pushed import State, subject

A, B = "http://127.0.0.1:1", "http://127.0.0.1:2"
PAIRS: list[tuple[Pushed, Pushed]] = [
    (EndpointHealth("s", A, "healthy"), EndpointHealth("s", A, "unhealthy")),
    (EndpointWeight("s", A, 1), EndpointWeight("s", A, 2)),
    (EndpointDrain("s", A, True), EndpointDrain("s", A, False)),
    (Addresses("s", A, [("192.0.2.1", 0, 0)]), Addresses("s", A, [])),
    (Certificate(["a", "b"], b"1", b"1"), Certificate(["b", "a"], b"2", b"2")),
    (Ejection("s", A, 0.0), Ejection("s", A, inf)),
    (BreakerState("s", "", "open"), BreakerState("s", "", "closed")),
    (LogLevel("debug"), LogLevel("")),
]


def test_every_kind_is_here() -> None:
    """So that what follows holds for all."""
    assert {type(old) for old, _ in PAIRS} == set(get_args(Pushed))


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=repr)
def test_the_newest_is_kept(old: Pushed, new: Pushed) -> None:
    """A later message about the same replaces the one before."""
    state = State()
    state.take(old)
    state.take(new)
    assert state.all() == [new]


def test_different_subjects_are_kept_apart() -> None:
    """Kinds, services, endpoints and names of certificates do not mix; the oldest subject comes first."""
    state = State()
    told: list[Pushed] = [
        *(old for old, _ in PAIRS if not isinstance(old, Ejection)),
        Ejection("s", A, inf),
        EndpointHealth("s", B, "healthy"),
        EndpointHealth("t", A, "healthy"),
        BreakerState("s", A, "open"),
        Certificate(["a"], b"3", b"3"),
    ]
    for one in told:
        state.take(one)
    state.take(EndpointHealth("s", A, "degraded"))
    assert state.all() == [EndpointHealth("s", A, "degraded"), *told[1:]]
    assert len({subject(one) for one in told}) == len(told)


def test_listeners_are_told() -> None:
    """Of every message, the replaced ones included, after it is kept."""
    state = State()
    heard: list[tuple[Pushed, list[Pushed]]] = []
    state.listeners.append(lambda message: heard.append((message, state.all())))
    old, new = PAIRS[0]
    state.take(old)
    state.take(new)
    assert heard == [(old, [old]), (new, [new])]


def test_what_is_gone_is_forgotten() -> None:
    """Endpoints and services that a reload has removed; certificates and the log level belong to nobody."""
    state = State()
    kept: list[Pushed] = [
        EndpointHealth("s", A, "healthy"),
        BreakerState("s", "", "open"),
        Certificate(["a"], b"1", b"1"),
        LogLevel("debug"),
    ]
    gone: list[Pushed] = [
        EndpointWeight("s", B, 3),
        Ejection("t", A, inf),
        EndpointDrain("t", B, True),
        BreakerState("t", "", "open"),
    ]
    for one in (*kept, *gone):
        state.take(one)
    state.keep({("s", A)})
    assert state.all() == kept


def test_what_is_over_is_not_told() -> None:
    """An ejection has an end, and nobody who starts later has to hear of it after that."""
    state = State()
    state.take(Ejection("s", A, monotonic() - 1))
    state.take(Ejection("s", B, monotonic() + 1000))
    assert [one.url for one in state.all() if isinstance(one, Ejection)] == [B]
    state.take(Ejection("s", B, 0.0))
    assert state.all() == []
