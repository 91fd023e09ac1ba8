"""What is known of endpoints in one place: what operators say, what probes find, what names stand for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from time import monotonic, time
from typing import Any

import pytest
import pytest_asyncio

from a3sgw import load_config
from a3sgw.caretaker import Caretaker, UnknownEndpoint
from a3sgw.config.model import Config
from a3sgw.control.messages import (
    Addresses,
    BreakerState,
    Ejection,
    EndpointDrain,
    EndpointHealth,
    EndpointWeight,
    Pushed,
)
from a3sgw.control.pushed import State
from a3sgw.resolver import Resolver
from tests.support.dns import NameServer
from tests.support.live import free_port, until

A, B = "http://10.0.0.7:8080", "unix:/run/b.sock"


def config(*servers: str, more: str = "", rest: str = "") -> Config:
    """A service "api" with these servers."""
    listed = ", ".join(f'{{ url = "{one}" }}' for one in servers)
    return load_config(f"""
    services "api" {{
      load_balancer {{
        servers = [{listed}]
        {more}
      }}
    }}
    {rest}
    """)


REVISIONS = """
services "shop" {
  revisions = [
    { name = "v1", traffic_percent = 90, servers = [{ url = "http://10.0.0.7:8080" }] },
    { name = "v2", traffic_percent = 10, servers = [{ url = "http://10.0.0.8:8080", weight = 5 }] },
  ]
}
"""


class Desk:
    """A caretaker, what it knows, and what it has told."""

    def __init__(self) -> None:
        self.state = State()
        self.told: list[Pushed] = []
        self.state.listeners.append(self.told.append)
        self.caretaker = Caretaker(self.state, self.state.take)

    async def use(self, wanted: Config) -> None:
        """As a gateway does it."""
        await self.caretaker.prepare(wanted)
        self.caretaker.use(wanted)

    def shown(self, service: str = "api", in_flight: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
        """The endpoints of a service, with so many requests at each URL."""
        return self.caretaker.endpoints(lambda _: in_flight or {})[service]


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """One that knows nothing yet."""
    made = Desk()
    yield made
    await made.caretaker.close()


# What operators say...


async def test_drain_and_weigh(desk: Desk) -> None:
    """Everybody is told, and it is shown; -1 shows the configured weight again."""
    await desk.use(config(A, B))
    assert desk.caretaker.drain("api", A, True) == A
    assert desk.caretaker.weigh("api", B, 7) == B
    assert desk.told == [EndpointDrain("api", A, True), EndpointWeight("api", B, 7)]
    assert [(one["url"], one["draining"], one["weight"]) for one in desk.shown()] == [(A, True, 1), (B, False, 7)]
    desk.caretaker.drain("api", A, False)
    desk.caretaker.weigh("api", B, -1)
    assert [(one["draining"], one["weight"]) for one in desk.shown()] == [(False, 1), (False, 1)]


@pytest.mark.parametrize("url", [A, f"{A}/", "10.0.0.7:8080"])
async def test_how_an_endpoint_may_be_called(desk: Desk, url: str) -> None:
    """As it is shown, or without the scheme; it is told as it is known everywhere."""
    await desk.use(config(A, B))
    assert desk.caretaker.drain("api", url, True) == A
    assert desk.told == [EndpointDrain("api", A, True)]


async def test_what_is_not_there(desk: Desk) -> None:
    """The text says what there is, and nobody is told anything."""
    await desk.use(config(A, rest=REVISIONS))
    with pytest.raises(UnknownEndpoint, match='no service "apy" has endpoints; those that have: api, shop@v1, shop@v2'):
        desk.caretaker.drain("apy", A, True)
    with pytest.raises(UnknownEndpoint, match=f'the service "api" has no endpoint {B}; it has {A}'):
        desk.caretaker.weigh("api", B, 3)
    with pytest.raises(UnknownEndpoint, match='no service "shop" has endpoints'):
        desk.caretaker.drain("shop", A, True)
    assert desk.told == []


async def test_nothing_is_configured(desk: Desk) -> None:
    """There are no services, so none is known."""
    with pytest.raises(UnknownEndpoint, match="those that have: none"):
        desk.caretaker.drain("api", A, True)
    assert desk.caretaker.endpoints(lambda _: {}) == {}


async def test_revisions_are_services_of_their_own(desk: Desk) -> None:
    """The same address in two of them is two endpoints."""
    await desk.use(config(A, rest=REVISIONS))
    desk.caretaker.drain("shop@v1", A, True)
    assert [one["draining"] for one in desk.shown("shop@v1")] == [True]
    assert [one["draining"] for one in desk.shown("api")] == [False]
    assert desk.shown("shop@v2")[0]["weight"] == 5


# What is shown...


async def test_an_endpoint_nothing_is_known_of(desk: Desk) -> None:
    """It is well, with what is configured and what is in flight there now."""
    await desk.use(config(A))
    assert desk.shown(in_flight={A: 3, B: 4}) == [
        {"url": A, "weight": 1, "in_flight": 3, "health": "healthy", "draining": False}
    ]


async def test_what_others_have_noticed(desk: Desk) -> None:
    """Health, ejections until a time of the day, breakers; an ejection that is over is not shown."""
    await desk.use(config(A, B))
    for message in (
        EndpointHealth("api", A, "degraded"),
        Ejection("api", A, monotonic() + 60),
        BreakerState("api", A, "open"),
        BreakerState("api", "", "half-open"),
        Ejection("api", B, monotonic() - 1),
    ):
        desk.state.take(message)
    first, second = desk.shown()
    assert (first["health"], first["circuit_breaker"]) == ("degraded", "open")
    assert 55 < first["ejected_until"] - time() < 65
    assert second == {"url": B, "weight": 1, "in_flight": 0, "health": "healthy", "draining": False}
    assert desk.caretaker.breakers() == {"api": "half-open"}


async def test_probes(desk: Desk) -> None:
    """An endpoint that refuses is told to be unhealthy, and shown with the reason; one that is not probed any more is
    well again."""
    url = f"http://127.0.0.1:{free_port()}"
    check = 'health_check {\n interval = "50ms"\n unhealthy_threshold = 2\n }'
    await desk.use(config(url, more=check))
    await until(lambda: desk.shown()[0]["health"] == "unhealthy", "it is known to be out")
    assert desk.told == [EndpointHealth("api", url, "unhealthy")]
    assert "last_probe_failure" in desk.shown()[0]
    await desk.use(config(url))
    assert desk.shown()[0]["health"] == "healthy"
    assert "last_probe_failure" not in desk.shown()[0]


# From one configuration to the next...


async def test_what_is_remembered(desk: Desk) -> None:
    """An endpoint that stays keeps what was said of it; one that goes is forgotten, also when it comes back."""
    await desk.use(config(A, B))
    for url in (A, B):
        desk.caretaker.drain("api", url, True)
    await desk.use(config(A, more='strategy = "random"', rest=REVISIONS))
    assert [one["draining"] for one in desk.shown()] == [True]
    await desk.use(config(A, B))
    assert [one["draining"] for one in desk.shown()] == [True, False]
    assert desk.state.all() == [EndpointDrain("api", A, True)]


async def test_the_breaker_of_a_service_is_remembered(desk: Desk) -> None:
    """As long as there is such a service, with endpoints of its own or in its revisions."""
    await desk.use(config(A, rest=REVISIONS))
    for name in ("api", "shop"):
        desk.state.take(BreakerState(name, "", "open"))
    await desk.use(config(A, B, rest=REVISIONS))
    assert desk.caretaker.breakers() == {"api": "open", "shop": "open"}
    await desk.use(config(A))
    assert desk.caretaker.breakers() == {"api": "open"}


# Names...


@pytest_asyncio.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NameServer]:
    """The name server that is asked, instead of the system's."""
    made = NameServer()
    address = await made.open()
    monkeypatch.setattr("a3sgw.caretaker.Resolver", lambda: Resolver([address], timeout=0.3, tries=1))
    yield made
    made.close()


