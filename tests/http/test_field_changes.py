"""Changes to fields: the same whether anybody has looked into the head before or not."""

from __future__ import annotations

import pytest

from a3sgw.http.field_changes import FieldChanges, Lines, check_field, extend
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.response import read_response
from a3sgw.options import OptionError

HEAD = b"HTTP/1.1 200 Fine\r\nA: 1\r\nB: 2\r\nb: 3\r\nX_Y: 4\r\nContent-Length: 0\r\n\r\n"


def response(looked_into: bool) -> Response:
    """As it comes from an endpoint."""
    made = read_response(HEAD, b"GET")
    if looked_into:
        assert len(made.headers) == 5
    return made


def request(lines: bytes = b"", **captures: str) -> Request:
    made = Request()
    made.headers = Headers(lines)
    made.captures = captures
    return made


REST = [(b"Content-Length", b"0")]


@pytest.mark.parametrize("looked_into", [False, True])
@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({"delete": ["b"]}, [(b"A", b"1"), (b"X_Y", b"4"), *REST]),
        ({"delete": ["x-y", "a"]}, [(b"B", b"2"), (b"b", b"3"), *REST]),
        ({"delete": ["None"]}, [(b"A", b"1"), (b"B", b"2"), (b"b", b"3"), (b"X_Y", b"4"), *REST]),
        ({"set": {"B": "5"}, "delete": ["X-Y"]}, [(b"A", b"1"), *REST, (b"B", b"5")]),
        ({"set": {"B": "{path.id}"}, "delete": ["X-Y"]}, [(b"A", b"1"), *REST, (b"B", b"seven")]),
        ({"set": {"B": "{path.none}"}, "delete": ["X-Y"]}, [(b"A", b"1"), *REST]),
        ({"delete": ["B", "X-Y"], "add": {"a": "9", "C": "{path.none}"}}, [(b"A", b"1"), *REST, (b"a", b"9")]),
        ({"append": {"B": "9"}, "delete": ["X-Y", "A"]}, [(b"B", b"2"), (b"b", b"3, 9"), *REST]),
        ({"append": {"C": "9"}, "delete": ["X-Y", "A", "B"]}, [*REST, (b"C", b"9")]),
        ({"append": {"B": "9"}, "delete": ["X-Y", "A", "B"]}, [*REST, (b"B", b"9")]),
        ({"default": {"A": "9", "C": "9"}, "delete": ["X-Y", "B"]}, [(b"A", b"1"), *REST, (b"C", b"9")]),
        ({"default": {"X-Y": "9"}, "delete": ["A", "B"]}, [(b"X_Y", b"4"), *REST]),
        ({"default": {"A": "9"}, "delete": ["A", "X-Y", "B"]}, [*REST, (b"A", b"9")]),
        ({"set": {"A": "{path.none}"}, "default": {"a": "9"}, "delete": ["X-Y", "B"]}, [*REST, (b"a", b"9")]),
        ({"set": {"A": "7"}, "add": {"A": "8"}, "delete": ["X-Y", "B"]}, [*REST, (b"A", b"7"), (b"A", b"8")]),
        ({"set": {"A": "7"}, "append": {"A": "8"}, "delete": ["X-Y", "B"]}, [*REST, (b"A", b"7, 8")]),
    ],
)
def test_changes(looked_into: bool, changes: dict[str, dict[str, str]], after: list[tuple[bytes, bytes]]) -> None:
    """Delete, set, add, append, fill in, in this order; nothing is made of an empty value."""
    made = response(looked_into)
    FieldChanges(**changes).apply(made, request(id="seven"))
    assert list(made.headers) == after
    if not looked_into:
        again = Response(200)
        again.head = made.head
        assert made.headers.changed or list(again.headers) == after


def test_a_template_sees_the_request_as_it_was() -> None:
    """One that looks into the same message finds what this change replaces, and what it makes is not lost."""
    made = Request()
    made.head = b"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n"
    FieldChanges(set={"A": "{header.B}", "B": "{header.A}"}).apply(made, made)
    assert list(made.headers) == [(b"A", b"2"), (b"B", b"1")]
    assert made.head == b"GET / HTTP/1.1\r\nA: 2\r\nB: 1\r\n"


def test_nothing_to_change_is_false() -> None:
    """Who has none of these need not be asked."""
    assert not FieldChanges()
    assert not FieldChanges(set={}, delete=[])
    for one in (FieldChanges(delete=["A"]), FieldChanges(default={"A": "1"}), FieldChanges(append={"A": "1"})):
        assert one


def test_a_message_the_gateway_makes() -> None:
    """It has no head, only fields."""
    made = Response(404, Headers(b"A: 1\r\n"), b"no")
    FieldChanges(set={"A": "2"}, default={"B": "3"}).apply(made, request())
    assert list(made.headers) == [(b"A", b"2"), (b"B", b"3")]


def test_a_head_is_extended_unseen() -> None:
    """Unless somebody has looked into it, or it has a line of concern."""
    assert not extend(response(False), Lines([b"x-y"]), b"C: 1\r\n")
    other = Lines([b"x-z"])
    assert not extend(response(True), other, b"C: 1\r\n")
    assert not extend(Response(200, Headers(b"")), other, b"C: 1\r\n")
    made = response(False)
    assert extend(made, other, b"C: 1\r\n")
    assert made.headers.get(b"c") == b"1"


@pytest.mark.parametrize(
    ("name", "value"),
    [("a b", ""), ("", ""), ("A", "\n"), ("A", "\x7f"), ("Upgrade", ""), ("A", "{nothing}"), ("A", "{header}")],
)
def test_what_cannot_be_sent(name: str, value: str) -> None:
    """Names that are none, control characters, what frames a message, and places for nothing."""
    with pytest.raises(OptionError):
        check_field(name, value)


def test_lines_by_name() -> None:
    """Whole names in every spelling, or the beginning of names; only lines, only names."""
    head = b"GET / HTTP/1.1\r\nX_a: 1\r\nx-A-B:\r\nB: x-a: 2\r\nY-x-a: 3\r\n"
    assert Lines([b"X-A"]).cut(head) == b"GET / HTTP/1.1\r\nx-A-B:\r\nB: x-a: 2\r\nY-x-a: 3\r\n"
    assert Lines([b"x-"]).cut(head) == b"GET / HTTP/1.1\r\nB: x-a: 2\r\nY-x-a: 3\r\n"
    assert Lines([b"none", b"b", b"y_x_a"]).cut(head) == b"GET / HTTP/1.1\r\nX_a: 1\r\nx-A-B:\r\n"
    assert Lines([b"none", b"a"]).cut(head) is head
    assert not Lines([])
