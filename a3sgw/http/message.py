"""A request and a response as values: what rules and middlewares see.

A head stays the bytes that arrived until somebody asks for `headers`; a head nobody touched goes on as one slice.
Defaults
stand on the classes, so that making a message costs only what is different about it.
"""

from __future__ import annotations

from typing import Any

from a3sgw.http.headers import Headers
from a3sgw.http.secured import Secured


class Message:
    """What requests and responses share: the head as bytes, and its field lines once somebody looks."""

    head = b""
    """Start line and field lines, each ended by CRLF, without the empty line; ``b""`` for messages the gateway
    makes."""
    _headers: Headers | None = None

    @property
    def headers(self) -> Headers:
        """The field lines; hop-by-hop ones and those a client must not choose are already gone."""
        headers = self._headers
        if headers is None:
            headers = self._headers = Headers(self.head[self.head.find(b"\r\n") + 2 :])
        return headers

    @headers.setter
    def headers(self, headers: Headers) -> None:
        self._headers = headers


class Request(Message):
    """One request, after framing and path checks.

    `method`, `target`, `path`, `query`, `host` are bytes. `path` is the *routing path*: unreserved characters decoded,
    dot segments resolved, reserved characters still encoded. `target` is what the endpoint will get, path and query.
    `host` is canonical: lower case, without port, brackets and trailing dot, ``b""`` when the client sent none.
    `client_ip` is the address of the connection's peer or, behind a trusted proxy, of the client it names.
    """

    method = b"GET"
    raw_target = b"/"
    """The target as the client sent it."""
    shown_target = b""
    """What logs show instead, where a middleware found a secret in it; empty otherwise."""
    target = b"/"
    path = b"/"
    query = b""
    host = b""
    authority = b""
    """The Host value as sent (or the authority of an absolute-form target), port included."""
    minor = 1
    """HTTP/1.`minor`."""
    scheme = b"http"
    secured: Secured | None = None
    """What is known of the TLS connection it came on; None without TLS."""
    content_length: int | None = 0
    """Body length in bytes, None when it is chunked."""
    peer_ip = ""
    """Address of the connection's peer; what ``ClientIP`` rules look at."""
    client_ip = ""
    id = b""
    captures: dict[str, str] | None = None
    """What ``PathPattern`` captured, by name."""
    facts: dict[str, Any] | None = None
    """What middlewares found out (identity, claims), for later middlewares and the access log."""

    body: bytes | None = None
    """The whole body, where a middleware of the route wants to see it (`Middleware.body_bytes`)."""

    # What the gateway itself acts on; cut out of the head
    persistent = True
    """Whether the client's connection outlives this request."""
    connection = b""
    expect = b""
    te = b""
    trailer = b""
    upgrade = b""
    """Protocols the client wants to change to, as an endpoint may see them; empty when there is no way to."""
    managed: list[tuple[bytes, bytes]] | None = None
    """X-Forwarded-* and related fields as the peer sent them; believed only from trusted peers."""
    trusted = False
    """Whether the peer is one of the entrypoint's `trusted_ips`."""
    raw_head = b""
    """The head as the client sent it."""
    _sent: Headers | None = None

    @property
    def sent_headers(self) -> Headers:
        """The field lines as the client sent them, for rules: an operator may well route on ``Upgrade``."""
        if not self.raw_head:
            return self.headers
        if self._sent is None:
            self._sent = Headers(self.raw_head[self.raw_head.find(b"\r\n") + 2 : -2])
        return self._sent

    def learn(self, name: str, value: Any) -> None:
        """Note a fact. ``identity`` (text) and ``would_block`` (names of middlewares) go to the access log."""
        if self.facts is None:
            self.facts = {}
        self.facts[name] = value

    def __repr__(self) -> str:
        return f"<Request [{self.method.decode()} {self.host.decode()}{self.path.decode(errors='replace')}]>"


def own_request(target: bytes, authority: bytes, headers: Headers) -> Request:
    """A GET that the gateway makes itself; `headers` are all but Host."""
    request = Request()
    request.raw_target = b""
    request.target = target
    request.path, _, request.query = target.partition(b"?")
    request.authority = authority
    headers.set(b"Host", authority)
    request.headers = headers
    return request


class Response(Message):
    """A response head, from an endpoint or made by the gateway; `body` is only set for the latter."""

    received_status = 0
    """The status in `head`; 0 when the gateway made this response."""
    body = b""

    def __init__(self, status: int, headers: Headers | None = None, body: bytes = b"") -> None:
        self.status = status
        if headers is not None or body:
            self._headers = headers or Headers()
            self.body = body

    def __repr__(self) -> str:
        return f"<Response [{self.status}]>"
