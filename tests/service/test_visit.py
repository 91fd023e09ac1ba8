"""How connections and sessions get an endpoint."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from a3sgw.config.service import Service as Options
from a3sgw.errors import ConnectError, NoEndpoint, Overloaded, UpstreamError
from a3sgw.http.message import Request
from a3sgw.plan import MOST_REDISPATCHES, Plan
from a3sgw.service.build import Builder, Surroundings
from a3sgw.service.choice import Choice
from a3sgw.service.service import Service
from a3sgw.service.visit import Visit
from a3sgw.sweeper import Sweeper

REFUSED = ConnectError("refused")


class Counted:
    """A table for this process alone."""

    def __init__(self) -> None:
        self._held: Counter[bytes] = Counter()

    def acquire(self, key: bytes, limit: int) -> bool:
        if limit and self._held[key] >= limit:
            return False
        self._held[key] += 1
        return True

    def release(self, key: bytes) -> None:
        self._held[key] -= 1

    def held(self, key: bytes) -> int:
        return self._held[key]


class Services:
    """Services by name, and visits to them."""

    def __init__(self, **services: dict[str, Any]) -> None:
        self.events: list[str] = []
        around = Surroundings(Sweeper(), table=Counted(), counter=lambda name: self.events.append)
        options = {name: Options.model_validate(one) for name, one in services.items()}
        self.builder = Builder(options, around, {}, {}, {}, {})
        for name in services:
            self.builder.build(name)

    def visit(self, name: str, client: str = "192.0.2.1") -> Visit:
        request = Request()
        request.peer_ip = request.client_ip = client
        node = self.builder.nodes[name]
        return Visit(node, dict(node.leaves()), request)

    def __getitem__(self, name: str) -> Service:
        return self.builder.services[name]


def tcp(*ports: int, **options: object) -> dict[str, Any]:
    """A service with these endpoints."""
    servers = [{"url": f"tcp://127.0.0.1:{port}"} for port in ports]
    return {"load_balancer": {"servers": servers, **options}}


def port(choice: Choice | UpstreamError) -> int:
    """Of the endpoint that was chosen."""
    assert isinstance(choice, Choice), choice
    return choice.endpoint.pool.address.port


def states(service: Service) -> list[tuple[int, int]]:
    """(port, in flight) of all endpoints."""
    return [(one.pool.address.port, one.in_flight) for one in service.endpoints]


async def test_one_endpoint_after_the_other() -> None:
    """Each endpoint is tried once, in balance; what is left says why nobody was reached, and nothing stays counted."""
    services = Services(s=tcp(1, 2, 3))
    visit = services.visit("s")
    tried = []
    while isinstance(choice := visit.next(), Choice):
        tried.append(port(choice))
        assert dict(states(services["s"]))[port(choice)] == 1
        assert services["s"].is_needed
        visit.not_reached(REFUSED)
    assert (sorted(tried), choice) == ([1, 2, 3], REFUSED)
    visit.over(True)
    assert states(services["s"]) == [(1, 0), (2, 0), (3, 0)]
    assert not services["s"].is_needed
    assert services.events == ["redispatches"] * 2


async def test_an_end_to_searching() -> None:
    """An outage of many endpoints does not become a storm of connections."""
    services = Services(s=tcp(*range(1, 51)))
    visit = services.visit("s")
    for _ in range(MOST_REDISPATCHES):
        assert isinstance(visit.next(), Choice)
        visit.not_reached(REFUSED)
    assert visit.next() is REFUSED


async def test_counted_until_it_is_over() -> None:
    """However often its end is told."""
    services = Services(s=tcp(1))
    visit = services.visit("s")
    assert repr(visit) == "<Visit [192.0.2.1 → nobody]>"
    visit.answered()
    visit.not_reached(REFUSED)
    visit.next()
    assert repr(visit) == "<Visit [192.0.2.1 → tcp://127.0.0.1:1]>"
    visit.reached()
    visit.answered()
    visit.answered()
    assert states(services["s"]) == [(1, 1)]
    visit.over(False)
    visit.over(True)
    assert states(services["s"]) == [(1, 0)]
    assert services["s"].users == 0


async def test_no_place() -> None:
    """Nobody waits in a queue: the one too many is refused at once, and its place is not lost."""
    services = Services(s=tcp(1, max_connections=1, queue_size=10))
    first, second = services.visit("s"), services.visit("s")
    assert isinstance(first.next(), Choice)
    assert isinstance(second.next(), Overloaded)
    second.over(True)
    first.over(False)
    assert isinstance(services.visit("s").next(), Choice)


async def test_a_limit_of_the_service() -> None:
    """`max_in_flight` counts connections until their end."""
    services = Services(s={**tcp(1), "max_in_flight": 1})
    first, second = services.visit("s"), services.visit("s")
    first.next()
    first.answered()
    assert isinstance(second.next(), Overloaded)
    second.over(True)
    first.over(None)
    assert isinstance(services.visit("s").next(), Choice)


async def test_failing_over() -> None:
    """When no endpoint of the first service is reached, those of the second are tried."""
    services = Services(s={**tcp(1), "failover": {"service": "t"}}, t=tcp(2))
    visit = services.visit("s")
    assert port(visit.next()) == 1
    visit.not_reached(REFUSED)
    assert port(visit.next()) == 2
    assert visit.plan == services["t"].plan
    assert visit.service is services["t"]
    assert (services["s"].users, services["t"].users) == (0, 1)
    visit.not_reached(REFUSED)
    assert visit.next() is REFUSED
    visit.over(True)


async def test_weighted_services() -> None:
    """Connections are shared out like requests."""
    parts = [{"name": "s", "weight": 2}, {"name": "t", "weight": 1}]
    services = Services(s=tcp(1), t=tcp(2), w={"weighted": {"services": parts}})
    assert sorted(port(services.visit("w").next()) for _ in range(6)) == [1, 1, 1, 1, 2, 2]


async def test_a_breaker_of_an_endpoint() -> None:
    """Endpoints that are not reached are left out, and one that answers is well long before the stream ends."""
    breaker = {"failure_threshold": 1, "cooldown_secs": "1h", "half_open_requests": 1}
    services = Services(s=tcp(1, circuit_breaker=breaker))
    visit = services.visit("s")
    visit.next()
    visit.not_reached(REFUSED)
    visit.over(True)
    (endpoint,) = services["s"].endpoints
    assert endpoint.breaker is not None
    assert endpoint.breaker.state == "open"
    endpoint.breaker.adopt(-1e9, "open")  # its cooldown is over
    services["s"].refresh()
    trying = services.visit("s")
    assert isinstance(trying.next(), Choice)
    assert endpoint.breaker.state == "half-open"
    trying.reached()
    assert endpoint.breaker.state == "half-open"
    trying.answered()
    assert endpoint.breaker.state == "closed"
    trying.over(True)
    assert endpoint.breaker.state == "closed"
    services["s"].close(set())


async def test_a_breaker_of_a_service() -> None:
    """It counts connections that came to nothing; a fallback made for HTTP is a refusal here."""
    fallback = {"status": 200, "body": "sorry"}
    breaker = {"failure_threshold": 2, "cooldown_secs": "1h", "fallback": fallback}
    services = Services(s={**tcp(1), "circuit_breaker": breaker})
    for _ in range(2):
        visit = services.visit("s")
        visit.next()
        visit.not_reached(REFUSED)
        visit.next()
        visit.over(True)
    refused = services.visit("s")
    assert isinstance(refused.next(), Overloaded)
    refused.over(True)


async def test_a_service_that_is_tried_again() -> None:
    """Its breaker hears of the first answer at once, not when the stream ends."""
    services = Services(s={**tcp(1), "circuit_breaker": {"failure_threshold": 1, "cooldown_secs": "1h"}})
    breaker = services.builder.breakers["s"].breaker
    breaker.adopt(-1e9, "open")
    visit = services.visit("s")
    visit.next()
    assert breaker.state == "half-open"
    visit.answered()
    assert breaker.state == "closed"
    visit.over(True)
    assert breaker.state == "closed"


async def test_each_endpoint_is_judged() -> None:
    """Also the one that a session has moved to after another had answered."""
    services = Services(s=tcp(1, 2, 3, passive_health_check={"max_failed_attempts": 1, "max_ejected_percent": 100}))
    visit = services.visit("s")
    visit.next()
    visit.answered()
    visit.not_reached(REFUSED)
    visit.next()
    visit.over(True)
    assert sum(bool(one.ejected_until) for one in services["s"].endpoints) == 2
    services["s"].close(set())


async def test_what_an_end_says_of_an_endpoint() -> None:
    """Broken before its first byte counts against it, afterwards not, and without a word either way not at all."""
    passive = {"max_failed_attempts": 2}
    services = Services(s=tcp(1, 2, passive_health_check=passive))
    for failed, answers in ((True, True), (None, False), (True, False), (None, False), (True, False)):
        for _ in range(2):
            visit = services.visit("s")
            if port(visit.next()) == 1:
                if answers:
                    visit.answered()
                visit.over(failed)
            else:
                visit.over(None)
        if (failed, answers) != (True, False):
            assert not services["s"].endpoints[0].ejected_until
    assert services["s"].endpoints[0].ejected_until
    services["s"].close(set())


async def test_nobody_there() -> None:
    """Of a service without endpoints it is said so."""
    services = Services(s=tcp(1), t=tcp())
    visit = services.visit("t")
    assert visit.plan == Plan()
    assert isinstance(visit.next(), NoEndpoint)
    visit.over(True)


async def test_mirrors_do_not_count() -> None:
    """There is nothing to copy, so nobody is marked."""
    services = Services(s={**tcp(1), "mirror": {"service": "t", "percentage": 100}}, t=tcp(2))
    visit = services.visit("s")
    assert port(visit.next()) == 1
    assert visit.chosen == {}
    visit.over(False)


@pytest.mark.parametrize("options", [{"sticky": {"mode": "ip"}}, {"strategy": "hrw", "hash_on": "ip"}])
async def test_by_address(options: dict[str, Any]) -> None:
    """A client comes back to the endpoint it had; clients together use all."""
    services = Services(s=tcp(1, 2, 3, **options))
    clients = [f"192.0.2.{number}" for number in range(32)]
    found = {client: {port(services.visit("s", client).next()) for _ in range(3)} for client in clients}
    assert all(len(ports) == 1 for ports in found.values())
    assert set.union(*found.values()) == {1, 2, 3}
