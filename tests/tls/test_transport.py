"""TLS as a transport on top of a transport, against OpenSSL's own client in memory."""

from __future__ import annotations

import asyncio
import resource
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest
import trustme

from a3sgw.tls.transport import SecureTransport

CA = trustme.CA()
CERT = CA.issue_cert("a.example")


class Below(asyncio.Transport):
    """The connection below: keeps what is written, and what is asked of it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.7", 4711)})
        self.written = b""
        self.longest = 0
        """Bytes of the longest piece that was written."""
        self.calls: list[str] = []
        self.protocol: Any = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return cast(asyncio.BaseProtocol, self.protocol)

    def write(self, data: Any) -> None:
        self.written += data
        self.longest = max(self.longest, len(data))

    def writelines(self, pieces: Iterable[Any]) -> None:
        for piece in pieces:
            self.write(piece)

    def is_closing(self) -> bool:
        return "close" in self.calls

    def get_write_buffer_size(self) -> int:
        return len(self.written)

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def write_eof(self) -> None:
        self.calls.append("write_eof")

    def pause_reading(self) -> None:
        self.calls.append("pause_reading")

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")

    def take(self) -> bytes:
        """What was written since the last time."""
        data, self.written = self.written, b""
        return data


class Above(asyncio.Protocol):
    """Who speaks on it: keeps what it hears."""

    def __init__(self, *, stays: bool = False) -> None:
        self.heard: list[bytes] = []
        self.calls: list[str] = []
        self._stays = stays

    def data_received(self, data: bytes) -> None:
        self.heard.append(data)

    def eof_received(self) -> bool:
        self.calls.append("eof")
        return self._stays

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, error: Exception | None) -> None:
        self.calls.append("lost")


class Stage:
    """A client in memory, the transport, and both its neighbours."""

    def __init__(self, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, *, stays: bool = False) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        CERT.configure_cert(context)
        here = ssl.create_default_context()
        here.maximum_version = version
        CA.configure_trust(here)
        self.below, self.above = Below(), Above(stays=stays)
        self.reasons: list[str] = []
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = here.wrap_bio(self.incoming, self.outgoing, server_hostname="a.example")
        self.secure = SecureTransport(self.below, context, self)

    def secured(self, transport: SecureTransport) -> None:
        transport.set_protocol(self.above)

    def not_secured(self, reason: str) -> None:
        self.reasons.append(reason)

    def shake_hands(self, size: int = 1 << 20) -> None:
        """Until both are done; what the client sends comes in pieces of this size."""
        for _ in range(6):
            try:
                self.client.do_handshake()
            except ssl.SSLWantReadError:
                pass
            self.deliver(size)
        assert self.secure.get_protocol() is self.above

    def deliver(self, size: int = 1 << 20) -> None:
        """What the client has said to the transport, and its answers back."""
        data = self.outgoing.read()
        for at in range(0, len(data), size):
            self.secure.data_received(data[at : at + size])
        self.incoming.write(self.below.take())

    def say(self, data: bytes, size: int = 1 << 20) -> None:
        """The client says something."""
        self.client.write(data)
        self.deliver(size)

    def hear(self) -> bytes:
        """All that the client hears; ``b""`` at the end too."""
        self.incoming.write(self.below.take())
        heard = b""
        while True:
            try:
                data = self.client.read(65536)
            except ssl.SSLWantReadError:
                return heard
            if not data:
                return heard
            heard += data


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    """Both that are spoken."""
    return cast(ssl.TLSVersion, request.param)


@pytest.mark.parametrize("size", [1, 100, 1 << 20])
async def test_both_ways(version: ssl.TLSVersion, size: int) -> None:
    """However records are cut, what is said is heard, once and in order."""
    on = Stage(version)
    on.shake_hands(size)
    data = bytes(range(256)) * 200
    on.say(b"first", size)
    on.say(data, size)
    assert b"".join(on.above.heard) == b"first" + data
    on.secure.write(b"hello ")
    on.secure.writelines([b"a", data, b"", b"b", b"c", bytes(20000)])
    assert on.hear() == b"hello a" + data + b"bc" + bytes(20000)


async def test_many_records_at_once() -> None:
    """What arrives together is delivered together: whoever pauses reading then gets nothing behind it."""
    on = Stage()
    on.shake_hands()
    on.client.write(b"x" * 50000)
    on.deliver()
    assert on.above.heard == [b"x" * 50000]


async def test_buffers_stay_small() -> None:
    """OpenSSL's buffers keep the size they once had, so they never get all that comes or goes at once."""
    data = bytes(range(256)) * 1024
    kept = []
    before = 0
    for number in range(120):
        if number == 20:
            before = _resident()
        on = Stage()
        on.shake_hands()
        on.say(data)
        assert on.above.heard == [data]
        on.above.heard.clear()
        for pieces in ([data], [b"head", data, b"tail"]):
            on.below.longest = 0
            if len(pieces) == 1:
                on.secure.write(data)
            else:
                on.secure.writelines(pieces)
            assert 16384 < on.below.longest < 17000
            assert on.hear() == b"".join(pieces)
        kept.append(on.secure)
    assert (_resident() - before) / 100 < 200_000


