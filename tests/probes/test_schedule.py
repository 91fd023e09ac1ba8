"""Endpoints are asked regularly, and what is thought of them survives what it should."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from a3sgw.config.model import Config
from a3sgw.control.messages import EndpointHealth
from a3sgw.probes.schedule import Probes
from a3sgw.targets import Found, Target, expand, leaves
from tests.probes.endpoint import ILL, OK, Endpoint
from tests.probes.inbox import Inbox, config

QUICK: dict[str, Any] = {"interval": 0.02, "timeout": 20, "jitter": 50}
ONCE: dict[str, Any] = {"interval": 3600, "timeout": 20}


def targets_of(used: Config, found: dict[str, list[Found]] | None = None) -> Any:
    """What the core does with names."""

    def of(leaf: str) -> Sequence[Target]:
        servers = dict(leaves(leaf.split("@")[0], used.services[leaf.split("@")[0]]))[leaf].servers
        return expand(servers, found or {})

    return of


def api(urls: Sequence[str], **options: Any) -> Config:
    """A service with these endpoints."""
    return config(api={"servers": [{"url": url} for url in urls], "health_check": options})


@pytest.fixture
async def probes(inbox: Inbox) -> AsyncIterator[Probes]:
    """Asks nobody yet."""
    made = Probes(inbox.put_nowait)
    yield made
    made.close()


def probing() -> set[asyncio.Task[Any]]:
    """What asks endpoints and has not been told to end."""
    tasks = asyncio.all_tasks()
    return {task for task in tasks if task.get_name().startswith("probe ") and not task.cancelling()}


def use(probes: Probes, used: Config) -> None:
    """Without names."""
    probes.use(used, targets_of(used))


async def test_down_and_up(probes: Probes, endpoint: Endpoint, inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    """Each step is told and logged once, with the reason; what is well says nothing."""
    caplog.set_level(logging.INFO, "a3sgw.probes")
    use(probes, api([endpoint.url], **QUICK, degraded_threshold=2, unhealthy_threshold=4))
    await endpoint.asked_more(3)
    assert inbox.empty()
    assert probes.last("api", endpoint.url) is None
    endpoint.answer = ILL
    assert await inbox.next() == EndpointHealth("api", endpoint.url, "degraded")
    assert await inbox.next() == EndpointHealth("api", endpoint.url, "unhealthy")
    failure = probes.last("api", endpoint.url)
    assert failure is not None
    assert (failure.reason, failure.consecutive) == ("status 500", 4)
    assert probes.state("api", endpoint.url) == "unhealthy"
    endpoint.answer = OK
    assert await inbox.next() == EndpointHealth("api", endpoint.url, "healthy")
    later = probes.last("api", endpoint.url)
    assert later is not None
    assert (later.reason, later.consecutive) == ("status 500", 0)
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["an endpoint is degraded", "an endpoint is unhealthy", "an endpoint is healthy again"]
    assert [vars(record).get("reason") for record in caplog.records] == ["status 500", "status 500", None]


async def test_servers_that_speak_tcp(probes: Probes, endpoint: Endpoint, inbox: Inbox) -> None:
    """Are asked for a connection unless the operator says otherwise."""
    url = endpoint.url.replace("http", "tcp")
    use(probes, api([url], **QUICK, unhealthy_threshold=1))
    await endpoint.end()
    assert await inbox.next() == EndpointHealth("api", url, "unhealthy")
    await endpoint.open()
    assert await inbox.next() == EndpointHealth("api", url, "healthy")
    assert not endpoint.requests


async def test_one_that_refuses_and_returns(probes: Probes, endpoint: Endpoint, inbox: Inbox) -> None:
    """A restart is seen both ways."""
    endpoint.close()
    use(probes, api([endpoint.url], **QUICK, unhealthy_threshold=1))
    assert await inbox.next() == EndpointHealth("api", endpoint.url, "unhealthy")
    await endpoint.open()
    assert await inbox.next() == EndpointHealth("api", endpoint.url, "healthy")


async def test_a_hanging_endpoint_is_asked_one_question_at_a_time(
    probes: Probes, endpoint: Endpoint, inbox: Inbox
) -> None:
    """However short the interval, so that probes cannot pile up on it."""
    endpoint.mode = "hang"
    use(probes, api([endpoint.url], interval=0.001, timeout=0.05, unhealthy_threshold=4))
    assert await inbox.next() == EndpointHealth("api", endpoint.url, "unhealthy")
    assert endpoint.most_at_once <= 2  # it may not have noticed yet that the one before has gone


async def test_the_interval_of_one_that_is_out(probes: Probes, endpoint: Endpoint, inbox: Inbox) -> None:
    """An endpoint that is out can be asked more often."""
    endpoint.answer = ILL
    use(probes, api([endpoint.url], interval=3600, unhealthy_interval=0.02, unhealthy_threshold=1))
    await inbox.next()
    endpoint.answer = OK
    assert await inbox.next() == EndpointHealth("api", endpoint.url, "healthy")


async def test_all_at_once_are_not_too_many(inbox: Inbox, endpoint: Endpoint) -> None:
    """Hanging endpoints take turns."""
    endpoint.mode = "hang"
    probes = Probes(inbox.put_nowait, at_once=2)
    service = {"servers": [{"url": endpoint.url}], "health_check": ONCE | {"timeout": 0.05}}
    use(probes, config(**{f"api{number}": service for number in range(6)}))
    await endpoint.asked_more(6)
    probes.close()
    assert endpoint.most_at_once <= 4  # two, and two of which it has not noticed yet that they have gone


async def test_what_stays_goes_on(probes: Probes, endpoint: Endpoint, inbox: Inbox) -> None:
    """A reload neither asks again nor forgets where nothing but the weight is new; only new endpoints are asked."""
    other = Endpoint()
    await other.open()
    endpoint.answer = ILL
    use(probes, api([endpoint.url], **ONCE, unhealthy_threshold=1))
    await inbox.next()
    servers = [{"url": endpoint.url, "weight": 5}, {"url": other.url}]
    use(probes, config(api={"servers": servers, "health_check": {**ONCE, "unhealthy_threshold": 1}}))
    await other.asked_more(1)
    assert len(endpoint.requests) == 1
    assert probes.state("api", endpoint.url) == "unhealthy"
    assert inbox.empty()
    await other.end()


async def test_state_survives_other_options(probes: Probes, endpoint: Endpoint, inbox: Inbox) -> None:
    """An endpoint that is asked in another way is still out until it has answered well."""
    endpoint.answer = ILL
    use(probes, api([endpoint.url], **ONCE, unhealthy_threshold=1))
    await inbox.next()
    endpoint.answers = {b"/well": OK}
    use(probes, api([endpoint.url], **ONCE, path="/well"))
    assert probes.state("api", endpoint.url) == "unhealthy"
    assert await inbox.next() == EndpointHealth("api", endpoint.url, "healthy")


@pytest.mark.parametrize("how", ["no check", "no endpoint", "no service"])
async def test_what_is_not_asked_any_more_is_healthy(
    probes: Probes, endpoint: Endpoint, inbox: Inbox, how: str
) -> None:
    """Nobody else would ever say so."""
    endpoint.answer = ILL
    use(probes, api([endpoint.url], **ONCE, unhealthy_threshold=1))
    await inbox.next()
    without = {
        "no check": config(api={"servers": [{"url": endpoint.url}]}),
        "no endpoint": api([], **ONCE),
        "no service": config(),
    }
    use(probes, without[how])
    assert await inbox.next() == EndpointHealth("api", endpoint.url, "healthy")
    assert probes.state("api", endpoint.url) is None
    assert probes.last("api", endpoint.url) is None


async def test_names_change(probes: Probes, endpoint: Endpoint, inbox: Inbox) -> None:
    """New addresses are asked at once by the name they were found by, old ones no more."""
    other = Endpoint()
    await other.open()
    endpoint.answer = ILL
    used = api(["http://a.example"], **ONCE, unhealthy_threshold=1)
    found: dict[str, list[Found]] = {"http://a.example:80": [("127.0.0.1", endpoint.port, 0)]}
    probes.use(used, targets_of(used, found))
    assert await inbox.next() == EndpointHealth("api", endpoint.url, "unhealthy")
    found["http://a.example:80"] = [("127.0.0.1", other.port, 0)]
    probes.retarget("api")
    probes.retarget("unknown")
    assert await inbox.next() == EndpointHealth("api", endpoint.url, "healthy")
    await other.asked_more(1)
    assert f"Host: a.example:{other.port}\r\n".encode() in other.requests[0]
    before = probing()
    assert len(before) == 1
    probes.retarget("api")
    assert probing() == before
    await other.end()


async def test_revisions_are_asked(probes: Probes, endpoint: Endpoint, inbox: Inbox) -> None:
    """In the way of the service's load balancer, told by their own names."""
    endpoint.answer = ILL
    service = {
        "load_balancer": {"health_check": {**ONCE, "unhealthy_threshold": 1}},
        "revisions": [{"name": "v1", "traffic_percent": 100, "servers": [{"url": endpoint.url}]}],
    }
    use(probes, Config.model_validate({"services": {"api": service}}))
    assert await inbox.next() == EndpointHealth("api@v1", endpoint.url, "unhealthy")


