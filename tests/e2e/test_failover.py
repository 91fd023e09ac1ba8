"""Another service for when the first has nobody left, or answers with a chosen status; and the way back."""

from __future__ import annotations

import asyncio

from tests.support.gateway import config, gateway
from tests.support.origin import Origin
from tests.support.parts import answers, resets
from tests.support.services import GET, events, service

POST = b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nbody"


async def test_nobody_left() -> None:
    """When no endpoint can be reached the backup answers, with the body, whatever the method."""
    async with Origin() as gone, Origin() as spare:
        gone.refuse()
        spare.always()
        hcl = config(gone.url, service='failover { service = "spare" }', more=service("spare", spare.url))
        async with gateway(hcl) as running:
            assert (await running.ask(POST)).body == b"ok"
            assert spare.requests[0].body == b"body"
            assert events(running)["failovers"] == 1
    assert running.records[0]["service"] == "origin"
    assert running.records[0]["answered_by"] == "spare"


async def test_an_idempotent_request_that_broke() -> None:
    """It may have been sent already; nobody minds if it is sent again."""
    async with Origin() as bad, Origin() as spare:
        bad.play(resets)
        spare.always()
        hcl = config(bad.url, service='failover { service = "spare" }', more=service("spare", spare.url))
        async with gateway(hcl) as running:
            assert (await running.ask(GET)).body == b"ok"
            assert (await running.ask(POST)).status == 502


async def test_chosen_statuses() -> None:
    """An answer with one of them is dropped, and the backup gets the request; when that fails, too, it is the end."""
    failover = 'failover {\n service = "spare"\n statuses = [503]\n}'
    async with Origin() as bad, Origin() as spare:
        bad.play(answers(503))
        spare.always()
        async with gateway(config(bad.url, service=failover, more=service("spare", spare.url))) as running:
            assert (await running.ask(POST)).body == b"ok"
            assert spare.requests[0].body == b"body"
    async with Origin() as bad, Origin() as spare:
        bad.play(answers(503, b"first"))
        spare.refuse()
        async with gateway(config(bad.url, service=failover, more=service("spare", spare.url))) as running:
            assert (await running.ask(GET)).status == 502


async def test_a_body_that_is_too_long() -> None:
    """It streams on, and the first answer stands (T-45)."""
    failover = 'failover {\n service = "spare"\n statuses = [503]\n max_body_bytes = 3\n}'
    async with Origin() as bad, Origin() as spare:
        bad.play(answers(503, b"first"))
        spare.always()
        async with gateway(config(bad.url, service=failover, more=service("spare", spare.url))) as running:
            assert (await running.ask(POST)).body == b"first"
            assert (await running.ask(GET)).body == b"ok"


async def test_the_way_back() -> None:
    """Once its endpoints are usable again, requests return after `return_after`."""
    async with Origin() as first, Origin() as spare:
        first.always()
        spare.play(answers(200, b"spare"))
        failover = 'failover {\n service = "spare"\n return_after = "300ms"\n}'
        async with gateway(config(first.url, service=failover, more=service("spare", spare.url))) as running:
            assert (await running.ask(GET)).body == b"ok"
            running.gateway.drain("origin", first.url)
            assert (await running.ask(GET)).body == b"spare"
            running.gateway.drain("origin", first.url, False)
            assert (await running.ask(GET)).body == b"spare"
            async with asyncio.timeout(5):
                while (await running.ask(GET)).body == b"spare":
                    await asyncio.sleep(0.02)


async def test_a_chain_of_backups() -> None:
    """A backup may have one of its own."""
    async with Origin() as gone, Origin() as last:
        gone.refuse()
        last.always()
        more = service("second", gone.url, more='failover { service = "third" }') + service("third", last.url)
        async with gateway(config(gone.url, service='failover { service = "second" }', more=more)) as running:
            assert (await running.ask(GET)).body == b"ok"


async def test_without_a_backup() -> None:
    """The client is told why: the reason stands in the access log."""
    async with Origin() as first:
        first.always()
        async with gateway(config(first.url)) as running:
            running.gateway.drain("origin", first.url)
            assert (await running.ask(GET)).status == 503
    assert running.records[0]["error"].startswith("NoEndpoint: ")
    assert "drain" in running.records[0]["error"]


async def test_the_breaker_of_the_first_service_knows() -> None:
    """What went on to the backup has failed before it: the breaker opens, and its place is given back."""
    breaker = 'circuit_breaker {\n failure_threshold = 2\n cooldown_secs = "60s"\n}\n max_in_flight = 1'
    for part, failover in ((resets, ""), (answers(500), "statuses = [500]")):
        async with Origin() as bad, Origin() as spare:
            bad.play(part)
            spare.always()
            more = service("spare", spare.url)
            options = f'{breaker}\n failover {{\n service = "spare"\n {failover}\n}}'
            async with gateway(config(bad.url, service=options, more=more)) as running:
                assert [(await running.ask(GET)).body for _ in range(6)] == [b"ok"] * 6
                assert len(bad.requests) == 2
                assert events(running)["breaker_open"] == 1


async def test_an_answer_that_is_no_failure() -> None:
    """A status may be chosen that says nothing about how the service does: its breaker stays closed."""
    options = 'circuit_breaker { failure_threshold = 2 }\n failover {\n service = "spare"\n statuses = [404]\n}'
    async with Origin() as first, Origin() as spare:
        first.play(answers(404))
        spare.always()
        async with gateway(config(first.url, service=options, more=service("spare", spare.url))) as running:
            assert [(await running.ask(GET)).body for _ in range(6)] == [b"ok"] * 6
            assert len(first.requests) == 6
