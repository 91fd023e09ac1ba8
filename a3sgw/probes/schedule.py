"""Which endpoints are asked how they are: those of the configuration in use, as their names stand now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import uniform

from a3sgw.config.health_check import HealthCheck
from a3sgw.config.load_balancer import LoadBalancer, UpstreamTls
from a3sgw.config.model import Config
from a3sgw.control.messages import EndpointHealth
from a3sgw.probes.place import Trust
from a3sgw.probes.watch import Failure, State, Watch
from a3sgw.targets import Target, leaves

TargetsOf = Callable[[str], Sequence[Target]]
"""Leaf name → its targets now."""

_AT_ONCE = 100
"""Probes that run at the same time, of all services together."""
_MANY = 20
"""A service with more new endpoints than this has its first probes spread."""


@dataclass(slots=True)
class _Group:
    """The endpoints of one leaf service, by URL."""

    service: str
    options: HealthCheck
    tls: UpstreamTls | None
    watches: dict[str, Watch] = field(default_factory=dict)


class Probes:
    """Asks all endpoints of services that have a health check, each regularly and one probe at a time."""

    def __init__(self, push: Callable[[EndpointHealth], None], at_once: int = _AT_ONCE) -> None:
        """`push` is told of each change; all endpoints are healthy at first."""
        self._push = push
        self._room = asyncio.Semaphore(at_once)
        self._groups: dict[str, _Group] = {}
        self._targets_of: TargetsOf = lambda service: ()
        self._trusts: dict[UpstreamTls | None, Trust] = {}
        self._directory: Path | None = None

    def use(self, config: Config, targets_of: TargetsOf, directory: Path | None = None) -> None:
        """Ask the endpoints of this configuration and no others; to be called once it is in use.

        An endpoint that stays is still thought of as before, also when it is asked in another way from now on. What is
        not asked any more is told to be healthy. `directory` is where relative file names of authorities are looked up.
        """
        self._targets_of, self._directory = targets_of, directory
        self._trusts = {}  # the files may be others now
        before, self._groups = self._groups, {}
        for name, service in config.services.items():
            for leaf, options in leaves(name, service):
                if options.health_check is not None:
                    self._groups[leaf] = group = _Group(leaf, _with_mode(options, options.health_check), options.tls)
                    self._fill(group, before.pop(leaf, None))
        for gone in before.values():
            _forget(gone.watches.values())

    def retarget(self, service: str) -> None:
        """The targets of this leaf service have changed."""
        group = self._groups.get(service)
        if group is not None:
            self._groups[service] = now = replace(group, watches={})
            self._fill(now, group)

    def last(self, service: str, url: str) -> Failure | None:
        """When and why this endpoint was not well last; None when it always was or is not asked."""
        watch = self._watch(service, url)
        return watch.failure if watch is not None else None

    def state(self, service: str, url: str) -> State | None:
        """What is thought of this endpoint; None when it is not asked."""
        watch = self._watch(service, url)
        return watch.state if watch is not None else None

    def close(self) -> None:
        """Ask nobody any more, without another word."""
        for group in self._groups.values():
            for watch in group.watches.values():
                watch.stop()
        self._groups = {}

    def _watch(self, service: str, url: str) -> Watch | None:
        group = self._groups.get(service)
        return group.watches.get(url) if group is not None else None

    def _fill(self, group: _Group, before: _Group | None) -> None:
        """Start what is new and go on with what stays; what is left of `before` is not asked any more."""
        trust = self._trusts.setdefault(group.tls, Trust(group.tls, self._directory))
        old = dict(before.watches) if before is not None else {}
        targets = self._targets_of(group.service)
        spread = len([target for target in targets if target.url not in old]) > _MANY
        for target in targets:
            watch = old.pop(target.url, None)
            if watch is not None and before is not None and _asks_alike(watch, target, before, group):
                watch.trust, watch.target = trust, target
            else:
                watch = self._start(group, target, trust, spread, watch)
            group.watches[target.url] = watch
        _forget(old.values())

    def _start(self, group: _Group, target: Target, trust: Trust, spread: bool, before: Watch | None) -> Watch:
        if before is not None:
            before.stop()
        delay = uniform(0, group.options.interval / 10) if spread else 0.0  # noqa: S311 -- keeps no secret
        return Watch(group.service, target, group.options, trust, self._push, self._room, delay, before)


def _with_mode(options: LoadBalancer, check: HealthCheck) -> HealthCheck:
    """The check, which says how its servers are asked where the operator leaves that to them."""
    mode = check.asks_by({server.url.scheme for server in options.servers})
    return check.model_copy(update={"mode": mode})


def _asks_alike(watch: Watch, target: Target, before: _Group, group: _Group) -> bool:
    """Weight and place in the configuration do not matter to a probe."""
    same = replace(target, weight=0, server="") == replace(watch.target, weight=0, server="")
    return same and before.options == group.options and before.tls == group.tls


def _forget(watches: Iterable[Watch]) -> None:
    for watch in watches:
        watch.forget()
