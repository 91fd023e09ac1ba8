"""Pages of your own for errors, for those of endpoints and those of the gateway alike."""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import Awaitable
from http import HTTPStatus
from urllib.parse import quote

from a3sgw.errors import GatewayError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response, own_request
from a3sgw.http.statuses import StatusRange, statuses
from a3sgw.middlewares.base import Context, Middleware
from a3sgw.options import (
    BaseOptions,
    Duration,
    Field,
    OptionError,
    ServiceName,
    Several,
    Size,
    field_validator,
    model_validator,
)

_log = logging.getLogger("a3sgw.middlewares")
_OF_THE_BODY = frozenset(
    {b"accept-ranges", b"cache-control", b"content-digest", b"content-disposition", b"content-encoding"}
    | {b"content-language", b"content-length", b"content-location", b"content-md5", b"content-range", b"content-type"}
    | {b"digest", b"etag", b"expires", b"last-modified", b"repr-digest", b"trailer"}
)
"""Fields that speak about the body that goes: all others, such as WWW-Authenticate and those of CORS, stay."""
_FROM_THE_PAGE = (b"cache-control", b"content-encoding", b"content-language", b"content-type")


class Page(BaseOptions):
    """What is sent instead of the body of answers with some statuses."""

    status: tuple[StatusRange, ...] = Field(min_length=1)
    """Statuses it is for, such as `404` and `"500-599"`; the first page that names a status has it."""

    body: str = ""
    """The page. `{status}`, `{reason}` and `{request_id}` are filled in."""

    file: str = ""
    """File with the page, instead; read again when it changes, filled in like `body`."""

    content_type: str = Field("text/html; charset=utf-8", pattern=r"^[!-~][ -~]*$")
    """Content-Type of `body` or `file`."""

    service: ServiceName = ""
    """Service that has the page, instead; when it has none (no answer, or not 200), the answer stays as it is."""

    query: str = Field("/{status}.html", pattern=r"^/[!-~]*$")
    """What the service is asked for: `{status}` is that which the client gets, `{original_status}` that of the answer,
    `{url}` the address of the request, encoded."""

    request_headers: tuple[str, ...] = ("Accept", "Accept-Language")
    """Fields of the request that the service gets to see."""

    max_bytes: Size = 1048576
    """Largest page that is taken from the service."""

    timeout: Duration = Field(5.0, gt=0)
    """Time for the service; after it the answer goes on as it is."""

    rewrite_status: int | None = Field(None, ge=400, le=599)
    """Status that the client gets instead of the original one."""

    @field_validator("status", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [value] if isinstance(value, str | int) else value

    @model_validator(mode="after")
    def _one_source(self) -> Page:
        given = [key for key in ("body", "file", "service") if getattr(self, key)]
        if len(given) > 1:
            raise OptionError(f"{' and '.join(given)} are both given", "keep one of them", key=given[1])
        if not given and self.rewrite_status is None:
            raise OptionError("there is no page", "add body, file, service or rewrite_status", key="status")
        return self


class Options(BaseOptions):
    """Options of `errors`."""

    pages: Several[Page] = Field(min_length=1)
    """Which statuses get which page."""


class Errors(Middleware[Options]):
    """Put it first in a list of middlewares to have pages for what the others refuse, too."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._pages: dict[int, _Source] = {}
        self._sources = [_Source(page) for page in options.pages]
        for source in self._sources:
            for status in statuses(source.page.status):
                self._pages.setdefault(status, source)
        self.response_may_wait = any(page.service for page in options.pages)

    def attach(self, context: Context) -> None:
        """Read the files."""
        super().attach(context)
        for source in self._sources:
            if source.page.file:
                self.watch(source.page.file, bytes, "pages", source.use)

    def response(self, request: Request, response: Response) -> Response | Awaitable[Response | None] | None:
        """The page, for a status that has one; costs one look into a dictionary for all others."""
        source = self._pages.get(response.status)
        if source is None:
            return None
        if source.page.service:
            return self._asked(source.page, request, response)
        return source.fill(request, response)

    async def _asked(self, page: Page, request: Request, response: Response) -> Response | None:
        """The page of the service."""
        status = page.rewrite_status or response.status
        address = b"%b://%b%b" % (request.scheme, request.authority, request.shown_target or request.raw_target)
        target = (
            page.query.replace("{status}", str(status))
            .replace("{original_status}", str(response.status))
            .replace("{url}", quote(address, safe=""))
        )
        headers = Headers()
        for name in page.request_headers:
            for value in request.headers.get_all(name.lower().encode()):
                headers.add(name.encode(), value)
        headers.set(b"X-Request-Id", request.id)
        try:
            asked = own_request(target.encode(), request.authority, headers)
            async with asyncio.timeout(page.timeout):
                answer = await self.context.ask(page.service, asked, page.max_bytes)
        except (GatewayError, TimeoutError) as error:
            self.context.count("page_failed")
            _log.warning("no error page", extra={"service": page.service, "target": target, "why": str(error)})
            return None
        if answer.status != 200:
            self.context.count("page_failed")
            return None
        fields = [(name, value) for name, value in answer.headers if name.lower() in _FROM_THE_PAGE]
        return _replaced(response, status, answer.body, fields)


class _Source:
    """Where one page comes from."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._text = page.body.encode()
        self._escapes = "html" in page.content_type.lower()

    def use(self, content: bytes) -> None:
        """This is the page now."""
        self._text = content

    def fill(self, request: Request, response: Response) -> Response:
        """The page for one answer."""
        page = self.page
        status = page.rewrite_status or response.status
        if not page.body and not page.file:
            response.status = status
            return response
        text = self._text
        identity = request.id.decode("latin-1")
        try:
            reason = HTTPStatus(status).phrase
        except ValueError:
            reason = "Error"
        text = text.replace(b"{status}", b"%d" % status).replace(b"{reason}", reason.encode())
        text = text.replace(b"{request_id}", (html.escape(identity) if self._escapes else identity).encode())
        return _replaced(response, status, text, [(b"Content-Type", page.content_type.encode())])


def _replaced(response: Response, status: int, body: bytes, fields: list[tuple[bytes, bytes]]) -> Response:
    """The page with what the original answer says about anything but its body."""
    headers = Headers()
    for name, value in response.headers:
        if name.lower() not in _OF_THE_BODY:
            headers.add(name, value)
    for name, value in fields:
        headers.add(name, value)
    if b"cache-control" not in headers:
        headers.add(b"Cache-Control", b"no-store")
    return Response(status, headers, body)