async def test_many_first_probes_are_spread(probes: Probes, endpoint: Endpoint) -> None:
    """So that a start is not an attack: of many endpoints few are asked at once, though they were first."""
    wide = Endpoint()
    await wide.open(host="0.0.0.0")
    servers = [{"url": f"http://127.0.0.{number}:{wide.port}"} for number in range(1, 31)]
    few = {"servers": [{"url": endpoint.url}], "health_check": ONCE}
    use(probes, config(many={"servers": servers, "health_check": ONCE}, few=few))
    assert len(probing()) == 31
    await endpoint.asked_more(1)
    assert len(wide.requests) < 15
    await wide.end()


async def test_a_mistake_of_ours_is_a_failure(probes: Probes, inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    """What a probe should not raise is logged, and the endpoint is asked again."""
    tls = {"ca_file": "a\0b"}  # no file can be called so, and open() says ValueError instead of OSError
    servers = [{"url": "https://127.0.0.1:1"}]
    use(probes, config(api={"servers": servers, "tls": tls, "health_check": QUICK | {"unhealthy_threshold": 3}}))
    assert await inbox.next() == EndpointHealth("api", "https://127.0.0.1:1", "unhealthy")
    failure = probes.last("api", "https://127.0.0.1:1")
    assert failure is not None
    assert failure.reason.startswith("ValueError")
    assert "a probe broke" in caplog.text


async def test_after_closing_nobody_is_asked(probes: Probes, endpoint: Endpoint, inbox: Inbox) -> None:
    """And nothing is said."""
    endpoint.answer = ILL
    use(probes, api([endpoint.url], **ONCE, unhealthy_threshold=1))
    await inbox.next()
    assert probing()
    probes.close()
    assert not probing()
    assert inbox.empty()


async def test_those_that_hang_make_nobody_late(inbox: Inbox, endpoint: Endpoint) -> None:
    """However many endpoints do not answer: what is noticed of another does not wait for them."""
    probes = Probes(inbox.put_nowait, at_once=1)
    endpoint.mode = "hang"
    hanging = {f"hanging{number}": {"servers": [{"url": endpoint.url}], "health_check": ONCE} for number in range(5)}
    gone = {"servers": [{"url": "unix:/nowhere"}], "health_check": QUICK | {"unhealthy_threshold": 1}}
    use(probes, config(**hanging, gone=gone))
    assert await inbox.next() == EndpointHealth("gone", "unix:/nowhere", "unhealthy")
    probes.close()
