"""Entrypoints are added, changed, renamed and removed while they carry traffic."""

from __future__ import annotations

from pathlib import Path

from a3sgw.tasks import spawn
from tests.support.live import GET, fetch, free_port, hcl, live, refused, until
from tests.support.origin import OK, Origin

CLOSED = b""


async def test_one_is_added_and_removed(tmp_path: Path, origin: Origin) -> None:
    """It accepts as soon as the edit is in use, and refuses once it is gone."""
    port = free_port()
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        path.write_text(hcl(origin.url, "2", f'entrypoints "more" {{ address = "127.0.0.1:{port}" }}\n'))
        await running.becomes("2")
        assert (await fetch(f"127.0.0.1:{port}")).status == 200
        path.write_text(hcl(origin.url, "3"))
        await running.becomes("3")
        assert await refused(f"127.0.0.1:{port}")
        assert list(running.gateway.addresses) == ["web"]


async def test_a_removed_one_answers_what_it_owes(tmp_path: Path) -> None:
    """The running exchange ends as the old configuration says, and says close; idle connections close soon."""
    path = tmp_path / "gateway.hcl"
    async with Origin() as origin:
        more = 'entrypoints "more" { address = "127.0.0.1:0" }\n'
        path.write_text(hcl(origin.url, "1", more))
        async with live(path) as running:
            busy = await running.connect("more")
            idle = await running.connect("more")
            await busy.send(GET)
            there = await origin.accept()
            await there.message()
            address = running.gateway.addresses["more"][0]
            path.write_text(hcl(origin.url, "2"))
            await until(lambda: "more" not in running.gateway.addresses, "the entrypoint is gone")
            assert await idle.more() == CLOSED
            assert await refused(address)
            await there.send(OK)
            answer = await busy.message()
            assert answer.status == 200
            assert answer.get(b"x-version") == b"1"
            assert answer.get(b"connection") == b"close"
            assert await busy.more() == CLOSED


async def test_an_exchange_on_a_removed_one_is_cut_at_the_timeout(tmp_path: Path) -> None:
    """After `shutdown_timeout_secs` nothing of a removed entrypoint is left."""
    path = tmp_path / "gateway.hcl"
    async with Origin() as origin:
        path.write_text(hcl(origin.url, "1", 'entrypoints "more" { address = "127.0.0.1:0" }\n'))
        async with live(path) as running:
            busy = await running.connect("more")
            await busy.send(GET)
            await (await origin.accept()).message()
            path.write_text(hcl(origin.url, "2").replace("timeout_secs = 1", 'timeout_secs = "100ms"'))
            assert (await busy.end())[1] == "RST"


async def test_stopping_waits_for_a_removed_one_too(tmp_path: Path) -> None:
    """An exchange on an entrypoint that has just gone is as good as any other when the gateway stops."""
    path = tmp_path / "gateway.hcl"
    async with Origin() as origin:
        path.write_text(hcl(origin.url, "1", 'entrypoints "more" { address = "127.0.0.1:0" }\n'))
        async with live(path) as running:
            busy = await running.connect("more")
            await busy.send(GET)
            there = await origin.accept()
            await there.message()
            path.write_text(hcl(origin.url, "2"))
            await until(lambda: "more" not in running.gateway.addresses, "the entrypoint is gone")
            stopping = spawn(running.gateway.shutdown(), "shutdown")
            await until(lambda: running.gateway.state() == "draining", "it stops")
            await there.send(OK)
            await stopping
            assert (await busy.message()).status == 200


