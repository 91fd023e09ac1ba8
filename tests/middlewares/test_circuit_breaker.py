"""circuit-breaker: requests are refused for a while once too many have failed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from a3sgw.errors import Overloaded
from a3sgw.http.message import Request
from a3sgw.middlewares import circuit_breaker
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.circuit_breaker import CircuitBreakerMiddleware, Options
from a3sgw.options import ValidationError
from tests.support.gateway import stage

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


@dataclass
class Ended:
    """How a request ended."""

    status: int = 200
    error: str = ""
    attempts: int = 1
    upstream_seconds: float = 0.01
    received: int = 0
    sent: int = 0


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The middleware's clock."""
    made = Clock()
    monkeypatch.setattr(circuit_breaker, "monotonic", made)
    return made


def made(counts: list[str], **options: object) -> CircuitBreakerMiddleware:
    given = {"failure_threshold": 2, "cooldown_secs": 10, "success_threshold": 2, **options}
    middleware = CircuitBreakerMiddleware(Options.model_validate(given))
    middleware.attach(Context("b", count=counts.append))
    return middleware


def run(middleware: CircuitBreakerMiddleware, ended: Ended | None = None) -> bool:
    """One request; whether it was let through."""
    request = Request()
    try:
        middleware.request(request)
    except Overloaded:
        return False
    finally:
        middleware.done(request, ended or Ended())
    return True


def test_its_life(clock: Clock) -> None:
    """It opens after failures in a row, tries one after the cooldown, and closes after successes in a row."""
    counts: list[str] = []
    middleware = made(counts)
    assert [run(middleware, Ended(502)), run(middleware), run(middleware, Ended(500)), run(middleware, Ended(503))] == [
        True
    ] * 4
    assert not run(middleware)
    with pytest.raises(Overloaded) as caught:
        middleware.request(Request())
    assert caught.value.fields == ((b"Retry-After", b"10"),)
    clock.now += 10
    assert run(middleware)
    first, second = Request(), Request()
    middleware.request(first)
    with pytest.raises(Overloaded):
        middleware.request(second)
    middleware.done(first, Ended())
    assert counts == ["breaker_open", "breaker_half_open", "breaker_closed"]
    assert run(middleware)


@pytest.mark.parametrize(
    "ended", [Ended(500, attempts=0), Ended(499), Ended(413, "ClientError: too much"), Ended(404), Ended(429)]
)
def test_what_is_no_failure(clock: Clock, ended: Ended) -> None:
    """Answers of other middlewares, clients that leave or send too much, and whatever an endpoint says below 500."""
    middleware = made([])
    assert all(run(middleware, ended) for _ in range(10))


@pytest.mark.parametrize("ended", [Ended(200, "ConnectionLost: broke"), Ended(504)])
def test_what_is_one(clock: Clock, ended: Ended) -> None:
    """Also an answer that broke off."""
    middleware = made([])
    assert [run(middleware, ended) for _ in range(3)] == [True, True, False]


def test_latency(clock: Clock) -> None:
    """As for the breaker of a service."""
    slow = {"latency_threshold_ms": 100, "min_requests": 3, "failure_threshold": 0}
    middleware = made([], **slow)
    assert [run(middleware, Ended(upstream_seconds=0.2)) for _ in range(4)] == [True, True, True, False]


def test_options_are_checked() -> None:
    """As those of a service's breaker."""
    with pytest.raises(ValidationError):
        Options.model_validate({"cooldown_secs": 0})


@pytest.mark.parametrize("mode", ["enforce", "observe"])
async def test_on_the_wire(mode: str) -> None:
    """503 with the time to come back, and the endpoint has its peace; an observer only counts."""
    options = f'type = "circuit-breaker"\n failure_threshold = 2\n mode = "{mode}"'
    async with stage(router='middlewares = ["b"]', more=f'middlewares "b" {{\n {options}\n}}') as on:
        on.origin.always(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")
        seen = []
        for _ in range(4):
            await on.client.send(GET)
            answer = await on.client.message()
            seen.append((answer.status, answer.get(b"retry-after")))
        events = on.running.gateway.metrics().totals()["middlewares"]["b"]
    if mode == "enforce":
        assert seen == [(500, None)] * 2 + [(503, b"30")] * 2
        assert events == {"breaker_open": 1, "refused": 2}
    else:
        assert seen == [(500, None)] * 4
        assert events == {"breaker_open": 1, "would_block": 2}
