"""TLS that is ended by the gateway: certificates by name, options by name, clients with certificates, reloads."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from socket import create_connection

import pytest
import pytest_asyncio

from a3sgw import load_config
from a3sgw.config.registry import Registry
from a3sgw.errors import ConfigError
from a3sgw.snapshot import Parts, Snapshot
from a3sgw.sweeper import Sweeper
from a3sgw.tls.openssl import accept_any_certificate
from tests.support.echo import Echo
from tests.support.gateway import Running, gateway
from tests.support.tls import Authority, TlsClient, connect
from tests.support.wire import Wire


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """One that the gateway's certificates come from."""
    return Authority(tmp_path)


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[Echo]:
    """An endpoint that says what it was asked."""
    async with Echo("origin") as made:
        yield made


def hcl(tls: str, echo: Echo, more: str = "", rule: str = "PathPrefix(`/`)", router: str = "") -> str:
    """One HTTPS entrypoint before one endpoint."""
    return f"""
    shutdown_timeout_secs = 1
    entrypoints "web" {{
      address = "127.0.0.1:0"
      tls {{
        {tls}
      }}
    }}
    routers "all" {{
      rule    = "{rule}"
      service = "origin"
      {router}
    }}
    services "origin" {{ load_balancer {{ servers = [{{ url = "{echo.url}" }}] }} }}
    {more}
    """


async def meet(running: Running, context: ssl.SSLContext, name: str) -> TlsClient:
    """A handshake with the entrypoint, for `name`."""
    return await connect(running.gateway.addresses["web"][0], context, name)


async def test_requests_arrive_as_https(authority: Authority, echo: Echo) -> None:
    """A request over TLS is served like any other; the endpoint is told that it came as https, and HTTP/1.1 is agreed
    on with a client that would rather have HTTP/2."""
    async with gateway(hcl(authority.issue("a.example").hcl, echo)) as running:
        client = await meet(running, authority.client("h2", "http/1.1"), "a.example")
        status, body = await client.ask("a.example")
        assert (status, client.tls.selected_alpn_protocol(), client.tls.version()) == (200, "http/1.1", "TLSv1.3")
        assert echo.requests[-1].get(b"x-forwarded-proto") == b"https"
        assert b"origin" in body
        client.close()


async def test_many_requests_and_long_bodies(authority: Authority, echo: Echo) -> None:
    """Records of any number make whole messages: a body of 300 KB goes up, and requests follow on the connection."""
    async with gateway(hcl(authority.issue("a.example").hcl, echo)) as running:
        client = await meet(running, authority.client(), "a.example")
        body = bytes(range(256)) * 1200
        await client.send(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert echo.requests[-1].body == body
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await client.read(length)
        assert [(await client.ask("a.example"))[0] for _ in range(3)] == [200, 200, 200]
        client.close()


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("a.example", "a.example"),
        ("x.b.example", "*.b.example"),
        ("c.example", "a.example"),
        ("A.Example", "a.example"),
    ],
)
async def test_certificates_by_name(authority: Authority, echo: Echo, name: str, served: str) -> None:
    """The name itself comes first, then a wildcard for one label, then the first certificate."""
    first, second = authority.issue("a.example"), authority.issue("*.b.example")
    tls = f"{first.hcl}\ncertificates {{\n{second.hcl}\n}}"
    async with gateway(hcl(tls, echo)) as running:
        context = authority.client()
        context.check_hostname = False
        client = await meet(running, context, name)
        assert client.names == [served]
        client.close()


async def test_strict_names(authority: Authority, echo: Echo) -> None:
    """With `sni_strict` who asks for a name without a certificate gets an alert that says so."""
    async with gateway(hcl(f"{authority.issue('a.example').hcl}\nsni_strict = true", echo)) as running:
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            await meet(running, authority.client(), "b.example")
        client = await meet(running, authority.client(), "a.example")
        assert (await client.ask("a.example"))[0] == 200
        client.close()


async def test_nothing_in_common(authority: Authority, echo: Echo) -> None:
    """A client that only wants a protocol that is not spoken is told so (RFC 7301 §3.2)."""
    async with gateway(hcl(authority.issue("a.example").hcl, echo)) as running:
        with pytest.raises(ssl.SSLError, match="no application protocol"):
            await meet(running, authority.client("spdy/3"), "a.example")


