"""What is demanded of a token whose signature is good: time, issuer, audience, and the rights it gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from a3sgw.http.lookup import claim
from a3sgw.tokens.parse import TokenError

_LATEST = 2**53
"""Seconds; what is beyond is no time, whatever it is."""


@dataclass(frozen=True, slots=True)
class Demands:
    """Empty means: anything. Names of claims may go into others, as in ``realm_access.roles``."""

    issuers: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    expiry: bool = True
    """Whether there has to be an `exp`."""
    leeway: float = 0.0
    """Seconds by which clocks may differ."""
    scopes: tuple[str, ...] = ()
    """All of them."""
    roles: tuple[str, ...] = ()
    """One of them."""
    permissions: tuple[str, ...] = ()
    """All of them."""
    scope_claims: tuple[str, ...] = ("scope", "scp", "scopes")
    """The first that is there counts."""
    roles_claim: str = "roles"
    permissions_claim: str = "permissions"

    def check(self, claims: Mapping[str, Any], issuer: str, now: float) -> float:
        """Until when the token holds, in seconds since the epoch, leeway included; TokenError when it does not.

        `issuer` is who published the keys, where that is known: it is demanded when no other is.
        """
        until = self._in_time(claims, now)
        issuers = self.issuers or ((issuer,) if issuer else ())
        if issuers and claims.get("iss") not in issuers:
            raise TokenError("another issuer")
        if self.audiences and not set(self.audiences) & set(_texts(claims.get("aud"))):
            raise TokenError("another audience")
        for name in self.required:
            if claim(claims, name) in (None, "", [], {}):
                raise TokenError(f"no {name}")
        return until

    def _in_time(self, claims: Mapping[str, Any], now: float) -> float:
        expires = _time(claims, "exp")
        if expires is None and self.expiry:
            raise TokenError("no exp")
        until = inf if expires is None else expires + self.leeway
        if now >= until:
            raise TokenError("expired")
        if max(_time(claims, "nbf") or 0, _time(claims, "iat") or 0) > now + self.leeway:
            raise TokenError("not valid yet")
        return until

    def scopes_of(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        """What the token may be used for, in its own order."""
        return next((words(found) for name in self.scope_claims if (found := claim(claims, name)) is not None), ())

    def lacks(self, claims: Mapping[str, Any], scopes: Iterable[str]) -> str:
        """Which kind of right is missing; empty when none is."""
        if self.scopes and not set(self.scopes) <= set(scopes):
            return "scopes"
        if self.roles and not set(self.roles) & set(words(claim(claims, self.roles_claim))):
            return "roles"
        if self.permissions and not set(self.permissions) <= set(words(claim(claims, self.permissions_claim))):
            return "permissions"
        return ""


def words(value: object) -> tuple[str, ...]:
    """The texts of a list, or the words of a text (RFC 6749 §3.3); of anything else, none."""
    return tuple(filter(None, value.split(" "))) if isinstance(value, str) else _texts(value)


def _texts(value: object) -> tuple[str, ...]:
    """A text, or those of a list: `aud` may be both (RFC 7519 §4.1.3)."""
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519 §2): a number, and not its text."""
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LATEST <= value <= _LATEST:
        raise TokenError(f"{name} is no time")
    return value
