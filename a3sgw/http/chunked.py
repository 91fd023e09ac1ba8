"""Chunked transfer coding (RFC 9112 §7.1), strict: what two parsers could read differently is refused.

Refused beyond the grammar: chunk extensions that are not plain tokens, sizes of more than 15 digits, bare LF, white
space around the size, and trailers larger than 16 KiB. Extensions are read and dropped, as RFC 9112 §7.1.1 allows.
"""

from __future__ import annotations

import re

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SIZE = re.compile(
    rb"([0-9A-Fa-f]{1,15})((?:;[ \t]*" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb"|\"[^\"\\\x00-\x1f\x7f]*\"))?)*)\r\n"
)
_PLAIN_SIZE = re.compile(rb"(0{0,6}[1-9A-Fa-f][0-9A-Fa-f]{0,7})\r\n")
_WHOLE_END = b"\r\n0\r\n\r\n"
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[^\x00-\x08\x0a-\x1f\x7f]*")
_MAX_SIZE_LINE = 1024
_MAX_TRAILERS = 16 * 1024


class ChunkError(ValueError):
    """The bytes are not chunked coding."""


class ChunkDecoder:
    """Feed bytes, get payload; `ended` turns true at the end, `trailers` then holds the trailer field lines."""

    __slots__ = ("_held", "_in_trailers", "_left", "ended", "rest", "trailers")

    def __init__(self) -> None:
        self._left = 0
        """Payload bytes of the current chunk still to come, plus two for its CRLF."""
        self._held = b""
        self._in_trailers = False
        self.ended = False
        self.trailers = b""
        self.rest = b""
        """What followed the end of the body in the last piece fed."""

    def feed(self, data: bytes) -> bytes:
        """The payload in `data`, joined; ChunkError if malformed. After the end, `rest` has the bytes behind it."""
        if not self._held:
            if self._left:
                if self._left > len(data) + 2:
                    self._left -= len(data)
                    return data
            elif not self._in_trailers:
                payload = self._alone(data)
                if payload:
                    return payload
        else:
            data = self._held + data
            self._held = b""
        pieces: list[bytes] = []
        position = 0
        while position < len(data):
            if self._left:
                position = self._payload(data, position, pieces)
            elif self._in_trailers:
                position = self._trailers(data, position)
            else:
                position = self._size(data, position)
            if position < 0 or self.ended:
                break
        return b"".join(pieces) if len(pieces) != 1 else pieces[0]

    def _alone(self, data: bytes) -> bytes:
        """The payload of one whole chunk, or of the only one before the end: what streams of small pieces are made of.
        Empty when it is anything else."""
        found = _PLAIN_SIZE.match(data)
        if found is None:
            return b""
        start = found.end()
        end = start + int(found[1], 16)
        behind = data[end:]
        if behind == b"\r\n":
            return data[start:end]
        if behind != _WHOLE_END:
            return b""
        self.ended = True
        return data[start:end]

    def _payload(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        available = len(data) - position
        if self._left > 2:
            take = min(self._left - 2, available)
            pieces.append(data[position : position + take])
            self._left -= take
            return position + take
        if data[position : position + self._left] != b"\r\n"[2 - self._left :][:available]:
            raise ChunkError("a chunk does not end where its size says")
        take = min(self._left, available)
        self._left -= take
        return position + take

    def _size(self, data: bytes, position: int) -> int:
        found = _SIZE.match(data, position)
        if found is None:
            line_end = data.find(b"\n", position)
            if line_end >= 0 or len(data) - position > _MAX_SIZE_LINE:
                raise ChunkError("malformed chunk size")
            if data[position] not in b"0123456789abcdefABCDEF":
                raise ChunkError("malformed chunk size")
            self._held = data[position:]
            return -1
        if found.end() - position > _MAX_SIZE_LINE:
            raise ChunkError("chunk extensions are too long")
        size = int(found[1], 16)
        if size:
            self._left = size + 2
        else:
            self._in_trailers = True
        return found.end()

    def _trailers(self, data: bytes, position: int) -> int:
        line_end = data.find(b"\r\n", position)
        if line_end < 0:
            if len(data) - position + len(self.trailers) > _MAX_TRAILERS:
                raise ChunkError("trailers are too large")
            if b"\n" in data[position:]:
                raise ChunkError("malformed trailer")
            self._held = data[position:]
            return -1
        if line_end == position:
            self.ended = True
            self.rest = data[line_end + 2 :]
            return line_end + 2
        line = data[position:line_end]
        if _TRAILER.fullmatch(line) is None:
            raise ChunkError("malformed trailer")
        self.trailers += line + b"\r\n"
        if len(self.trailers) > _MAX_TRAILERS:
            raise ChunkError("trailers are too large")
        return line_end + 2


def encode_chunk(data: bytes) -> bytes:
    """One chunk; `data` must not be empty, which would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
