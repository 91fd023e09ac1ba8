"""Certificates with their keys, read from files: those of one entrypoint, and which names they are for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from a3sgw.certificates import CertificateFacts, facts_of
from a3sgw.options import OptionError
from a3sgw.tls.names import Names

_log = logging.getLogger("a3sgw.tls")
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """Where a certificate and its key are, and which option says so."""

    certificate: Path
    key: Path
    option: tuple[str | int, ...] = ()

    def read(self) -> bytes:
        """Both, one behind the other; OptionError when that cannot be done."""
        return _read(self.certificate, "cert_file") + b"\n" + _read(self.key, "key_file")


def _read(path: Path, option: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise OptionError(f"cannot read {path}: {error.strerror or error}", "name a PEM file", option) from None
    if len(content) > _LARGEST:
        raise OptionError(f"{path} has more than {_LARGEST} bytes", "name a PEM file", option)
    return content


@dataclass(frozen=True, slots=True)
class Pair:
    """A chain with its key, and what the certificate says of itself."""

    pem: bytes
    facts: CertificateFacts

    def __repr__(self) -> str:
        return f"<Pair [{', '.join(self.facts.names)}]>"


def pair_of(pem: bytes) -> Pair:
    """OptionError for what is no certificate."""
    try:
        return Pair(pem, facts_of(pem))
    except ValueError as error:
        raise OptionError(str(error), "cert_file is a PEM file, the certificate first", "cert_file") from None


Group = tuple[Pair, ...]
"""Certificates for the same names, each with a key of another type: clients get the one they can use."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """All of one entrypoint."""

    by_name: Names[Group]
    groups: tuple[Group, ...]
    """The first is for clients without a name, or with one that has no certificate."""


def grouped(pairs: Sequence[Pair]) -> Pairs:
    """Of two certificates for one name the first wins, unless their keys are of different types."""
    groups: dict[frozenset[str], list[Pair]] = {}
    for pair in pairs:
        group = groups.setdefault(frozenset(pair.facts.names), [])
        if all(other.facts.key_type != pair.facts.key_type for other in group):
            group.append(pair)
    made = tuple(map(tuple, groups.values()))
    return Pairs(Names((name, group) for group in made for name in group[0].facts.names), made)