async def test_a_name_is_as_many_endpoints_as_addresses(desk: Desk, server: NameServer) -> None:
    """They are there when the configuration comes into use, each can be drained, and each says where it comes from."""
    server.zone = {"api.example": [("A", 300, "10.0.0.7"), ("A", 300, "10.0.0.8")]}
    await desk.use(config("http://api.example:8080"))
    urls = ["http://10.0.0.7:8080", "http://10.0.0.8:8080"]
    assert [(one["url"], one["server"]) for one in desk.shown()] == [(url, "http://api.example:8080") for url in urls]
    assert [type(one) for one in desk.told] == [Addresses]
    desk.caretaker.drain("api", urls[1], True)
    assert [one["draining"] for one in desk.shown()] == [False, True]


async def test_an_address_that_goes_is_forgotten(desk: Desk, server: NameServer) -> None:
    """What was said of the others stays."""
    server.zone = {"api.example": [("A", 1, "10.0.0.7"), ("A", 1, "10.0.0.8")]}
    await desk.use(config("http://api.example:8080"))
    for host in ("10.0.0.7", "10.0.0.8"):
        desk.caretaker.drain("api", f"http://{host}:8080", True)
    server.zone = {"api.example": [("A", 300, "10.0.0.7"), ("A", 300, "10.0.0.9")]}
    await until(lambda: desk.shown()[1]["url"] == "http://10.0.0.9:8080", "the name stands for others", 10)
    assert [one["draining"] for one in desk.shown()] == [True, False]
    drains = [one for one in desk.state.all() if isinstance(one, EndpointDrain)]
    assert drains == [EndpointDrain("api", "http://10.0.0.7:8080", True)]
