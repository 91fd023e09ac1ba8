"""Where a request carries a credential, such as a key or a token, and how it is taken out of there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from a3sgw.http.message import Request
from a3sgw.options import OptionError

REDACTED = b"REDACTED"
"""What logs show instead of a credential in a query."""


class CredentialError(ValueError):
    """A credential is refused; the text, which holds nothing of it, is for the log."""


def check_places(what: str, header: str, query: str, cookie: str, option: str, forwarded: Iterable[str]) -> None:
    """OptionError when a `what` could be nowhere, or its field is one of those in `option` that tell the endpoint."""
    if not (header or query or cookie):
        raise OptionError(f"a {what} could be nowhere", "name a header, query or cookie", "header")
    if header and header.lower() in map(str.lower, forwarded):
        raise OptionError(f"{header} has the {what} already", "use another for what is forwarded", option)


class Places:
    """Looks into a header field (behind `scheme`, if that is not empty), a query parameter and a cookie, each if it has
    a name; `strip` takes the credential out of all of them before the request goes on."""

    def __init__(self, header: str, scheme: str, query: str, cookie: str, strip: bool) -> None:
        name = header.lower().encode()
        self._header = name
        self._plain = name.replace(b"_", b"-")
        self._spellings = tuple(dict.fromkeys((name, self._plain, name.replace(b"-", b"_"))))
        self._value = re.compile(rb"(?i:%b)(?:[ \t]+(.*))?" % re.escape(scheme.encode()), re.DOTALL) if scheme else None
        self._query = query.encode()
        self._cookie = cookie.encode()
        self._strip = strip
        # The query first: what is refused because of the others must not be logged with it.
        places = ((query, self._in_query), (header, self._in_header), (cookie, self._in_cookie))
        self._places = tuple(place for name, place in places if name)

    def take(self, request: Request) -> bytes | None:
        """The credential, or None; of several that differ none can be believed: CredentialError (RFC 6750 §2).

        `shown_target` is made without the one in the query, in any case.
        """
        found: list[bytes] = []
        for place in self._places:
            found += place(request)
        if not found:
            return None
        if any(one != found[0] for one in found):
            raise CredentialError("several credentials")
        return found[0]

    def _in_header(self, request: Request) -> Iterable[bytes]:
        headers = request.headers
        lines = headers.count(self._plain)
        if lines != 1:
            if lines:
                raise CredentialError(f"several {self._header.decode()} fields")
            return ()
        line = headers.get(self._header)
        if line is None:
            line = next((value for name in self._spellings if (value := headers.get(name)) is not None), b"")
        if self._value is not None:
            found = self._value.fullmatch(line)
            if found is None:
                return ()
            line = (found[1] or b"").strip(b" \t")
        if self._strip:
            headers.remove(self._header)
        return (line,)

    def _in_query(self, request: Request) -> Iterable[bytes]:
        found = [part for part in _parts(request.query) if self._is_ours(part)]
        if not found:
            return ()
        path, mark, query = (request.shown_target or request.raw_target).partition(b"?")
        hidden = [part.partition(b"=")[0] + b"=" + REDACTED if self._is_ours(part) else part for part in _parts(query)]
        request.shown_target = path + mark + b"&".join(hidden)
        if self._strip:
            request.query = self._without(request.query)
            path, _, query = request.target.partition(b"?")
            query = self._without(query)
            request.target = path + b"?" + query if query else path
        return [value for part in found if (value := unquote_to_bytes(part.partition(b"=")[2]))]

    def _is_ours(self, part: bytes) -> bool:
        """Also under a name that is spelled with escapes: the endpoint would understand it."""
        return unquote_to_bytes(part.partition(b"=")[0].replace(b"+", b" ")) == self._query

    def _without(self, query: bytes) -> bytes:
        return b"&".join(part for part in _parts(query) if not self._is_ours(part))

    def _in_cookie(self, request: Request) -> Iterable[bytes]:
        lines = request.headers.get_all(b"cookie")
        found = [one for line in lines for one in line.split(b";") if _name(one) == self._cookie]
        if found and self._strip:
            request.headers.remove(b"cookie")
            for line in lines:
                kept = [one.strip(b" \t") for one in line.split(b";") if _name(one) != self._cookie]
                if kept:
                    request.headers.add(b"Cookie", b"; ".join(kept))
        return [value for one in found if (value := one.partition(b"=")[2].strip(b' \t"'))]


def _parts(query: bytes) -> list[bytes]:
    return query.split(b"&")


def _name(cookie: bytes) -> bytes:
    return cookie.partition(b"=")[0].strip(b" \t")
