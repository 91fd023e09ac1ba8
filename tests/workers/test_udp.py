"""UDP with several workers: whose datagrams are whose, and what happens when workers or versions come and go."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from pathlib import Path

from tests.support.datagrams import Asker, Speaker
from tests.support.live import fetch, until
from tests.support.processes import alive
from tests.support.workers import TWO, crew, text


def hcl(web: str, dns: str, more: str = "") -> str:
    """The usual configuration with two workers, and a UDP entrypoint."""
    udp = f"""
    entrypoints "dns" {{
      address  = "127.0.0.1:0"
      protocol = "udp"
    }}
    routers "dns" {{
      entrypoints = ["dns"]
      service     = "dns"
    }}
    services "dns" {{
      load_balancer {{ servers = [{{ url = "{dns}" }}] }}
    }}
    """
    return text(web, more=TWO + udp + more).replace('"PathPrefix(`/`)"', '"PathPrefix(`/`)"\n  entrypoints = ["web"]')


async def test_a_client_stays_with_a_worker(tmp_path: Path) -> None:
    """All that comes from one address and port goes through one session, also across a reload; the workers share the
    clients."""
    path = tmp_path / "gateway.hcl"
    async with Speaker("a") as speaker:
        path.write_text(hcl("http://127.0.0.1:9", speaker.url))
        async with crew(path) as running:
            address = running.addresses()["dns"]
            with ExitStack() as stack:
                askers = [stack.enter_context(Asker(address)) for _ in range(40)]
                for turn in range(3):
                    for number, asker in enumerate(askers):
                        assert await asker.ask(b"%d" % number) == b"a %d" % number
                    if turn == 1:
                        other = 'middlewares "m" {\n type = "compress"\n}\n'
                        path.write_text(hcl("http://127.0.0.1:9", speaker.url, other))
                        await until(running.uses(2), "the new configuration is in use", 20)
                ports = {data: {one for said, (_, one) in speaker.heard if said == data} for data, _ in speaker.heard}
                assert len(ports) == 40
                assert all(len(one) == 1 for one in ports.values())
                await until(running.told_of(40), "the workers have told of them", 20)
                assert all(await running.connections())
                page = (await fetch(running.admin, "/metrics")).body.decode()
                labels = 'entrypoint="dns",router="dns",service="dns"'
                assert f"a3sgw_udp_sessions{{{labels}}} 40.0" in page
                assert f'a3sgw_udp_datagrams_total{{direction="in",{labels}}} 120.0' in page


async def test_a_worker_dies(tmp_path: Path) -> None:
    """What comes meanwhile waits in its socket, and its successor goes on with it."""
    path = tmp_path / "gateway.hcl"
    async with Speaker("a") as speaker:
        path.write_text(hcl("http://127.0.0.1:9", speaker.url))
        async with crew(path) as running:
            with ExitStack() as stack:
                askers = [stack.enter_context(Asker(running.addresses()["dns"])) for _ in range(20)]
                for asker in askers:
                    assert await asker.asks(b"1") == b"a 1"
                pid = (await running.workers())[0]
                running.send(signal.SIGKILL, pid)
                await until(lambda: not alive(pid), "it is dead", 20)
                for asker in askers:
                    asker.send(b"2")
                for asker in askers:
                    while (answer := await asker.receive(20)) != b"a 2":
                        assert answer == b"a 1"  # it was asked twice


async def test_an_upgrade(tmp_path: Path) -> None:
    """The next version receives from the same sockets: nobody is left without an answer."""
    path = tmp_path / "gateway.hcl"
    async with Speaker("a") as speaker:
        path.write_text(hcl("http://127.0.0.1:9", speaker.url))
        async with crew(path) as running:
            with ExitStack() as stack:
                askers = [stack.enter_context(Asker(running.addresses()["dns"])) for _ in range(20)]
                before = running.left()
                running.send(signal.SIGUSR2)
                turn = 0
                while any(map(alive, before)):
                    turn += 1
                    for asker in askers:
                        assert await asker.asks(b"%d" % turn) == b"a %d" % turn
                assert turn > 1
                for asker in askers:
                    assert await asker.asks(b"end") == b"a end"
