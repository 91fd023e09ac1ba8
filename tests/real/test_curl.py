"""`curl` in front of the gateway; behind it nginx, and in between HAProxy."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.echo import Echo
from tests.support.gateway import Running, gateway
from tests.support.haproxy import haproxy
from tests.support.nginx import nginx
from tests.support.origin import Origin
from tests.support.programs import WAIT, Ended, run, started
from tests.support.tls import Authority

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def hcl(tls: str, url: str, more: str = "", entrypoint: str = "") -> str:
    """One HTTPS entrypoint before one endpoint, for a.example."""
    return f"""
    shutdown_timeout_secs = 1
    entrypoints "web" {{
      address = "127.0.0.1:0"
      tls {{
        {tls}
      }}
      {entrypoint}
    }}
    routers "all" {{
      rule    = "Host(`a.example`)"
      service = "origin"
    }}
    services "origin" {{ load_balancer {{ servers = [{{ url = "{url}" }}] }} }}
    {more}
    """


def through(url: str, header: str = "") -> str:
    """A router that passes TLS for n.example."""
    return f"""
    routers "through" {{
      rule    = "HostSNI(`n.example`)"
      entrypoints = ["web"]
      service = "nginx"
      tls {{ passthrough = true }}
    }}
    services "nginx" {{
      load_balancer {{
        servers = [{{ url = "{url}" }}]
        {header}
      }}
    }}
    """


def arguments(running: Running, authority: Authority, name: str = "a.example", port: str = "") -> tuple[str, ...]:
    """Quiet, except for errors; `name` is the gateway's, or what is at `port`."""
    port = port or running.gateway.addresses["web"][0].rpartition(":")[2]
    known = ("--resolve", f"{name}:{port}:127.0.0.1", "--cacert", str(authority.file), "--noproxy", "*")
    return "-q", "-sS", "--max-time", str(int(WAIT)), *known, f"https://{name}:{port}/x?y=1"


async def curl(running: Running, authority: Authority, *more: object, name: str = "a.example") -> Ended:
    """Run to its end."""
    return await run("curl", *arguments(running, authority, name), *more)


@pytest.mark.parametrize(("version", "upto"), [("1.2", "1.2"), ("1.2", "1.3"), ("1.3", "1.3")])
@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
async def test_versions(authority: Authority, version: str, upto: str, http: str) -> None:
    """Every version of TLS, and HTTP/1.1 also for who would rather have HTTP/2."""
    async with Echo("origin") as echo, gateway(hcl(authority.issue("a.example").hcl, echo.url)) as running:
        spoken = "--tlsv" + version, "--tls-max", upto, http, "-w", "\n%{http_version}"
        ended = await curl(running, authority, *spoken)
        body, _, http_version = ended.out.decode().partition("\n")
        assert (ended.code, ended.err, http_version) == (0, "", "1.1")
        assert json.loads(body)["fields"]["x-forwarded-proto"] == "https"
    assert running.records[0]["tls_version"] == f"TLSv{upto}"


async def test_a_connection_is_kept(authority: Authority) -> None:
    """Several requests share a handshake."""
    async with Echo("origin") as echo, gateway(hcl(authority.issue("a.example").hcl, echo.url)) as running:
        url = arguments(running, authority)[-1]
        ended = await curl(running, authority, url, url, "-w", "%{num_connects}\n", "-o", "/dev/null")
        connects = [line[-1:] for line in ended.out.splitlines()]
        assert (ended.code, connects) == (0, [b"1", b"0", b"0"])


async def test_client_certificates(authority: Authority) -> None:
    """Who shows one is let in; who shows none is told why not."""
    tls = f'{authority.issue("a.example").hcl}\nclient_auth {{ ca_files = ["{authority.file}"] }}'
    mine = authority.issue("me@a.example")
    async with Echo("origin") as echo, gateway(hcl(tls, echo.url)) as running:
        assert (await curl(running, authority, "--cert", mine.cert, "--key", mine.key)).code == 0
        ended = await curl(running, authority)
        assert ended.code != 0
        assert "certificate required" in ended.err
        ended = await curl(running, authority, "--tls-max", "1.2")
        assert ended.code == 35
        assert "handshake failure" in ended.err


