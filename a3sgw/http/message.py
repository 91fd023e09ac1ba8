"""A request and a response as values: what rules and middlewares see."""

from __future__ import annotations

from typing import Any

from a3sgw.http.headers import Headers


class Request:
    """One request, after framing and path checks.

    `method`, `target`, `path`, `query`, `host` are bytes. `path` is the *routing path*: unreserved characters decoded,
    dot segments resolved, reserved characters still encoded. `target` is what the endpoint will get, path and query.
    `host` is canonical: lower case, without port, brackets and trailing dot, ``b""`` when the client sent none.
    `client_ip` is the address of the connection's peer or, behind a trusted proxy, of the client it names.
    """

    __slots__ = (
        "authority",
        "captures",
        "client_ip",
        "content_length",
        "facts",
        "headers",
        "host",
        "id",
        "method",
        "minor",
        "path",
        "peer_ip",
        "query",
        "raw_target",
        "scheme",
        "target",
    )

    def __init__(self) -> None:
        self.method = b"GET"
        self.raw_target = b"/"
        """The target as the client sent it, for logs."""
        self.target = b"/"
        self.path = b"/"
        self.query = b""
        self.host = b""
        self.authority = b""
        """The Host value as sent (or the authority of an absolute-form target), port included."""
        self.minor = 1
        """HTTP/1.`minor`."""
        self.scheme = b"http"
        self.headers = Headers()
        self.content_length: int | None = 0
        """Body length in bytes, None when it is chunked."""
        self.peer_ip = ""
        """Address of the connection's peer; what ``ClientIP`` rules look at."""
        self.client_ip = ""
        self.id = b""
        self.captures: dict[str, str] | None = None
        """What ``PathPattern`` captured, by name."""
        self.facts: dict[str, Any] | None = None
        """What middlewares found out (identity, claims), for later middlewares and the access log."""

    def __repr__(self) -> str:
        return f"<Request [{self.method.decode()} {self.host.decode()}{self.path.decode(errors='replace')}]>"


class Response:
    """A response head, from an endpoint or made by the gateway; `body` is only set for the latter."""

    __slots__ = ("body", "headers", "reason", "status")

    def __init__(self, status: int, headers: Headers | None = None, body: bytes = b"") -> None:
        self.status = status
        self.reason: bytes | None = None
        """The reason phrase as the endpoint sent it; None = the standard one."""
        self.headers = headers if headers is not None else Headers()
        self.body = body

    def __repr__(self) -> str:
        return f"<Response [{self.status}]>"
