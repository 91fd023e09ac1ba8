"""Texts with places for pieces of the request."""

from __future__ import annotations

import pytest

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
from a3sgw.http.placeholders import Template, for_field
from a3sgw.options import OptionError


def asked() -> Request:
    request = Request()
    request.client_ip = "192.0.2.1"
    request.captures = {"id": "a/ö\r\nX-Evil: 1"}
    request.headers = Headers(b"X-A: b\r\n")
    return request


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", b"plain"),
        ("", b""),
        ("{ip}", b"192.0.2.1"),
        ("from {ip}, by {header.X-A}!", b"from 192.0.2.1, by b!"),
        ("{header:X-None}", b""),
        ("{{ip}}", b"{ip}"),
        ('{"group":"a","max_age":{}}', b'{"group":"a","max_age":{}}'),
        ("{ ip }", b"{ ip }"),
    ],
)
def test_rendering(text: str, value: bytes) -> None:
    """Places are filled, doubled braces and JSON stay."""
    assert Template(text).render(asked()) == value


def test_constants_are_known_as_such() -> None:
    """So that they can be prepared once."""
    assert Template("a {{ip}}").constant == b"a {ip}"
    assert Template("a {ip}").constant is None


def test_a_line_stays_a_line() -> None:
    """Whatever a client puts into a segment of the path, it cannot begin a new header field."""
    assert Template("u-{path.id}").render(asked()) == "u-a/ö%0D%0AX-Evil: 1".encode()


def test_each_piece_is_made_safe() -> None:
    """By who knows where it will stand; the text of the operator is not touched."""
    assert Template("/{ip}/{path.id}", lambda piece: b"<%d>" % len(piece)).render(asked()) == b"/<9>/<15>"


@pytest.mark.parametrize("text", ["{ipp}", "{header}", "{claims.x}", "a {path.x} {nothing}"])
def test_unknown_places(text: str) -> None:
    """They are refused, and the help says how to mean the text itself."""
    with pytest.raises(OptionError) as caught:
        Template(text)
    assert "}} is the text itself" in caught.value.help


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (b"admin\n", b"admin%0A"),
        (b" admin", b"%20admin"),
        (b"admin\t", b"admin%09"),
        (b"ad\x00min\x7f", b"ad%00min%7F"),
        (b"a b", b"a b"),
        (b"", b""),
        (b"  ", b"%20%20"),
    ],
)
def test_no_two_become_one(value: bytes, sent: bytes) -> None:
    """What a field cannot hold is encoded, so that nobody becomes somebody else."""
    assert for_field(value) == sent
