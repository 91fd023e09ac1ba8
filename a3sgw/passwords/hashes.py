"""Hashes of passwords as htpasswd writes them: the only importer of bcrypt."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha1, sha256
from hmac import compare_digest
from typing import Any

from a3sgw.options import OptionError
from a3sgw.passwords.crypt import md5_crypt, sha_crypt

_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
"""The 22nd character of the salt holds two bits only; bcrypt fails on others."""
_SHA1 = re.compile(r"\{SHA\}([A-Za-z0-9+/]{27}=)")
_MD5 = re.compile(r"(\$apr1\$|\$1\$)([^$]{0,8})\$([./A-Za-z0-9]{22})")
_SHA_CRYPT = re.compile(r"\$([56])\$(?:rounds=(\d{1,9})\$)?([^$]{0,16})\$([./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})")
_DES = re.compile(r"[./0-9A-Za-z]{13}")
_HELP = "make a line with: htpasswd -nB name"
LONGEST = 256
"""Bytes of a password that is looked at."""
_LONGEST_BCRYPT = 72
"""Bytes: bcrypt does not look at more, so two passwords that begin alike would be one."""
MOST_COST = 14
"""Each one more doubles the time: at 14 a check takes about a second."""
MOST_ROUNDS = 50_000
_SLOWEST_QUICK = 1e-4


@dataclass(frozen=True, slots=True)
class Hash:
    """One password, of which only the hash is known; printing it shows nothing."""

    check: Callable[[bytes], bool] = field(repr=False)
    """Whether this is the password; takes `seconds`."""
    seconds: float = 0.0
    """About what a check costs."""
    longest: int = LONGEST
    """Bytes of a password that may be checked."""

    @property
    def slow(self) -> bool:
        """Whether checking would hold up the loop."""
        return self.seconds > _SLOWEST_QUICK


def plain(password: str) -> Hash:
    """A password that the operator has written down; comparing takes the same time however much is right."""
    digest = sha256(password.encode()).digest()
    return Hash(lambda other: compare_digest(sha256(other).digest(), digest))


def parse_hash(text: str) -> Hash:
    """bcrypt, ``{SHA}``, ``$apr1$`` and ``$1$``, ``$5$`` and ``$6$``; OptionError, without the hash, for others."""
    if (found := _BCRYPT.fullmatch(text)) is not None:
        return _bcrypt(text.encode(), int(found[1]))
    if (found := _SHA1.fullmatch(text)) is not None:
        digest = b64decode(found[1])
        return Hash(lambda password: compare_digest(sha1(password, usedforsecurity=False).digest(), digest))
    if (found := _MD5.fullmatch(text)) is not None:
        magic, salt, expected = (part.encode() for part in found.groups())
        return Hash(partial(_check_md5, magic, salt, expected), 1e-3)
    if (found := _SHA_CRYPT.fullmatch(text)) is not None and (found[1] == "6") == (len(found[4]) == 86):
        return _sha(found[1] == "6", int(found[2] or 5000), found[3].encode(), found[4].encode())
    if text.startswith("$argon2"):
        raise OptionError("argon2 hashes are not supported", _HELP)
    if text.startswith(("$", "{")):
        raise OptionError("a hash that is broken, or of an unknown kind", _HELP)
    if _DES.fullmatch(text):
        raise OptionError("crypt(3) with DES, or a plain password: neither protects anything", _HELP)
    raise OptionError("a plain password", _HELP)


def _bcrypt(text: bytes, cost: int) -> Hash:
    if not 4 <= cost <= MOST_COST:
        raise OptionError(f"bcrypt with cost {cost}", f"4 to {MOST_COST} is possible, 10 to 12 is usual")
    checkpw = _library().checkpw
    return Hash(lambda password: bool(checkpw(password, text)), 6e-5 * 2**cost, _LONGEST_BCRYPT)


def _library() -> Any:
    try:
        import bcrypt
    except ImportError as error:
        raise OptionError("bcrypt is not installed", "pip install 'a3sgw[auth]'") from error
    return bcrypt


def _check_md5(magic: bytes, salt: bytes, expected: bytes, password: bytes) -> bool:
    return compare_digest(md5_crypt(password, salt, magic), expected)


def _sha(wide: bool, rounds: int, salt: bytes, expected: bytes) -> Hash:
    if not 1000 <= rounds <= MOST_ROUNDS:
        raise OptionError(f"sha-crypt with {rounds} rounds", f"1000 to {MOST_ROUNDS} are possible, 5000 are usual")

    def check(password: bytes) -> bool:
        return compare_digest(sha_crypt(password, salt, rounds, wide), expected)

    return Hash(check, rounds * 1.5e-6)
