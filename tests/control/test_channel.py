"""One end of the socket pair: whole messages in order, with their descriptors, and one end."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.control import channel as module
from a3sgw.control.channel import LARGEST, Channel
from a3sgw.control.messages import VERSION, BadMessage
from tests.support.descriptors import held, identity
from tests.support.live import until


def frame(body: bytes, descriptors: int = 0, version: int = VERSION) -> bytes:
    """As it is on the wire."""
    return struct.pack("<IHH", len(body), version, descriptors) + body


class Side:
    """A channel and what has come out of it: bodies, descriptors, reasons of its end, and the turn of the loop in
    which each body came."""

    def __init__(self, end: socket.socket) -> None:
        self.bodies: list[bytes] = []
        self.descriptors: list[list[int]] = []
        self.lost: list[str] = []
        self.told: list[int] = []
        """How many messages there were when it was lost."""
        self.turns: list[int] = []
        self.turn = 0
        self.refuse = b""
        self.channel = Channel(end, self._receive, self._lost)
        self._ticker = asyncio.get_running_loop().call_soon(self._tick)

    def _tick(self) -> None:
        self.turn += 1
        self._ticker = asyncio.get_running_loop().call_soon(self._tick)

    def _receive(self, body: bytes, descriptors: list[int]) -> None:
        self.bodies.append(body)
        self.descriptors.append(descriptors)
        self.turns.append(self.turn)
        if body == self.refuse != b"":
            raise BadMessage("it is refused")

    def _lost(self, reason: str) -> None:
        self.lost.append(reason)
        self.told.append(len(self.bodies))

    async def until(self, count: int) -> None:
        """Wait until this many messages have come."""
        await until(lambda: len(self.bodies) >= count, f"{count} messages have come")

    async def turned(self) -> None:
        """Wait until the loop has looked at its sockets a few times."""
        late = self.turn + 3
        await until(lambda: self.turn > late, "the loop has turned")

    async def over(self) -> str:
        """Wait for the end; its reason."""
        await until(lambda: self.lost, "the channel is lost")
        return self.lost[0]

    def close(self) -> None:
        """Everything, the descriptors that came included."""
        self._ticker.cancel()
        self.channel.close()
        for one in (one for many in self.descriptors for one in many):
            os.close(one)


class Stage:
    """Makes channels, and closes what is left of them."""

    def __init__(self) -> None:
        self.sides: list[Side] = []
        self.sockets: list[socket.socket] = []

    def side(self, end: socket.socket) -> Side:
        self.sides.append(Side(end))
        return self.sides[-1]

    def raw(self) -> tuple[Side, socket.socket]:
        """A channel, and a socket for what a correct one would not send."""
        one, other = socket.socketpair()
        self.sockets.append(other)
        return self.side(one), other

    def two(self) -> tuple[Side, Side]:
        """Both ends."""
        one, other = socket.socketpair()
        return self.side(one), self.side(other)

    def close(self) -> None:
        for side in self.sides:
            side.close()
        for one in self.sockets:
            one.close()


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    """Whatever a test does, every descriptor is closed after it."""
    await asyncio.sleep(0)
    before = held()
    made = Stage()
    yield made
    made.close()
    assert held() == before


class Pipes:
    """Descriptors to send, which stay the sender's."""

    def __init__(self, count: int) -> None:
        self._all = [one for _ in range(count) for one in os.pipe()]
        self.write = self._all[1::2]

    def __enter__(self) -> list[int]:
        return self.write

    def __exit__(self, *_: object) -> None:
        for one in self._all:
            os.close(one)


# Messages...


async def test_in_order(stage: Stage) -> None:
    """Messages of all sizes arrive whole and in the order in which they were sent, both ways at once."""
    left, right = stage.two()
    bodies = [b"%d:" % number + b"x" * size for number, size in enumerate((0, 1, 7, 300_000, 0, 65536, 3_000_000, 2))]
    for body in bodies:
        left.channel.send(body)
        right.channel.send(body[::-1])
    await right.until(len(bodies))
    await left.until(len(bodies))
    assert right.bodies == bodies
    assert left.bodies == [body[::-1] for body in bodies]
    assert left.lost == right.lost == []


