"""Content codings as streams: brotli, zstd, gzip and deflate. The packages are imported when a coding is first used."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Protocol

CODINGS = ("br", "zstd", "gzip", "deflate")
"""In our order of preference: what makes a page smallest at the price of a millisecond per 64 KB, or less."""
LEVELS = {"br": (0, 6), "zstd": (1, 9), "gzip": (1, 9), "deflate": (1, 9)}
"""The least and the greatest: what costs more than some milliseconds for 64 KB would keep the loop from all others."""
_BROTLI = "brotli"
_ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
_ISAL = "isal.isal_zlib"
_WINDOW = 19
"""Bits of brotli's window: 512 KB, as nginx and Caddy have it; more makes no page smaller."""
_LEAN_LEVEL = 3
_LEAN_WINDOW = 16
_LEAN_TABLES = 14
"""For streams that live long: 0.3 MB (br) and 0.2 MB (zstd) each rather than 0.6 and 0.8, and events as small."""
_ISAL_LEVELS = 3
_GZIP = 31
_ZLIB = 15


class Stream(Protocol):
    """Compresses one body."""

    def feed(self, data: bytes) -> bytes:
        """A piece in, what is ready out, possibly nothing."""
        ...

    def pass_on(self, data: bytes) -> bytes:
        """The same, but all of it comes out."""
        ...

    def finish(self) -> bytes:
        """What is left, and the end."""
        ...


def available(coding: str) -> bool:
    """Whether the package of a coding is installed; gzip and deflate always are."""
    return coding in ("gzip", "deflate") or _module({"br": _BROTLI, "zstd": _ZSTD}[coding]) is not None


def maker(coding: str, level: int, *, lean: bool = False) -> Callable[[], Stream]:
    """What makes a stream for each body; `lean` ones take little memory, for there may be many at a time.

    gzip and deflate, which are lean anyway, are isal's at levels 1 to 3 where it is installed.
    """
    if lean:
        level = min(level, _LEAN_LEVEL)
    if coding == "br":
        brotli = import_module(_BROTLI)
        return lambda: _Brotli(brotli, level, _LEAN_WINDOW if lean else _WINDOW)
    if coding == "zstd":
        zstd = import_module(_ZSTD)
        names = zstd.CompressionParameter
        options = {names.compression_level: level}
        if lean:
            options |= {names.window_log: _LEAN_WINDOW, names.hash_log: _LEAN_TABLES, names.chain_log: _LEAN_TABLES}
        return lambda: _Zstd(zstd, options)
    module = (_module(_ISAL) if level <= _ISAL_LEVELS else None) or zlib
    bits = _GZIP if coding == "gzip" else _ZLIB
    return lambda: _Deflate(module, level, bits)


def _module(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ImportError:
        return None


class _Brotli:
    __slots__ = ("_stream",)

    def __init__(self, brotli: ModuleType, level: int, window: int) -> None:
        self._stream = brotli.Compressor(quality=level, lgwin=window)

    def feed(self, data: bytes) -> bytes:
        return bytes(self._stream.process(data))

    def pass_on(self, data: bytes) -> bytes:
        return bytes(self._stream.process(data) + self._stream.flush())

    def finish(self) -> bytes:
        return bytes(self._stream.finish())


class _Zstd:
    __slots__ = ("_flush", "_stream")

    def __init__(self, zstd: ModuleType, options: dict[int, int]) -> None:
        self._stream = zstd.ZstdCompressor(options=options)
        self._flush = zstd.ZstdCompressor.FLUSH_BLOCK

    def feed(self, data: bytes) -> bytes:
        return bytes(self._stream.compress(data))

    def pass_on(self, data: bytes) -> bytes:
        return bytes(self._stream.compress(data, self._flush))

    def finish(self) -> bytes:
        return bytes(self._stream.flush())


class _Deflate:
    """gzip, or deflate as HTTP means it: in a zlib envelope (RFC 9110 §8.4.1.2)."""

    __slots__ = ("_stream",)

    def __init__(self, module: ModuleType, level: int, bits: int) -> None:
        self._stream = module.compressobj(level, zlib.DEFLATED, bits)

    def feed(self, data: bytes) -> bytes:
        return bytes(self._stream.compress(data))

    def pass_on(self, data: bytes) -> bytes:
        return bytes(self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH))

    def finish(self) -> bytes:
        return bytes(self._stream.flush())
