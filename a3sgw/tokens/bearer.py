"""What a good token means for a request, found out once and kept as long as the token is good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from a3sgw.http.lookup import as_text, claim
from a3sgw.http.placeholders import for_field
from a3sgw.tokens.claims import Demands
from a3sgw.tokens.parse import Token, TokenError, claims


@dataclass(frozen=True, slots=True)
class Bearer:
    """Ready to be used."""

    until: float
    """Seconds since the epoch."""
    claims: dict[str, Any]
    identity: str
    scopes: tuple[str, ...]
    fields: tuple[tuple[bytes, bytes], ...]
    """For the endpoint."""
    lacks: str
    """The kind of right it does not give; empty when it gives all."""


class Judge:
    """Decides about tokens. `forwarded` are fields for the endpoint, each with its claim."""

    def __init__(
        self, demands: Demands, types: Iterable[str], forwarded: Iterable[tuple[bytes, str]], identity: str
    ) -> None:
        self._demands = demands
        self._types = frozenset(one.lower().removeprefix("application/") for one in types)
        self._forwarded = tuple(forwarded)
        self._identity = identity

    def decide(self, token: Token, issuer: str, now: float) -> Bearer:
        """Check type and claims of a token whose signature is good; TokenError when one is not as it should be.

        `issuer` is who published the keys, empty when that is not known; `now` is in seconds since the epoch.
        """
        if self._types and token.type not in self._types:
            raise TokenError("another type")
        said = claims(token)
        until = self._demands.check(said, issuer, now)
        scopes = self._demands.scopes_of(said)
        fields = [(name, for_field(as_text(claim(said, path)).encode())) for name, path in self._forwarded]
        return Bearer(
            until,
            said,
            as_text(claim(said, self._identity)),
            scopes,
            tuple((name, value) for name, value in fields if value),
            self._demands.lacks(said, scopes),
        )


class Remembered:
    """So many tokens that were found good, by a digest; the oldest goes first, and only who can sign gets in."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._bearers: dict[bytes, Bearer] = {}

    def __len__(self) -> int:
        return len(self._bearers)

    def get(self, digest: bytes, now: float) -> Bearer | None:
        """What is known of it; None when it is not, or has expired."""
        found = self._bearers.get(digest)
        return found if found is not None and now < found.until else None

    def put(self, digest: bytes, bearer: Bearer) -> None:
        """Keep it."""
        if not self._size:
            return
        self._bearers.pop(digest, None)
        if len(self._bearers) >= self._size:
            del self._bearers[next(iter(self._bearers))]
        self._bearers[digest] = bearer

    def clear(self) -> None:
        """With other keys, nothing is certain."""
        self._bearers.clear()