@pytest.mark.parametrize(
    ("option", "offered", "works"), [("1.2", "1.2", True), ("1.3", "1.2", False), ("1.3", "1.3", True)]
)
async def test_oldest_version(authority: Authority, echo: Echo, option: str, offered: str, works: bool) -> None:
    """Versions older than `min_version` are refused."""
    context = authority.client()
    context.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[offered]
    async with gateway(hcl(f'{authority.issue("a.example").hcl}\nmin_version = "{option}"', echo)) as running:
        if not works:
            with pytest.raises(ssl.SSLError):
                await meet(running, context, "a.example")
            return
        client = await meet(running, context, "a.example")
        assert client.tls.version() == f"TLSv{offered}"
        client.close()


async def test_cipher_suites(authority: Authority, echo: Echo) -> None:
    """Of TLS 1.2 only the named suites are used."""
    context = authority.client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    suites = 'cipher_suites = ["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"]'
    async with gateway(hcl(f"{authority.issue('a.example').hcl}\n{suites}", echo)) as running:
        client = await meet(running, context, "a.example")
        assert "CHACHA20" in (client.tls.cipher() or ("",))[0]
        client.close()


async def test_plain_http(authority: Authority, echo: Echo) -> None:
    """Who forgets the s of https is told, in a way that browsers show."""
    async with gateway(hcl(authority.issue("a.example").hcl, echo)) as running:
        wire = await running.connect()
        await wire.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        answer = await wire.message()
        assert answer.status == 400
        assert b"https" in answer.body
        assert await wire.end() == (b"", "FIN")


@pytest.mark.parametrize(
    "nonsense", [b"\x16\x03\x01\x00\x05hello", b"\x80\x2e\x01\x03\x01\0\0\0\0\0", b"\x16\x03\x09\xff\xff"]
)
async def test_nonsense(authority: Authority, echo: Echo, nonsense: bytes) -> None:
    """What begins like TLS and is none ends the connection, and nothing else."""
    async with gateway(hcl(authority.issue("a.example").hcl, echo)) as running:
        wire = await running.connect()
        await wire.send(nonsense)
        assert (await wire.end())[0][:1] in (b"", b"\x15")
        client = await meet(running, authority.client(), "a.example")
        assert (await client.ask("a.example"))[0] == 200
        client.close()


async def test_slow_handshakes(authority: Authority, echo: Echo) -> None:
    """Who does not finish the handshake in time is closed."""
    tls = f'{authority.issue("a.example").hcl}\nhandshake_timeout = "100ms"'
    async with gateway(hcl(tls, echo)) as running:
        wire = await running.connect()
        await wire.send(b"\x16\x03\x01")
        assert (await wire.end())[0] == b""
        assert await running.deserted()


