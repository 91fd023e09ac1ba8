"""Who may come in, and files of them (htpasswd)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from a3sgw.options import OptionError, shown
from a3sgw.passwords.hashes import Hash, parse_hash

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHOWN = 3
"""Mistakes that are named; of more, only how many."""


class Users:
    """Hashes by user name, in UTF-8."""

    def __init__(self, hashes: Mapping[str, Hash]) -> None:
        self._hashes = {name.encode(): value for name, value in hashes.items()}
        self._stranger = max(self._hashes.values(), key=lambda one: one.seconds, default=None)

    def __len__(self) -> int:
        return len(self._hashes)

    def find(self, name: bytes) -> tuple[Hash | None, bool]:
        """(what to check the password with, whether that counts): for somebody unknown the slowest of all is checked
        in vain, so that it takes no less time than for a user."""
        found = self._hashes.get(name)
        return (found, True) if found is not None else (self._stranger, False)


def check_name(name: str) -> str:
    """A user name; OptionError for what cannot be one (RFC 7617 §2)."""
    if not name or ":" in name or _CONTROL.search(name):
        raise OptionError(f"{shown(name)} cannot be a user name", "it has no colon and at least one character")
    return name


def read_user(line: str) -> tuple[str, Hash]:
    """``name:hash``; OptionError, without the hash."""
    name, colon, text = line.partition(":")
    if not colon:
        raise OptionError("not name:hash", "make a line with: htpasswd -nB name")
    return check_name(name), parse_hash(text)


def read_users(content: bytes) -> dict[str, Hash]:
    """A user in each line; lines that begin with ``#`` and empty ones are nothing. OptionError names wrong lines."""
    found: dict[str, Hash] = {}
    wrong: list[str] = []
    help = ""
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            name, value = read_user(text)
            if name in found:
                raise OptionError(f"{shown(name)} once more", "keep one line of each user")
        except OptionError as error:
            wrong.append(f"line {number}: {error}")
            help = help or error.help
            continue
        found[name] = value
    if wrong:
        more = f" (and {len(wrong) - _SHOWN} more)" if len(wrong) > _SHOWN else ""
        raise OptionError("; ".join(wrong[:_SHOWN]) + more, help)
    return found
