"""From the TLS options of an entrypoint, and of its routers, to a termination."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from a3sgw.certificates import can_name, self_signed
from a3sgw.config.entrypoint import Tls
from a3sgw.options import OptionError
from a3sgw.tls.pairs import Pair, Source, pair_of
from a3sgw.tls.profile import Profile, context_of
from a3sgw.tls.self_signed import kept
from a3sgw.tls.termination import Termination


@dataclass(frozen=True)
class Needs:
    """What a termination is made of; equal ones need not be made again."""

    options: Tls
    directory: Path
    profile: Profile
    by_name: Mapping[str, Profile]
    more: tuple[Profile, ...]
    names: tuple[str, ...]
    """Those that routers name, for a certificate that is made up."""

    def make(self, seed: bytes) -> Termination:
        """OptionError for what cannot be used. Without a `seed` it is only tried: nothing is kept."""
        tls = self.options
        made_up = made_up_for(self.names, keep=bool(seed)) if tls.self_signed else None
        return Termination(
            tls, tuple(sources(tls, self.directory)), self.profile, self.by_name, self.more, seed, made_up
        )


def sources(tls: Tls, directory: Path) -> Iterable[Source]:
    """The files that are named."""
    if tls.cert_file:
        yield Source(directory / tls.cert_file, directory / tls.key_file)
    for index, one in enumerate(tls.certificates):
        yield Source(directory / one.cert_file, directory / one.key_file, ("certificates", index))


def made_up_for(names: Iterable[str], *, keep: bool = True) -> Pair:
    """The same for all processes, and after a restart, where there is a place to keep it. Names that no certificate can
    hold are left out."""
    wanted = tuple(sorted({one for one in names if can_name(one)}))

    def make() -> bytes:
        return b"\n".join(self_signed(wanted))

    return pair_of(kept(wanted, make, _is_usable) if keep else make())


def _is_usable(pem: bytes) -> bool:
    """Whether it is a certificate with its key, and has not expired."""
    try:
        context_of(Profile("1.2", None, (), (), session_tickets=False), pem)
        return pair_of(pem).facts.not_after > time.time()
    except OptionError:
        return False
