"""Set, replace and delete header fields on the way in and on the way out."""

from __future__ import annotations

import re

from a3sgw.http.message import Request, Response
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Field, OptionError, StringMap, field_validator

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_FRAMING = frozenset({"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})


class Options(BaseOptions):
    """Options of `headers`."""

    request_headers: StringMap = Field(default_factory=dict)
    """Fields of the request, by name: the value replaces what the client sent, an empty value deletes the field."""

    response_headers: StringMap = Field(default_factory=dict)
    """Fields of the response, by name: the value replaces what the endpoint sent, an empty value deletes the field."""

    @field_validator("request_headers", "response_headers")
    @classmethod
    def _sendable(cls, fields: StringMap) -> StringMap:
        for name, value in fields.items():
            if not _NAME.fullmatch(name):
                raise OptionError(f'"{name}" is not a header name', "use letters, digits and hyphens")
            if name.lower() in _FRAMING:
                raise OptionError(f"{name} belongs to the connection", "the gateway sets it itself; remove this line")
            if not _VALUE.fullmatch(value):
                raise OptionError(f"the value of {name} has a control character", "remove it")
        return fields


class HeadersMiddleware(Middleware[Options]):
    """Works on field lines as bytes, prepared once."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._request = _prepared(options.request_headers)
        self._response = _prepared(options.response_headers)

    def request(self, request: Request) -> None:
        """Change the request before the next middleware sees it."""
        for name, value in self._request:
            if value:
                request.headers.set(name, value)
            else:
                request.headers.remove(name)

    def response(self, request: Request, response: Response) -> None:
        """Change the response, also one the gateway made itself."""
        for name, value in self._response:
            if value:
                response.headers.set(name, value)
            else:
                response.headers.remove(name)


def _prepared(fields: StringMap) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode("latin-1"), value.encode()) for name, value in fields.items())
