"""Answer at once, without an endpoint: a maintenance page, robots.txt, a health check of the gateway itself."""

from __future__ import annotations

from a3sgw.http.field_changes import check_field
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import Context, Middleware
from a3sgw.options import BaseOptions, Field, FrozenMap, OptionError, StringMap, field_validator, model_validator


class Options(BaseOptions):
    """Options of `respond`."""

    status: int = Field(200, ge=200, le=599)
    """Status of the answer."""

    body: str = ""
    """Body of the answer."""

    body_file: str = ""
    """File with the body, instead; read again when it changes."""

    content_type: str = Field("text/plain; charset=utf-8", pattern=r"^[!-~][ -~]*$")
    """Content-Type of the body."""

    response_headers: StringMap = Field(default_factory=FrozenMap)
    """More fields of the answer, by name, such as `Retry-After`."""

    @field_validator("response_headers")
    @classmethod
    def _sendable(cls, fields: StringMap) -> StringMap:
        for name, value in fields.items():
            check_field(name, value)
        return fields

    @model_validator(mode="after")
    def _one_body(self) -> Options:
        if self.body and self.body_file:
            raise OptionError("body and body_file are both given", "remove one of them", key="body_file")
        if (self.body or self.body_file) and self.status in (204, 205, 304):
            raise OptionError(f"an answer with {self.status} has no body", "remove it, or use 200", key="status")
        return self


class Respond(Middleware[Options]):
    """Every request that comes as far as this gets the same answer, so a router with it needs no service."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._body = options.body.encode()
        self._fields = [(name.encode(), value.encode()) for name, value in options.response_headers.items()]

    def attach(self, context: Context) -> None:
        """Read the file."""
        super().attach(context)
        if self.options.body_file:
            self.watch(self.options.body_file, bytes, "body_file", self._use)

    def _use(self, body: bytes) -> None:
        self._body = body

    def request(self, request: Request) -> Response:
        """The answer."""
        headers = Headers()
        if self._body:
            headers.set(b"Content-Type", self.options.content_type.encode())
        for name, value in self._fields:
            headers.set(name, value)
        return Response(self.options.status, headers, self._body)
