"""mode = "observe": a policy is tried on real traffic and stops nobody."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

from a3sgw import middlewares
from a3sgw.middlewares.base import RefusingOptions
from tests.support.gateway import Stage, stage
from tests.support.origin import OK

OBSERVE = 'middlewares "j" {\n type = "judge"\n mode = "observe"\n}'
ENFORCE = 'middlewares "j" {\n type = "judge"\n}'
ROUTER = 'middlewares = ["j"]'
pytestmark = pytest.mark.usefixtures("recorders")


def events(on: Stage) -> dict[str, int]:
    """What was counted of the middleware."""
    return on.running.gateway.metrics().totals()["middlewares"].get("j", {})


def request(told: str, body: bytes = b"") -> bytes:
    head = f"POST / HTTP/1.1\r\nHost: a.example\r\nX-Judge: {told}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("told", ["403", "418!", "wait 403", "wait 418!", "body"])
async def test_what_it_would_refuse_goes_on(told: str) -> None:
    """However it refuses: the request is forwarded, counted and logged."""
    async with stage(router=ROUTER, more=OBSERVE) as on:
        seen = await on.forwarded(request(told, b"abc"))
        assert seen.body == b"abc"
        assert events(on) == {"would_block": 1}
    why = {"418!": "it would have answered", "wait 418!": "it would have answered"}.get(told, "as told")
    assert [one.get("would_block") for one in on.records] == [f"j: {why}"]
    assert [one["status"] for one in on.records] == [200]


@pytest.mark.parametrize(
    ("told", "status", "event"),
    [
        ("403", 403, "refused"),
        ("418!", 418, "answered"),
        ("wait 403", 403, "refused"),
        ("wait 418!", 418, "answered"),
        ("bug", 500, "failed"),
        ("wait bug", 500, "failed"),
        ("cancelled", 500, "failed"),
    ],
)
async def test_enforcing_is_counted_too(told: str, status: int, event: str) -> None:
    """Otherwise it does stop requests, and the count says how."""
    async with stage(router=ROUTER, more=ENFORCE) as on:
        await on.client.send(request(told))
        assert (await on.client.message()).status == status
        assert events(on) == {event: 1}
        assert on.origin.wires == []
    assert "would_block" not in on.records[0]


async def test_what_passes_is_not_counted() -> None:
    """Neither way, also when it had to wait."""
    for more in (OBSERVE, ENFORCE):
        async with stage(router=ROUTER, more=more) as on:
            await on.forwarded(request(""))
            await on.forwarded(request("wait"))
            assert events(on) == {}
        assert all("would_block" not in one for one in on.records)


@pytest.mark.parametrize("told", ["bug", "wait bug", "cancelled", "body bug", "bug in body"])
async def test_a_bug_stops_nobody_either(told: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is counted apart, and the operator gets the traceback."""
    async with stage(router=ROUTER, more=OBSERVE) as on:
        seen = await on.forwarded(request(told, b"abc"))
        assert seen.body == b"abc"
        assert events(on) == {"failed": 1}
    assert "a secret detail" in caplog.text or told == "cancelled"


async def test_a_body_it_wanted_to_see_may_be_too_long() -> None:
    """An observer sees nothing of it then, and the request goes on; who enforces refuses it."""
    body = b"x" * 100
    observing = OBSERVE.replace("mode", "looks_at = 10\n mode")
    async with stage(router=ROUTER, more=observing) as on:
        seen = await on.forwarded(request("", body))
        assert (seen.body, seen.get(b"x-saw")) == (body, None)
    async with stage(router=ROUTER, more=observing.replace('mode = "observe"', "")) as on:
        await on.client.send(request("", body))
        assert (await on.client.message()).status == 413


def test_every_kind_that_refuses_can_observe() -> None:
    """Whatever raises one of our errors, or knows how to, takes the option."""
    names = [found.name for found in pkgutil.iter_modules(middlewares.__path__) if found.name != "base"]
    modules = {name: import_module(f"a3sgw.middlewares.{name}") for name in names}
    refusing = {name for name, module in modules.items() if {"ClientError", "Overloaded"} & vars(module).keys()}
    assert {"body_limit", "ip_allow"} <= refusing
    assert [name for name in refusing - PATHS if not issubclass(modules[name].Options, RefusingOptions)] == []


PATHS = frozenset({"strip_prefix", "strip_prefix_regex", "replace_path_regex", "rewrite", "add_prefix", "replace_path"})
"""What changes paths refuses only what it cannot make a path of: letting that go on would be no trial of a policy."""


async def test_ok_is_ok() -> None:
    """The origin's answer comes through an observer unchanged."""
    async with stage(router=ROUTER, more=OBSERVE) as on:
        await on.client.send(request("403"))
        await (await on.origin.accept()).message()
        await on.origin.wires[-1].send(OK)
        assert (await on.client.message()).status == 200
