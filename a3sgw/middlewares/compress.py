"""Compress answers: br, zstd, gzip or deflate, whichever the client likes best."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from a3sgw.compression import CODINGS, LEVELS, Stream, available, maker
from a3sgw.http.content_coding import IDENTITY, MediaTypes, preferred_coding
from a3sgw.http.field_changes import FieldChanges
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.vary import add_vary
from a3sgw.middlewares.base import BodyFilter, Middleware
from a3sgw.options import BaseOptions, Field, OptionError, Size, field_validator, model_validator

Coding = Literal["br", "zstd", "gzip", "deflate"]
_GRPC = b"application/grpc"
"""With what follows: +proto, -web. Its messages are compressed one by one, or not at all."""
_COMPRESSED = (
    *("audio/*", "font/woff", "font/woff2", "image/avif", "image/gif", "image/heic", "image/heif", "image/jp2"),
    *("image/jpeg", "image/jxl", "image/png", "image/webp", "multipart/byteranges", "video/*"),
    *(
        f"application/{one}"
        for one in ("gzip", "x-gzip", "zip", "zstd", "x-bzip2", "x-xz", "x-7z-compressed", "epub+zip")
    ),
    *(f"application/{one}" for one in ("vnd.rar", "x-rar-compressed", "java-archive", "pdf", "octet-stream")),
    "application/vnd.android.package-archive",
)
_NO_TRANSFORM = re.compile(rb"(?:^|[\s,])no-transform(?:[\s,]|$)", re.IGNORECASE)
_LENGTH = re.compile(rb"\n[Cc]ontent-[Ll]ength:[ \t]*(\d{1,18})[ \t]*\r")
_LONGEST = 256
"""Bytes of a field whose verdict is remembered; longer ones are rare, and would make the memory large."""
_REMEMBERED = 256
_DROPPED = ("Content-Length", "Accept-Ranges", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest")
"""No longer true of what is sent."""


class Options(BaseOptions):
    """Options of `compress`."""

    encodings: tuple[Coding, ...] = ()
    """Codings in order of preference among those the client likes equally; by default all that are installed of `br`,
    `zstd`, `gzip` and `deflate`, in this order. br and zstd need `pip install 'a3sgw[compress]'`."""

    default_encoding: Literal["", "br", "zstd", "gzip", "deflate"] = ""
    """Coding for clients that send no Accept-Encoding, or `*`. By default the former get the answer as it is, and the
    latter the first of `encodings`."""

    excluded_content_types: tuple[str, ...] = ()
    """Media types that stay as they are, such as `text/event-stream`, `image/*` or `text/html; charset=utf-8`, beside
    what is compressed already: audio, video, most images, woff, archives, PDF, `application/octet-stream` and gRPC.
    Also stays as it is the answer to a request with a body of such a type."""

    included_content_types: tuple[str, ...] = ()
    """The only media types that are compressed, with nothing else excluded; not together with the former."""

    min_response_body_bytes: Size = 1024
    """Smaller answers stay as they are. An answer of unknown length is compressed: its head has to be sent before
    anybody knows, and it may be a stream."""

    brotli_level: int = Field(4, ge=LEVELS["br"][0], le=LEVELS["br"][1])
    """0 (fast) to 6 (small); 64 KB cost about 1 ms at 4 and 2 ms at 6. Above that they cost up to 100 ms, in which
    nobody else would be served: such files are compressed beforehand."""

    zstd_level: int = Field(3, ge=LEVELS["zstd"][0], le=LEVELS["zstd"][1])
    """1 (fast) to 9 (small); 64 KB cost about 0.3 ms at 3 and 1 ms at 9."""

    gzip_level: int = Field(2, ge=LEVELS["gzip"][0], le=LEVELS["gzip"][1])
    """1 (fast) to 9 (small), also for deflate; 64 KB cost about 0.2 ms at 2. 1 to 3 are those of isal where it is
    installed, which is many times faster than zlib, and 4 to 9 those of zlib (2 ms at 6)."""

    @field_validator("excluded_content_types", "included_content_types")
    @classmethod
    def _media_types(cls, listed: tuple[str, ...]) -> tuple[str, ...]:
        MediaTypes(listed)
        return listed

    @model_validator(mode="after")
    def _consistent(self) -> Options:
        if self.excluded_content_types and self.included_content_types:
            raise OptionError(
                "included_content_types is the whole list already", "remove one of the two", "excluded_content_types"
            )
        if self.encodings and self.default_encoding and self.default_encoding not in self.encodings:
            raise OptionError("default_encoding is not one of encodings", "add it there", "default_encoding")
        return self


class Compress(Middleware[Options]):
    """Decides at the head; a body of unknown length is flushed piece by piece, so that streams stay streams.

    Left alone are answers that are encoded, partial (206), without a body (HEAD, 204, 304), `no-transform` on either
    side, gRPC, small, or of an excluded type. A compressed answer has no Content-Length and no Accept-Ranges, its ETag
    becomes weak, and Vary names Accept-Encoding, as it does on the same answer sent as it is.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        missing = next((coding for coding in options.encodings if not available(coding)), None)
        if missing is not None:
            help = "install it with: pip install 'a3sgw[compress]'"
            raise OptionError(f"the package for {missing} is not installed", help, "encodings")
        codings: tuple[str, ...] = options.encodings or tuple(coding for coding in CODINGS if available(coding))
        levels = {"br": options.brotli_level, "zstd": options.zstd_level}
        levels = {coding: levels.get(coding, options.gzip_level) for coding in codings}
        self._makers = {coding.encode(): maker(coding, levels[coding]) for coding in codings}
        self._event_makers = {coding.encode(): maker(coding, levels[coding], lean=True) for coding in codings}
        self._heads = {coding: _head(coding) for coding in self._makers}
        self._offered = tuple(self._makers)
        if options.default_encoding and options.default_encoding.encode() not in self._makers:
            help = "install it with: pip install 'a3sgw[compress]'"
            raise OptionError(f"the package for {options.default_encoding} is not installed", help, "default_encoding")
        self._least = max(options.min_response_body_bytes, 1)
        self._default = options.default_encoding.encode()
        self._included = MediaTypes(options.included_content_types) if options.included_content_types else None
        self._excluded = MediaTypes((*_COMPRESSED, *options.excluded_content_types))
        self._excluded_requests = MediaTypes(options.excluded_content_types)
        self._coding = lru_cache(_REMEMBERED)(self._choose)
        self._suits = lru_cache(_REMEMBERED)(self._is_suitable)

    def response(self, request: Request, response: Response) -> None:
        """An answer without a body depends on the same as the one with it (RFC 9110 §9.3.2, §15.4.5)."""
        if request.method == b"HEAD" or response.status == 304:
            headers = response.headers
            if self._concerned(request, response, headers):
                add_vary(headers, (b"Accept-Encoding",))

    def response_body(self, request: Request, response: Response) -> BodyFilter | None:
        """A compressor where the client wants one and the answer is worth it."""
        if request.method == b"HEAD" or response.status == 304:
            return None
        found = _LENGTH.search(response.head)
        if found is not None and int(found[1]) < self._least:
            return None  # most answers of an API: not worth a look at their other fields
        headers = response.headers
        if not self._concerned(request, response, headers):
            return None
        add_vary(headers, (b"Accept-Encoding",))
        coding = self._wanted(request)
        if coding == IDENTITY:
            return None
        known = b"content-length" in headers or not response.received_status
        etag = headers.get(b"etag")
        self._heads[coding].apply(response, request)
        if etag is not None and not etag.startswith(b"W/"):
            headers.set(b"ETag", b"W/" + etag)
        events = (headers.get(b"content-type") or b"").startswith(b"text/event-stream")
        makers = self._event_makers if events else self._makers
        return _Compressor(makers[coding](), flushing=events or not known)

    def _concerned(self, request: Request, response: Response, headers: Headers) -> bool:
        """Whether this answer would be compressed for some client."""
        status = response.status
        if status < 200 or status in (204, 205, 206) or request.method == b"CONNECT":
            return False
        if b"content-encoding" in headers or b"content-range" in headers:
            return False
        length = headers.get(b"content-length") if response.received_status else len(response.body)
        if length is not None and int(length) < self._least and status != 304:
            return False
        content_type = headers.get(b"content-type") or b""
        if not (self._suits if len(content_type) <= _LONGEST else self._is_suitable)(content_type):
            return False
        if any(_NO_TRANSFORM.search(value) for value in headers.get_all(b"cache-control")):
            return False
        asked = request.headers.get(b"content-type")
        if asked is not None and (asked.lower().startswith(_GRPC) or asked in self._excluded_requests):
            return False
        return not any(_NO_TRANSFORM.search(value) for value in request.headers.get_all(b"cache-control"))

    def _is_suitable(self, content_type: bytes) -> bool:
        if content_type.lower().startswith(_GRPC):
            return False
        return content_type in self._included if self._included is not None else content_type not in self._excluded

    def _wanted(self, request: Request) -> bytes:
        lines = request.headers.get_all(b"accept-encoding")
        if not lines:
            return self._default
        accept = b",".join(lines)
        return self._coding(accept) if len(accept) <= _LONGEST else self._choose(accept)

    def _choose(self, accept: bytes) -> bytes:
        return preferred_coding(accept, self._offered, self._default)


def _head(coding: bytes) -> FieldChanges:
    return FieldChanges(delete=_DROPPED, set={"Content-Encoding": coding.decode()})


class _Compressor(BodyFilter):
    """One body on its way; its end is only written when the endpoint's is there."""

    def __init__(self, stream: Stream, *, flushing: bool) -> None:
        self._step = stream.pass_on if flushing else stream.feed
        self._finish = stream.finish

    def feed(self, data: bytes) -> bytes:
        """A piece in; out what is ready, or all of it in a stream."""
        return self._step(data)

    def flush(self) -> bytes:
        """The end of the coding."""
        return self._finish()