async def test_an_empty_message(stage: Stage) -> None:
    """Is a message."""
    left, right = stage.two()
    left.channel.send(b"")
    await right.until(1)
    assert right.bodies == [b""]


async def test_byte_by_byte(stage: Stage) -> None:
    """A message counts once it is whole, however its bytes come."""
    side, other = stage.raw()
    text = frame(b"abc") + frame(b"") + frame(b"defg")
    for place in range(len(text)):
        other.send(text[place : place + 1])
        await side.turned()
    await side.until(3)
    assert side.bodies == [b"abc", b"", b"defg"]


async def test_one_message_in_each_turn(stage: Stage) -> None:
    """Many messages at once do not hold up the traffic: everybody else has a turn between two of them."""
    side, other = stage.raw()
    other.send(b"".join(frame(b"%d" % number) for number in range(50)))
    await side.until(50)
    assert side.bodies == [b"%d" % number for number in range(50)]
    assert sorted(set(side.turns)) == side.turns


# Descriptors...


async def test_descriptors_come_with_their_message(stage: Stage) -> None:
    """Also between messages without, and behind one that takes many writes; they are not handed to child processes."""
    left, right = stage.two()
    counts = (0, 2, 0, 0, 1, 3, 0, 200)
    with Pipes(200) as pipes:
        for number, count in enumerate(counts):
            left.channel.send(b"x" * (1_000_000 if number % 2 else 3), pipes[-count:] if count else ())
        await right.until(len(counts))
        assert [len(many) for many in right.descriptors] == list(counts)
        for many, count in zip(right.descriptors, counts, strict=True):
            assert [identity(one) for one in many] == [identity(one) for one in pipes[-count:] if count]
            assert not any(map(os.get_inheritable, many))


async def test_the_sender_may_close_its_own_at_once(stage: Stage) -> None:
    """They are duplicated, also while the message waits for an end that does not read yet."""
    side, other = stage.raw()
    side.channel.send(b"x" * 3_000_000)
    read, write = os.pipe()
    inode = identity(write)
    side.channel.send(b"", [write])
    os.close(write)
    os.close(read)
    right = stage.side(other.dup())
    await right.until(2)
    assert identity(right.descriptors[1][0]) == inode


async def test_too_many_descriptors(stage: Stage) -> None:
    """Is the caller's mistake, and the channel goes on."""
    left, right = stage.two()
    with Pipes(1) as pipes, pytest.raises(ValueError, match="201 descriptors"):
        left.channel.send(b"", pipes * 201)
    left.channel.send(b"next")
    await right.until(1)
    assert right.bodies == [b"next"]


async def test_fewer_descriptors_than_announced(stage: Stage) -> None:
    """The kernel drops what exceeds a process's limit (recvmsg(2), MSG_CTRUNC): the message must not count as whole,
    and what did come is closed."""
    side, other = stage.raw()
    with Pipes(1) as pipes:
        socket.send_fds(other, [frame(b"abc", 2)], pipes)
        assert await side.over() == "descriptors of a message were lost"
    assert side.bodies == []


# The end...


async def test_the_other_end_goes(stage: Stage) -> None:
    """`lost` comes once, after the last complete message; half a message is dropped, with its descriptors."""
    side, other = stage.raw()
    other.send(b"".join(frame(b"%d" % number) for number in range(20)))
    with Pipes(2) as pipes:
        socket.send_fds(other, [frame(b"half a message", 2)[:-1]], pipes)
    other.close()
    assert await side.over() == "it has gone"
    assert side.told == [20]
    assert not side.channel.is_open
    side.channel.send(b"nobody is there")
    side.channel.close()
    assert len(side.lost) == 1


