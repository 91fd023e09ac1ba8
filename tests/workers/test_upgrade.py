"""Another version takes over the sockets while clients go on: they see no failed request."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from tests.support.hammer import hammer
from tests.support.live import GET, fetch, free_port, refused, until
from tests.support.origin import OK, Origin
from tests.support.processes import alive, listens
from tests.support.stream import begin
from tests.support.workers import TWO, crew, started, text


def unwatched(count: int) -> str:
    """So many workers, and edits count for the next version only."""
    return f"workers = {count}\nproviders {{\n  file {{ watch = false }}\n}}\n"


async def test_nobody_notices_two_upgrades(tmp_path: Path, origin: Origin) -> None:
    """Clients on kept and new connections are answered throughout; each time all old processes end, and the new ones,
    which are more or fewer, serve the same addresses, that of the management API included."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, more=unwatched(2)))
    async with crew(path) as running:
        addresses = (running.web, running.admin)
        async with hammer(running.web) as clients:
            for number, count in ((1, 3), (2, 1)):
                before = running.left()
                (supervisor,) = running.supervisors()
                path.write_text(text(origin.url, str(number + 1), unwatched(count)))
                running.send(signal.SIGUSR2, supervisor)
                await running.ready(number + 1)
                await running.gone(*before)
                await clients.more()
                assert (running.web, running.admin) == addresses
                assert not before & {*(await running.workers()).values(), *running.supervisors()}
                assert len(await running.workers()) == count
                assert {await running.version() for _ in range(20)} == {str(number + 1)}
        assert clients.closed >= 2
        assert await running.command.process.wait() == 0


async def test_a_stream_goes_on_in_the_old_version(tmp_path: Path, slow: Origin) -> None:
    """What has begun ends whole where it began, while new requests are the new version's; then the old one ends."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(slow.url, more=f'{TWO}drain_timeout = "20s"\n'))
    async with crew(path) as running:
        stream = await begin(running, slow)
        workers = set((await running.workers()).values())
        old = await running.holder(stream.client)
        running.send(signal.SIGUSR2)
        await running.ready(2)
        await running.gone(*workers - {old})
        other = await running.connect()
        await other.send(GET)
        elsewhere = await slow.accept()
        await elsewhere.message()
        await elsewhere.send(OK)
        assert (await other.message()).status == 200
        assert await running.holder(other) in (await running.workers()).values()
        assert alive(old)
        await stream.finishes()
        await running.gone(old, running.pid)


async def test_a_stream_is_cut_in_the_end(tmp_path: Path, slow: Origin) -> None:
    """What still runs in the old version after `drain_timeout` is cut, not ended as if it were whole, and said."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(slow.url, more=f'{TWO}drain_timeout = "300ms"\n', drain=30))
    async with crew(path) as running:
        before = running.left()
        stream = await begin(running, slow)
        running.send(signal.SIGUSR2)
        await running.ready(2)
        await stream.is_cut()
        await running.gone(*before)
        assert (await running.log("connections were cut"))["connections"] == 1


