"""The part of the control plane that looks after endpoints: names, probes, and what operators say about them.

What it finds is pushed to all that carry traffic, and kept, so that it can be shown and told to those that start later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic, time
from typing import Any

from a3sgw.config.load_balancer import LoadBalancer
from a3sgw.config.model import Config
from a3sgw.config.server import ServerUrl
from a3sgw.control.messages import (
    Addresses,
    BreakerState,
    Ejection,
    EndpointDrain,
    EndpointHealth,
    EndpointWeight,
    Pushed,
)
from a3sgw.control.pushed import State
from a3sgw.errors import GatewayError
from a3sgw.options import OptionError
from a3sgw.probes.names import Names
from a3sgw.probes.schedule import Probes
from a3sgw.resolver import Resolver
from a3sgw.targets import Target, expand, leaves, needs_resolving

Push = Callable[[Pushed], None]


class UnknownEndpoint(GatewayError):
    """There is no such service, or no such endpoint in it; the text says which there are."""


class Caretaker:
    """Looks after the endpoints of one configuration at a time."""

    def __init__(self, state: State, push: Push, directory: Path | None = None) -> None:
        """`push` tells everybody, `state` included; relative file names are looked up in `directory`."""
        self._state = state
        self._push = push
        self._services: set[str] = set()
        self._balancers: dict[str, LoadBalancer] = {}
        self._directory = directory
        self._resolver: Resolver | None = None
        self._names: Names | None = None
        """None as long as there was no name."""
        self._probes = Probes(push)

    async def prepare(self, config: Config) -> None:
        """Find out what new names stand for, before `config` is used; gives up waiting after two seconds. Then comes
        `use` or `refused`."""
        balancers = _balancers(config)
        if self._names is None and any(needs_resolving(one) for it in balancers.values() for one in it.servers):
            self._resolver = Resolver()
            self._names = Names(self._resolver, self._renamed)
        if self._names is not None:
            await self._names.prepare(config)
        if not self._balancers:  # the management API may be asked before the first one is in use
            self._balancers = balancers

    def refused(self, config: Config) -> None:
        """The one that was prepared is not used after all, `config` goes on."""
        if self._names is not None:
            self._names.keep(config)

    def use(self, config: Config) -> None:
        """`config` is in use: probe its endpoints, and forget what was known of others."""
        self._balancers = _balancers(config)
        if self._names is not None:
            self._names.keep(config)
        self._probes.use(config, self.targets, self._directory)
        self._services = set(config.services)
        self._forget()

    def _renamed(self, message: Addresses) -> None:
        self._push(message)
        if message.service in self._balancers:
            self._probes.retarget(message.service)
            self._forget()

    def _forget(self) -> None:
        known = {(name, target.url) for name in self._balancers for target in self.targets(name)}
        self._state.keep(known | {(name, "") for name in (*self._services, *self._balancers)})

    async def close(self) -> None:
        """Ask nobody any more."""
        self._probes.close()
        if self._names is not None:
            self._names.close()
        if self._resolver is not None:
            await self._resolver.close()

    # Endpoints...

    def targets(self, service: str) -> Sequence[Target]:
        """The endpoints of a service, revisions as ``service@revision``."""
        balancer = self._balancers.get(service)
        if balancer is None:
            return ()
        return expand(balancer.servers, self._names.known(service) if self._names is not None else {})

    def drain(self, service: str, url: str, draining: bool) -> str:
        """Give an endpoint no new clients, or new ones again; returns its URL as it is known. UnknownEndpoint."""
        url = self._url(service, url)
        self._push(EndpointDrain(service, url, draining))
        return url

    def weigh(self, service: str, url: str, weight: int) -> str:
        """Use this weight instead of the configured one, -1 for that again; UnknownEndpoint."""
        url = self._url(service, url)
        self._push(EndpointWeight(service, url, weight))
        return url

    def _url(self, service: str, url: str) -> str:
        if service not in self._balancers:
            known = ", ".join(sorted(self._balancers)) or "none"
            raise UnknownEndpoint(f'no service "{service}" has endpoints; those that have: {known}')
        targets = self.targets(service)
        try:
            wanted = str(ServerUrl.parse(url.strip()))
        except OptionError:
            wanted = url
        found = [target.url for target in targets if wanted in (target.url, target.server)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(target.url for target in targets) or "none"
        raise UnknownEndpoint(f'the service "{service}" has no endpoint {url}; it has {known}')

    # Telling...

    def endpoints(self, in_flight: Callable[[str], Mapping[str, int]]) -> dict[str, list[dict[str, Any]]]:
        """What is known of every endpoint, by service, JSON-ready; `in_flight` says how many requests each has now."""
        known: dict[tuple[str, str], list[Pushed]] = {}
        for message in self._state.all():
            if url := getattr(message, "url", ""):
                known.setdefault((getattr(message, "service", ""), url), []).append(message)
        found = {}
        for service in self._balancers:
            counts = in_flight(service)
            found[service] = [
                self._shown(service, target, counts.get(target.url, 0), known.get((service, target.url), ()))
                for target in self.targets(service)
            ]
        return found

    def _shown(self, service: str, target: Target, count: int, known: Sequence[Pushed]) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "url": target.url,
            "weight": target.weight,
            "in_flight": count,
            "health": "healthy",
            "draining": False,
        }
        if target.server != target.url:
            shown["server"] = target.server
        for message in known:
            shown.update(_said(message))
        last = self._probes.last(service, target.url)
        if last is not None:
            shown["last_probe_failure"] = last._asdict()
        return shown

    def breakers(self) -> dict[str, str]:
        """The state of the breakers of whole services, those that have ever changed."""
        return {one.service: one.state for one in self._state.all() if isinstance(one, BreakerState) and not one.url}


def _balancers(config: Config) -> dict[str, LoadBalancer]:
    """The options of every group of endpoints, by name."""
    return {leaf: balancer for name, it in config.services.items() for leaf, balancer in leaves(name, it)}


def _said(message: Pushed) -> Iterator[tuple[str, Any]]:
    match message:
        case EndpointHealth():
            yield "health", message.state
        case EndpointDrain():
            yield "draining", message.draining
        case EndpointWeight() if message.weight >= 0:
            yield "weight", message.weight
        case Ejection():
            yield "ejected_until", round(time() + message.until - monotonic(), 1)
        case BreakerState():
            yield "circuit_breaker", message.state
        case _:
            pass
