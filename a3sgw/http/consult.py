"""What another server is told about a request that it is to judge, and what of its answer may be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from a3sgw.http.field_names import is_reserved
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
from a3sgw.http.placeholders import for_field
from a3sgw.options import OptionError
from a3sgw.patterns import PatternError, compile_pattern

Fields = list[tuple[bytes | str, bytes | str]]
_FRAMING = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})
_OF_THE_BODY = frozenset({b"content-type", b"content-encoding", b"content-language", b"content-md5", b"digest"})
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"}
    | {b"upgrade", b"content-length", b"date", b"server"}
)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CASE_MATTERS = re.compile(r"\(\?[a-zA-Z]*-[a-zA-Z]*i")
_TOLD = re.compile(rb"x-(?:forwarded-[a-z-]+|real-ip|request-id|scheme)|forwarded")


class Selection:
    """Fields by name, and by a regular expression that their names match; both without regard to case, and ``_`` is
    ``-``. OptionError for an expression that cannot be used."""

    def __init__(self, names: Iterable[str] = (), expression: str = "") -> None:
        self.names = tuple(name.encode() for name in names)
        self._known = frozenset(_plain(name) for name in self.names)
        self._pattern = compile_pattern(_insensitive(expression)) if expression else None

    def __bool__(self) -> bool:
        return bool(self._known) or self._pattern is not None

    def __contains__(self, name: bytes) -> bool:
        """Whether this name is one of them."""
        plain = _plain(name)
        return plain in self._known or (self._pattern is not None and self._pattern.search(plain))

    def remove(self, headers: Headers) -> None:
        """Take them out of a request, in every spelling; what frames and routes it stays."""
        for name in self.names:
            headers.remove(name)
        if self._pattern is not None:
            for name, _ in list(headers):
                if self._pattern.search(_plain(name)) and not is_reserved(name):
                    headers.remove(name)

    def take(self, fields: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
        """Those of an answer. By the expression none is taken that frames, routes, or is the gateway's to say."""
        for name, value in fields:
            plain = _plain(name)
            if plain in self._known or (plain not in _HOP_BY_HOP and not _told_by_us(plain) and name in self):
                yield name, value


def _insensitive(expression: str) -> str:
    """A client could choose the case of what nobody would remove then."""
    if _CASE_MATTERS.search(expression):
        raise OptionError("names of fields are the same in every case", "leave out (?-i)")
    if "_" in expression:
        raise OptionError("names of fields are matched with hyphens", "write - for _")
    try:
        compile_pattern(expression)  # so that what is said about it is about what was written
        return "(?i)" + expression
    except PatternError as error:
        raise OptionError(error.message, error.help) from None


def _plain(name: bytes) -> bytes:
    return name.lower().replace(b"_", b"-")


def _told_by_us(plain: bytes) -> bool:
    return is_reserved(plain) or _TOLD.fullmatch(plain) is not None


def question(request: Request, sent: Selection, with_body: bool, believed: bool) -> Fields:
    """The request's own fields, all or those that are `sent`, and where it was going: X-Forwarded-Method, -Proto,
    -Host, -Port, -Uri and -For. If `believed`, what a proxy in front has said of these is passed on, if it is
    trusted."""
    fields: Fields = [
        (_text(name), _text(value)) for name, value in request.headers if _is_told(name.lower(), sent, with_body)
    ]
    said = _said(request) if believed and request.trusted else {}
    for name, value in (
        ("X-Forwarded-Method", request.method),
        ("X-Forwarded-Proto", request.scheme),
        ("X-Forwarded-Host", request.authority),
        ("X-Forwarded-Port", _port(request)),
        ("X-Forwarded-Uri", request.target),
        ("X-Forwarded-For", request.client_ip.encode()),
    ):
        found = said.get(name.lower().encode(), value) if name != "X-Forwarded-For" else value
        if found:
            fields.append((name, _text(found)))
    return fields


def _is_told(name: bytes, sent: Selection, with_body: bool) -> bool:
    if name in _FRAMING or _TOLD.fullmatch(_plain(name)):
        return False
    if name in _OF_THE_BODY:
        return with_body
    return not sent or name in sent


def _said(request: Request) -> dict[bytes, bytes]:
    """The first line of each."""
    said: dict[bytes, bytes] = {}
    for name, value in request.managed or ():
        said.setdefault(name, value)
    return said


def _port(request: Request) -> bytes:
    found = re.search(rb":([0-9]{1,5})\Z", request.authority)
    return found[1] if found is not None else b"443" if request.scheme in (b"https", b"wss") else b"80"


def _text(value: bytes) -> str:
    """ASCII as it is; other bytes percent-encoded, since the client writes header text as UTF-8."""
    return value.decode() if value.isascii() else quote(value, safe="%/:=&?~#+!$,;'@()*[] \"<>{}|\\^`")


def usable(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """An answer's fields without those about its connection, each fit to be one line."""
    all_fields = list(fields)
    listed = {
        token.strip(b" \t").lower()
        for name, value in all_fields
        if name.lower() == b"connection"
        for token in value.split(b",")
    }
    return [
        (name, for_field(value))
        for name, value in all_fields
        if _TOKEN.fullmatch(name) and name.lower() not in _HOP_BY_HOP and name.lower() not in listed
    ]


def cookie_name(line: bytes) -> bytes:
    """Which cookie a Set-Cookie value sets."""
    return line.partition(b";")[0].partition(b"=")[0].strip(b" \t")