async def test_an_address_changes(tmp_path: Path, origin: Origin) -> None:
    """New connections go to the new address; the old one is refused."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    port = free_port()
    async with live(path) as running:
        old = running.gateway.addresses["web"][0]
        path.write_text(
            hcl(origin.url, "2").replace('"web" { address = "127.0.0.1:0"', f'"web" {{ address = ":{port}"')
        )
        await until(lambda: running.gateway.addresses["web"] != [old], "the address has changed")
        assert await refused(old)
        assert (await fetch(f"127.0.0.1:{port}")).get(b"x-version") == b"2"
        assert (await fetch(f"[::1]:{port}")).get(b"x-version") == b"2"


async def test_a_name_changes(tmp_path: Path, origin: Origin) -> None:
    """The address goes on listening without a gap; connections of the old name close like those of a removed one."""
    path = tmp_path / "gateway.hcl"
    port = free_port()
    text = hcl(origin.url, "1").replace('"web" { address = "127.0.0.1:0"', f'"web" {{ address = "127.0.0.1:{port}"')
    path.write_text(text)
    async with live(path) as running:
        idle = await running.connect()
        path.write_text(text.replace('entrypoints "web"', 'entrypoints "front"'))
        reloading = spawn(running.gateway.reload(), "reload")
        while not reloading.done():
            assert not await refused(f"127.0.0.1:{port}")
        assert await reloading
        assert list(running.gateway.addresses) == ["front"]
        assert await idle.more() == CLOSED
        assert (await fetch(f"127.0.0.1:{port}")).status == 200


async def test_two_swap_their_addresses(tmp_path: Path, origin: Origin) -> None:
    """Nobody has to be closed before the other can open."""
    one, two = free_port(), free_port()
    more = f"""
    entrypoints "a" {{ address = "127.0.0.1:{one}" }}
    entrypoints "b" {{ address = "127.0.0.1:{two}" }}
    routers "on-b" {{
      rule        = "PathPrefix(`/`)"
      service     = "origin"
      entrypoints = ["b"]
      middlewares = ["b"]
      priority    = 100
    }}
    middlewares "b" {{
      type             = "headers"
      response_headers = {{ "X-Version" = "b" }}
    }}
    """
    swapped = more.replace(str(one), "?").replace(str(two), str(one)).replace("?", str(two))
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "a", more))
    async with live(path) as running:
        assert (await fetch(f"127.0.0.1:{two}")).get(b"x-version") == b"b"
        path.write_text(hcl(origin.url, "a", swapped))
        assert await running.gateway.reload()
        assert (await fetch(f"127.0.0.1:{one}")).get(b"x-version") == b"b"
        assert (await fetch(f"127.0.0.1:{two}")).get(b"x-version") == b"a"


async def test_options_change_for_open_connections(tmp_path: Path, origin: Origin) -> None:
    """A connection stays open over a reload, and its next request is judged by the new options."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        wire = await running.connect()
        await wire.send(GET)
        assert (await wire.message()).status == 200
        text = hcl(origin.url, "2").replace('"127.0.0.1:0" }\nadmin', '"127.0.0.1:0"\n max_headers = 2\n}\nadmin')
        path.write_text(text)
        await running.becomes("2")
        await wire.send(GET.replace(b"\r\n\r\n", b"\r\nA: 1\r\nB: 2\r\n\r\n"))
        assert (await wire.message()).status == 431


async def test_the_admin_address_changes(tmp_path: Path, origin: Origin) -> None:
    """It moves, leaves, and comes back like any entrypoint."""
    port = free_port()
    path = tmp_path / "gateway.hcl"
    text = hcl(origin.url, "1")
    admin = 'admin { address = "127.0.0.1:0" }'
    path.write_text(text)
    async with live(path) as running:
        old = running.gateway.admin_address
        path.write_text(text.replace(admin, f'admin {{ address = "127.0.0.1:{port}" }}'))
        assert await running.gateway.reload()
        assert (await fetch(f"127.0.0.1:{port}", "/health")).status == 200
        await until(lambda: refused(old), "the old admin address is closed")
        path.write_text(text.replace(admin, ""))
        assert await running.gateway.reload()
        await until(lambda: refused(f"127.0.0.1:{port}"), "there is no admin server")
        path.write_text(text)
        assert await running.gateway.reload()
        assert (await fetch(running.gateway.admin_address, "/health")).status == 200


async def test_a_unix_socket(tmp_path: Path, origin: Origin) -> None:
    """An entrypoint may move from a port to a path and back."""
    path = tmp_path / "gateway.hcl"
    text = hcl(origin.url, "1")
    path.write_text(text)
    async with live(path) as running:
        path.write_text(text.replace('"127.0.0.1:0"', f'"unix:{tmp_path}/web.sock"', 1))
        assert await running.gateway.reload()
        assert running.gateway.addresses == {"web": [f"unix:{tmp_path}/web.sock"]}
        assert (await fetch(f"unix:{tmp_path}/web.sock")).status == 200
        path.write_text(text)
        assert await running.gateway.reload()
        assert await refused(f"unix:{tmp_path}/web.sock")
        assert await running.version() == "1"
