"""Ask another server whether a request may pass."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Awaitable
from pathlib import Path
from time import monotonic
from typing import Literal
from urllib.parse import quote, urljoin

from a3sgw.config.load_balancer import UpstreamTls
from a3sgw.errors import ClientError
from a3sgw.http.consult import Selection, cookie_name, question, usable
from a3sgw.http.field_names import FieldName, is_reserved
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import Context, Middleware, RefusingOptions, Stage
from a3sgw.options import Duration, Field, OptionError, Size, field_validator, model_validator
from a3sgw.retry_policy import IDEMPOTENT
from a3sgw.upstream.tls import client_context
from a3sgw.web import Answer, HttpClient, WebConnectError, WebError, WebTimeout, WebTooLarge

_log = logging.getLogger("a3sgw.middlewares.forward_auth")
_UNIX = re.compile(r"unix:(/[^:\s]+)(?::(/\S*))?")
_FRAMING = frozenset({"keep-alive", "date", "server"})
_QUIET = 10.0
"""Seconds from one complaint about the auth server to the next."""
_BUSY = ((b"Retry-After", b"1"),)


class Tls(UpstreamTls):
    """How the certificate of the auth server is checked, and who asks it."""

    cert_file: str = ""
    """PEM file with a certificate to show to it."""

    key_file: str = ""
    """PEM file with the certificate's key; empty means that it is in `cert_file`."""

    @model_validator(mode="after")
    def _together(self) -> Tls:
        if self.key_file and not self.cert_file:
            raise OptionError("a key without its certificate", "give cert_file, too", "key_file")
        return self


