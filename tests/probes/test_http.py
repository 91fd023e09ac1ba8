"""A request and its status, against endpoints that are well, ill and hostile."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from a3sgw.config.load_balancer import UpstreamTls
from a3sgw.probes.ask import probe
from a3sgw.probes.place import ProbeFailed, Trust
from tests.probes.endpoint import ILL, Endpoint, check, redirect, target

OTHER = b"HTTP/1.1 %d Status\r\nContent-Length: 0\r\n\r\n"


async def ask(endpoint: Endpoint, **options: Any) -> None:
    """One probe by name."""
    await probe(target(endpoint.url, name="a.example"), check(**options), Trust())


async def test_the_request(endpoint: Endpoint) -> None:
    """Method, path, Host and fields are what the operator wrote; nothing is added but who asks."""
    endpoint.answer = OTHER % 200
    await ask(endpoint, path="/up?deep=1", method="HEAD", headers={"X-Probe": "1"})
    await ask(endpoint, hostname="b.example", headers={"user-agent": "me"})
    await ask(endpoint, headers={"HOST": "c.example"})
    first, second, third = [request.decode().split("\r\n") for request in endpoint.requests]
    assert first[0] == "HEAD /up?deep=1 HTTP/1.1"
    own = f"Host: a.example:{endpoint.port}"
    assert sorted(first[1:]) == ["", "", own, "User-Agent: a3sgw-probe", "X-Probe: 1"]
    assert sorted(second[1:]) == ["", "", "Host: b.example", "user-agent: me"]
    assert sorted(third[1:]) == ["", "", "HOST: c.example", "User-Agent: a3sgw-probe"]


@pytest.mark.parametrize(
    ("status", "wanted", "well"),
    [
        (200, None, True),
        (204, None, True),
        (302, None, True),
        (400, None, False),
        (503, None, False),
        (503, 503, True),
        (200, 204, False),
    ],
)
async def test_statuses(endpoint: Endpoint, status: int, wanted: int | None, well: bool) -> None:
    """From 200 to 399, or the one that is wanted."""
    endpoint.answer = OTHER % status
    if well:
        await ask(endpoint, status=wanted)
    else:
        with pytest.raises(ProbeFailed, match=f"status {status}"):
            await ask(endpoint, status=wanted)


async def test_a_long_body_is_cut(endpoint: Endpoint) -> None:
    """A page of a megabyte is as good as a short one, also when the rest of it never comes."""
    endpoint.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(100000)
    await ask(endpoint)


async def test_a_body_that_does_not_end(endpoint: Endpoint) -> None:
    """A head alone is no answer."""
    endpoint.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"
    with pytest.raises(ProbeFailed, match="failed"):
        await ask(endpoint)


async def test_redirects_are_followed_if_wanted(endpoint: Endpoint) -> None:
    """Relative ones, and absolute ones by either name of the endpoint."""
    endpoint.answers = {
        b"/": redirect("/one?a=b"),
        b"/one?a=b": redirect(f"http://a.example:{endpoint.port}/two"),
        b"/two": redirect(f"{endpoint.url}/three"),
        b"/three": ILL,
    }
    await ask(endpoint)
    with pytest.raises(ProbeFailed, match="status 500"):
        await ask(endpoint, follow_redirects=True)
    assert len(endpoint.requests) == 5


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("/", "redirected more than 5 times"),
        ("https://a.example/", "another origin"),
        ("//[/", "no address"),
        ("http://a.example:99999999/", "no address"),
    ],
)
async def test_redirects_that_lead_nowhere(endpoint: Endpoint, location: str, reason: str) -> None:
    """In a circle, away, or no address at all: not well."""
    endpoint.answer = redirect(location)
    with pytest.raises(ProbeFailed, match=reason):
        await ask(endpoint, follow_redirects=True)
    assert len(endpoint.requests) <= 6


async def test_see_other_is_asked_with_get(endpoint: Endpoint) -> None:
    """As RFC 9110 §15.4.4 says."""
    endpoint.answers = {b"/": redirect("/one").replace(b"302", b"303")}
    await ask(endpoint, method="POST", follow_redirects=True)
    assert endpoint.requests[1].startswith(b"GET /one ")


async def test_those_who_do_not_answer(endpoint: Endpoint) -> None:
    """Hanging, resetting, talking something else, refusing: each with its reason."""
    endpoint.mode = "hang"
    with pytest.raises(ProbeFailed, match=r"no answer within 0.05 s"):
        await ask(endpoint, timeout=0.05)
    endpoint.mode = "reset"
    with pytest.raises(ProbeFailed, match="failed"):
        await ask(endpoint)
    endpoint.mode, endpoint.answer = "answer", b"SSH-2.0-OpenSSH\r\n\r\n"
    with pytest.raises(ProbeFailed, match="failed"):
        await ask(endpoint)
    endpoint.close()
    with pytest.raises(ProbeFailed, match="cannot connect"):
        await ask(endpoint)


async def test_a_slow_endpoint_has_its_time_for_everything() -> None:
    """Byte after byte does not make the time longer."""

    gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not reader.at_eof():
            writer.write(b"x")
            with contextlib.suppress(TimeoutError, OSError):
                await asyncio.wait_for(reader.read(1000), 0.005)
        writer.close()
        gone.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(ProbeFailed, match=r"no answer within 0.1 s"):
        await probe(target(url), check(timeout=0.1), Trust())
    await asyncio.wait_for(gone.wait(), 20)
    server.close()


async def test_a_unix_socket(tmp_path: Path) -> None:
    """Asked in plain HTTP, as localhost."""
    endpoint = Endpoint()
    await endpoint.open(path=f"{tmp_path}/x.sock")
    await probe(target(f"unix:{tmp_path}/x.sock"), check(path="/up"), Trust())
    await endpoint.end()
    assert b"GET /up HTTP/1.1\r\n" in endpoint.requests[0]
    assert b"Host: localhost\r\n" in endpoint.requests[0]


async def test_https_checks_the_name(authority: trustme.CA, ca_file: Path) -> None:
    """Connected to by address, known by name: the certificate has to be the name's, from an authority we believe."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("a.example").configure_cert(context)
    names: list[str | None] = []
    context.sni_callback = lambda connection, name, same: names.append(name)
    endpoint = Endpoint()
    await endpoint.open(tls=context)
    url = f"https://127.0.0.1:{endpoint.port}"

    async def ask_with(name: str = "a.example", **options: Any) -> None:
        await probe(target(url, name=name), check(), Trust(UpstreamTls.model_validate(options)))

    await ask_with(ca_file=str(ca_file))
    await ask_with(name="b.example", ca_file=str(ca_file), server_name="a.example")
    await ask_with(name="b.example", insecure_skip_verify=True)
    for name, options in (("b.example", {"ca_file": str(ca_file)}), ("a.example", {})):
        with pytest.raises(ProbeFailed, match="certificate"):
            await ask_with(name=name, **options)
    await endpoint.end()
    assert names == ["a.example", "a.example", "b.example", "b.example", "a.example"]
    assert f"Host: a.example:{endpoint.port}".encode() in endpoint.requests[0]
