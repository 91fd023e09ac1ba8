"""The older ways to hash a password many times over: MD5 as Apache does it, and SHA-crypt."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from time import sleep

_ALPHABET = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MD5_ROUNDS = 1000
_MD5_ORDER = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5))
_BREATH = 32
"""Rounds between two moments in which other threads get their turn: short hashes never let go of the interpreter."""
_Digest = Callable[[bytes], bytes]


def md5_crypt(password: bytes, salt: bytes, magic: bytes) -> bytes:
    """The last field of ``$apr1$`` and ``$1$`` hashes; `magic` is the first, with both dollars (FreeBSD's crypt)."""
    length = len(password)
    mixed = password + magic + salt + _filled(_md5(password + salt + password), length)
    bits = length
    while bits:
        mixed += b"\0" if bits & 1 else password[:1]
        bits >>= 1
    digest = _rounds(_md5, _md5(mixed), password, salt, _MD5_ROUNDS)
    text = b"".join(_encoded(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in _MD5_ORDER)
    return text + _encoded(digest[11], 2)


def sha_crypt(password: bytes, salt: bytes, rounds: int, wide: bool) -> bytes:
    """The last field of ``$5$`` and, if `wide`, ``$6$`` hashes (Drepper, "Unix crypt using SHA-256 and SHA-512")."""
    digest_of = _sha512 if wide else _sha256
    length = len(password)
    inner = digest_of(password + salt + password)
    mixed = password + salt + _filled(inner, length)
    bits = length
    while bits:
        mixed += inner if bits & 1 else password
        bits >>= 1
    first = digest_of(mixed)
    secret = _filled(digest_of(password * length), length)
    salted = _filled(digest_of(salt * (16 + first[0])), len(salt))
    digest = _rounds(digest_of, first, secret, salted, rounds)
    return _sha_text(digest, wide)


def _rounds(digest_of: _Digest, digest: bytes, password: bytes, salt: bytes, rounds: int) -> bytes:
    """What makes guessing slow: the same in both."""
    for number in range(rounds):
        if not number % _BREATH:
            sleep(0)
        mixed = password if number & 1 else digest
        if number % 3:
            mixed += salt
        if number % 7:
            mixed += password
        digest = digest_of(mixed + (digest if number & 1 else password))
    return digest


def _sha_text(digest: bytes, wide: bool) -> bytes:
    third = 21 if wide else 10
    a, b, c = 0, third, 2 * third
    pieces = []
    for _ in range(third):
        pieces.append(_encoded(digest[a] << 16 | digest[b] << 8 | digest[c], 4))
        a, b, c = (b + 1, c + 1, a + 1) if wide else (c + 1, a + 1, b + 1)
    pieces.append(_encoded(digest[63], 2) if wide else _encoded(digest[31] << 8 | digest[30], 3))
    return b"".join(pieces)


def _encoded(value: int, length: int) -> bytes:
    """Six bits each, the lowest first."""
    return bytes(_ALPHABET[value >> 6 * at & 63] for at in range(length))


def _filled(digest: bytes, length: int) -> bytes:
    return (digest * (length // len(digest) + 1))[:length]


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()