def begun(authority: Authority) -> bytes:
    """The first message of a handshake, whose second one never comes."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        authority.client().wrap_bio(incoming, outgoing, server_hostname="a.example").do_handshake()
    return outgoing.read()


async def test_too_many_handshakes(authority: Authority, echo: Echo) -> None:
    """Only so many are under way at once; one that ends makes room."""
    tls = f"{authority.issue('a.example').hcl}\nmax_handshakes = 1"
    async with gateway(hcl(tls, echo)) as running:
        first = await running.connect()
        await first.send(begun(authority))
        await first.read(1)  # it has been answered: the handshake is under way
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await meet(running, authority.client(), "a.example")
        first.close()
        while running.gateway.health()["entrypoints"]["web"]["connections"]:
            await asyncio.sleep(0)
        client = await meet(running, authority.client(), "a.example")
        assert (await client.ask("a.example"))[0] == 200
        client.close()


# Clients with certificates...


@pytest.mark.parametrize("mode", ["request", "require", "verify-if-given", "require-and-verify"])
@pytest.mark.parametrize("shown", ["none", "right", "wrong"])
async def test_client_certificates(tmp_path: Path, authority: Authority, echo: Echo, mode: str, shown: str) -> None:
    """Traefik's five modes (the fifth asks nobody): who is let in depends on whether a certificate is there, and on
    whether it has to be signed by one of the authorities."""
    others = Authority(tmp_path)
    certificates = {"none": None, "right": authority.issue("me@a.example"), "wrong": others.issue("you@a.example")}
    admitted = {
        "request": {"none", "right", "wrong"},
        "require": {"right", "wrong"},
        "verify-if-given": {"none", "right"},
        "require-and-verify": {"right"},
    }
    given = f'ca_files = ["{authority.file}"]' if "verify" in mode else ""
    tls = f'{authority.issue("a.example").hcl}\nclient_auth {{\nmode = "{mode}"\n{given}\n}}'
    async with gateway(hcl(tls, echo)) as running:
        try:
            client = await meet(running, authority.client(certificate=certificates[shown]), "a.example")
            status, _ = await client.ask("a.example")
            client.close()
        except (ssl.SSLError, asyncio.IncompleteReadError, ConnectionError):
            status = 0
        assert status == (200 if shown in admitted[mode] else 0)


async def test_options_of_one_name_do_not_hold_for_another(authority: Authority, echo: Echo) -> None:
    """T-54: A connection made for a name that asks for no certificate may not be used for one that does: 421, and
    only there."""
    strict = f'tls {{\nclient_auth {{ ca_files = ["{authority.file}"] }}\n}}'
    more = f'routers "b" {{\nrule = "Host(`b.example`)"\nservice = "origin"\n{strict}\n}}\n'
    tls = authority.issue("a.example", "b.example", "c.example").hcl
    async with gateway(hcl(tls, echo, more)) as running:
        client = await meet(running, authority.client(), "a.example")
        assert [(await client.ask(host))[0] for host in ("a.example", "b.example", "c.example")] == [200, 421, 200]
        client.close()
        with pytest.raises((ssl.SSLError, asyncio.IncompleteReadError, ConnectionError)):
            await (await meet(running, authority.client(), "b.example")).ask("b.example")
        mine = authority.client(certificate=authority.issue("me@a.example"))
        client = await meet(running, mine, "b.example")
        assert [(await client.ask(host))[0] for host in ("b.example", "a.example")] == [200, 421]
        client.close()


async def test_two_names_with_the_same_options(authority: Authority, echo: Echo) -> None:
    """Where the options are equal a connection serves both names, as clients of one certificate expect."""
    one = 'tls { min_version = "1.3" }'
    more = f'routers "b" {{\nrule = "Host(`b.example`)"\nservice = "origin"\n{one}\n}}\n'
    tls = authority.issue("a.example", "b.example").hcl
    async with gateway(hcl(tls, echo, more, "Host(`a.example`)", one)) as running:
        client = await meet(running, authority.client(), "a.example")
        assert [(await client.ask(host))[0] for host in ("a.example", "b.example")] == [200, 200]
        client.close()


# Reloads...


async def test_new_files(authority: Authority, echo: Echo) -> None:
    """Files that change are read again; connections that are there stay, and no handshake fails meanwhile."""
    files = authority.issue("a.example")
    async with gateway(hcl(files.hcl, echo)) as running:
        old = await meet(running, authority.client(), "a.example")
        serials = {old.writer.get_extra_info("peercert")["serialNumber"]}
        authority.renew(files, "a.example")
        async with asyncio.timeout(10):
            while len(serials) < 2:
                client = await meet(running, authority.client(), "a.example")
                serials.add(client.writer.get_extra_info("peercert")["serialNumber"])
                assert (await client.ask("a.example"))[0] == 200
                client.close()
        assert (await old.ask("a.example"))[0] == 200
        old.close()


async def test_a_certificate_that_cannot_be_used(authority: Authority, echo: Echo) -> None:
    """What is written into the files by mistake changes nothing."""
    files = authority.issue("a.example")
    async with gateway(hcl(files.hcl, echo)) as running:
        before = files.key.read_bytes()
        files.key.write_bytes(authority.issue("b.example").key.read_bytes())
        plane = running.gateway._plane
        assert plane.snapshot is not None
        await plane.snapshot.terminations()[0].look()
        client = await meet(running, authority.client(), "a.example")
        assert (await client.ask("a.example"))[0] == 200
        client.close()
        files.key.write_bytes(before)


async def test_sessions_are_taken_up_again(authority: Authority, echo: Echo) -> None:
    """A client that comes back with a ticket need not do the whole handshake, unless tickets are switched off."""
    found = []
    for option in ("", "session_tickets = false"):
        context = authority.client()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        async with gateway(hcl(f"{authority.issue('a.example').hcl}\n{option}", echo)) as running:
            _, _, port = running.gateway.addresses["web"][0].rpartition(":")

            def twice(port: str = port, context: ssl.SSLContext = context) -> bool:
                with context.wrap_socket(
                    create_connection(("127.0.0.1", int(port))), server_hostname="a.example"
                ) as one:
                    session = one.session
                with context.wrap_socket(
                    create_connection(("127.0.0.1", int(port))), server_hostname="a.example", session=session
                ) as two:
                    return bool(two.session_reused)

            found.append(await asyncio.to_thread(twice))
    assert found == [True, False]


async def test_self_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, echo: Echo) -> None:
    """For development a certificate is made up, the same after a restart, with the names of the routers."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    seen = set()
    for _ in range(2):
        async with gateway(hcl("self_signed = true", echo, rule="Host(`dev.example`)")) as running:
            client = await meet(running, context, "dev.example")
            seen.add(client.tls.getpeercert(binary_form=True))
            assert (await client.ask("dev.example"))[0] == 200
            client.close()
    assert len(seen) == 1
    assert b"dev.example" in next(one for one in seen if one)


