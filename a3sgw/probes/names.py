"""Names of servers are asked for again and again, and everybody is told when what they stand for has changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from a3sgw.config.model import Config
from a3sgw.config.server import Server
from a3sgw.control.messages import Addresses
from a3sgw.resolver import ResolveError, Resolver
from a3sgw.targets import Found, leaves, needs_resolving
from a3sgw.tasks import spawn

_log = logging.getLogger("a3sgw.probes.names")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is asked, in seconds."""

    shortest: float = 1.0
    """An answer that holds for less is good for this long; so is one without a time, as from the hosts file."""
    longest: float = 300.0
    first_retry: float = 1.0
    """After a failure; twice as long after each further one."""
    longest_retry: float = 30.0
    first_answers: float = 2.0
    """How long `Names.prepare` waits for names that are new."""


class Names:
    """What the names in a configuration stand for; the last good answer is kept, however old."""

    def __init__(self, resolver: Resolver, push: Callable[[Addresses], None], pace: Pace | None = None) -> None:
        """`push` is told of each change, also of the first answer. The resolver stays the caller's."""
        self._resolver = resolver
        self._push = push
        self._pace = pace or Pace()
        self._names: dict[str, dict[str, _Name]] = {}

    async def prepare(self, config: Config) -> None:
        """Watch the names of this configuration too; what is watched already goes on as it is.

        Returns when all new names have been answered, or refused, or have had their time.
        """
        for leaf, server in _to_resolve(config):
            watched = self._names.setdefault(leaf, {})
            if str(server.url) not in watched:
                self._start(leaf, server)
        fresh = [spawn(one.asked.wait(), "first answer") for one in self._all() if not one.asked.is_set()]
        if fresh:
            _, late = await asyncio.wait(fresh, timeout=self._pace.first_answers)
            for task in late:
                task.cancel()

    def keep(self, config: Config) -> None:
        """Watch what is not in this configuration no more; to be called once nobody needs the one before."""
        wanted: dict[tuple[str, str], Server] = {}
        for leaf, server in _to_resolve(config):
            wanted.setdefault((leaf, str(server.url)), server)  # of two with one URL the first counts, as for targets
        before, self._names = self._names, {}
        for leaf, names in before.items():
            for text, name in names.items():
                server_now = wanted.get((leaf, text))
                if server_now is not None and name.is_for(server_now):
                    self._names.setdefault(leaf, {})[text] = name
                    continue
                name.stop()
                if server_now is not None:  # the same text, to be resolved in another way from now on
                    self._start(leaf, server_now)

    def _start(self, leaf: str, server: Server) -> None:
        name = _Name(leaf, server, self._resolver, self._push, self._pace)
        self._names.setdefault(leaf, {})[str(server.url)] = name

    def known(self, service: str) -> Mapping[str, Sequence[Found]]:
        """By configured URL what its name stands for; without those that were never answered."""
        names = self._names.get(service, {})
        return {server: name.found for server, name in names.items() if name.found is not None}

    def close(self) -> None:
        """Ask no more."""
        for name in self._all():
            name.stop()
        self._names = {}

    def _all(self) -> list[_Name]:
        return [name for names in self._names.values() for name in names.values()]


def _to_resolve(config: Config) -> Iterator[tuple[str, Server]]:
    """(leaf name, server) of every server that has a name."""
    for name, service in config.services.items():
        for leaf, options in leaves(name, service):
            yield from ((leaf, server) for server in options.servers if needs_resolving(server))


class _Name:
    """One name of one service, asked for until it is stopped."""

    def __init__(
        self, service: str, server: Server, resolver: Resolver, push: Callable[[Addresses], None], pace: Pace
    ) -> None:
        self.found: list[Found] | None = None
        self.asked = asyncio.Event()
        """Set once there was an answer or a failure."""
        self._service = service
        self._server = server
        self._resolver = resolver
        self._push = push
        self._pace = pace
        self._failures = 0
        self._task = spawn(self._run(), f"resolve {server.url}")

    def is_for(self, server: Server) -> bool:
        return self._server.resolve == server.resolve

    def stop(self) -> None:
        self._task.cancel()
        self.asked.set()

    async def _run(self) -> None:
        while True:
            try:
                found, ttl = await self._ask()
            except ResolveError as error:
                pause = self._failed(error)
            else:
                self._answered(found)
                pause = min(max(ttl, self._pace.shortest), self._pace.longest)
            self.asked.set()
            await asyncio.sleep(pause)

    async def _ask(self) -> tuple[list[Found], float]:
        """Sorted, so that the same answer in another order is no change."""
        host = self._server.url.host
        if self._server.resolve == "srv":
            services = await self._resolver.services(host)
            return sorted(services.found), services.ttl
        answer = await self._resolver.addresses(host)
        return sorted((address, 0, 0) for address in answer.addresses), answer.ttl

    def _answered(self, found: list[Found]) -> None:
        if self._failures:
            self._failures = 0
            _log.info("a name is resolved again", extra=self._about())
        if found != self.found:
            self.found = found
            self._push(Addresses(self._service, str(self._server.url), found))

    def _failed(self, error: ResolveError) -> float:
        """Logged once per row of failures; returns how long to wait."""
        self._failures += 1
        if self._failures == 1:
            kept = "nothing is known yet" if self.found is None else "the last answer is kept"
            _log.warning("a name cannot be resolved", extra={**self._about(), "reason": str(error), "until then": kept})
        doubled = self._pace.first_retry * 2.0 ** min(self._failures - 1, 16)
        return min(doubled, self._pace.longest_retry)

    def _about(self) -> dict[str, str]:
        return {"service": self._service, "server": str(self._server.url)}
