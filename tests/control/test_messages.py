"""The messages between supervisor and workers as bytes."""

from __future__ import annotations

from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.control import messages
from a3sgw.control.messages import BadMessage, Message, decode, encode
from a3sgw.observe.counters import EntrypointMetrics, RouteMetrics
from a3sgw.observe.metrics import MetricsData
from a3sgw.observe.tcp import TcpMetrics
from tests.support.done import done

Direction = Literal["down", "up"]
DATA: MetricsData = {
    "routes": [],
    "entrypoints": [EntrypointMetrics("web").data()],
    "reloads": {"success": 1},
    "last_reload_success": True,
    "last_reload_time": 12.5,
    "access_log_lost": 3,
    "table": {"evicted": 4},
    "services": {"s": {"retries": 2}},
    "datagrams": [],
    "middlewares": {"m": {"refused": 1}},
    "certificates": [("web", "a.example", 1.5)],
    "tcp": [TcpMetrics(("db", "r", "s")).data()],
}
BOTH = [
    messages.EndpointHealth("s", "http://127.0.0.1:1", "degraded"),
    messages.EndpointDrain("s", "http://127.0.0.1:1", True),
    messages.Ejection("s", "http://127.0.0.1:1", 30.5),
    messages.BreakerState("s", "", "half-open"),
]
DOWN = [
    messages.Welcome(1, 7, b"/etc/\xff", "debug", "json"),
    messages.Stop(30.0, 1.0),
    messages.Collect(5),
    messages.ReopenLogs(),
    messages.LogLevel(""),
    messages.Items(2, "routers", b"\x80\x00\xff"),
    messages.Order(2, "routers", ["a", "ü", ""]),
    messages.Sockets([("tcp :80", 2), ("tcp unix:/run/a.sock", 1)]),
    messages.Prepare(2, b"rest"),
    messages.Listen([("tcp :80", 1)]),
    messages.Commit(2),
    messages.Abandon(2),
    messages.EndpointWeight("s", "http://127.0.0.1:1", 0),
    messages.Addresses("s", "http://app.example:80", [("192.0.2.1", 0, 0), ("2001:db8::1", 8080, 5)]),
    messages.Certificate(["a.example"], b"chain", b"key"),
    *BOTH,
]
UP = [
    messages.Hello("1.2.3", 4711),
    messages.Prepared(2),
    messages.Refused(2, [("unknown service", "did you mean …?")]),
    messages.Abandoned(2),
    messages.Committed(2),
    messages.Leaving(),
    messages.Heartbeat(12),
    messages.Counters(5, DATA, {"s": {"http://127.0.0.1:1": 3}}),
    *BOTH,
]


def test_every_message_is_here() -> None:
    """The lists above leave out none, so that what follows holds for all."""
    assert {type(one) for one in DOWN} == set(get_args(messages.Down))
    assert {type(one) for one in UP} == set(get_args(messages.Up))


@pytest.mark.parametrize("message", DOWN, ids=repr)
def test_down(message: Message) -> None:
    """A message arrives as it was sent."""
    assert decode("down", encode(message)) == message


@pytest.mark.parametrize("message", UP, ids=repr)
def test_up(message: Message) -> None:
    """A message arrives as it was sent."""
    assert decode("up", encode(message)) == message


@pytest.mark.parametrize(
    ("message", "direction"),
    [*((one, "up") for one in DOWN if one not in BOTH), *((one, "down") for one in UP if one not in BOTH)],
    ids=repr,
)
def test_the_wrong_direction(message: Message, direction: Direction) -> None:
    """A worker cannot give orders, and the supervisor cannot report."""
    with pytest.raises(BadMessage):
        decode(direction, encode(message))


@pytest.mark.parametrize(
    ("message", "direction"), [*((one, "down") for one in DOWN), *((one, "up") for one in UP)], ids=repr
)
def test_parts_of_a_message(message: Message, direction: Direction) -> None:
    """Cut anywhere or with something behind it, a message is none."""
    body = encode(message)
    for bad in (*(body[:length] for length in range(len(body))), body + b"\0"):
        with pytest.raises(BadMessage):
            decode(direction, bad)


def test_values_that_are_not_allowed() -> None:
    """States and levels are of a few words, and numbers are numbers."""
    for wrong in (
        encode(messages.BreakerState("s", "", "open")).replace(b"open", b"oven"),
        encode(messages.EndpointHealth("s", "", "healthy")).replace(b"healthy", b"wealthy"),
        encode(messages.Ejection("s", "u", 1.0)).replace(b"\xcb\x3f\xf0\0\0\0\0\0\0", b"\xa1x"),
    ):
        with pytest.raises(BadMessage):
            decode("up", wrong)


@given(st.sampled_from([encode(one) for one in UP]), st.data())
def test_damaged_bytes(body: bytes, data: st.DataObject) -> None:
    """Whatever comes is a message or BadMessage, never another error: text that is no UTF-8 included."""
    place = data.draw(st.integers(0, len(body) - 1))
    damaged = body[:place] + data.draw(st.binary(min_size=1, max_size=1)) + body[place + 1 :]
    try:
        assert isinstance(decode("up", damaged), Message)
    except BadMessage:
        return


def test_text_that_is_no_text() -> None:
    """Is no message."""
    with pytest.raises(BadMessage):
        decode("up", encode(messages.Hello("aaa", 1)).replace(b"aaa", b"a\xff\xfe"))


def test_counters_can_be_merged_at_the_other_end() -> None:
    """Keys of routes are tuples again, and every number is there."""
    route = RouteMetrics("web", "api", "s")
    route.observe(done(b"GET", 204, 0.02, 3, 5))
    sent = messages.Counters(0, {**DATA, "routes": [route.data()]}, {})
    received = decode("up", encode(sent))
    assert isinstance(received, messages.Counters)
    assert received.data["routes"] == [route.data()]
    assert hash(received.data["routes"][0]["key"]) == hash(("web", "api", "s"))


def test_a_key_is_not_shown() -> None:
    """A log that shows the message does not show the private key."""
    assert repr(messages.Certificate(["a.example"], b"chain", b"secret")) == "Certificate(names=['a.example'])"
