"""Tokens in compact form (RFC 7515 §7.1) as values; what can be read in two ways is refused before any key is asked."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, NoReturn

from a3sgw.http.credential import CredentialError

_COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_LONGEST_KID = 512


class TokenError(CredentialError):
    """The token is refused; the text, which holds nothing of the token, is for the log."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token before its signature is checked: nothing of it is to be believed."""

    algorithm: str
    kid: str | None
    """The name of the key, only ever looked up among known names; None when it says none."""
    type: str
    """`typ`, in lower case and without ``application/``; empty when it says none."""
    signed: bytes
    """What the signature is over."""
    signature: bytes
    payload: bytes
    """Still encoded: see `claims`."""


def parse(text: bytes) -> Token:
    """Read a token. Keys that it brings or points to (`jwk`, `jku`, `x5c`, `x5u`) are not even looked at.

    Raises TokenError for encryption, unknown critical parameters (RFC 7515 §4.1.11), detached payloads (RFC 7797),
    nested tokens, names that stand twice in an object, and base64 of more than one spelling.
    """
    found = _COMPACT.fullmatch(text)
    if found is None:
        raise TokenError("not three parts of base64url")
    head, payload, signature = found.groups()
    header = _object(_decoded(head))
    algorithm, kid, type_, content = (header.get(name) for name in ("alg", "kid", "typ", "cty"))
    if not isinstance(algorithm, str):
        raise TokenError("no algorithm")
    if not (kid is None or (isinstance(kid, str) and len(kid) <= _LONGEST_KID)):
        raise TokenError("kid is no short text")
    if not (type_ is None or isinstance(type_, str)) or not (content is None or isinstance(content, str)):
        raise TokenError("typ or cty is no text")
    if "crit" in header or "b64" in header:
        raise TokenError("a critical parameter that is not known")
    if _media_type(content) == "jwt":
        raise TokenError("a token within a token")
    return Token(algorithm, kid, _media_type(type_), text[: found.end(2)], _decoded(signature), payload)


def claims(token: Token) -> dict[str, Any]:
    """The payload, to be asked for when the signature is good; TokenError when it is no JSON object."""
    found = _object(_decoded(token.payload))
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # half of a surrogate pair (RFC 7493 §2.1) could not be sent or logged
        raise TokenError("text that is not Unicode") from None
    return found


def _media_type(name: str | None) -> str:
    """RFC 7515 §4.1.9: ``application/`` may be left out."""
    return (name or "").lower().removeprefix("application/")


def _decoded(segment: bytes) -> bytes:
    """Only the one canonical spelling: without that, a refused token has copies that are not known as refused."""
    try:
        data = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except ValueError:
        raise TokenError("not base64url") from None
    if urlsafe_b64encode(data).rstrip(b"=") != segment:
        raise TokenError("base64url with stray bits")
    return data


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_refuse_constant)
    except TokenError:
        raise
    except (ValueError, RecursionError):
        raise TokenError("not JSON") from None
    if not isinstance(found, dict):
        raise TokenError("not a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 7519 §4: parsers disagree about a name that stands twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise TokenError("a name stands twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise TokenError("NaN and Infinity are not JSON")
