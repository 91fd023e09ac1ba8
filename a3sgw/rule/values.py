"""Quoted values: backticks take everything literally, double quotes know the escapes of Go strings."""

from __future__ import annotations

import re

from a3sgw.rule.errors import RuleError

_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\\"])|x(?P<hex>[0-9A-Fa-f]{2})|(?P<octal>[0-7]{3})"
    r"|u(?P<short>[0-9A-Fa-f]{4})|U(?P<long>[0-9A-Fa-f]{8})|(?P<other>.?))"
)
_SIMPLE = {
    "a": b"\a", "b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "v": b"\v", "\\": b"\\", '"': b'"',
}  # fmt: skip


def unquote(text: str, offset: int) -> str:
    r"""The value of a quoted text that starts at `offset` of the rule; raises RuleError.

    ``\xhh`` and ``\ooo`` are bytes, as in Go: bytes that are no UTF-8 become surrogates (see `ast.encode`).
    """
    if text[0] == "`":
        return text[1:-1].replace("\r", "") if "\r" in text else text[1:-1]
    if "\\" not in text:
        return text[1:-1]
    pieces: list[bytes] = []
    at = 1
    for found in _ESCAPE.finditer(text, 1, len(text) - 1):
        pieces += (text[at : found.start()].encode(), _decoded(found, offset))
        at = found.end()
    pieces.append(text[at:-1].encode())
    return b"".join(pieces).decode(errors="surrogateescape")


def _decoded(found: re.Match[str], offset: int) -> bytes:
    if simple := found["simple"]:
        return _SIMPLE[simple]
    if found["hex"]:
        return bytes([int(found["hex"], 16)])
    if found["octal"] and int(found["octal"], 8) < 256:
        return bytes([int(found["octal"], 8)])
    if digits := found["short"] or found["long"]:
        code = int(digits, 16)
        if code < 0x110000 and not 0xD800 <= code < 0xE000:
            return chr(code).encode()
    raise RuleError(
        f"unknown escape {found[0]}",
        offset + found.start(),
        len(found[0]),
        "Put the value in backticks, which take backslashes literally, or double the backslash.",
    )
