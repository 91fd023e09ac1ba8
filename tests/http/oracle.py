"""llhttp, in its strict mode, as the second opinion on where messages end."""

from __future__ import annotations

from httptools import HttpParserError, HttpRequestParser


class Reading:
    """What llhttp makes of a byte stream: the bodies of its requests, and whether it liked it."""

    def __init__(self, stream: bytes) -> None:
        self.bodies: list[bytes] = []
        self.valid = True
        self._pieces: list[bytes] = []
        try:
            HttpRequestParser(self).feed_data(stream)
        except HttpParserError:
            self.valid = False

    def on_body(self, data: bytes) -> None:
        """Called by llhttp."""
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        """Called by llhttp."""
        self.bodies.append(b"".join(self._pieces))
        self._pieces = []


def chunked(body: bytes) -> Reading:
    """How llhttp reads a body in chunked coding."""
    return Reading(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
