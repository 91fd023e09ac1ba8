"""Requests shared among services and revisions."""

from __future__ import annotations

from collections import Counter

from tests.support.gateway import config, gateway
from tests.support.origin import Origin
from tests.support.parts import answers
from tests.support.services import GET, service


def weighted(*parts: tuple[str, int], sticky: str = "") -> str:
    """A service "split" in HCL."""
    listed = ", ".join(f'{{ name = "{name}", weight = {weight} }}' for name, weight in parts)
    return f'services "split" {{\n weighted {{\n services = [{listed}]\n {sticky}\n }}\n}}\n'


async def test_weights() -> None:
    """Each part gets its share, exactly over a round."""
    async with Origin() as one, Origin() as two:
        one.play(answers(200, b"one"))
        two.play(answers(200, b"two"))
        more = weighted(("one", 3), ("two", 1)) + service("one", one.url) + service("two", two.url)
        hcl = config("http://127.0.0.1:9", more=more).replace('service = "origin"', 'service = "split"')
        async with gateway(hcl) as running:
            assert Counter([(await running.ask(GET)).body for _ in range(8)]) == {b"one": 6, b"two": 2}
            running.gateway.drain("two", two.url)
            assert {(await running.ask(GET)).body for _ in range(4)} == {b"one"}
    assert running.records[0]["service"] == "split"
    assert {one["answered_by"] for one in running.records} == {"one", "two"}


async def test_a_client_stays_with_its_part() -> None:
    """A weighted service and the services in it have cookies of their own; both are kept."""
    async with Origin() as one, Origin() as two, Origin() as three:
        for number, origin in enumerate((one, two, three)):
            origin.play(answers(200, b"%d" % number))
        more = (
            weighted(("a", 1), ("b", 1), sticky="sticky {}")
            + service("a", one.url, two.url, balancer="sticky {}")
            + service("b", three.url)
        )
        hcl = config("http://127.0.0.1:9", more=more).replace('service = "origin"', 'service = "split"')
        async with gateway(hcl) as running:
            first = await running.ask(GET)
            cookies = b"; ".join(value.split(b";")[0] for value in first.all(b"set-cookie"))
            assert len(first.all(b"set-cookie")) == (1 if first.body == b"2" else 2)
            again = GET.replace(b"\r\n\r\n", b"\r\nCookie: " + cookies + b"\r\n\r\n")
            answers_ = [await running.ask(again) for _ in range(6)]
            assert {answer.body for answer in answers_} == {first.body}
            assert not any(answer.all(b"set-cookie") for answer in answers_)


async def test_revisions() -> None:
    """Versions of a service share its traffic by percent, with the service's own options."""
    async with Origin() as one, Origin() as two:
        one.play(answers(200, b"v1"))
        two.play(answers(200, b"v2"))
        revisions = f"""
          revisions = [
            {{ name = "v1", traffic_percent = 90, servers = [{{ url = "{one.url}" }}] }},
            {{ name = "v2", traffic_percent = 10, servers = [{{ url = "{two.url}" }}] }}
          ]"""
        async with gateway(config("http://127.0.0.1:9", service=revisions)) as running:
            assert Counter([(await running.ask(GET)).body for _ in range(50)]) == {b"v1": 45, b"v2": 5}
            assert set(running.gateway.health()["services"]) == {"origin@v1", "origin@v2"}


async def test_retries_of_the_whole() -> None:
    """What a weighted service says about retries holds for parts that say nothing."""
    async with Origin() as one:
        seen = answers(503)
        one.play(seen)
        more = weighted(("one", 1)) + service("one", one.url)
        more = more.replace(" weighted {", " retries {\n max_retries = 1\n statuses = [503]\n }\n weighted {")
        hcl = config("http://127.0.0.1:9", more=more).replace('service = "origin"', 'service = "split"')
        async with gateway(hcl) as running:
            assert (await running.ask(GET)).status == 503
            assert len(one.requests) == 2


async def test_a_part_that_drains_keeps_its_clients() -> None:
    """Whoever is new goes elsewhere."""
    async with Origin() as one, Origin() as two:
        one.play(answers(200, b"one"))
        two.play(answers(200, b"two"))
        more = weighted(("a", 1), ("b", 1), sticky="sticky {}")
        more += service("a", one.url, balancer="sticky {}") + service("b", two.url, balancer="sticky {}")
        hcl = config("http://127.0.0.1:9", more=more).replace('service = "origin"', 'service = "split"')
        async with gateway(hcl) as running:
            first = await running.ask(GET)
            cookies = b"; ".join(line.split(b";")[0] for line in first.all(b"set-cookie"))
            bound = GET.replace(b"\r\n\r\n", b"\r\nCookie: " + cookies + b"\r\n\r\n")
            name, url = ("a", one.url) if first.body == b"one" else ("b", two.url)
            running.gateway.drain(name, url)
            assert {(await running.ask(bound)).body for _ in range(4)} == {first.body}
            assert {(await running.ask(GET)).body for _ in range(4)} == {b"one", b"two"} - {first.body}
