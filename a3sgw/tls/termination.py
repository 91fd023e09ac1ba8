"""TLS as it is ended on one entrypoint: which certificate and which options each client gets, decided before OpenSSL
sees a byte."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple

from a3sgw.config.entrypoint import Tls
from a3sgw.files import EVERY, sign_of
from a3sgw.options import OptionError
from a3sgw.tasks import spawn
from a3sgw.tls.names import Names
from a3sgw.tls.openssl import TICKET_KEY_BYTES, set_ticket_key
from a3sgw.tls.pairs import Group, Pair, Pairs, Source, grouped, pair_of
from a3sgw.tls.profile import Profile, context_of

_log = logging.getLogger("a3sgw.tls")
_TICKETS_FOR = 12 * 3600
"""Seconds for which one key encrypts session tickets."""
UNRECOGNIZED_NAME, NO_APPLICATION_PROTOCOL = 112, 120
"""Alerts (RFC 6066 §3, RFC 7301 §3.2)."""


def alert(description: int) -> bytes:
    """A fatal alert, as a record that goes out before any handshake (RFC 8446 §6)."""
    return b"\x15\x03\x03\x00\x02\x02%c" % description


class PlacedError(OptionError):
    """The same, with the way to its option from ``tls`` on."""

    def __init__(self, error: OptionError, option: tuple[str | int, ...]) -> None:
        super().__init__(str(error), error.help, error.key)
        self.path = (*option, error.key) if error.key in ("cert_file", "key_file") else (error.key,)


class Termination:
    """Made whole at load, so that whatever is wrong is found then. `open` begins to look whether files change."""

    def __init__(
        self,
        options: Tls,
        sources: Sequence[Source],
        profile: Profile,
        by_name: Mapping[str, Profile],
        more: Collection[Profile] = (),
        seed: bytes = b"",
        made_up: Pair | None = None,
    ) -> None:
        """`by_name` are the profiles of names that differ from `profile`, `more` those that routers ask for;
        `seed` is common to all processes that share tickets. OptionError for what cannot be used."""
        self.options = options
        self.profile = profile
        self.handshakes = 0
        """Under way now."""
        self._profiles = Names(by_name.items())
        self._all = tuple(dict.fromkeys((profile, *by_name.values(), *more)))
        self._sources = tuple(sources)
        self._made_up = made_up
        self._seed = seed
        self._task: asyncio.Task[None] | None = None
        self._signs = self._look()
        self._period = int(time.time() // _TICKETS_FOR)
        self._pairs, self._contexts = self._build()

    def __repr__(self) -> str:
        return f"<Termination [{len(self._pairs.groups)} certificates, {len(self._all)} profiles]>"

    @property
    def pairs(self) -> Sequence[Pair]:
        """The certificates in use."""
        return [pair for group in self._pairs.groups for pair in group]

    def has(self, name: str) -> bool:
        """Whether there is a certificate for this name, which may be a wildcard."""
        return self._pairs.by_name.find(name) is not None

    # Choosing...

    @property
    def differs(self) -> bool:
        """Whether some names have options of their own."""
        return bool(self._profiles)

    def profile_for(self, name: str) -> Profile:
        """The options of this name."""
        return (self._profiles.find(name) if self._profiles else None) or self.profile

    def choose(self, name: str, profile: Profile, offered: Collection[str]) -> ssl.SSLContext | int:
        """The context for a client that asks for this name (empty without SNI), or the alert that it gets."""
        group = self._pairs.by_name.find(name)
        if group is None:
            if self.options.sni_strict:
                return UNRECOGNIZED_NAME
            group = self._pairs.groups[0]
        if offered and profile.alpn and not any(one in profile.alpn for one in offered):
            return NO_APPLICATION_PROTOCOL
        return self._contexts[group, profile]

    # Reading...

    def _build(self) -> tuple[Pairs, dict[tuple[Group, Profile], ssl.SSLContext]]:
        pairs = []
        for source in self._sources:
            try:
                pair = pair_of(source.read())
                context_of(self.profile, pair.pem)
            except OptionError as error:
                raise PlacedError(error, source.option) from None
            pairs.append(pair)
        if self._made_up is not None:
            pairs.append(self._made_up)
        found = grouped(pairs)
        contexts = {}
        for group in found.groups:
            for profile in self._all:
                context = contexts[group, profile] = context_of(profile, *(pair.pem for pair in group))
                self._give_key(profile, context)
        return found, contexts

    def _give_key(self, profile: Profile, context: ssl.SSLContext) -> None:
        """The same for all processes, so that a client that comes back may meet another one; never the same for other
        options, or a ticket would get around a client certificate."""
        if self._seed and profile.session_tickets:
            what = repr((self._period, *astuple(profile))).encode()
            key = hashlib.shake_256(b"session tickets\0%b\0%b" % (self._seed, what)).digest(TICKET_KEY_BYTES)
            set_ticket_key(context, key)

    def _look(self) -> list[tuple[int, int, int]]:
        """Differs when a file was written or replaced, also behind a link."""
        signs = []
        for path in (path for source in self._sources for path in (source.certificate, source.key)):
            try:
                signs.append(sign_of(path))
            except OSError:
                signs.append((0, 0, 0))
        return signs

    # Following the files...

    def open(self) -> None:
        """Begin to look whether files have changed; needs a running loop."""
        if self._task is None:
            self._task = spawn(self._watch(), "watch certificates")

    def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.look()

    async def look(self) -> None:
        """Take over certificates that have changed, all of them or none; what cannot be used is said once."""
        signs = await asyncio.to_thread(self._look)
        period = int(time.time() // _TICKETS_FOR)
        if signs == self._signs and period == self._period:
            return
        changed, self._signs, self._period = signs != self._signs, signs, period
        try:
            self._pairs, self._contexts = await asyncio.to_thread(self._build)
        except OptionError as error:
            _log.error("certificates cannot be used; those before stay", extra={"why": str(error)})
            return
        if changed:
            names = ", ".join(name for pair in self.pairs for name in pair.facts.names[:3])
            _log.info("certificates read again", extra={"names": names[:200]})
