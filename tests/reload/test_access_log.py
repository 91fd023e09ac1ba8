"""The access log is switched on, off and over while requests are served, and no record is lost."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.live import GET, fetch, hcl, live, until
from tests.support.origin import OK, Origin


def paths(log: Path) -> list[str]:
    """What was asked for, in order."""
    return [json.loads(line)["path"] for line in log.read_text().splitlines()] if log.exists() else []


def text(origin: str, log: Path | None) -> str:
    """The usual configuration, logging to a file or not at all."""
    return hcl(origin) if log is None else hcl(origin).replace("enabled = false", f'file = "{log}"')


async def test_it_moves_to_another_file(tmp_path: Path) -> None:
    """Requests answered before are in the old file, a request that was running is in the new one."""
    path, one, two = tmp_path / "gateway.hcl", tmp_path / "one.log", tmp_path / "two.log"
    async with Origin() as origin:
        path.write_text(text(origin.url, one))
        async with live(path) as running:
            client = await running.connect()
            await client.send(b"GET /before HTTP/1.1\r\nHost: a\r\n\r\n")
            there = await origin.accept()
            await there.message()
            await there.send(OK)
            await client.message()
            await client.send(b"GET /running HTTP/1.1\r\nHost: a\r\n\r\n")
            await there.message()
            path.write_text(text(origin.url, two))
            assert await running.gateway.reload()
            await there.send(OK)
            await client.message()
        assert paths(one) == ["/before"]
        assert paths(two) == ["/running"]
        assert running.gateway.metrics().access_log_lost == 0
        assert len(origin.wires) == 1


async def test_it_is_switched_on_and_off(tmp_path: Path, origin: Origin) -> None:
    """Only requests that begin while it is on are in it, those that match no route, too; pools are kept."""
    path, log = tmp_path / "gateway.hcl", tmp_path / "access.log"
    path.write_text(text(origin.url, None))
    async with live(path) as running:
        address = running.gateway.addresses["web"][0]
        await fetch(address, "/off")
        path.write_text(text(origin.url, log))
        assert await running.gateway.reload()
        await fetch(address, "/on")
        path.write_text(text(origin.url, None))
        assert await running.gateway.reload()
        await fetch(address, "/off-again")
        await until(lambda: paths(log) == ["/on"], "the record is written")
    assert paths(log) == ["/on"]
    assert len(origin.wires) == 1


async def test_requests_without_a_route_follow_it(tmp_path: Path) -> None:
    """An entrypoint without any route logs its 404s, also after the log was switched on live."""
    path, log = tmp_path / "gateway.hcl", tmp_path / "access.log"
    bare = 'shutdown_timeout_secs = 1\nentrypoints "web" { address = "127.0.0.1:0" }\n'
    path.write_text(bare + "access_log { enabled = false }\n")
    async with live(path) as running:
        path.write_text(bare + f'access_log {{ file = "{log}" }}\n')
        assert await running.gateway.reload()
        assert (await fetch(running.gateway.addresses["web"][0], "/nobody")).status == 404
    assert paths(log) == ["/nobody"]


async def test_a_record_of_a_running_request_is_not_lost_when_it_is_switched_off(tmp_path: Path) -> None:
    """What began while the log was on is in it."""
    path, log = tmp_path / "gateway.hcl", tmp_path / "access.log"
    async with Origin() as origin:
        path.write_text(text(origin.url, log))
        async with live(path) as running:
            client = await running.connect()
            await client.send(GET)
            there = await origin.accept()
            await there.message()
            path.write_text(text(origin.url, None))
            assert await running.gateway.reload()
            await there.send(OK)
            await client.message()
            await until(lambda: paths(log) == ["/"], "the record is written")
        assert running.gateway.metrics().access_log_lost == 0


async def test_reopening_follows_a_moved_file(tmp_path: Path, origin: Origin) -> None:
    """After a rotation old records are in the moved file, new ones in a new file of the old name."""
    path, log, moved = tmp_path / "gateway.hcl", tmp_path / "access.log", tmp_path / "access.log.1"
    path.write_text(text(origin.url, log))
    async with live(path) as running:
        address = running.gateway.addresses["web"][0]
        await fetch(address, "/old")
        log.rename(moved)
        running.gateway.reopen_logs()
        await until(log.exists, "the new file is there")
        await fetch(address, "/new")
    assert (paths(moved), paths(log)) == (["/old"], ["/new"])
