"""The workers: as many as wanted, all with one configuration, each replaced when it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a3sgw.control.edition import Edition
from a3sgw.control.messages import (
    BreakerState,
    Collect,
    Counters,
    Ejection,
    EndpointDrain,
    EndpointHealth,
    Leaving,
    Message,
    Pushed,
    Welcome,
    encode,
)
from a3sgw.control.pushed import State
from a3sgw.errors import GatewayError
from a3sgw.listeners import Listener
from a3sgw.proxy.gate import PATIENCE
from a3sgw.shared.table import SharedTable
from a3sgw.supervisor.births import Births
from a3sgw.supervisor.census import Census
from a3sgw.supervisor.hearts import Hearts
from a3sgw.supervisor.member import Member
from a3sgw.supervisor.place import Place
from a3sgw.supervisor.trial import tried
from a3sgw.tasks import spawn
from a3sgw.version import __version__

_log = logging.getLogger("a3sgw.supervisor")

HELLO_TIMEOUT = 20.0
"""Seconds until a forked process has to say its first word."""
_TICK = 0.1
_COLLECT_TIMEOUT = 1.0
_PATIENCE = 10.0
"""Seconds a configuration waits for a worker to try it."""
_SWEEP = 10.0
"""Seconds after which what the dead held in the shared table is looked for, whoever they were."""


@dataclass
class Settings:
    """What every worker is told."""

    directory: Path | None = None
    log_level: str = ""
    log_format: str = ""


class Crew:
    """`start`, then `apply` for each configuration, then `stop`."""

    def __init__(self, births: Births, table: SharedTable, settings: Settings) -> None:
        self.census = Census()
        self.state = State()
        """What is known of endpoints, certificates and breakers; told to every worker that starts."""
        self.replaced: dict[str, int] = {}
        """How many workers were replaced, by why."""
        self._births = births
        self._table = table
        self._settings = settings
        self._edition: Edition | None = None
        self._listeners: Mapping[str, Listener] = {}
        self._places: list[Place] = []
        self._leaving: set[Member] = set()
        self._alive: dict[int, Member] = {}
        """By process id, also those that have just ended."""
        self._collections: dict[int, set[int]] = {}
        self._collected = asyncio.Event()
        self._token = 0
        self._watch: asyncio.Task[None] | None = None
        self._sweep_at = 0.0

    def __repr__(self) -> str:
        return f"<Crew [{len(self.members)} of {len(self._places)} workers]>"

    @property
    def members(self) -> list[Member]:
        """The workers that accept connections."""
        return [place.member for place in self._places if place.member is not None and place.member.usable]

    @property
    def size(self) -> int:
        """How many there should be."""
        return len(self._places)

    # Configurations...

    async def apply(self, edition: Edition, listeners: Mapping[str, Listener], count: int) -> None:
        """Have everybody use `edition` with its `listeners`; ConfigError, and nothing has changed, when anybody cannot.

        The first one starts `count` workers, and is over when all of them serve.
        """
        if self._edition is None:
            await self._start(edition, listeners, count)
            return
        prepared = await self._prepare(edition, listeners)
        previous, self._edition, self._listeners = self._edition, edition, listeners
        await asyncio.gather(*(self._commit(member, edition) for member in prepared))
        for member in self.members:  # those that became ready meanwhile, on the edition before
            if member not in prepared and member.generation == previous.generation:
                spawn(self._see_up_to_date(member), "bring worker up to date")

    async def _start(self, edition: Edition, listeners: Mapping[str, Listener], count: int) -> None:
        self._edition, self._listeners = edition, listeners
        self._watch = spawn(self._look(), "watch workers")
        self._places = [Place(number, self) for number in range(count)]
        served = spawn(_all([place.served for place in self._places]), "wait for workers")
        failed = [place.failed for place in self._places]
        either: list[asyncio.Future[Any]] = [served, *failed]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        served.cancel()
        for one in failed:
            if one.done():
                raise one.result()

    async def _prepare(self, edition: Edition, listeners: Mapping[str, Listener]) -> list[Member]:
        """Ask one, then all; those that can use it."""
        changes: dict[int, list[bytes]] = {}

        async def prepare(member: Member) -> None:
            async with member.talking:
                if member.generation not in changes:
                    changes[member.generation] = [encode(one) for one in edition.changes(member.config)]
                shares = self._shares(member, member.missing(listeners))
                await member.prepare(edition, changes[member.generation], shares)

        return await tried(edition, self._somebody, prepare)

    async def _somebody(self) -> list[Member]:
        """Those that serve; where all have just ended, their successors. GatewayError when there are none either."""
        loop = asyncio.get_running_loop()
        late = loop.time() + _PATIENCE
        while not self.members:
            if loop.time() > late:
                raise GatewayError("there is no worker that could try the new configuration")
            await asyncio.sleep(_TICK)
        return self.members

    async def _commit(self, member: Member, edition: Edition) -> None:
        with suppress(GatewayError):  # then it has been killed, and its successor starts with this edition
            async with member.talking:
                await member.commit(edition, set(self._listeners))

    def _shares(self, member: Member, listeners: Mapping[str, Listener]) -> dict[str, list[int]]:
        """The descriptors of a worker's part of each listener."""
        return {key: [one.fileno() for one in it.share(member.place, self.size)] for key, it in listeners.items()}

    async def _catch_up(self, member: Member) -> None:
        """Bring a worker to the current edition, and there may be a newer one by then."""
        async with member.talking:
            size = self.size
            while (edition := self._edition) is not None and member.generation < edition.generation:
                changes = [encode(one) for one in edition.changes(member.config)]
                listeners = self._listeners
                await member.prepare(edition, changes, self._shares(member, member.missing(listeners)))
                await member.commit(edition, set(listeners))
            if size != self.size:
                member.listen(self._shares(member, self._listeners))

    async def _see_up_to_date(self, member: Member) -> None:
        """One that cannot use what all others do is replaced."""
        try:
            await self._catch_up(member)
        except GatewayError as error:
            member.kill(f"it cannot use the current configuration: {error}")

    def resize(self, listeners: Mapping[str, Listener], count: int) -> None:
        """More or fewer workers, each with its share of the sockets."""
        self._listeners = listeners
        while len(self._places) < count:
            self._places.append(Place(len(self._places), self))
        gone = self._places[count:]
        del self._places[count:]
        for member in self.members:
            member.listen(self._shares(member, self._listeners))
        for place in gone:
            place.close()
            if place.member is not None:
                self.let_go(place.member)

    # Members...

    async def hire(self, place: int) -> Member:
        """A new worker that has said hello and knows who it is."""
        owner = self._table.next_owner()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                born = await self._births.worker(theirs, self._table.descriptor)
            except BaseException:
                ours.close()
                raise
        member = self._alive[born.pid] = Member(place, owner, born, ours, self)
        try:
            hello = await member.hello(HELLO_TIMEOUT)
            if hello.version != __version__:
                raise GatewayError(f"a worker is of version {hello.version}, not {__version__}: send USR2")
        except BaseException:
            self.bury(member)
            raise
        directory = os.fsencode(self._settings.directory) if self._settings.directory is not None else b""
        member.send(Welcome(place, owner, directory, self._settings.log_level, self._settings.log_format))
        return member

    async def introduce(self, member: Member) -> None:
        """Tell a new worker everything; from then on it serves."""
        try:
            for message in self.state.all():
                member.send(message)
            await self._catch_up(member)
        except BaseException:
            self.bury(member)
            raise

    def let_go(self, member: Member) -> None:
        """A worker that accepts no more, or is not needed: it finishes what runs beside the others."""
        edition = self._edition
        seconds = edition.config.shutdown_timeout_secs if edition is not None else 0.0
        if not member.leaving:
            member.stop(seconds, PATIENCE)
        self._leaving.add(member)
        spawn(self._see_off(member, seconds + 5.0), "see worker off")

    async def _see_off(self, member: Member, seconds: float) -> None:
        await asyncio.wait([member.gone], timeout=seconds)
        self._leaving.discard(member)
        self.bury(member)

    def replacing(self, kind: str) -> None:
        """Count a replacement."""
        self.replaced[kind] = self.replaced.get(kind, 0) + 1

    def bury(self, member: Member) -> None:
        """End it if it has not, and let go of all it held; what it counted stays."""
        member.close()
        self.census.bury(member.owner)
        self._table.sweep()
        self._sweep_at = 0.0  # and soon again: one that was killed just now may not be dead yet
        self._collected.set()
        asyncio.get_running_loop().call_later(1.0, self._forget, member)

    def _forget(self, member: Member) -> None:
        if self._alive.get(member.pid) is member:  # the kernel may have given the number to another
            del self._alive[member.pid]

    def ended(self, pid: int, code: int) -> None:
        """The nursery knows how a worker ended, which is sooner or later than that is seen here."""
        if pid in self._alive:
            self._alive[pid].code = code

    # What they say...

    def reported(self, member: Member, message: Message) -> None:
        """A worker has something to tell."""
        match message:
            case Counters():
                self.census.report(member.owner, message)
                waiting = self._collections.get(message.token)
                if waiting is not None:
                    waiting.discard(member.owner)
                    self._collected.set()
            case EndpointHealth() | EndpointDrain() | Ejection() | BreakerState():
                self.push(message, without=member)
            case Leaving():
                member.left.set()

    def push(self, message: Pushed, without: Member | None = None) -> None:
        """Tell everybody, those included that start later."""
        self.state.take(message)
        for member in self._alive.values():
            if member is not without:
                member.send(message)

    def send(self, message: Message) -> None:
        """Tell those there are now."""
        for member in (*self.members, *self._leaving):
            member.send(message)

    async def collect(self) -> None:
        """Have every worker report its counters; waits a second at most."""
        self._token += 1
        token = self._token
        waiting = self._collections[token] = {member.owner for member in (*self.members, *self._leaving)}
        self.send(Collect(token))
        with suppress(TimeoutError):
            async with asyncio.timeout(_COLLECT_TIMEOUT):
                while waiting & {member.owner for member in (*self.members, *self._leaving)}:
                    self._collected.clear()
                    await self._collected.wait()
        del self._collections[token]

    async def _look(self) -> None:
        """Find those whose heart has stopped, and what the dead have left in the table."""
        loop = asyncio.get_running_loop()
        hearts = Hearts(loop.time())
        while True:
            await asyncio.sleep(_TICK)
            now = loop.time()
            places = [place.member for place in self._places if place.member is not None]
            hearts.look([*places, *self._leaving], now)
            if now > self._sweep_at:
                self._sweep_at = now + _SWEEP
                self._table.sweep()

    # The end...

    def end_now(self) -> None:
        """What still finishes something is ended at once."""
        for member in list(self._leaving):
            member.kill("it was told to end at once")

    async def stop(self, seconds: float, patience: float) -> None:
        """Have all finish what runs and end; those that do not are killed."""
        for place in self._places:
            place.close()
        self._leaving |= {place.member for place in self._places if place.member is not None}  # still looked at
        members = list(self._leaving)
        for member in members:
            member.stop(seconds, patience)
        if members:
            await asyncio.wait([member.gone for member in members], timeout=seconds + 5.0)
        if self._watch is not None:
            self._watch.cancel()
        for member in members:
            self.bury(member)


async def _all(events: list[asyncio.Event]) -> None:
    for event in events:
        await event.wait()