class Options(RefusingOptions):
    """Options of `forward-auth`: who is asked, what it is told, and what of its answer goes where."""

    forward_auth_url: str = Field(pattern=r"^(https?://[^\s]+|unix:/[^\s]+)$")
    """Who is asked, with GET: any 2xx lets the request pass, every other answer goes to the client. `http://…`,
    `https://…`, or a socket, `unix:/run/auth.sock:/path`."""

    forward_auth_response_headers: tuple[FieldName, ...] = ()
    """Fields of the answer that are added to the request; the client's own copies are removed first, always."""

    forward_auth_response_headers_regex: str = ""
    """More of them, by what their names match, in any case: `^X-Auth-`. The client's own fields that match are removed,
    also those the answer says nothing about. What the gateway itself says (X-Forwarded-*) is never taken this way."""

    forward_auth_request_headers: tuple[FieldName, ...] = ()
    """Fields of the request that are sent along; empty means all but those about the body, which go with it only."""

    forward_auth_request_headers_regex: str = ""
    """More of them, by what their names match, in any case."""

    trust_forward_header: bool = False
    """Tell it X-Forwarded-Method, -Proto, -Host, -Port and -Uri as a proxy in front has sent them, if that is one of
    the entrypoint's `trusted_ips`; otherwise, and for everybody else, they are about the request as it came."""

    forward_body: bool = False
    """Send the request's body along. It is gathered before this middleware asks, so put those before it that refuse
    cheaply."""

    max_body_bytes: Size = Field(65536, gt=0)
    """Size of a body that is gathered for `forward_body`; a longer one is refused with 413."""

    preserve_request_method: bool = False
    """Ask with the request's own method instead of GET."""

    add_auth_cookies_to_response: tuple[str, ...] = ()
    """Cookies that a 2xx answer may set at the client, in place of the endpoint's of the same name."""

    preserve_location_header: bool = False
    """Pass on a relative Location as it is; otherwise it is completed with the address of the auth server."""

    auth_signin_url: str = Field("", pattern=r"^([^\s]+)?$")
    """Where clients go that get 401, with 302 instead; `{url}` in it stands for the address they wanted, encoded for a
    query: `https://login.example/?back={url}`. Cookies of the 401 are kept."""

    header_field: FieldName = ""
    """Field of a 2xx answer that says who it is, for the access log and later middlewares."""

    timeout: Duration = Field(5.0, gt=0)
    """Time for the answer."""

    max_response_bytes: Size = 1048576
    """Size of an answer that is passed on to the client."""

    max_concurrent: int = Field(256, ge=1)
    """Questions of each worker at once; while there are as many, other requests get 503 and are told to come back."""

    on_error: Literal["deny", "allow"] = "deny"
    """What happens when it cannot be reached or gives no answer in time. `deny`: 502 or 504. `allow`: the request goes
    on, without an identity: whoever can overload the auth server passes then. Whatever it does answer counts in any
    case: a 5xx goes to the client, half an answer is 502."""

    tls: Tls | None = None
    """For https: by default its certificate is checked against the system's authorities."""

    @field_validator("forward_auth_url")
    @classmethod
    def _socket(cls, url: str) -> str:
        if url.startswith("unix:") and _UNIX.fullmatch(url) is None:
            raise OptionError(f'"{url}" is no socket', 'write "unix:/run/auth.sock:/path"')
        return url

    @field_validator("forward_auth_response_headers")
    @classmethod
    def _not_framing(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if is_reserved(name.encode()) or name.lower() in _FRAMING:
                raise OptionError(f"{name} cannot be taken from the answer", "name identity fields such as X-User")
        return names

    @field_validator("forward_auth_response_headers_regex", "forward_auth_request_headers_regex")
    @classmethod
    def _compiles(cls, expression: str) -> str:
        Selection((), expression)
        return expression

    @model_validator(mode="after")
    def _goes_together(self) -> Options:
        if self.tls is not None and not self.forward_auth_url.startswith("https://"):
            raise OptionError("tls is for https addresses", "remove it, or ask by https", "tls")
        if not self.forward_body and "max_body_bytes" in self.model_fields_set:
            raise OptionError("no body is sent", "set forward_body, too", "max_body_bytes")
        return self


class ForwardAuth(Middleware[Options]):
    """Keeps connections to the server that decides; when it cannot be asked, nobody passes, unless `on_error` says so.

    Every question goes out: answers are not remembered. WebSocket handshakes are asked about like other requests; the
    question itself never asks for an upgrade.
    """

    stage = Stage.AUTHENTICATION

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._taken = Selection(options.forward_auth_response_headers, options.forward_auth_response_headers_regex)
        self._sent = Selection(options.forward_auth_request_headers, options.forward_auth_request_headers_regex)
        self.sets_fields = frozenset(self._taken.names)
        self.body_bytes = options.max_body_bytes if options.forward_body else 0
        self._identity = options.header_field.lower().encode()
        self._cookies = frozenset(name.encode() for name in options.add_auth_cookies_to_response)
        found = _UNIX.fullmatch(options.forward_auth_url)
        self._url = f"http://localhost{found[2] or '/'}" if found is not None else options.forward_auth_url
        self._socket = found[1] if found is not None else None
        self._client = HttpClient(unix_path=self._socket)
        self._asking = 0
        self._quiet_until = 0.0
        self._fact = "cookies"

    def attach(self, context: Context) -> None:
        """Read certificates."""
        super().attach(context)
        self._fact = f"cookies of {context.name}"
        if self.options.tls is not None:
            self._client = HttpClient(tls=_context(self.options.tls, context.directory))

    async def open(self) -> None:
        """Make the client ready."""
        await self._client.open()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    # Asking...

    def request(self, request: Request) -> Awaitable[Response | None]:
        """Remove what only the auth server may say, and ask it."""
        self._taken.remove(request.headers)
        if request.headers.count(b"authorization") > 1:
            # The one who judges might look at another than the endpoint does.
            raise ClientError(400, "forward-auth: several Authorization fields")
        if (
            self.body_bytes
            and request.content_length != 0
            and (request.body is None or len(request.body) > self.body_bytes)
        ):
            # Another middleware of the chain may look at longer ones.
            raise ClientError(413, "forward-auth: a body too long to be judged")
        return self._decide(request)

    async def _decide(self, request: Request) -> Response | None:
        """2xx passes, anything else is the client's answer, silence is 504 and a broken server 502."""
        if self._asking >= self.options.max_concurrent:
            self.context.count("busy")
            raise ClientError(503, "forward-auth: too many questions at once", _BUSY)
        self._asking += 1
        try:
            answer = await self._ask(request)
        except WebError as error:
            self._unanswered(error)
            return None
        finally:
            self._asking -= 1
        if 200 <= answer.status < 300:
            self._admit(request, answer)
            return None
        if answer.status < 200:
            raise ClientError(502, f"forward-auth: {answer.status} is no answer")
        return self._passed_on(request, answer)

    async def _ask(self, request: Request) -> Answer:
        options = self.options
        body = request.body or None if options.forward_body else None
        method = request.method.decode() if options.preserve_request_method else "GET"
        fields = question(request, self._sent, body is not None, options.trust_forward_header)
        for last in (method.encode() in IDEMPOTENT, True):
            try:
                return await self._client.request(
                    method,
                    self._url,
                    fields,
                    body,
                    timeout=options.timeout,
                    max_bytes=options.max_response_bytes,
                    server_name=(options.tls.server_name or None) if options.tls is not None else None,
                )
            except (WebTimeout, WebConnectError, WebTooLarge):
                raise
            except WebError:
                # A kept connection that was just closed: the client asks anew by itself where HTTP lets it, and asking
                # twice changes nothing here.
                if last:
                    raise
        raise AssertionError("unreachable")

    def _unanswered(self, error: WebError) -> None:
        """Nobody passes without a word, unless the operator wants it so."""
        if (now := monotonic()) >= self._quiet_until:
            self._quiet_until = now + _QUIET
            _log.error("the auth server gives no answer", extra={"middleware": self.context.name, "why": str(error)})
        if self.options.on_error == "allow" and isinstance(error, WebConnectError | WebTimeout) and not error.status:
            self.context.count("not_asked")
            return
        raise ClientError(504 if isinstance(error, WebTimeout) else 502, f"forward-auth: {error}")

    # Its answer...

    def _admit(self, request: Request, answer: Answer) -> None:
        fields = usable(answer.headers)
        for name, value in self._taken.take(fields):
            request.headers.add(name, value)
        identity = next((value for name, value in fields if name.lower() == self._identity), b"")
        if identity:
            request.learn("identity", identity.decode(errors="replace"))
        if self._cookies:
            cookies = [value for name, value in fields if name.lower() == b"set-cookie"]
            request.learn(self._fact, tuple(one for one in cookies if cookie_name(one) in self._cookies))

    def response(self, request: Request, response: Response) -> None:
        """Add the cookies of the auth server, if there are any."""
        cookies: tuple[bytes, ...] = (request.facts or {}).get(self._fact, ())
        if not cookies:
            return
        replaced = {cookie_name(one) for one in cookies}
        headers = response.headers
        kept = [value for value in headers.get_all(b"set-cookie") if cookie_name(value) not in replaced]
        headers.remove(b"Set-Cookie")
        for value in (*kept, *cookies):
            headers.add(b"Set-Cookie", value)

    def _passed_on(self, request: Request, answer: Answer) -> Response:
        headers = Headers()
        sign_in = self.options.auth_signin_url if answer.status == 401 else ""
        for name, value in usable(answer.headers):
            key = name.lower()
            if key == b"location" and not self.options.preserve_location_header and self._socket is None:
                value = _completed(value, self._url)
            if not sign_in or key == b"set-cookie":
                headers.add(name, value)
        if not sign_in:
            return Response(answer.status, headers, answer.body)
        headers.add(b"Location", sign_in.replace("{url}", quote(_wanted(request), safe="")).encode())
        headers.add(b"Cache-Control", b"no-store")
        return Response(302, headers)


def _wanted(request: Request) -> bytes:
    """Where the client was going, as logs show it: without credentials."""
    target = request.shown_target or request.target
    return b"%b://%b%b" % (request.scheme, request.authority, target) if target[:1] == b"/" else target


def _completed(location: bytes, url: str) -> bytes:
    try:
        return urljoin(url, location.decode("latin-1")).encode("latin-1")
    except ValueError:  # such as half an IPv6 address: nothing that could be completed
        return location


def _context(options: Tls, directory: Path) -> ssl.SSLContext:
    """OptionError when a file cannot be used."""
    try:
        context = client_context(options, directory)
        if options.cert_file:
            key = directory / options.key_file if options.key_file else None
            context.load_cert_chain(directory / options.cert_file, key)
    except OSError as error:  # ssl's own error is one, too
        raise OptionError(f"cannot use the files of tls: {error.strerror or error}", "name PEM files", "tls") from error
    return context
