"""What the heads of the examples about UDP say to try, tried."""

from __future__ import annotations

from tests.examples.stand import Stand
from tests.support.datagrams import Asker, Speaker
from tests.support.live import fetch


async def udp(stand: Stand) -> None:
    """Sessions are shared by two endpoints; one whose port is closed is noticed, and counted."""
    async with Speaker("ONE") as one, Speaker("TWO") as two:
        stand.set(ONE=one.port, TWO=two.port)
        await stand.start()
        address = stand.gateway.addresses["dns"][0]
        with Asker(address) as first, Asker(address) as second:
            assert {await first.ask(b"?"), await second.ask(b"?")} == {b"ONE ?", b"TWO ?"}
            assert await first.ask(b"!") in (b"ONE !", b"TWO !")
            two.close()
            assert {await first.asks(b"?"), await second.asks(b"?")} == {b"ONE ?"}
        metrics = (await fetch(stand.gateway.admin_address, "/metrics")).body
        assert b'a3sgw_udp_sessions{entrypoint="dns",router="dns",service="resolvers"} 2.0' in metrics
