"""Chunked coding against llhttp: the same bodies however the bytes arrive, and never more permissive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.http.chunked import LAST_CHUNK, ChunkDecoder, ChunkError, encode_chunk
from tests.http.oracle import chunked

EXTENSIONS = st.sampled_from([b"", b";a", b";a=b", b';a="b c"', b";a;b=1"])
TRAILERS = st.sampled_from([b"", b"X: y\r\n", b"X: y\r\nA-b:\r\n", b"X:\tz \xe9\r\n"])


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """A body, its chunked coding, and its trailers."""
    pieces = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
    coded = b""
    for piece in pieces:
        size = draw(st.sampled_from([b"%x", b"%X", b"00%x"])) % len(piece)
        coded += size + draw(EXTENSIONS) + b"\r\n" + piece + b"\r\n"
    trailers = draw(TRAILERS)
    return b"".join(pieces), coded + b"0" + draw(EXTENSIONS) + b"\r\n" + trailers + b"\r\n", trailers


def split(data: bytes, places: list[int]) -> list[bytes]:
    """`data` cut at these places."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[first:last] for first, last in pairwise(edges)]


def decode(pieces: list[bytes]) -> tuple[bytes, ChunkDecoder]:
    """Feed pieces until the end of the body."""
    decoder = ChunkDecoder()
    found = b""
    for piece in pieces:
        found += decoder.feed(piece)
        if decoder.ended:
            break
    return found, decoder


@given(bodies(), st.lists(st.integers(0, 10_000), max_size=8), st.binary(max_size=20))
def test_valid_coding_in_any_pieces(coded: tuple[bytes, bytes, bytes], places: list[int], behind: bytes) -> None:
    """Payload and trailers are the same however the bytes are split, and nothing behind the end is lost."""
    payload, wire, trailers = coded
    assert chunked(wire).bodies == [payload]
    pieces = [piece for piece in split(wire, places) if piece]
    pieces[-1] += behind
    found, decoder = decode(pieces)
    assert (found, decoder.ended, decoder.trailers, decoder.rest) == (payload, True, trailers, behind)


@given(bodies())
def test_valid_coding_byte_by_byte(coded: tuple[bytes, bytes, bytes]) -> None:
    """The worst split there is."""
    payload, wire, trailers = coded
    found, decoder = decode([wire[position : position + 1] for position in range(len(wire))])
    assert (found, decoder.ended, decoder.trailers) == (payload, True, trailers)


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=5))
def test_garbage_is_refused_and_nothing_else(pieces: list[bytes]) -> None:
    """Any bytes either decode or raise ChunkError."""
    try:
        decode(pieces)
    except ChunkError:
        pass


ALPHABET = st.sampled_from(
    [b"0", b"1", b"3", b"a", b"A", b"\r\n", b"\r", b"\n", b";", b"=", b'"', b" ", b"\t", b"abc", b":"]
)


@given(st.lists(ALPHABET, min_size=1, max_size=14), st.lists(st.integers(0, 100), max_size=4))
def test_what_we_accept_llhttp_reads_alike(parts: list[bytes], places: list[int]) -> None:
    """Near misses: where our decoder finds a whole body, so does llhttp, and it is the same body."""
    wire = b"".join(parts)
    try:
        found, decoder = decode([piece for piece in split(wire, places) if piece])
    except ChunkError:
        return
    if decoder.ended:
        whole = wire[: len(wire) - len(decoder.rest)]
        reading = chunked(whole)
        assert (reading.valid, reading.bodies) == (True, [found])


@given(st.lists(ALPHABET, min_size=1, max_size=14), st.lists(st.integers(0, 100), max_size=6))
def test_pieces_never_change_the_verdict(parts: list[bytes], places: list[int]) -> None:
    """What is refused whole is not accepted in pieces, and the other way round."""

    def verdict(pieces: list[bytes]) -> tuple[object, ...]:
        try:
            found, decoder = decode([piece for piece in pieces if piece])
        except ChunkError:
            return ("refused",)
        return (found, decoder.trailers) if decoder.ended else ("unfinished",)

    wire = b"".join(parts)
    assert verdict([wire]) == verdict(split(wire, places))


@pytest.mark.parametrize(
    "wire",
    [
        b"3\nabc\r\n",
        b"3\r\nabcd",
        b"3\r\nabc\n",
        b" 3\r\n",
        b"3 \r\n",
        b"+3\r\n",
        b"0x3\r\n",
        b"\r\n",
        b"g\r\n",
        b"1" * 16 + b"\r\n",
        b"3;" + b"a" * 2000,
        b"3;\x00\r\n",
        b"3;a\rb\r\n",
        b'3;a="b\r\n',
        b"0\r\n" + b"X: " + b"a" * 20_000,
        b"0\r\n" + b"X: a\r\n" * 4000,
        b"0\r\nX : a\r\n",
        b"0\r\n X: a\r\n",
        b"0\r\n: a\r\n",
        b"0\r\nX: a\nY: b\r\n",
    ],
)
def test_what_is_refused(wire: bytes) -> None:
    """Each of these as a whole, without waiting for more."""
    with pytest.raises(ChunkError):
        ChunkDecoder().feed(wire)


def test_a_large_chunk_is_passed_on_without_copying() -> None:
    """A piece that lies within one chunk is handed on as the very object."""
    decoder = ChunkDecoder()
    decoder.feed(b"fffff\r\n")
    piece = bytes(65536)
    assert decoder.feed(piece) is piece


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5))
def test_what_we_encode_can_be_read(pieces: list[bytes]) -> None:
    """Encoding and decoding are inverse."""
    wire = b"".join(map(encode_chunk, pieces)) + LAST_CHUNK
    assert chunked(wire).bodies == [b"".join(pieces)]
    assert decode([wire])[0] == b"".join(pieces)


@given(
    st.sampled_from([b"5\r\nhello\r\n", b"05\r\nhello\r\n", b"5;a=b\r\nhello\r\n", b"a\r\n0123456789\r\n"]),
    st.sampled_from([b"", b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"0\r\n\r\nGET", b"00\r\n\r\n", b"1\r\nx\r\n"]),
)
def test_one_chunk_alone_is_read_as_in_pieces(chunk: bytes, behind: bytes) -> None:
    """What streams are made of has a shorter way, which says the same as the long one."""
    whole, pieces = ChunkDecoder(), ChunkDecoder()
    payload = whole.feed(chunk + behind)
    data = chunk + behind
    separate = b"".join(pieces.feed(data[at : at + 1]) for at in range(len(data)) if not pieces.ended)
    assert (payload, whole.ended, whole.trailers) == (separate, pieces.ended, pieces.trailers)
    if whole.ended:
        assert data.endswith(whole.rest)
        assert bool(whole.rest) == (behind == b"0\r\n\r\nGET")


@pytest.mark.parametrize(
    "data", [b"5\r\nhello!\r\n", b"5\r\nhell\r\n0\r\n\r\n", b"5\r\nhello\n\n", b"5\r\nhello0\r\n\r\n"]
)
def test_one_chunk_alone_has_to_end_where_it_says(data: bytes) -> None:
    """The shorter way is no less strict."""
    with pytest.raises(ChunkError):
        ChunkDecoder().feed(data)
