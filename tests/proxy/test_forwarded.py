"""What endpoints are told about clients; see tests/e2e/test_forwarded.py for the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.http.message import Request
from a3sgw.networks import NetworkSet
from a3sgw.proxy.forwarded import believed_lines, client_address, plain_lines

OURS = NetworkSet(["10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(
    ("authority", "scheme", "port"),
    [
        (b"a", b"http", b"80"),
        (b"a", b"https", b"443"),
        (b"a:81", b"https", b"81"),
        (b"[::1]", b"http", b"80"),
        (b"a:", b"http", b"80"),
    ],
)
def test_the_port(authority: bytes, scheme: bytes, port: bytes) -> None:
    """The one in the Host value, otherwise the scheme's."""
    assert b"X-Forwarded-Port: " + port + b"\r\n" in plain_lines("192.0.2.1", scheme, authority)


def test_a_client_without_address_or_host() -> None:
    """What is not known is not said."""
    assert plain_lines("", b"http", b"") == b"X-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n"


@pytest.mark.parametrize(
    ("chain", "found"),
    [
        ([], "10.0.0.1"),
        ([b"192.0.2.1"], "192.0.2.1"),
        ([b"198.51.100.1", b"192.0.2.1", b"10.0.0.2"], "192.0.2.1"),
        ([b"10.0.0.3", b"10.0.0.2"], "10.0.0.3"),
        ([b"192.0.2.1", b"unknown", b"10.0.0.2"], "10.0.0.2"),
        ([b"2001:db8::1%eth0"], "2001:db8::1"),
        ([b"192.0.2.1", b"fd00::1"], "192.0.2.1"),
        ([b"1.2.3.4.5"], "10.0.0.1"),
        ([b"192.0.2.1:4711"], "192.0.2.1"),
        ([b"192.0.2.1", b"[fd00::1]:443"], "192.0.2.1"),
        ([b"[2001:db8::1]"], "2001:db8::1"),
        ([b":::"], "10.0.0.1"),
    ],
)
def test_the_client_of_a_chain(chain: list[bytes], found: str) -> None:
    """The last that is not ours; the chain is read only as far as it is one of addresses."""
    assert client_address(chain, "10.0.0.1", OURS) == found


FIELDS = st.lists(
    st.tuples(
        st.sampled_from(
            b"x-forwarded-for|x-forwarded-proto|x-forwarded-host|x-real-ip|x-forwarded-uri|forwarded".split(b"|")
        ),
        st.sampled_from(b"192.0.2.1|10.0.0.1, 192.0.2.2|https|a.example|,|nonsense|\xff|::1".split(b"|")),
    ),
    max_size=6,
)


@given(FIELDS)
def test_believed_lines_are_lines(fields: list[tuple[bytes, bytes]]) -> None:
    """Whatever a trusted proxy says: one line per gateway field, the peer last in the chain, and a client address."""
    request = Request()
    request.peer_ip = "10.0.0.1"
    request.authority = b"a.example"
    request.managed = fields
    lines = believed_lines(request, OURS).split(b"\r\n")
    assert lines.pop() == b""
    names = [line.split(b":")[0] for line in lines]
    for name in (b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Port"):
        assert names.count(name) == 1
    assert any(line.startswith(b"X-Forwarded-For: ") and line.endswith(b"10.0.0.1") for line in lines)
    assert request.client_ip
