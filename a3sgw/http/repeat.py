"""Peers repeat themselves, byte for byte: what was found in a head then still holds, and need not be found again.

On a kept connection the field block of a request is mostly that of the one before; an endpoint sends the same head for
answers of the same kind within one second. That saves parsing and scanning, a fifth of what a request costs. HPACK (RFC
7541) rests on the same observation.
"""

from __future__ import annotations

import re
from typing import Any

from a3sgw.http.message import Request
from a3sgw.http.request import HeadRules
from a3sgw.http.response import Incoming
from a3sgw.http.target import split_target

_PATH = rb"[A-Za-z0-9._~/=&:@+,;*()!$'%-]*"
_QUERY = rb"[A-Za-z0-9._~/?=&:@+,;*()!$'%-]*"
_LINE = re.compile(rb"(?!CONNECT )([A-Z]{3,16}) (/" + _PATH + rb")(\?" + _QUERY + rb")? HTTP/1\.1\r\n")
"""Request lines that need no closer look: a strict part of what the parser accepts."""
_LARGEST = 4096
_PATIENCE = 8
"""After so many different heads in a row a peer is taken for one that never repeats itself."""
_FACTS = ("authority", "connection", "content_length", "host", "persistent", "te")


class RepeatedRequest:
    """What was found in the field block of a connection's previous request."""

    __slots__ = ("_block", "_clean", "_facts", "_misses", "_rules")

    def __init__(self) -> None:
        self._block = b""
        self._clean: bytes | None = None
        """The block without what was cut out; None when nothing was."""
        self._facts: dict[str, Any] = {}
        self._misses = 0
        self._rules: HeadRules | None = None

    def read(self, head: bytes, rules: HeadRules) -> Request | None:
        """The request of a whole head, or None when it needs reading; ClientError for a path that is refused."""
        line = _LINE.match(head)
        if line is None or head[line.end() :] != self._block or rules is not self._rules:
            return None
        self._misses = 0
        request = Request()
        request.__dict__.update(self._facts)
        request.method, path, query = line.groups()
        target = request.raw_target = path + query if query else path
        if b"//" in path or b"%" in path or b"/." in path:
            request.path, request.query, request.target = split_target(target, rules.merge_slashes)
        else:
            request.path = path
            request.target = target
            if query:
                request.query = query[1:]
        request.raw_head = head
        request.head = head[:-2] if self._clean is None else line[0] + self._clean
        return request

    def remember(self, request: Request, head: bytes, rules: HeadRules) -> None:
        """Keep what `head` has become, if it is of the usual kind: no body, nothing about forwarding or
        expectations."""
        if self._misses > _PATIENCE or len(head) > _LARGEST:
            return
        self._misses += 1
        usual = request.content_length == 0 and request.minor and not request.expect and request.managed is None
        if not usual or request.method == b"CONNECT" or request.raw_target[:1] != b"/":
            return
        at = head.find(b"\r\n") + 2
        clean = request.head[request.head.find(b"\r\n") + 2 :]
        self._block = head[at:]
        self._clean = None if len(clean) + 2 == len(self._block) else clean
        self._facts = {name: getattr(request, name) for name in _FACTS if name in request.__dict__}
        self._rules = rules


class RepeatedResponse:
    """What was found in the latest head of an endpoint."""

    __slots__ = ("_head", "_incoming", "_method", "_misses")

    def __init__(self) -> None:
        self._head = b""
        self._method = b""
        self._incoming = Incoming()
        self._misses = 0

    def read(self, head: bytes, method: bytes, untouched: bool) -> Incoming | None:
        """The response of a whole head, or None when it needs reading; the same one again for those who only read it
        (`untouched`), a fresh one for others."""
        if head != self._head or method != self._method:
            return None
        self._misses = 0
        return self._incoming if untouched else _copy(self._incoming)

    def remember(self, incoming: Incoming, head: bytes, method: bytes) -> None:
        """Keep what `head` has become; from time to time also for an endpoint that never repeats itself so far."""
        self._misses += 1
        if self._misses <= _PATIENCE or not self._misses % 64:
            self._head, self._method, self._incoming = head, method, _copy(incoming)


def _copy(incoming: Incoming) -> Incoming:
    made = Incoming()
    made.__dict__.update(incoming.__dict__)
    made.__dict__.pop("_headers", None)
    return made
