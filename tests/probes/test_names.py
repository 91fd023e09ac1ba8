"""Names of servers are watched: changes are told, failures change nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from a3sgw.config.model import Config
from a3sgw.control.messages import Addresses
from a3sgw.probes.names import Names, Pace
from a3sgw.resolver import Resolver
from tests.probes.inbox import Inbox, config
from tests.support.dns import NameServer
from tests.support.live import until

QUICK = Pace(shortest=0.02, longest=0.05, first_retry=0.02, longest_retry=0.05, first_answers=20)
NEVER = Pace(shortest=3600, longest=3600, first_retry=3600, longest_retry=3600, first_answers=20)


async def use(names: Names, wanted: Config) -> None:
    """As a configuration that comes into use: first its names too, then no others."""
    await names.prepare(wanted)
    names.keep(wanted)


def api(*urls: str, **options: Any) -> Config:
    """A configuration with a service that has these servers."""
    return config(api={"servers": [{"url": url, **options} for url in urls]})


@pytest.fixture
async def names(resolver: Resolver, inbox: Inbox) -> AsyncIterator[Names]:
    """Asks again and again."""
    made = Names(resolver, inbox.put_nowait, QUICK)
    yield made
    made.close()


@pytest.fixture
async def lazy(resolver: Resolver, inbox: Inbox) -> AsyncIterator[Names]:
    """Asks once."""
    made = Names(resolver, inbox.put_nowait, NEVER)
    yield made
    made.close()


async def test_the_first_answers_are_there_at_once(server: NameServer, lazy: Names, inbox: Inbox) -> None:
    """Whoever uses a configuration knows its addresses when that returns, and has been told."""
    server.zone["a.example"] = [("A", 60, "127.0.0.3"), ("A", 60, "127.0.0.2")]
    await use(lazy, api("http://a.example.:81", "http://127.0.0.1:1", "unix:/x"))
    found = [("127.0.0.2", 0, 0), ("127.0.0.3", 0, 0)]
    assert lazy.known("api") == {"http://a.example.:81": found}
    assert lazy.known("other") == {}
    assert await inbox.next() == Addresses("api", "http://a.example.:81", found)
    assert inbox.empty()


async def test_services_are_found_by_srv(server: NameServer, lazy: Names) -> None:
    """With ports and weights."""
    server.zone["_http._tcp.a.example"] = [("SRV", 60, "0 5 8080 b.example")]
    server.zone["b.example"] = [("A", 60, "127.0.0.2")]
    await use(lazy, api("http://_http._tcp.a.example.", resolve="srv"))
    assert lazy.known("api") == {"http://_http._tcp.a.example.:80": [("127.0.0.2", 8080, 5)]}


async def test_revisions_have_names_too(server: NameServer, lazy: Names, inbox: Inbox) -> None:
    """Told by the name of the revision."""
    server.zone["a.example"] = [("A", 60, "127.0.0.2")]
    revision = {"name": "v1", "traffic_percent": 100, "servers": [{"url": "http://a.example."}]}
    await use(lazy, Config.model_validate({"services": {"api": {"revisions": [revision]}}}))
    assert await inbox.next() == Addresses("api@v1", "http://a.example.:80", [("127.0.0.2", 0, 0)])


async def test_a_silent_name_server_holds_nobody_up(server: NameServer, resolver: Resolver, inbox: Inbox) -> None:
    """What has not been answered in time is told later, and the other names are used meanwhile."""
    server.failure = None
    names = Names(resolver, inbox.put_nowait, Pace(first_answers=0.02, first_retry=0.02))
    await use(names, api("http://a.example."))
    assert names.known("api") == {}
    server.zone["a.example"] = [("A", 60, "127.0.0.2")]
    server.failure = 0
    assert await inbox.next() == Addresses("api", "http://a.example.:80", [("127.0.0.2", 0, 0)])
    names.close()


async def test_changes_are_told(server: NameServer, names: Names, inbox: Inbox) -> None:
    """Each change once; the same addresses in another order are none."""
    server.zone["a.example"] = [("A", 0, "127.0.0.2"), ("A", 0, "127.0.0.3")]
    await use(names, api("http://a.example."))
    await inbox.next()
    server.zone["a.example"].reverse()
    await server.asked_more(4)
    assert inbox.empty()
    server.zone["a.example"] = [("A", 0, "127.0.0.4")]
    assert await inbox.next() == Addresses("api", "http://a.example.:80", [("127.0.0.4", 0, 0)])
    assert names.known("api") == {"http://a.example.:80": [("127.0.0.4", 0, 0)]}


@pytest.mark.parametrize("failure", [2, 3])
async def test_the_last_answer_is_kept(
    server: NameServer, names: Names, inbox: Inbox, caplog: pytest.LogCaptureFixture, failure: int
) -> None:
    """Neither a failure nor a name that is gone takes endpoints away; both are logged once, as is their end."""
    caplog.set_level(logging.INFO, "a3sgw.probes.names")
    server.zone["a.example"] = [("A", 0, "127.0.0.2")]
    await use(names, api("http://a.example."))
    await inbox.next()
    server.failure = failure
    await server.asked_more(8)
    assert names.known("api") == {"http://a.example.:80": [("127.0.0.2", 0, 0)]}
    assert inbox.empty()
    server.zone["a.example"] = [("A", 0, "127.0.0.3")]
    server.failure = 0
    assert await inbox.next() == Addresses("api", "http://a.example.:80", [("127.0.0.3", 0, 0)])
    messages = [record.message for record in caplog.records]
    assert messages == ["a name cannot be resolved", "a name is resolved again"]
    assert vars(caplog.records[0])["until then"] == "the last answer is kept"


async def test_what_stays_is_not_asked_again(server: NameServer, lazy: Names, inbox: Inbox) -> None:
    """A reload asks for new names only, forgets old ones, and asks anew when the way of asking has changed."""
    server.zone["a.example"] = server.zone["b.example"] = [("A", 60, "127.0.0.2")]
    await use(lazy, api("http://a.example."))
    asked = len(server.asked)
    await use(lazy, api("http://a.example.", "http://b.example."))
    assert {name for name, _ in server.asked[asked:]} == {"b.example"}
    await use(lazy, api("http://b.example."))
    assert list(lazy.known("api")) == ["http://b.example.:80"]
    asked = len(server.asked)
    await use(lazy, api("http://b.example.", resolve="srv"))
    await until(lambda: len(server.asked) > asked, "it is asked anew")
    assert server.asked[asked:] == [("b.example", "SRV")]
    assert lazy.known("api") == {}


async def test_a_configuration_that_is_only_prepared(server: NameServer, lazy: Names, inbox: Inbox) -> None:
    """Its names are known beside those in use, so that it can be refused without loss."""
    server.zone["a.example"] = server.zone["b.example"] = [("A", 60, "127.0.0.2")]
    await use(lazy, api("http://a.example."))
    await lazy.prepare(api("http://b.example."))
    assert sorted(lazy.known("api")) == ["http://a.example.:80", "http://b.example.:80"]
    lazy.keep(api("http://a.example."))
    assert list(lazy.known("api")) == ["http://a.example.:80"]


async def test_what_is_gone_is_not_asked_any_more(server: NameServer, names: Names, inbox: Inbox) -> None:
    """Nor is anything after closing."""
    server.zone["a.example"] = server.zone["b.example"] = [("A", 0, "127.0.0.2")]
    await use(names, api("http://a.example.", "http://b.example."))
    await use(names, api("http://b.example."))
    await server.asked_more(2)  # what was under way
    asked = len(server.asked)
    await server.asked_more(8)
    assert {name for name, _ in server.asked[asked:]} == {"b.example"}
    names.close()
    assert names.known("api") == {}
    assert [
        task for task in asyncio.all_tasks() if task.get_name().startswith("resolve") and not task.cancelling()
    ] == []


async def test_the_same_url_twice_is_one_name(server: NameServer, lazy: Names, inbox: Inbox) -> None:
    """It is asked for and told once."""
    server.zone["a.example"] = [("A", 60, "127.0.0.2")]
    await use(lazy, api("http://a.example.", "http://a.example."))
    await inbox.next()
    assert inbox.empty()
