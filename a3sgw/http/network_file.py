"""A list of networks in a file, one in each line."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from a3sgw.networks import Network, NetworkSet, parse_range
from a3sgw.options import OptionError

_SHOWN = 3
"""Mistakes that are named; of more, only how many."""


def networks(content: bytes) -> list[tuple[bytes, bytes]]:
    """First and last of an address or CIDR in each line; what follows ``#`` is a comment. OptionError names the lines
    that are wrong."""
    found: list[tuple[bytes, bytes]] = []
    wrong: list[str] = []
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if text:
            try:
                found.append(parse_range(text))
            except ValueError:
                wrong.append(f"line {number}: {text[:60]!r} is not an address or network")
    if wrong:
        more = f" (and {len(wrong) - _SHOWN} more)" if len(wrong) > _SHOWN else ""
        raise OptionError("; ".join(wrong[:_SHOWN]) + more, 'write "10.0.0.0/8" or "2001:db8::1", one in each line')
    return found


def reader(listed: Iterable[Network], *, may_be_empty: bool = False) -> Callable[[bytes], NetworkSet]:
    """Makes of such a file all its networks and those `listed` elsewhere; OptionError for one that cannot be used."""
    others = tuple(listed)

    def read(content: bytes) -> NetworkSet:
        found = networks(content)
        if not found and not others and not may_be_empty:
            # As it is for a moment while somebody writes it: taking that seriously would lock everybody out.
            raise OptionError("there is no network in it", "write at least one")
        return NetworkSet(others, found)

    return read