async def test_the_other_end_goes_without_reading(stage: Stage) -> None:
    """What a killed process said last is heard, though the kernel reports a reset (unix(7)) and not an end."""
    side, other = stage.raw()
    side.channel.send(b"never read")
    other.send(b"".join(frame(b"%d" % number) for number in range(20)))
    other.close()
    await side.over()
    assert side.told == [20]


async def test_sending_to_an_end_that_has_gone(stage: Stage) -> None:
    """What it said before is still heard; descriptors that wait are closed."""
    side, other = stage.raw()
    other.send(b"".join(frame(b"%d" % number) for number in range(5)))
    other.close()
    with Pipes(2) as pipes:
        side.channel.send(b"a", pipes)
        side.channel.send(b"b", pipes)
    await side.over()
    assert side.told == [5]
    assert len(side.lost) == 1


async def test_closing(stage: Stage) -> None:
    """`lost` is not called, nothing more is delivered or sent, and the other end sees the end."""
    left, right = stage.two()
    with Pipes(2) as pipes:
        right.channel.send(b"never delivered", pipes)
        left.channel.send(b"x" * 3_000_000, pipes)
        left.channel.send(b"waits", pipes)
    left.channel.close()
    left.channel.close()
    left.channel.send(b"nothing happens", [0])
    await right.over()
    assert (left.bodies, left.lost, right.bodies) == ([], [], [])


async def test_closing_while_messages_are_delivered(stage: Stage) -> None:
    """Whoever closes in the middle gets no more of those that have come, and their descriptors are closed."""
    side, other = stage.raw()
    got: list[bytes] = []

    def receive(body: bytes, descriptors: list[int]) -> None:
        got.append(body)
        side.channel.close()

    side.channel._receive = receive
    with Pipes(2) as pipes:
        other.send(frame(b"first") + frame(b"second"))
        socket.send_fds(other, [frame(b"third", 2)], pipes)
        await until(lambda: got, "the first message has come")
        await side.turned()
    assert got == [b"first"]
    assert side.lost == []


async def test_an_end_that_does_not_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded: then the channel is closed, with the descriptors that wait."""
    monkeypatch.setattr(module, "MOST_QUEUED", 2_000_000)
    side, _ = stage.raw()
    sent = 0
    with Pipes(1) as pipes:
        while not side.lost:
            side.channel.send(b"x" * 10_000, pipes)
            sent += 10_000
            assert sent < 4_000_000
    assert side.lost == ["it does not read what it is sent"]
    assert sent > 2_000_000
    assert not side.channel.is_open


async def test_what_has_been_read_does_not_count(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is for what waits, not for all that was ever sent."""
    monkeypatch.setattr(module, "MOST_QUEUED", 2_000_000)
    left, right = stage.two()
    for count in range(1, 11):
        left.channel.send(b"x" * 1_000_000)
        await right.until(count)
    assert left.lost == []


# What is no message...


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (frame(b"", version=VERSION + 1), f"it speaks version {VERSION + 1}, not {VERSION}"),
        (frame(b"", version=0), f"it speaks version 0, not {VERSION}"),
        (struct.pack("<IHH", LARGEST + 1, VERSION, 0), "a message is too long"),
        (frame(b"refused"), "it is refused"),
    ],
)
async def test_what_closes_the_channel(stage: Stage, text: bytes, reason: str) -> None:
    """Before the length it announces is waited for, and nothing behind it counts; what came before does."""
    side, other = stage.raw()
    side.refuse = b"refused"
    other.send(frame(b"good"))
    with Pipes(1) as pipes:
        socket.send_fds(other, [text + frame(b"behind it", 1)], pipes)
    assert await side.over() == reason
    assert [body for body in side.bodies if body != b"refused"] == [b"good"]
    assert len(side.lost) == 1


@given(text=st.binary(max_size=200))
def test_random_bytes(text: bytes) -> None:
    """Whatever comes, `lost` is called once, and nothing stays open."""

    async def play() -> Side:
        before = held()
        stage = Stage()
        side, other = stage.raw()
        other.send(text)
        other.close()
        await side.over()
        stage.close()
        assert held() == before
        return side

    assert len(asyncio.run(play()).lost) == 1