async def test_a_new_version_with_a_broken_configuration(tmp_path: Path, origin: Origin) -> None:
    """The old one goes on as if nothing had been, says so, and upgrades as soon as it can."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url, more=unwatched(2)))
    async with crew(path) as running:
        before = running.left()
        async with hammer(running.web) as clients:
            path.write_text(text(origin.url, "2", unwatched(2)).replace("rule  ", "ruel  "))
            running.send(signal.SIGUSR2)
            line = await running.log("the upgrade failed")
            assert "ended with exit code 1" in line["message"]
            assert f"{path}:7:3: error" in await running.command.line("ruel")
            await until(lambda: running.left() == before, "nothing is left of the new one")
            await clients.more()
            assert set(clients.answers) == {(200, "1")}
            assert clients.closed == 0
            path.write_text(text(origin.url, "2", unwatched(2)))
            running.send(signal.SIGUSR2)
            await running.gone(*before)
            await clients.sees("2")


async def test_the_script_that_is_installed_now_is_started(tmp_path: Path, origin: Origin) -> None:
    """One that ends at once changes nothing; once it works again it takes over."""
    path, script = tmp_path / "gateway.hcl", tmp_path / "a3sgw"
    path.write_text(text(origin.url))
    sound = f"#!{sys.executable}\nimport sys\nfrom a3sgw.cli import main\nsys.exit(main())\n"
    script.write_text(sound)
    script.chmod(0o755)
    async with started(path, program=[script]) as running:
        await running.ready()
        before = running.left()
        script.write_text("#!/bin/sh\nexit 5\n")
        running.send(signal.SIGUSR2)
        assert "ended with exit code 5" in (await running.log("the upgrade failed"))["message"]
        assert running.left() == before
        script.write_text(sound)
        running.send(signal.SIGUSR2)
        await running.gone(*before)
        assert (await running.fetch()).status == 200


async def test_a_limit_is_one_limit_for_both_versions(tmp_path: Path, slow: Origin) -> None:
    """Connections that drain in the old version hold their places; they are free again when they have ended."""
    path = tmp_path / "gateway.hcl"
    limited = text(slow.url, more=f'{TWO}drain_timeout = "20s"\n').replace(
        '"web" { address = "127.0.0.1:0" }', '"web" {\n  address = "127.0.0.1:0"\n  max_connections = 5\n}'
    )
    path.write_text(limited.replace("PathPrefix(`/`)", "Path(`/`)"))
    async with crew(path) as running:
        old = running.left()
        held = [await begin(running, slow) for _ in range(3)]
        running.send(signal.SIGUSR2)
        await running.ready(2)
        await until(lambda: not any(listens(pid, running.web) for pid in old), "the old one accepts no more")
        assert await running.admitted(7) == 2
        for stream in held:
            await stream.finishes()
        await running.gone(*old)
        assert await running.admitted(7) == 3


async def test_an_upgrade_at_a_time(tmp_path: Path, origin: Origin) -> None:
    """USR2 again while a new version starts is refused; the first one goes on."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running:
        before = running.left()
        async with hammer(running.web, keeping=0, coming=1) as clients:
            running.send(signal.SIGUSR2)
            await until(lambda: running.left() > before, "a new version starts")
            running.send(signal.SIGUSR2)
            await running.log("no upgrade")
            await running.gone(*before)
            await clients.more()
        assert len(running.supervisors()) == 1


async def test_what_the_new_version_does_not_have_is_closed(tmp_path: Path, origin: Origin) -> None:
    """An entrypoint that is not in its configuration ends with the old version; a new one is there with the new one."""
    path = tmp_path / "gateway.hcl"
    old, new = (f"127.0.0.1:{free_port()}" for _ in range(2))
    path.write_text(text(origin.url, "1", f'{unwatched(2)}entrypoints "old" {{ address = "{old}" }}\n'))
    async with crew(path) as running:
        before = running.left()
        path.write_text(text(origin.url, "2", f'{unwatched(2)}entrypoints "new" {{ address = "{new}" }}\n'))
        running.send(signal.SIGUSR2)
        await running.gone(*before)
        assert await refused(old)
        assert (await fetch(new)).get(b"x-version") == b"2"


async def test_an_edit_during_an_upgrade_is_the_new_version_s(tmp_path: Path, origin: Origin) -> None:
    """The old one does not take it on its way out, least of all an address that the new one has to bind."""
    path = tmp_path / "gateway.hcl"
    path.write_text(text(origin.url))
    async with crew(path) as running:
        port = free_port()
        running.send(signal.SIGUSR2)
        await running.command.line("starting the version")
        path.write_text(text(origin.url, "2", f'{TWO}entrypoints "more" {{ address = "127.0.0.1:{port}" }}\n'))
        running.send(signal.SIGHUP)
        await running.ready(2)

        async def there() -> bool:
            return not await refused(f"127.0.0.1:{port}")

        await until(there, "the new version has taken the edit")
        await running.gone(running.pid)
        assert (await fetch(f"127.0.0.1:{port}")).status == 200
        assert not [line for line in running.command.err if "refused" in line or "cannot listen" in line]
