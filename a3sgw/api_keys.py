"""API keys: what a key is known by, what it says about who brings it, and files of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from math import inf

from a3sgw.options import OptionError, shown
from a3sgw.scopes import check_scope

_HASHED = re.compile(r"sha256:([0-9a-fA-F]{64})")
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
_SHOWN = 3
"""Mistakes that are named; of more, only how many."""
_FORM = "each line is a key, or sha256: and its hash, then identity=… scopes=a,b expires=2030-01-31 or other=values"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key; it is only known by its SHA-256, so nothing that is printed can give it away."""

    digest: bytes
    identity: str = ""
    scopes: tuple[str, ...] = ()
    expires: float = inf
    """Seconds since the epoch."""
    metadata: Mapping[str, str] = field(default_factory=dict)


class ApiKeys:
    """Keys by digest, so that how long looking takes says nothing about any key; OptionError when one is there
    twice."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys: dict[bytes, ApiKey] = {}
        for key in keys:
            if key.digest in self._keys:
                raise OptionError("the same key twice", f"it is {_who(key)} and {_who(self._keys[key.digest])}")
            self._keys[key.digest] = key

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, text: bytes) -> ApiKey | None:
        """The key that a client brought, or None."""
        digest = sha256(text).digest()
        found = self._keys.get(digest)
        return found if found is not None and compare_digest(found.digest, digest) else None


def _who(key: ApiKey) -> str:
    return f'of "{key.identity}"' if key.identity else "of nobody by name"


def digest_of(text: str) -> bytes:
    """SHA-256 of a key as operators write it, plain or as ``sha256:`` and 64 hexadecimal digits.

    OptionError for a key that no client can bring; the message does not hold it.
    """
    hashed = _HASHED.fullmatch(text)
    if hashed is not None:
        return bytes.fromhex(hashed[1])
    if text.startswith("sha256:"):
        raise OptionError("a hash of another length", "after sha256: come the 64 digits that sha256sum prints")
    if not text or text != text.strip() or not text.isprintable():
        raise OptionError("a key that nobody can send", "write at least one character, no spaces around them")
    return sha256(text.encode()).digest()


def parse_time(text: str) -> float:
    """Seconds since the epoch, from a date (its beginning) or a time as in RFC 3339, in UTC unless it says otherwise;
    OptionError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OptionError(f"{shown(text)} is not a time", 'write "2030-01-31" or "2030-01-31T12:00:00Z"') from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def read_keys(content: bytes) -> tuple[ApiKey, ...]:
    """The keys of a file: in each line a key, plain or as ``sha256:`` and its hash, then what is known of it.

    ``sha256:9f86… identity=anna scopes=read,write expires=2030-01-31 plan="very large"``: words after the first are
    ``name=value``; what is not `identity`, `scopes` or `expires` is metadata. Lines that begin with ``#`` and empty
    ones are nothing. OptionError names the lines that are wrong, and never a key.
    """
    found: list[ApiKey] = []
    wrong: list[str] = []
    lines: dict[bytes, int] = {}
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            key = _read_line(text)
        except OptionError as error:
            wrong.append(f"line {number}: {error}")
            continue
        if key.digest in lines:
            wrong.append(f"line {number}: the same key as in line {lines[key.digest]}")
        lines.setdefault(key.digest, number)
        found.append(key)
    if wrong:
        more = f" (and {len(wrong) - _SHOWN} more)" if len(wrong) > _SHOWN else ""
        raise OptionError("; ".join(wrong[:_SHOWN]) + more, _FORM)
    return tuple(found)


def _read_line(line: str) -> ApiKey:
    if _WORD.sub("", line).strip():
        raise OptionError("a quotation mark that is not closed")
    first, *words = _WORD.findall(line)
    known: dict[str, str] = {}
    for position, word in enumerate(words, 2):
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise OptionError(f"word {position} is not name=value")
        if name in known:
            raise OptionError(f"{name} twice")
        known[name] = value.replace('"', "")
    return make_key(first, known.pop("identity", ""), known.pop("scopes", ""), known.pop("expires", ""), known)


def make_key(key: str, identity: str, scopes: str | Iterable[str], expires: str, metadata: Mapping[str, str]) -> ApiKey:
    """From the texts that operators write; `scopes` is a list, or one with commas. OptionError."""
    listed = [one for one in scopes.split(",") if one] if isinstance(scopes, str) else scopes
    until = parse_time(expires) if expires else inf
    return ApiKey(digest_of(key), identity, tuple(map(check_scope, listed)), until, dict(metadata))