def _resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("size", [5, 20000, 400000])
async def test_data_behind_the_handshake(size: int) -> None:
    """What the client sends with the end of its handshake is delivered, to whoever has taken over."""
    on = Stage()
    for _ in range(2):
        try:
            on.client.do_handshake()
        except ssl.SSLWantReadError:
            on.deliver()
    on.client.write(b"e" * size)
    on.deliver()
    assert on.above.heard == [b"e" * size]


@pytest.mark.parametrize("fed", [100, 65536])
async def test_much_behind_half_a_record(fed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a record is nothing yet, and no end, however little OpenSSL gets at once; the other half and all that
    follows are one piece."""
    monkeypatch.setattr("a3sgw.tls.transport._FED", fed)
    on = Stage()
    on.shake_hands()
    on.client.write(b"x" * 100000)
    data = on.outgoing.read()
    on.secure.data_received(data[:15000])
    assert (on.above.heard, on.above.calls) == ([], [])
    on.secure.data_received(data[15000:])
    assert (on.above.heard, on.above.calls) == ([b"x" * 100000], [])


async def test_goodbyes() -> None:
    """A goodbye is an end, after all that came before it, even in the same piece; whoever stays may go on."""
    on = Stage(stays=True)
    on.shake_hands()
    on.client.write(b"last")
    with pytest.raises(ssl.SSLWantReadError):
        on.client.unwrap()
    on.deliver()
    await asyncio.sleep(0)
    assert (on.above.heard, on.above.calls) == ([b"last"], ["eof"])
    on.secure.write(b"answer")
    assert on.hear() == b"answer"
    on.secure.close()
    assert on.below.calls == ["close"]


async def test_closing() -> None:
    """It says goodbye, then closes; what comes after is not written."""
    on = Stage()
    on.shake_hands()
    on.secure.write(b"last")
    on.secure.close()
    on.secure.write(b"too late")
    assert on.hear() == b"last"
    assert on.client.read(1) == b""  # a goodbye, not just an end
    assert on.below.calls == ["close"]
    assert on.secure.is_closing()


async def test_half_closing() -> None:
    """After `write_eof` the other side may go on."""
    on = Stage()
    on.shake_hands()
    on.secure.write_eof()
    assert on.hear() == b""
    on.say(b"more")
    assert on.above.heard == [b"more"]
    assert on.below.calls == ["write_eof"]
    assert on.secure.can_write_eof()


async def test_an_end_without_goodbye() -> None:
    """Is an end all the same; who does not stay is closed."""
    on = Stage()
    on.shake_hands()
    on.secure.eof_received()
    assert on.above.calls == ["eof"]
    assert on.below.calls == ["close"]
    on.secure.connection_lost(None)
    assert on.above.calls == ["eof", "lost"]


@pytest.mark.parametrize("with_more", [False, True])
async def test_broken_records(with_more: bool) -> None:
    """What was fine is delivered, then it ends: nothing that follows can be believed."""
    on = Stage()
    on.shake_hands()
    if with_more:
        on.client.write(b"fine")
    good = on.outgoing.read()
    on.client.write(b"broken")
    broken = bytearray(on.outgoing.read())
    broken[-1] ^= 1
    on.secure.data_received(good + bytes(broken))
    await asyncio.sleep(0)
    assert on.above.heard == ([b"fine"] if with_more else [])
    assert on.below.calls == ["close"]
    on.say(b"more")
    assert on.above.heard == ([b"fine"] if with_more else [])


async def test_answering_what_stands_before_a_broken_record() -> None:
    """Whoever answers at once meets no error; the connection ends after that."""
    on = Stage()
    on.shake_hands()
    on.client.write(b"fine")
    good = on.outgoing.read()
    on.client.write(b"broken")
    broken = bytearray(on.outgoing.read())
    broken[-1] ^= 1

    def answer(data: bytes) -> None:
        on.secure.write(b"answer")
        on.secure.writelines([b"more", bytes(40000)])

    on.above.data_received = answer  # type: ignore[method-assign] # one that answers at once
    on.secure.data_received(good + bytes(broken))
    assert on.below.calls == []
    await asyncio.sleep(0)
    assert on.below.calls in (["close"], ["abort"])


@pytest.mark.parametrize("how", ["nonsense", "end", "lost"])
async def test_no_handshake(how: str) -> None:
    """Who had the connection is told once why there is none."""
    on = Stage()
    if how == "nonsense":
        on.secure.data_received(b"\x16\x03\x01\x00\x05hello")
    elif how == "end":
        on.secure.eof_received()
    on.secure.connection_lost(None)
    assert len(on.reasons) == 1
    assert on.above.calls == []


async def test_the_rest_is_passed_on() -> None:
    """Everything else is as it is with the connection below."""
    on = Stage()
    on.shake_hands()
    on.below.take()
    on.secure.pause_reading()
    on.secure.resume_reading()
    on.secure.pause_writing()
    on.secure.resume_writing()
    on.secure.abort()
    assert on.below.calls == ["pause_reading", "resume_reading", "abort"]
    assert on.above.calls == ["pause", "resume"]
    assert on.secure.get_extra_info("peername") == ("192.0.2.7", 4711)
    assert on.secure.get_extra_info("ssl_object").version() == "TLSv1.3"
    assert on.secure.get_extra_info("nothing", 7) == 7
    assert on.secure.get_write_buffer_size() == 0
    assert on.secure.get_protocol() is on.above
