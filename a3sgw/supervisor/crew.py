"""The workers: as many as wanted, all with one configuration, each replaced when it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from a3sgw.control.edition import Edition
from a3sgw.control.messages import (
    BreakerState,
    Collect,
    Counters,
    Ejection,
    EndpointHealth,
    Leaving,
    Message,
    Pushed,
    Welcome,
    encode,
)
from a3sgw.control.pushed import State
from a3sgw.errors import ConfigError, GatewayError
from a3sgw.listeners import Listener
from a3sgw.proxy.gate import PATIENCE
from a3sgw.shared.table import SharedTable
from a3sgw.supervisor.births import Births
from a3sgw.supervisor.census import Census
from a3sgw.supervisor.member import Member
from a3sgw.supervisor.pulse import Pulse
from a3sgw.tasks import spawn
from a3sgw.version import __version__

_log = logging.getLogger("a3sgw.supervisor")

HELLO_TIMEOUT = 20.0
"""Seconds until a forked process has to say its first word."""
_TICK = 0.1
_LATE = 0.5
"""When the supervisor itself was held up for so long, it has not listened: nobody is to blame for silence."""
_BRIEF = 1.5
"""A worker that lives for less than these seconds has failed to start; one that lives longer is replaced at once."""
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0
_COLLECT_TIMEOUT = 1.0
_SETTLING = 10.0
"""Seconds of silence that are fine while a worker starts."""


@dataclass
class Settings:
    """What every worker is told."""

    directory: Path | None = None
    log_level: str = ""
    log_format: str = ""


@dataclass
class _Place:
    """Where one worker after the other works."""

    number: int
    failures: int = 0
    """Brief lives in a row."""
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    member: Member | None = None


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
        self._places: list[_Place] = []
        self._leaving: set[Member] = set()
        self._codes: dict[int, int | None] = {}
        """How workers ended of which somebody will want to know."""
        self._failed: asyncio.Future[GatewayError] | None = None
        self._collections: dict[int, set[int]] = {}
        self._collected = asyncio.Event()
        self._token = 0
        self._stopping = False
        self._watch: asyncio.Task[None] | None = None

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
                spawn(self._catch_up(member), "catch up")

    async def _start(self, edition: Edition, listeners: Mapping[str, Listener], count: int) -> None:
        self._edition, self._listeners = edition, listeners
        self._failed = asyncio.get_running_loop().create_future()
        self._places = [_Place(number) for number in range(count)]
        ready = [asyncio.Event() for _ in self._places]
        self._watch = spawn(self._look(), "watch workers")
        for place, event in zip(self._places, ready, strict=True):
            place.task = spawn(self._keep(place, event), f"worker {place.number}")
        all_ready = spawn(_all(ready), "wait for workers")
        await asyncio.wait((all_ready, self._failed), return_when=asyncio.FIRST_COMPLETED)
        failed, self._failed = self._failed, None
        if failed.done():
            all_ready.cancel()
            raise failed.result()

    async def _prepare(self, edition: Edition, listeners: Mapping[str, Listener]) -> list[Member]:
        """Ask all; those that can use it. A worker that dies of it or stays silent is replaced, and does not decide
        unless it is so for all of them."""
        members = self.members
        if not members:
            raise GatewayError("there is no worker now that could try the new configuration")
        changes: dict[int, list[bytes]] = {}
        for member in members:
            if member.generation not in changes:
                changes[member.generation] = [encode(one) for one in edition.changes(member.config)]
        outcomes = await asyncio.gather(
            *(
                member.prepare(edition, changes[member.generation], self._shares(member, listeners, self.size))
                for member in members
            ),
            return_exceptions=True,
        )
        refused = [one for one in outcomes if isinstance(one, BaseException) and not isinstance(one, GatewayError)]
        refused = refused or [one for one in outcomes if isinstance(one, ConfigError)]
        prepared = [member for member, one in zip(members, outcomes, strict=True) if one is None]
        if not prepared and not refused:
            refused = [one for one in outcomes if isinstance(one, GatewayError)]
        if refused:
            for member in prepared:
                member.abandon(edition)
            raise refused[0]
        return prepared

    async def _commit(self, member: Member, edition: Edition) -> None:
        with suppress(GatewayError):  # then it has been killed, and its successor starts with this edition
            await member.commit(edition, set(self._listeners))

    def _shares(self, member: Member, listeners: Mapping[str, Listener], workers: int) -> dict[str, list[int]]:
        missing = member.missing(listeners)
        return {key: [one.fileno() for one in it.share(member.place, workers)] for key, it in missing.items()}

    async def _catch_up(self, member: Member) -> None:
        """Bring a worker to the current edition, and there may be a newer one by then."""
        edition = self._edition
        while edition is not None and member.generation < edition.generation:
            changes = [encode(one) for one in edition.changes(member.config)]
            listeners = self._listeners
            await member.prepare(edition, changes, self._shares(member, listeners, self.size))
            await member.commit(edition, set(listeners))
            edition = self._edition

    def resize(self, listeners: Mapping[str, Listener], count: int) -> None:
        """More or fewer workers; the sockets of one that goes are accepted from by those that stay."""
        self._listeners = listeners
        while len(self._places) < count:
            place = _Place(len(self._places))
            self._places.append(place)
            place.task = spawn(self._keep(place, asyncio.Event()), f"worker {place.number}")
        if len(self._places) <= count:
            return
        gone, before = self._places[count:], len(self._places)
        del self._places[count:]
        for member in self.members:
            shares = {}
            for key, listener in self._listeners.items():
                had = listener.share(member.place, before)
                shares[key] = [one.fileno() for one in listener.share(member.place, count) if one not in had]
            member.listen(shares)
        for place in gone:
            if place.task is not None:
                place.task.cancel()
            if place.member is not None:
                self._let_go(place.member)

    def _let_go(self, member: Member) -> None:
        """A worker that is not needed: it finishes what runs beside the others."""
        edition = self._edition
        seconds = edition.config.shutdown_timeout_secs if edition is not None else 0.0
        if not member.leaving:
            member.stop(seconds, PATIENCE)
        self._leaving.add(member)
        spawn(self._see_off(member, seconds + 5.0), "see worker off")

    async def _see_off(self, member: Member, seconds: float) -> None:
        await asyncio.wait([member.gone], timeout=seconds)
        self._leaving.discard(member)
        self._bury(member)

    # One place...

    async def _keep(self, place: _Place, ready: asyncio.Event) -> None:
        """Have one worker after the other at this place."""
        loop = asyncio.get_running_loop()
        while not self._stopping:
            began = loop.time()
            reason = ""
            try:
                member = place.member = await self._new(place.number)
                try:
                    await self._introduce(member)
                    ready.set()
                    reason = await self._until_gone(member)
                finally:
                    place.member = None
                    if member not in self._leaving and not self._stopping:
                        self._bury(member)
            except GatewayError as error:
                reason = str(error)
                if self._failed is not None and not self._failed.done() and isinstance(error, ConfigError):
                    self._failed.set_result(error)
            except Exception as error:  # a bug must not leave a place empty
                _log.exception("a worker could not be looked after", extra={"place": place.number})
                reason = f"{type(error).__name__}: {error}"
            if self._stopping:
                return
            brief = loop.time() - began < _BRIEF
            place.failures = place.failures + 1 if brief else 0
            if self._failed is not None and place.failures >= 3 and not self._failed.done():
                self._failed.set_result(GatewayError(f"the workers do not start: {reason}"))
            if brief:
                await asyncio.sleep(min(_FIRST_DELAY * 2 ** (place.failures - 1), _LONGEST_DELAY))

    async def _new(self, place: int) -> Member:
        """A worker that has said hello."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                born = await self._births.worker(theirs, self._table.descriptor)
            except BaseException:
                ours.close()
                raise
        owner = self._table.next_owner()
        member = Member(place, owner, born, ours, self)
        try:
            hello = await member.hello(HELLO_TIMEOUT)
            if hello.version != __version__:
                raise GatewayError(f"a worker is of version {hello.version}, not {__version__}: restart the gateway")
            directory = self._settings.directory
            member.send(
                Welcome(
                    place,
                    owner,
                    str(directory) if directory is not None else "",
                    self._settings.log_level,
                    self._settings.log_format,
                )
            )
        except BaseException:
            self._bury(member)
            raise
        return member

    async def _introduce(self, member: Member) -> None:
        """Tell a new worker everything; from then on it serves."""
        for message in self.state.all():
            member.send(message)
        await self._catch_up(member)
        if self._failed is None:
            _log.info("a worker has started", extra={"place": member.place, "pid": member.pid})

    async def _until_gone(self, member: Member) -> str:
        """Why it has gone, or why it is to be replaced while it finishes what runs."""
        leaving = spawn(member.left.wait(), "wait for a worker to leave")
        await asyncio.wait((member.gone, leaving), return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if member.gone.done():
            reason = member.gone.result()
        else:
            reason = "it was told to stop"
            self._let_go(member)
        if not self._stopping:
            kind = "hung" if "heartbeat" in reason else "stopped" if "told to stop" in reason else "died"
            self.replaced[kind] = self.replaced.get(kind, 0) + 1
            self._codes[member.pid] = None
            asyncio.get_running_loop().call_later(_TICK, self._tell, member, kind, reason)
        return reason

    def _tell(self, member: Member, kind: str, reason: str) -> None:
        """How it ended is known a moment later than that it has."""
        code = self._codes.pop(member.pid, None)
        _log.log(
            logging.WARNING if kind == "stopped" else logging.ERROR,
            "a worker was replaced: %s",
            _how(code) if code is not None and kind == "died" else reason,
            extra={"place": member.place, "pid": member.pid, "connections": member.connections},
        )

    def _bury(self, member: Member) -> None:
        member.close()
        self.census.bury(member.owner)
        self._table.forgive(member.owner)
        self._collected.set()

    def ended(self, pid: int, code: int) -> None:
        """The nursery knows how a worker ended."""
        members = (*(place.member for place in self._places), *self._leaving)
        if pid in self._codes or any(one is not None and one.pid == pid for one in members):
            self._codes[pid] = code

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
            case EndpointHealth() | Ejection() | BreakerState():
                self.push(message, without=member)
            case Leaving():
                member.left.set()

    def push(self, message: Pushed, without: Member | None = None) -> None:
        """Tell everybody, those included that start later."""
        self.state.take(message)
        for member in self.members:
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
        """Find those whose heart has stopped."""
        loop = asyncio.get_running_loop()
        pulses: dict[int, Pulse] = {}
        before = loop.time()
        while True:
            await asyncio.sleep(_TICK)
            now, late = loop.time(), loop.time() - before > _LATE
            before = now
            members = [place.member for place in self._places if place.member is not None]
            members += self._leaving
            pulses = {one.pid: pulses.get(one.pid) or Pulse(one.pid) for one in members}
            for member in members:
                if late:
                    member.heard_at = now
                if member.generation == 0 and now - member.heard_at < _SETTLING:
                    continue
                verdict = pulses[member.pid].verdict(member.heard_at, now)
                if verdict and not member.gone.done():
                    member.kill(verdict)

    # The end...

    async def stop(self, seconds: float, patience: float) -> None:
        """Have all finish what runs and end; those that do not are killed."""
        self._stopping = True
        members = [place.member for place in self._places if place.member is not None]
        members += self._leaving
        for member in members:
            member.stop(seconds, patience)
        if members:
            await asyncio.wait([member.gone for member in members], timeout=seconds + 5.0)
        for place in self._places:
            if place.task is not None:
                place.task.cancel()
        if self._watch is not None:
            self._watch.cancel()
        for member in members:
            self._bury(member)


async def _all(events: list[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


def _how(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        with suppress(ValueError):
            return f"it was ended by {signal.Signals(-code).name}"
    return f"it ended with exit code {code}"
