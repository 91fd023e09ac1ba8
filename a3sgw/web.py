"""HTTP for the control plane, client and server, as plain values: the only importer of aiohttp.

Never on the path of proxied traffic: aiohttp's response parser is lenient, and a request through it costs five times
as much as the gateway's own connection pair.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL  # the type of aiohttp's addresses: only so can a target be sent without being re-encoded

from a3sgw.errors import BindError, GatewayError

_log = logging.getLogger("a3sgw.web")

_LARGE = 1 << 16
"""Bodies above this many bytes are sent in pieces; aiohttp would copy them at once."""

# The client...


class WebError(GatewayError):
    """A request made by the gateway itself got no usable answer."""

    status = 0
    """Of the head that has come all the same; 0 when none has."""


class WebConnectError(WebError):
    """The server could not be reached, or its certificate was not accepted."""


class WebTimeout(WebError):
    """The whole answer did not arrive in time."""


class WebTooLarge(WebError):
    """The body is larger than the caller wants."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response; `headers` are (name, value) as received, `body` is not decompressed."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def get(self, name: bytes) -> bytes | None:
        """The first value of `name` (lower case), or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class HttpClient:
    """A keep-alive client that adds nothing: no cookies, no redirects, no proxy, no automatic header but Host.

    `unix_path` sends every request to that socket, whatever host the address names. `tls` is used for ``https``
    addresses; without it certificates are checked against the system's.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, unix_path: str | None = None) -> None:
        self._tls: ssl.SSLContext | bool = tls or True
        self._unix_path = unix_path
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the client ready; connections are opened when they are needed."""
        connector: aiohttp.BaseConnector
        if self._unix_path is None:
            connector = aiohttp.TCPConnector(limit=0, ssl=self._tls)
        else:
            connector = aiohttp.UnixConnector(self._unix_path, limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            trust_env=False,
            max_line_size=65536,
            max_field_size=65536,
        )

    async def close(self) -> None:
        """Close all connections; running requests fail with `WebError`."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[bytes | str, bytes | str]] = (),
        body: bytes | None = None,
        *,
        timeout: float,  # noqa: ASYNC109 -- one number per call, turned into a WebTimeout here
        max_bytes: int,
        whole: bool = True,
        server_name: str | None = None,
    ) -> Answer:
        """Send one request and read the whole answer; redirects are returned, not followed.

        `timeout` is in seconds, for everything from connecting to the last byte; `max_bytes` limits the body received:
        a larger one is an error, or cut there if it need not be `whole`. `server_name` is what to ask for and to check
        in TLS instead of the host of `url`. `url` is sent as it is, so it must already be percent-encoded. Raises
        `WebError` and its subclasses only.
        """
        if self._session is None:
            raise WebError("the client is not open")
        status = 0
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),
                headers=[(_text(name), _text(value)) for name, value in headers],
                data=io.BytesIO(body) if body is not None and len(body) > _LARGE else body,
                timeout=aiohttp.ClientTimeout(total=timeout),
                allow_redirects=False,
                server_hostname=server_name,
            ) as response:
                status = response.status
                content = await _read(response, max_bytes, whole)
                return Answer(response.status, tuple(response.raw_headers), content)
        except TimeoutError as error:
            raise _late(WebTimeout(f"no answer from {url} within {timeout:g} s"), status) from error
        except aiohttp.ClientConnectorError as error:
            raise WebConnectError(f"cannot connect to {url}: {error.strerror or error}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _late(WebError(f"request to {url} failed: {str(error) or type(error).__name__}"), status) from error


def _late(error: WebError, status: int) -> WebError:
    """It came after a head with this status."""
    error.status = status
    return error


async def _read(response: aiohttp.ClientResponse, max_bytes: int, whole: bool) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > max_bytes:
            response.close()
            if not whole:
                break
            raise WebTooLarge(f"the answer from {response.url} is larger than {max_bytes} bytes")
    return bytes(content[:max_bytes])


def _text(value: bytes | str) -> str:
    """aiohttp encodes header text as UTF-8 and drops what it cannot; other bytes are refused instead of changed."""
    return value if isinstance(value, str) else value.decode("utf-8")


# The server...


@dataclass(frozen=True, slots=True)
class WebRequest:
    """A whole request: `path` without the query, `headers` as (lower-case name, value) in order."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    peer: str = ""

    def get_all(self, name: str) -> list[str]:
        """Every value of the header `name` (lower case)."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class WebResponse:
    """A whole response; Content-Length is added."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[WebRequest], Awaitable[WebResponse]]
Check = Callable[[WebRequest], WebResponse | None]
Routes = Mapping[tuple[str, str], Handler]
"""(method, path) → handler; HEAD is answered by GET's handler."""


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> WebResponse:
    """`value` as JSON; what JSON does not know is written as its text."""
    body = json.dumps(value, default=str).encode() + b"\n"
    return WebResponse(status, body, "application/json", {"Cache-Control": "no-store", **(headers or {})})


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> WebResponse:
    """``{"error": {"status": …, "message": …}}``."""
    return json_response({"error": {"status": status, "message": message}}, status, headers)


class WebServer:
    """Serves `routes` on one address. `check` sees every request first; what it returns is sent instead.

    `fallback` answers what no route does; without it that is 404 or 405.
    """

    def __init__(
        self, routes: Routes, check: Check | None = None, max_body: int = 1 << 20, fallback: Handler | None = None
    ) -> None:
        self._routes = dict(routes)
        self._fallback = fallback
        self._check = check
        self._max_body = max_body
        self._runner: web.ServerRunner | None = None

    async def open(self, address: str, sockets: Sequence[socket.socket] = ()) -> str:
        """Listen on ``host:port``, ``:port`` (loopback), ``[::1]:port`` or ``unix:/path``; port 0 is any free port.

        With `sockets`, which listen there already, it accepts from those and closes them in the end. Returns the
        address with the port in use. Raises `BindError`.
        """
        # Whoever sends garbage gets 400; that is no news for the log. Failures of handlers are logged by `_answer`.
        quiet = logging.getLogger("a3sgw.web.protocol")
        quiet.setLevel(logging.CRITICAL)
        server = web.Server(self._answer, access_log=None, keepalive_timeout=75, logger=quiet)
        runner = web.ServerRunner(server, shutdown_timeout=1)
        await runner.setup()
        try:
            for one in sockets:
                await web.SockSite(runner, one).start()
            if not sockets:
                await self._site(runner, address).start()
        except (OSError, ValueError) as error:
            await runner.cleanup()
            raise BindError(address, getattr(error, "strerror", None) or str(error)) from error
        self._runner = runner
        bound = runner.addresses[0]
        if isinstance(bound, str):
            return f"unix:{bound}"
        return f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"

    def _site(self, runner: web.ServerRunner, address: str) -> web.BaseSite:
        if address.startswith("unix:"):
            return web.UnixSite(runner, Path(address.removeprefix("unix:")))
        host, _, port = address.rpartition(":")
        if not (port.isdecimal() and int(port) < 65536):
            raise ValueError("the port is a number from 0 to 65535")
        return web.TCPSite(runner, host.strip("[]") or "127.0.0.1", int(port))

    async def close(self) -> None:
        """Stop listening; running requests get a second to end."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, raw: web.BaseRequest) -> web.StreamResponse:
        try:
            response = await self._respond(raw)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:
            _log.exception("request failed", extra={"method": raw.method, "path": raw.path})
            response = error_response(500, "internal error; the log has the details")
        own = {"Content-Type": response.content_type, "X-Content-Type-Options": "nosniff", "Server": "a3sgw"}
        headers = {**own, **response.headers}
        return web.Response(status=response.status, body=response.body, headers=headers)

    async def _respond(self, raw: web.BaseRequest) -> WebResponse:
        headers = tuple((name.lower(), value) for name, value in raw.headers.items())
        head = WebRequest(
            raw.method, raw.rel_url.raw_path, raw.rel_url.raw_query_string, headers, peer=raw.remote or ""
        )
        refused = self._check(head) if self._check else None
        if refused is not None:
            return refused
        handler = self._routes.get((head.method if head.method != "HEAD" else "GET", head.path), self._fallback)
        if handler is None:
            return self._unknown(head.path)
        if not raw.can_read_body:
            return await handler(head)
        body = bytearray()
        async for chunk in raw.content.iter_any():
            body += chunk
            if len(body) > self._max_body:
                return error_response(413, f"the body is larger than {self._max_body} bytes", {"Connection": "close"})
        return await handler(replace(head, body=bytes(body)))

    def _unknown(self, path: str) -> WebResponse:
        allowed = sorted(method for method, known in self._routes if known == path)
        if allowed:
            names = ", ".join(["HEAD", *allowed] if "GET" in allowed else allowed)
            return error_response(405, f"use {names}", {"Allow": names})
        return error_response(404, f"nothing at {path}")
