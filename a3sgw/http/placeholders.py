"""Texts with places for pieces of the request: ``/users/{path.id}``, ``{header.Accept}``, ``{claim.sub}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from a3sgw.http.lookup import Lookup, lookup
from a3sgw.http.message import Request
from a3sgw.options import OptionError

_PLACE = re.compile(r"\{\{([^{}]*)\}\}|\{([a-z_]+(?:[.:][^{}\s\"]+)?)\}")
_WORD = re.compile(r"[.:]")
Safe = Callable[[bytes], bytes]
"""Makes a piece of a request fit for a place."""

_UNFIT = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]|\A[ \t]+|[ \t]+\Z")


def for_field(value: bytes) -> bytes:
    """Safe in a header field: what a request brought may be anything, but a line has to stay one line.

    What cannot stand there (control characters, blanks at the ends) is percent-encoded and not left out: ``admin`` and
    ``admin`` with a line feed behind it must not become the same.
    """
    return _UNFIT.sub(_encoded, value)


def _encoded(found: re.Match[bytes]) -> bytes:
    return b"".join([b"%%%02X" % byte for byte in found[0]])


class Template:
    """A text, cut up once. ``{{word}}`` stands for ``{word}`` itself; other braces, as in JSON, are just text.

    `safe` makes each piece of a request fit for where it is put; pieces whose name begins with a word in `others` have
    their own. Raises OptionError for an unknown name.
    """

    __slots__ = ("_parts", "constant")

    def __init__(self, text: str, safe: Safe = for_field, others: Mapping[str, Safe] = MappingProxyType({})) -> None:
        parts: list[bytes | Lookup] = []
        end = 0
        for place in _PLACE.finditer(text):
            parts.append(text[end : place.start()].encode())
            end = place.end()
            if place[1] is not None:
                parts.append(f"{{{place[1]}}}".encode())
            else:
                parts.append(_looked_up(place[2], others.get(_WORD.split(place[2])[0], safe)))
        parts.append(text[end:].encode())
        self._parts = tuple(part for part in parts if part)
        self.constant: bytes | None = None
        """The text, when it has no places."""
        if all(isinstance(part, bytes) for part in self._parts):
            self.constant = b"".join(part for part in self._parts if isinstance(part, bytes))

    def render(self, request: Request) -> bytes:
        """The text for this request; pieces it does not have are empty."""
        if self.constant is not None:
            return self.constant
        return b"".join([part if isinstance(part, bytes) else part(request) for part in self._parts])


def _looked_up(name: str, safe: Safe) -> Lookup:
    try:
        found = lookup(name)
    except OptionError as error:
        raise OptionError(f"{{{name}}}: {error}", f"{error.help}; {{{{{name}}}}} is the text itself") from None
    return lambda request: safe(found(request))
