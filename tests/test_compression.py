"""Content codings: each stream is what its name says, and can be read piece by piece."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise

import pytest
from backports import zstd

from a3sgw.compression import CODINGS, LEVELS, available, maker

BROTLI = import_module("brotli")  # it has no types
TEXT = b"".join(b"%d bottles of beer on the wall, " % number for number in range(3000))


def read_all(coding: str, data: bytes) -> bytes:
    """What a client reads; an unfinished stream is an error."""
    if coding == "br":
        return bytes(BROTLI.decompress(data))
    if coding == "zstd":
        return zstd.decompress(data)
    reader = zlib.decompressobj(31 if coding == "gzip" else 15)
    read = reader.decompress(data)
    assert reader.eof
    return read


def reader_of(coding: str) -> Callable[[bytes], bytes]:
    """Reads what has come so far."""
    if coding == "br":
        process: Callable[[bytes], bytes] = BROTLI.Decompressor().process
        # One call gives 32 KB at most, the next one more of them.
        return lambda data: process(data) + b"".join(iter(lambda: process(b""), b""))
    if coding == "zstd":
        return zstd.ZstdDecompressor().decompress
    return zlib.decompressobj(31 if coding == "gzip" else 15).decompress


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("which", [0, 1])
def test_a_stream_reads_back(coding: str, which: int) -> None:
    """At the least and the greatest level, in pieces of any size, and smaller than before."""
    stream = maker(coding, LEVELS[coding][which])()
    cuts = [0, 1, 1, 500, 70000, len(TEXT)]
    data = b"".join(stream.feed(TEXT[a:b]) for a, b in pairwise(cuts)) + stream.finish()
    assert read_all(coding, data) == TEXT
    assert len(data) < len(TEXT) / 3


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("lean", [False, True])
def test_a_piece_that_is_passed_on_can_be_read(coding: str, lean: bool) -> None:
    """All of it, before the next one comes; streams do not share anything."""
    make = maker(coding, 4, lean=lean)
    stream, other = make(), make()
    other.feed(b"something else")
    read = reader_of(coding)
    for piece in (b"data: 1\n\n", b"data: 2\n\n", TEXT):
        assert read(stream.pass_on(piece)) == piece
    assert read(stream.finish()) == b""


def test_a_lean_stream_takes_less_memory() -> None:
    """The window that its frame announces is what a reader needs, and no more than 64 KB."""
    windows: list[int] = []
    for lean in (False, True):
        stream = maker("zstd", 3, lean=lean)()
        frame = stream.pass_on(TEXT) + stream.finish()
        exponent, mantissa = frame[5] >> 3, frame[5] & 7  # RFC 8878 §3.1.1.1.2
        windows.append((1 << (10 + exponent)) * (8 + mantissa) // 8)
    assert windows[0] > 1 << 20
    assert windows[1] == 1 << 16


@pytest.mark.parametrize("coding", CODINGS)
def test_nothing_is_something(coding: str) -> None:
    """An empty body is a whole stream, too."""
    assert read_all(coding, maker(coding, 3)().finish()) == b""


def test_without_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """gzip and deflate are always there, the others are not."""
    for name in ("brotli", "backports.zstd", "isal.isal_zlib"):
        monkeypatch.setitem(sys.modules, name, None)
    assert [coding for coding in CODINGS if available(coding)] == ["gzip", "deflate"]
    for coding in ("gzip", "deflate"):
        stream = maker(coding, 2)()
        assert read_all(coding, stream.feed(TEXT) + stream.finish()) == TEXT


def test_levels_of_isal_and_zlib() -> None:
    """Both make what the name says; 9 is smaller than 2."""
    sizes = []
    for level in (2, 9):
        stream = maker("gzip", level)()
        data = stream.feed(TEXT) + stream.finish()
        assert read_all("gzip", data) == TEXT
        sizes.append(len(data))
    assert sizes[1] < sizes[0]


def test_every_coding_is_installed() -> None:
    """As far as these tests go."""
    assert all(available(coding) for coding in CODINGS)