async def test_redirect_to_https(authority: Authority, echo: Echo) -> None:
    """`redirect` sends every request to the other entrypoint, also those that no router wants, and leaves ACME
    challenges alone."""
    more = 'entrypoints "plain" {\naddress = "127.0.0.1:0"\nredirect { to = ":8443" }\n}\n'
    async with gateway(hcl(authority.issue("a.example").hcl, echo, more, "Host(`a.example`)")) as running:
        wire = await running.connect("plain")
        for host, path, status, location in (
            ("a.example", "/x?y", 301, b"https://a.example:8443/x?y"),
            ("b.example:80", "/", 301, b"https://b.example:8443/"),
            ("a.example", "/.well-known/acme-challenge/x", 200, None),
        ):
            await wire.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answer = await wire.message()
            assert (answer.status, answer.get(b"location")) == (status, location)


async def test_goodbye(authority: Authority, echo: Echo) -> None:
    """The end of an answer is the end of the connection in TLS as well (close_notify), never just of TCP."""
    async with gateway(hcl(authority.issue("a.example").hcl, echo)) as running:
        client = await meet(running, authority.client(), "a.example")
        await client.send(b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
        answer = await client.rest()  # would raise SSLEOFError without a goodbye
        assert answer.startswith(b"HTTP/1.1 200 ")
        client.close()


def test_this_python_can_accept_any_certificate() -> None:
    """The modes request and require need it; where it is missing they are refused at load."""
    assert accept_any_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


async def raw_hello(running: Running, authority: Authority, size: int) -> Wire:
    """A handshake whose first message comes in pieces."""
    wire = await running.connect()
    hello = begun(authority)
    for at in range(0, len(hello), size):
        await wire.send(hello[at : at + size])
    return wire


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_hello_in_pieces(authority: Authority, echo: Echo, size: int) -> None:
    """However the first message is cut, it is answered."""
    async with gateway(hcl(authority.issue("a.example").hcl, echo)) as running:
        wire = await raw_hello(running, authority, size)
        assert (await wire.read(1)) == b"\x16"


WILD = "*.w.example"


@pytest.mark.parametrize(
    ("entrypoint", "wild", "exact", "admitted"),
    [
        ("require-and-verify", "none", "require-and-verify", False),
        ("require-and-verify", "none", "", False),
        ("none", "require-and-verify", "none", True),
        ("none", "require-and-verify", "", True),
    ],
)
async def test_a_name_is_not_what_its_wildcard_is(
    authority: Authority, echo: Echo, entrypoint: str, wild: str, exact: str, admitted: bool
) -> None:
    """Options of a wildcard are not those of a name that a router names itself, in either direction, and whether that
    router says so or leaves it to the entrypoint."""

    def auth(mode: str) -> str:
        files = f'ca_files = ["{authority.file}"]' if mode != "none" else ""
        return f'client_auth {{\nmode = "{mode}"\n{files}\n}}'

    tls = f"{authority.issue('w.example', WILD).hcl}\n{auth(entrypoint)}"
    more = f'routers "w" {{\nrule = "Host(`{WILD}`)"\nservice = "origin"\ntls {{\n{auth(wild)}\n}}\n}}\n'
    own = f"tls {{\n{auth(exact)}\n}}" if exact else ""
    more += f'routers "secret" {{\nrule = "Host(`secret.w.example`)"\nservice = "origin"\n{own}\n}}\n'
    async with gateway(hcl(tls, echo, more, "Host(`w.example`)")) as running:
        try:
            client = await meet(running, authority.client(), "secret.w.example")
            status, _ = await client.ask("secret.w.example")
            client.close()
        except (ssl.SSLError, asyncio.IncompleteReadError, ConnectionError):
            status = 0
        assert status == (200 if admitted else 0)


@pytest.mark.parametrize("change", ["client_auth", "tls", "no tls", "nothing"])
async def test_kept_connections_do_not_get_around_a_reload(authority: Authority, echo: Echo, change: str) -> None:
    """Who would not be let in any more is not let in on a connection that was kept either; others keep theirs."""
    files = authority.issue("a.example")
    plain = hcl(files.hcl, echo)
    strict = hcl(f'{files.hcl}\nclient_auth {{ ca_files = ["{authority.file}"] }}', echo)
    bare = plain.replace(f"tls {{\n        {files.hcl}\n      }}", "")
    assert "tls" not in bare
    before, after = {
        "client_auth": (plain, strict),
        "tls": (bare, strict),
        "no tls": (plain, bare),
        "nothing": (
            plain,
            plain + 'services "more" {\nload_balancer { servers = [{ url = "http://127.0.0.1:1" }] }\n}\n',
        ),
    }[change]
    async with gateway(before) as running:
        if before is bare:
            wire = await running.connect()
            await wire.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
            await wire.message()
            assert await running.gateway.reload(load_config(after))
            assert await wire.end() == (b"", "FIN")
            return
        client = await meet(running, authority.client(), "a.example")
        assert (await client.ask("a.example"))[0] == 200
        assert await running.gateway.reload(load_config(after))
        if change == "nothing":
            assert (await client.ask("a.example"))[0] == 200
        else:
            assert await client.rest() == b""
        client.close()


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("Host(`a.example`) || PathPrefix(`/admin/`)", True),
        ("Host(`a.example`) || HostRegexp(`b`)", True),
        ("!Host(`a.example`)", True),
        ("(Host(`a.example`) || Host(`b.example`)) && PathPrefix(`/admin/`)", False),
    ],
)
def test_options_need_a_name_in_each_alternative(authority: Authority, rule: str, problem: bool) -> None:
    """A request that gets to the router by another name would get around them."""
    strict = f'tls {{\nclient_auth {{ ca_files = ["{authority.file}"] }}\n}}'
    text = f"""
    entrypoints "web" {{
      address = ":0"
      tls {{
        {authority.issue("a.example").hcl}
      }}
    }}
    routers "r" {{
      rule    = "{rule}"
      service = "s"
      {strict}
    }}
    services "s" {{ load_balancer {{ servers = [{{ url = "http://127.0.0.1:1" }}] }} }}
    """
    parts = Parts(Sweeper(), lambda *names: (), Registry())
    if problem:
        with pytest.raises(ConfigError, match="need to know the name"):
            Snapshot.compile(load_config(text), parts)
    else:
        Snapshot.compile(load_config(text), parts)


async def test_a_router_with_options_is_not_served_without_tls(authority: Authority, echo: Echo) -> None:
    """One that names no entrypoint is for those that end TLS; on others its options would not hold."""
    strict = f'tls {{\nclient_auth {{ ca_files = ["{authority.file}"] }}\n}}'
    more = 'entrypoints "plain" { address = "127.0.0.1:0" }\n'
    async with gateway(hcl(authority.issue("a.example").hcl, echo, more, "Host(`a.example`)", strict)) as running:
        wire = await running.connect("plain")
        await wire.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert (await wire.message()).status == 404


async def test_redirects_let_nobody_through(authority: Authority, echo: Echo) -> None:
    """A request that names no host cannot be sent elsewhere, and gets no answer from an endpoint."""
    more = 'entrypoints "plain" {\naddress = "127.0.0.1:0"\nredirect { to = ":8443" }\n}\n'
    async with gateway(hcl(authority.issue("a.example").hcl, echo, more)) as running:
        wire = await running.connect("plain")
        await wire.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await wire.message()).status == 400
        assert echo.requests == []
