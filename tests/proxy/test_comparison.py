"""What is a difference between two answers, and what is not."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from a3sgw.proxy.comparison import MOST, SHOWN, Answer, Difference, NotComparable, compare

JSON = b"application/json"
LIMIT = 100_000
PLAIN = Answer(200, 0.1, b"text/plain", b"", b"hello")


def said(value: object) -> Answer:
    """An answer with this JSON."""
    return replace(PLAIN, content_type=JSON, body=json.dumps(value).encode())


def bodies(main: object, mirror: object, *ignored: str) -> list[tuple[str, str, str]]:
    """Place and both values of what is different between two JSON bodies."""
    found = compare(said(main), said(mirror), ignored, LIMIT, None)
    assert {one.what for one in found} <= {"body"}
    return [one[1:] for one in found]


def test_the_same() -> None:
    """Equal answers have no difference, whatever their type says."""
    assert compare(PLAIN, PLAIN, (), LIMIT, None) == []
    assert compare(PLAIN, replace(PLAIN, content_type=JSON), (), LIMIT, None) == []


def test_status() -> None:
    """Another status is a difference."""
    assert compare(PLAIN, replace(PLAIN, status=404), (), LIMIT, None) == [
        Difference("status", "status", "200", "404"),
    ]


def test_latency() -> None:
    """Only beyond what the operator allows, if that was said at all; a faster mirror is fine."""
    slow = replace(PLAIN, seconds=0.2)
    assert compare(PLAIN, slow, (), LIMIT, None) == []
    assert compare(PLAIN, slow, (), LIMIT, 101) == []
    assert compare(PLAIN, slow, (), LIMIT, 99) == [Difference("latency", "latency", "100.0 ms", "200.0 ms")]
    assert compare(slow, PLAIN, (), LIMIT, 0) == []


def test_json_is_compared_as_values() -> None:
    """Order of names and white space do not matter."""
    main = replace(PLAIN, content_type=b"application/json; charset=utf-8", body=b'{"a": 1, "b": [true, null]}')
    mirror = replace(PLAIN, content_type=b"Application/Problem+JSON", body=b'{"b":[true,null],"a":1.0}')
    assert compare(main, mirror, (), LIMIT, None) == []
    assert compare(main, replace(mirror, content_type=b"text/plain"), (), LIMIT, None) != []


@pytest.mark.parametrize(
    ("main", "mirror", "found"),
    [
        ({"a": 1}, {"a": 2}, [("body.a", "1", "2")]),
        ({"a": 1}, {}, [("body.a", "1", "absent")]),
        ({}, {"a": None}, [("body.a", "absent", "null")]),
        ({"a": [{"b": "x"}]}, {"a": [{"b": "y"}]}, [("body.a.0.b", '"x"', '"y"')]),
        ([1, 2], [1, 3, 4], [("body", "2 items", "3 items"), ("body.1", "2", "3")]),
        ({"a": 1}, {"a": True}, [("body.a", "1", "true")]),
        ({"a": {}}, {"a": []}, [("body.a", "{}", "[]")]),
        ("é", "e", [("body", '"é"', '"e"')]),
    ],
)
def test_differences_of_json(main: object, mirror: object, found: list[tuple[str, str, str]]) -> None:
    """Each names its path and both values."""
    assert bodies(main, mirror) == found


@pytest.mark.parametrize(
    ("main", "mirror", "ignored"),
    [
        ({"id": 1, "a": [{"id": 2}]}, {"id": 3, "a": [{"id": 4}]}, "id"),
        ({"id": 1}, {}, "id"),
        ({"meta": {"id": 1}}, {"meta": {"id": 2}}, "meta.id"),
        ({"a": [{"id": 1}, {"id": 2}]}, {"a": [{"id": 3}, {"id": 4}]}, "a.*.id"),
        ([{"b": {"id": 1}}], [{"b": {"id": 2}}], "*.b.id"),
    ],
)
def test_ignored_fields(main: object, mirror: object, ignored: str) -> None:
    """A name wherever it stands, a path from the root on; on either side."""
    assert bodies(main, mirror) != []
    assert bodies(main, mirror, ignored) == []


def test_a_path_begins_at_the_root() -> None:
    """A path does not ignore the same names elsewhere."""
    assert bodies({"x": {"meta": {"id": 1}}}, {"x": {"meta": {"id": 2}}}, "meta.id") == [("body.x.meta.id", "1", "2")]


def test_what_is_told_is_bounded() -> None:
    """So many differences, so many characters of each; never a whole body."""
    found = bodies({str(n): n for n in range(MOST + 5)}, {})
    assert len(found) == MOST
    ((place, main, mirror),) = bodies({"k" * 500: "m" * 500}, {"k" * 500: "n" * 500})
    assert {len(place), len(main), len(mirror)} == {SHOWN}
    (difference,) = compare(PLAIN, replace(PLAIN, body=b"help" + b"!" * 1000), (), LIMIT, None)
    assert difference == Difference("body", "body at byte 3", "lo", "p" + "!" * (SHOWN - 2) + "…")


@pytest.mark.parametrize(
    "body", [b"{", b"[" * LIMIT, b'{"a":"\xff"}', b"9" * 5000], ids=["cut", "deep", "not UTF-8", "huge"]
)
def test_what_does_not_parse_is_bytes(body: bytes) -> None:
    """Answers are not trusted: whatever they hold, there is a result."""
    main = replace(PLAIN, content_type=JSON, body=body)
    assert compare(main, main, (), LIMIT, None) == []
    (difference,) = compare(main, replace(main, body=body + b" "), (), LIMIT, None)
    assert difference.place == f"body at byte {len(body)}"


def test_half_characters_can_be_written() -> None:
    """JSON can hold halves of surrogate pairs, which no log can."""
    ((place, main, _),) = bodies({"\ud800": "\udc00"}, {})
    assert (place + main).encode().isascii()


@pytest.mark.parametrize(
    ("coding", "encode"), [(b"gzip", gzip.compress), (b"GZIP", gzip.compress), (b"deflate", zlib.compress)]
)
def test_encoded_bodies(coding: bytes, encode: Callable[[bytes], bytes]) -> None:
    """What is compressed is compared as what it stands for."""
    main = replace(said({"a": 1, "id": 1}), content_encoding=coding)
    main = replace(main, body=encode(main.body))
    mirror = replace(main, body=encode(b'{"id":2,  "a":1}'))
    assert compare(main, mirror, ["id"], LIMIT, None) == []


def test_codings_we_do_not_know() -> None:
    """They are compared as bytes."""
    main = replace(said([1]), content_encoding=b"br")
    assert compare(main, main, (), LIMIT, None) == []
    assert compare(main, replace(main, body=b"x"), (), LIMIT, None) != []


@pytest.mark.parametrize(
    "mirror",
    [
        replace(PLAIN, content_encoding=b"gzip", body=gzip.compress(PLAIN.body, mtime=0)),
        replace(PLAIN, content_encoding=b"br"),
    ],
    ids=["gzip", "br"],
)
def test_different_codings(mirror: Answer) -> None:
    """Nothing can be said of them; that one of them names the identity is no difference."""
    with pytest.raises(NotComparable, match="different ways"):
        compare(PLAIN, mirror, (), LIMIT, None)
    assert compare(PLAIN, replace(PLAIN, content_encoding=b"identity"), (), LIMIT, None) == []


@pytest.mark.parametrize(
    "body", [b"hello", gzip.compress(b"hello", mtime=0)[:-1], gzip.compress(b"hello", mtime=0) * 2]
)
def test_lies_about_the_coding(body: bytes) -> None:
    """What does not decode to its end cannot be compared."""
    main = replace(PLAIN, content_encoding=b"gzip", body=body)
    with pytest.raises(NotComparable, match="not encoded as it says"):
        compare(main, main, (), LIMIT, None)


def test_bombs() -> None:
    """A small body that decodes to a large one is not decoded."""
    main = replace(PLAIN, content_encoding=b"gzip", body=gzip.compress(bytes(1000)))
    assert compare(main, main, (), 1000, None) == []
    with pytest.raises(NotComparable, match="too large"):
        compare(main, main, (), 999, None)
