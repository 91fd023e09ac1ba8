"""Targets: one reading for rules and endpoints; see tests/e2e/test_targets.py for the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.errors import ClientError
from a3sgw.http.target import remove_dot_segments, split_absolute, split_target

PARTS = st.sampled_from(
    [
        b"/",
        b"/",
        b".",
        b"..",
        b"a",
        b"%2e",
        b"%2E",
        b"%2f",
        b"%2F",
        b"%61",
        b"%7e",
        b"%C3%A9",
        b"//",
        b";v=1",
        b"?",
        b"%25",
    ]
)
TARGETS = st.lists(PARTS, max_size=10).map(lambda parts: b"/" + b"".join(parts))


@given(TARGETS, st.booleans())
def test_reading_twice_changes_nothing(target: bytes, merge: bool) -> None:
    """The endpoint, reading what it gets as we read, comes to the path that was routed on."""
    path, query, forwarded = split_target(target, merge)
    again, same_query, same = split_target(forwarded, merge)
    assert (again, same_query, same) == (path, query, forwarded)


@given(TARGETS, st.booleans())
def test_no_dot_segment_survives(target: bytes, merge: bool) -> None:
    """Neither in the routing path nor, however encoded, in the path that goes on."""
    path, query, forwarded = split_target(target, merge)
    assert not {b".", b".."} & set(path.split(b"/"))
    plain = forwarded.partition(b"?")[0].replace(b"%2e", b".").replace(b"%2E", b".")
    assert not {b".", b".."} & set(plain.split(b"/"))
    assert forwarded[len(forwarded.partition(b"?")[0]) :] == target[len(target.partition(b"?")[0]) :]
    assert query == target.partition(b"?")[2]


@given(st.binary(max_size=30))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """A ClientError is all that can be raised."""
    try:
        path, _, forwarded = split_target(b"/" + raw)
    except ClientError:
        return
    assert path.startswith(b"/")
    assert forwarded.startswith(b"/")


@pytest.mark.parametrize(
    ("path", "merged", "kept"),
    [
        (b"/a/b", b"/a/b", b"/a/b"),
        (b"/a//b", b"/a/b", b"/a//b"),
        (b"/a/./b/", b"/a/b/", b"/a/b/"),
        (b"/a/../../b", b"/b", b"/b"),
        (b"/a/..", b"/", b"/"),
        (b"/..", b"/", b"/"),
        (b"/a//..", b"/", b"/a/"),
        (b"//", b"/", b"//"),
        (b"/...", b"/...", b"/..."),
    ],
)
def test_dot_segments(path: bytes, merged: bytes, kept: bytes) -> None:
    """RFC 3986 §5.2.4, with and without merging slashes."""
    assert (remove_dot_segments(path, True), remove_dot_segments(path, False)) == (merged, kept)


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        (b"http://a.example/x?y", (b"a.example", b"/x?y")),
        (b"HTTPS://a.example:1", (b"a.example:1", b"/")),
        (b"http://a.example?y", (b"a.example", b"/?y")),
        (b"http:///x", (b"", b"/x")),
        (b"ftp://a/", None),
        (b"a.example:443", None),
        (b"//a/x", None),
    ],
)
def test_absolute_form(target: bytes, parts: tuple[bytes, bytes] | None) -> None:
    """Authority and origin-form, for http and https."""
    assert split_absolute(target) == parts
