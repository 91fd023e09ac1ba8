"""Who a client is bound to: read from what it sends, and told in the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from math import ceil
from time import time
from typing import Generic, Protocol, TypeVar

from a3sgw.config.sticky import Sticky
from a3sgw.http.message import Request
from a3sgw.machines.token import Tokens
from a3sgw.options import reveal


class Named(Protocol):
    """What clients can be bound to."""

    url: str


T = TypeVar("T", bound=Named)


class Stickiness(Generic[T]):
    """Binds clients of one service to one of its `members`, which are known to them by signed names only.

    Mode ``ip`` is not done here: it is the balancer ``hrw`` over the address.
    """

    def __init__(self, service: str, options: Sticky, seed: bytes) -> None:
        """`seed` signs where the operator has given no secret."""
        secret = reveal(options.secret).encode() if options.secret else seed
        key = blake2b(service.encode(), key=blake2b(secret).digest()[:64], digest_size=32).digest()
        self.mode = options.mode
        self._tokens = Tokens(key, options.ttl or 0.0)
        self._members: dict[str, T] = {}
        cookie = options.cookie or f"a3sgw_{blake2b(service.encode(), digest_size=3).hexdigest()}"
        self._name = (cookie if options.mode == "cookie" else options.header).encode()
        self._lower = self._name.lower()
        self._cookie = re.compile(rb"(?:^|;)[ \t]*" + re.escape(self._name) + rb"=\"?([^;\" \t]*)")
        self._attributes = _attributes(options)

    def __repr__(self) -> str:
        return f"<Stickiness [{self.mode}, {len(self._members)} members]>"

    @property
    def members(self) -> Iterable[T]:
        """Those that clients may be bound to."""
        return self._members.values()

    @members.setter
    def members(self, members: Iterable[T]) -> None:
        self._members = {self._tokens.name(one.url): one for one in members}

    def read(self, request: Request) -> T | None:
        """Who the client says it is bound to, if that is true and not too old."""
        if self.mode == "cookie":
            for field in request.headers.get_all(b"cookie"):
                for found in self._cookie.finditer(field):
                    member = self._known(found[1])
                    if member is not None:
                        return member
            return None
        values = (one.strip() for field in request.headers.get_all(self._lower) for one in field.split(b","))
        return next((member for value in values if (member := self._known(value)) is not None), None)

    def _known(self, token: bytes) -> T | None:
        name = self._tokens.read(token, time()) if token else None
        return self._members.get(name) if name is not None else None

    def field(self, member: T) -> tuple[bytes, bytes]:
        """What binds the client that gets it."""
        token = self._tokens.make(member.url, time()).encode()
        if self.mode == "header":
            return self._name, token
        return b"Set-Cookie", b"%b=%b%b" % (self._name, token, self._attributes)


def _attributes(options: Sticky) -> bytes:
    """As in RFC 6265 §4.1."""
    parts = [f"Path={options.path}"]
    if options.domain:
        parts.append(f"Domain={options.domain}")
    if options.max_age is not None:
        parts.append(f"Max-Age={ceil(options.max_age)}")
    if options.secure:
        parts.append("Secure")
    if options.http_only:
        parts.append("HttpOnly")
    if options.same_site:
        parts.append(f"SameSite={options.same_site.capitalize()}")
    return "".join(f"; {part}" for part in parts).encode()
