"""A field block: the bytes that arrived until somebody changes something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from a3sgw.http.headers import Headers

BLOCK = b"Host: a\r\nX-One:1\r\nx-one: \t2 \r\nEmpty:\r\nX_One: 3\r\n"


def test_reading() -> None:
    """Names compare without case, values are trimmed, order is kept."""
    headers = Headers(BLOCK)
    assert (headers.get(b"host"), headers.get(b"x-one"), headers.get(b"empty")) == (b"a", b"1", b"")
    assert headers.get_all(b"x-one") == [b"1", b"2"]
    assert headers.get(b"none") is None
    assert headers.get(b"none", b"x") == b"x"
    assert b"x-one" in headers
    assert b"none" not in headers
    assert len(headers) == 5
    assert next(iter(headers)) == (b"Host", b"a")
    assert repr(headers) == "<Headers ['Host', 'X-One', 'x-one', 'Empty', 'X_One']>"


def test_reading_changes_nothing() -> None:
    """The block that comes out is the block that went in."""
    headers = Headers(BLOCK)
    headers.get_all(b"x-one")
    headers.remove(b"none")
    assert headers.encode() is BLOCK
    assert not headers.changed


def test_changing() -> None:
    """add appends, set replaces all, remove takes underscore spellings along."""
    headers = Headers(BLOCK)
    headers.add(b"X-Two", b"2")
    headers.set(b"HOST", b"b")
    headers.remove(b"X-One")
    assert headers.encode() == b"Empty:\r\nX-Two: 2\r\nHOST: b\r\n"
    assert headers.changed


def test_spellings() -> None:
    """Reading takes an underscore for what it is, removing does not."""
    headers = Headers(BLOCK)
    assert (headers.get_all(b"x_one"), headers.get_all(b"x-one")) == ([b"3"], [b"1", b"2"])
    headers.add(b"X_Two", b"4")
    headers.add(b"x-two", b"5")
    assert (headers.get(b"x-two"), headers.get(b"x_two")) == (b"5", b"4")
    headers.set(b"x_two", b"6")
    assert list(headers)[-1] == (b"x_two", b"6")
    assert headers.get(b"x-two") is None


def test_what_only_looks_like_a_name() -> None:
    """Values are not names, and half a name is none."""
    headers = Headers(b"A: b: c\r\nX-Long: x-a: 1\r\n")
    assert [headers.get(name) for name in (b"b", b"x-a", b"long", b"x-lon")] == [None] * 4
    assert headers.get(b"a") == b"b: c"


NAMES = st.sampled_from([b"A", b"a", b"B-c", b"B_C", b"b_c-d", b"B-C_D"])
STEPS = st.tuples(st.sampled_from(["add", "set", "remove"]), NAMES, st.sampled_from([b"", b"1", b"a: 2", b"2 3"]))


@given(st.lists(STEPS, max_size=12))
def test_it_is_a_list_of_pairs(steps: list[tuple[str, bytes, bytes]]) -> None:
    """Whatever is done to it, it is what a plain list would be."""
    headers, plain = Headers(b"B_c:0\r\nA:  1 \r\n"), [(b"B_c", b"0"), (b"A", b"1")]

    def key(name: bytes) -> bytes:
        return name.lower().replace(b"_", b"-")

    for what, name, value in steps:
        if what != "add":
            plain = [one for one in plain if key(one[0]) != key(name)]
        if what != "remove":
            plain.append((name, value))
        if what == "add":
            headers.add(name, value)
        elif what == "set":
            headers.set(name, value)
        else:
            headers.remove(name)
        for wanted in (b"a", b"b-c", b"b_c", b"b_c-d"):
            values = [value for name, value in plain if name.lower() == wanted]
            assert headers.get_all(wanted) == values
            assert headers.get(wanted) == (values[0] if values else None)
            assert (wanted in headers) is bool(values)
        assert list(headers) == plain
        assert len(headers) == len(plain)


@given(st.lists(st.tuples(st.sampled_from([b"A", b"a", b"B-c", b"B_C"]), st.sampled_from([b"", b"1", b"2 3"]))))
def test_encoding_and_reading_are_inverse(fields: list[tuple[bytes, bytes]]) -> None:
    """What was added is read back the same."""
    headers = Headers()
    for name, value in fields:
        headers.add(name, value)
    assert list(Headers(headers.encode())) == fields


def test_counting() -> None:
    """All spellings are one name; others only look alike."""
    headers = Headers(b"X-User: a\r\nx_user: b\r\nX-Users: c\r\nA: X-User: d\r\n")
    assert [headers.count(name) for name in (b"x-user", b"x-users", b"a", b"x")] == [2, 1, 1, 0]
    headers.add(b"X-USER", b"e")
    assert headers.count(b"x-user") == 3
