"""Ask another server whether a request may pass."""

from __future__ import annotations

from urllib.parse import quote

from a3sgw.errors import ClientError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Duration, Field, OptionError, Size, field_validator
from a3sgw.web import Answer, HttpClient, WebError, WebTimeout

_NOT_FORWARDED = frozenset({b"host", b"content-length", b"content-type", b"transfer-encoding", b"expect"})
_NOT_RETURNED = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"trailer", b"upgrade", b"date", b"server"}
)


class Options(BaseOptions):
    """Options of `forward-auth`."""

    forward_auth_url: str = Field(pattern=r"^https?://[^\s]+$")
    """Who is asked, with GET: any 2xx lets the request pass, every other answer goes to the client."""

    forward_auth_response_headers: tuple[str, ...] = ()
    """Fields of the answer that are added to the request; the client's own copies are removed first, always."""

    forward_auth_request_headers: tuple[str, ...] = ()
    """Fields of the request that are sent along; empty means all but those about the body."""

    timeout: Duration = 5.0
    """Time for the answer; after it the client gets 504."""

    max_response_bytes: Size = 1048576
    """Size of an answer that is passed on to the client."""

    @field_validator("forward_auth_response_headers")
    @classmethod
    def _not_framing(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name.lower().encode() in _NOT_RETURNED | {b"host"}:
                raise OptionError(f"{name} cannot be taken from the answer", "name identity fields such as X-User")
        return names


class ForwardAuth(Middleware[Options]):
    """Keeps connections to the server that decides; when it cannot be asked, nobody passes."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._client = HttpClient()
        self._copied = tuple(name.encode() for name in options.forward_auth_response_headers)
        self._sent = frozenset(name.lower().encode() for name in options.forward_auth_request_headers)

    async def open(self) -> None:
        """Make the client ready."""
        await self._client.open()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def request(self, request: Request) -> Response | None:
        """Ask; 2xx passes, anything else is the client's answer, silence is 504 and a broken server 502."""
        for name in self._copied:
            request.headers.remove(name)
        try:
            answer = await self._client.request(
                "GET",
                self.options.forward_auth_url,
                self._question(request),
                timeout=self.options.timeout,
                max_bytes=self.options.max_response_bytes,
            )
        except WebTimeout as error:
            raise ClientError(504, f"forward-auth: {error}") from None
        except WebError as error:
            raise ClientError(502, f"forward-auth: {error}") from None
        if 200 <= answer.status < 300:
            self._identify(request, answer)
            return None
        return _passed_on(answer)

    def _question(self, request: Request) -> list[tuple[bytes | str, bytes | str]]:
        headers: list[tuple[bytes | str, bytes | str]] = [
            (_text(name), _text(value))
            for name, value in request.headers
            if name.lower() not in _NOT_FORWARDED and (not self._sent or name.lower() in self._sent)
        ]
        headers += [
            ("X-Forwarded-Method", _text(request.method)),
            ("X-Forwarded-Proto", _text(request.scheme)),
            ("X-Forwarded-Host", _text(request.authority)),
            ("X-Forwarded-Uri", _text(request.target)),
            ("X-Forwarded-For", request.client_ip),
        ]
        return headers

    def _identify(self, request: Request, answer: Answer) -> None:
        for name in self._copied:
            for key, value in answer.headers:
                if key.lower() == name.lower():
                    request.headers.add(name, value)


def _text(value: bytes) -> str:
    """ASCII as it is; other bytes percent-encoded, since the client writes header text as UTF-8."""
    return value.decode() if value.isascii() else quote(value, safe="%/:=&?~#+!$,;'@()*[] \"<>{}|\\^`")


def _passed_on(answer: Answer) -> Response:
    headers = Headers()
    for name, value in answer.headers:
        if name.lower() not in _NOT_RETURNED:
            headers.add(name, value)
    return Response(answer.status, headers, answer.body)