@pytest.mark.parametrize("chunked", [False, True])
async def test_uploads(authority: Authority, tmp_path: Path, chunked: bool) -> None:
    """5 MB go up, of a length that is known or not."""
    body = bytes(range(256)) * 20_000
    file = tmp_path / "file"
    file.write_bytes(body)
    async with Echo("origin") as echo, gateway(hcl(authority.issue("a.example").hcl, echo.url)) as running:
        command = ("curl", *arguments(running, authority), "-H", "Expect:", "-T", "-" if chunked else file)
        ended = await run(*command, given=body if chunked else b"")
        assert (ended.code, ended.err) == (0, "")
        (request,) = echo.requests
        assert (request.method, sha256(request.body).digest()) == (b"PUT", sha256(body).digest())
        assert (request.get(b"transfer-encoding") == b"chunked") is chunked


async def test_events_come_one_by_one(authority: Authority) -> None:
    """Each is read before the next one is sent; the endpoint learns that the client has left."""
    async with (
        asyncio.timeout(WAIT),
        Origin() as origin,
        gateway(hcl(authority.issue("a.example").hcl, origin.url)) as running,
        started("curl", *arguments(running, authority), "-N") as process,
    ):
        assert process.stdout is not None
        there = await origin.accept()
        await there.message()
        await there.send(EVENTS)
        for number in range(3):
            event = b"data: %d\n\n" % number
            await there.send(b"%x\r\n%b\r\n" % (len(event), event))
            assert await process.stdout.readexactly(len(event)) == event
        process.terminate()
        await there.end()


async def test_passthrough_beside_https(authority: Authority, tmp_path: Path) -> None:
    """One port: nginx ends TLS for its name with a certificate of its own, the gateway for all others."""
    own = Authority(tmp_path)
    async with (
        Echo("origin") as echo,
        nginx(tmp_path, own.issue("n.example"), "nginx for $ssl_server_name by $ssl_protocol") as url,
        gateway(hcl(authority.issue("a.example").hcl, echo.url, through(url))) as running,
    ):
        assert json.loads((await curl(running, authority)).out)["name"] == "origin"
        for version in ("1.2", "1.3"):
            ended = await curl(running, own, "--tls-max", version, name="n.example")
            assert (ended.out.decode(), ended.err) == (f"nginx for n.example by TLSv{version}", "")
        assert (await curl(running, authority, name="n.example")).code == 60  # not the gateway's certificate
    assert [record["router"] for record in running.records] == ["all", "through", "through", "through"]


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_header_for_nginx(authority: Authority, tmp_path: Path, version: str) -> None:
    """nginx learns from the PROXY header who the client is, before TLS begins."""
    files = authority.issue("n.example")
    async with (
        nginx(tmp_path, files, "$proxy_protocol_addr", "proxy_protocol") as url,
        gateway(hcl(files.hcl, "http://127.0.0.1:9", through(url, f'proxy_protocol = "{version}"'))) as running,
    ):
        ended = await curl(running, authority, "--interface", "127.0.0.4", name="n.example")
        assert (ended.out, ended.err) == (b"127.0.0.4", "")


async def test_a_header_from_curl(authority: Authority) -> None:
    """Where the header is required, only who sends one is served."""
    options = 'proxy_protocol_required = true\ntrusted_ips = ["127.0.0.1"]'
    tls = authority.issue("a.example").hcl
    async with Echo("origin") as echo, gateway(hcl(tls, echo.url, entrypoint=options)) as running:
        assert (await curl(running, authority, "--haproxy-protocol")).code == 0
        assert (await curl(running, authority)).code != 0
        refused = await curl(running, authority, "--haproxy-protocol", "--interface", "127.0.0.2")
        assert refused.code != 0  # not one of those that are believed
        assert len(echo.requests) == 1


@pytest.mark.parametrize("header", ["send-proxy", "send-proxy-v2", "send-proxy-v2-ssl"])
async def test_a_header_from_haproxy(authority: Authority, tmp_path: Path, header: str) -> None:
    """Who is behind HAProxy is known by address, to endpoints and in the log."""
    options = 'proxy_protocol = true\ntrusted_ips = ["127.0.0.1"]'
    tls = authority.issue("a.example").hcl
    async with (
        Echo("origin") as echo,
        gateway(hcl(tls, echo.url, entrypoint=options)) as running,
        haproxy(tmp_path, running.gateway.addresses["web"][0], header) as port,
    ):
        given = arguments(running, authority, port=str(port))
        ended = await run("curl", *given, "--interface", "127.0.0.3")
        assert (ended.code, ended.err) == (0, "")
        assert json.loads(ended.out)["fields"]["x-forwarded-for"] == "127.0.0.3"
    assert running.records[0]["client_ip"] == "127.0.0.3"
