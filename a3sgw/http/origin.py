"""Web origins (RFC 6454): ``https://app.example:8443``, compared as scheme, host and port."""

from __future__ import annotations

import re
from collections.abc import Iterable

from a3sgw.options import OptionError
from a3sgw.patterns import Pattern, compile_pattern

_ORIGIN = re.compile(rb"([a-z][a-z0-9+.-]*)://([a-z0-9_][a-z0-9._~-]*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
_FLAGS = re.compile(r"\(\?([is]+)\)")
_DEFAULT_PORTS = frozenset({(b"http", b"80"), (b"https", b"443"), (b"ws", b"80"), (b"wss", b"443")})
_HELP = 'write "https://app.example.com", "https://*.example.com", or "*" for all; without a path'


def canonical_origin(value: bytes) -> bytes | None:
    """In lower case and without its scheme's own port; None for what is no single origin: ``null``, lists, URLs."""
    found = _ORIGIN.fullmatch(value.lower())
    if found is None:
        return None
    scheme, host, port = found.groups()
    if port is None or (scheme, port) in _DEFAULT_PORTS:
        return b"%b://%b" % (scheme, host)
    return b"%b://%b:%b" % (scheme, host, port)


class Origins:
    """Those that an operator lists, by name, by domain (``https://*.example.com``: one label, as in rules) or by
    regular expression (RE2), which has to match all of the canonical origin.

    Raises OptionError for what is none, and PatternError.
    """

    __slots__ = ("_domains", "_exact", "_patterns")

    def __init__(self, listed: Iterable[str], expressions: Iterable[str] = ()) -> None:
        exact: set[bytes] = set()
        domains: set[bytes] = set()
        for text in listed:
            before, star, behind = text.partition("://*.")
            canonical = canonical_origin(f"{before}://{behind}".encode() if star else text.encode())
            if canonical is None:
                raise OptionError(f'"{text}" is not an origin', _help(text))
            (domains if star else exact).add(canonical)
        self._exact = frozenset(exact)
        self._domains = frozenset(domains)
        self._patterns = tuple(_whole(one) for one in expressions)

    def __contains__(self, origin: bytes) -> bool:
        """Whether an Origin value, as a client sent it, is one of them; ``null`` never is."""
        if origin in self._exact:
            return True
        canonical = canonical_origin(origin)
        if canonical is None:
            return False
        if canonical in self._exact:
            return True
        if self._domains:
            scheme, _, host = canonical.partition(b"://")
            if b"%b://%b" % (scheme, host.partition(b".")[2]) in self._domains:
                return True
        return any(pattern.search(canonical) for pattern in self._patterns)


def _whole(expression: str) -> Pattern:
    """An origin that only contains what is meant may be anybody's: ``https://app.example.com.evil.example``."""
    compile_pattern(expression)  # alone first: a stray parenthesis must not join with those put around it
    flags = _FLAGS.match(expression)
    start, rest = (f"(?{flags[1]}:", expression[flags.end() :]) if flags is not None else ("(?:", expression)
    return compile_pattern(rf"\A{start}{rest})\z")


def _help(text: str) -> str:
    if text.strip().lower() == "null":
        return "every sandboxed page and local file is this origin, so it cannot be told who is asking"
    if not text.isascii():
        return "browsers send non-ASCII hosts in their A-label form (xn--…)"
    return _HELP
