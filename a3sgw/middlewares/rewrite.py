"""Ask the endpoint for another path, query or host, made of pieces of the request."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from a3sgw.errors import ClientError
from a3sgw.http.host import canonical_host
from a3sgw.http.message import Request
from a3sgw.http.placeholders import Safe, Template
from a3sgw.http.retarget import as_it_is, encode_but_triples, encode_piece, retarget
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions, Field, OptionError, field_validator, model_validator

_IN_A_PATH: Mapping[str, Safe] = MappingProxyType({"path": as_it_is, "query": encode_but_triples})
_IN_A_QUERY: Mapping[str, Safe] = MappingProxyType({"path": encode_but_triples, "query": as_it_is})


class Options(BaseOptions):
    """Options of `rewrite`."""

    target: str = Field("", pattern=r"^(?:/[^#]*)?$")
    """Path, and query where there is a `?`, such as `/v2/{path.id}?lang={query.lang}`; without a `?` the query stays.
    Pieces of the request are encoded, so that each stays one piece; those of the path may have slashes in the path."""

    prefix: str = Field("", pattern=r"^(?:/[^?#]*)?$")
    """Only this part of the path is replaced, at its beginning and up to the end of a segment; other paths stay."""

    host: str = ""
    """Host that the endpoint gets, such as `{path.tenant}.internal`."""

    @field_validator("target", "host")
    @classmethod
    def _known(cls, text: str) -> str:
        Template(text)
        return text

    @model_validator(mode="after")
    def _anything(self) -> Options:
        if not self.target and not self.host:
            raise OptionError("nothing is rewritten", "add target or host", key="target")
        if self.prefix and not self.target:
            raise OptionError("prefix says what target replaces", "add target", key="prefix")
        return self


class Rewrite(Middleware[Options]):
    """A result with dot segments is refused."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        path, mark, query = options.target.partition("?")
        self._path = Template(path, encode_piece, _IN_A_PATH)
        self._query = Template(query, encode_piece, _IN_A_QUERY) if mark else None
        self._host = Template(options.host)
        self._prefix = options.prefix.rstrip("/").encode()

    def request(self, request: Request) -> None:
        """Change path and target alike, and the host."""
        if self.options.target:
            self._retarget(request)
        if self.options.host:
            host = self._host.render(request)
            if not host or host[:1] == b".":
                raise ClientError(400, "the host that follows from the request is none")
            canonical_host(host)  # 400 for what would be two things to two servers
            request.headers.set(b"Host", host)

    def _retarget(self, request: Request) -> None:
        rest = b""
        if self.options.prefix:
            rest = request.path[len(self._prefix) :]
            if not request.path.startswith(self._prefix) or rest[:1] not in (b"", b"/"):
                return
        path = self._path.render(request)
        query = self._query.render(request) if self._query is not None else None
        retarget(request, path.rstrip(b"/") + rest if rest else path, query)
