"""An event stream that breaks off tells so by a last event; what follows from a router's `event_stream`."""

from __future__ import annotations

import re
from http import HTTPStatus

from a3sgw.encoding import json
from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import BodyFilter, Middleware
from a3sgw.options import BaseOptions

_LONGEST = 64 * 1024
"""Bytes of an unfinished event that are kept."""
_EVENT_STREAM = b"text/event-stream"
_BLANK = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
"""The end of a line, and another: an empty line between them."""


class EventErrors(Middleware[BaseOptions]):
    """Stands last in a chain, so that what it says goes through everything that changes bodies."""

    def __init__(self) -> None:
        super().__init__(BaseOptions())

    def response_body(self, request: Request, response: Response) -> BodyFilter | None:
        """One for an event stream that can be read as it is."""
        headers = response.headers
        if response.status != 200 or b"content-encoding" in headers:
            return None
        if not (headers.get(b"content-type") or b"").lower().startswith(_EVENT_STREAM):
            return None
        return Events(request.id.decode("latin-1"))


class Events(BodyFilter):
    """Keeps an event that is not whole, so that the client never has half of one.

    What a client has of an event when another field comes becomes part of the same event, and a blank line would
    dispatch it as if it were whole (HTML, 9.2.6): there is no way to take half an event back. A client does nothing
    with an event before its blank line is there, so it cannot tell that it has been kept. Comments go on at once, for
    they keep connections open.
    """

    keeps_length = True

    def __init__(self, identity: str = "") -> None:
        self._identity = identity
        self._kept = b""
        self._torn = False
        """Whether an event that was too long to be kept has gone on in part."""

    def feed(self, data: bytes) -> bytes:
        """Out goes what ends with a whole event or a comment."""
        if self._kept:
            data = self._kept + data
        end = _last_end(data)
        if end or not self._torn:
            end = _quiet(data, end)
            self._torn = False
        if self._torn or len(data) - end > _LONGEST:
            self._torn = end < len(data)
            end = len(data)
        self._kept = data[end:]
        return data[:end]

    def flush(self) -> bytes:
        """What is not whole at the end is the endpoint's business."""
        kept, self._kept = self._kept, b""
        return kept

    def broken(self, status: int) -> bytes:
        """The last event; nothing when the client already has a part of another."""
        if self._torn:
            return b""
        said: dict[str, object] = {"status": status, "reason": HTTPStatus(status).phrase}
        if self._identity:
            said["request_id"] = self._identity
        return b"event: error\ndata: %b\n\n" % json.encode(said)


def _last_end(data: bytes) -> int:
    """Where the last whole event ends; 0 when there is none. Lines end with CRLF, LF or CR, each in its own way."""
    end = 0
    for found in _BLANK.finditer(data):
        end = found.end()
    return end


def _quiet(data: bytes, at: int) -> int:
    """Where the comments and empty lines end that stand at `at`."""
    while at < len(data) and data[at] in b":\r\n":
        end = min((found for found in (data.find(b"\n", at), data.find(b"\r", at)) if found >= 0), default=-1)
        if end < 0:
            return at
        at = end + 1
    return at
