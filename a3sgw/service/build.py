"""From the options of services to what routes forward to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from a3sgw.balancers.base import Balancer
from a3sgw.config.circuit_breaker import Fallback, ServiceBreaker
from a3sgw.config.load_balancer import LoadBalancer
from a3sgw.config.retries import Retries
from a3sgw.config.service import Service as ServiceOptions
from a3sgw.config.service import Weighted
from a3sgw.config.sticky import Sticky
from a3sgw.control.messages import Addresses, Pushed
from a3sgw.http.statuses import statuses as statuses_of
from a3sgw.machines.breaker import Breaker
from a3sgw.plan import NO_LIMIT, Plan
from a3sgw.retry_policy import RetryPolicy
from a3sgw.service.endpoints import Endpoints
from a3sgw.service.failover import FailoverNode
from a3sgw.service.guards import BreakerNode, LimitNode
from a3sgw.service.hash_key import hash_key
from a3sgw.service.mirror import MirrorNode
from a3sgw.service.node import Node
from a3sgw.service.places import Counts, Places
from a3sgw.service.service import Service
from a3sgw.service.split import Part, SplitNode
from a3sgw.service.sticky import Stickiness
from a3sgw.service.traits import Traits
from a3sgw.sweeper import Sweeper
from a3sgw.targets import leaves
from a3sgw.upstream.pool import Pool
from a3sgw.upstream.tls import client_context


class NoCounts:
    """A table for services that are compiled and never used."""

    def acquire(self, key: bytes, limit: int) -> bool:
        """Always."""
        return True

    def release(self, key: bytes) -> None:
        """Nothing was held."""

    def held(self, key: bytes) -> int:
        """Nothing is."""
        return 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What services need of the process they run in."""

    sweeper: Sweeper
    directory: Path | None = None
    """Where relative file names are looked up."""
    table: Counts | None = None
    seed: bytes = b""
    """Signs what clients are given, where the operator gives no secret."""
    report: Callable[[Pushed], None] = lambda message: None
    """Tells other processes what was noticed here."""
    counter: Callable[[str], Callable[[str], None]] = lambda service: lambda what: None
    """By service: counts events by a fixed word."""
    known: Iterable[Pushed] = ()
    """What the control plane has said so far."""


class Builder:
    """Makes the nodes of one configuration; what is equal is taken over from the one before.

    `services` holds those with endpoints, by name; a revision "v1" of "x" is called "x@v1".
    """

    def __init__(
        self,
        options: Mapping[str, ServiceOptions],
        surroundings: Surroundings,
        old_options: Mapping[str, ServiceOptions],
        old_nodes: Mapping[str, Node],
        old_services: Mapping[str, Service],
        old_breakers: Mapping[str, BreakerNode],
    ) -> None:
        self.nodes: dict[str, Node] = {}
        self.services: dict[str, Service] = {}
        self.breakers: dict[str, BreakerNode] = {}
        self._options = options
        self._around = surroundings
        self._table = surroundings.table or NoCounts()
        self._seed = surroundings.seed or os.urandom(32)
        self._old_options = old_options
        self._old_nodes = old_nodes
        self._old_services = old_services
        self._old_breakers = old_breakers
        self._messages: dict[str, list[Pushed]] = {}
        for message in surroundings.known:
            self._messages.setdefault(getattr(message, "service", ""), []).append(message)

    def build(self, name: str) -> Node:
        """The node of this name, and all it needs. OSError or ssl.SSLError when authorities cannot be read."""
        if name in self.nodes:
            return self.nodes[name]
        options = self._options[name]
        needed = {other: self.build(other) for other in _needs(options)}
        old = self._old_nodes.get(name)
        same = old is not None and self._old_options.get(name) == options
        if same and all(self._old_nodes.get(other) is node for other, node in needed.items()):
            made = cast(Node, old)
            for leaf, _ in leaves(name, options):
                self.services[leaf] = self._old_services[leaf]
            if name in self._old_breakers:
                self.breakers[name] = self._old_breakers[name]
        else:
            made = self._guarded(name, options, self._core(name, options, needed), needed)
        self.nodes[name] = made
        return made

    def _core(self, name: str, options: ServiceOptions, needed: Mapping[str, Node]) -> Node:
        """Endpoints, or a choice among services."""
        if options.weighted is not None:
            return self._weighted(name, options.weighted, options.retries, needed)
        balancers = dict(leaves(name, options))
        if not options.revisions:
            return self._service(name, balancers[name], options)
        sticky, strategy = None, "weighted"
        if options.load_balancer is not None:
            sticky, strategy = self._sticky(name, options.load_balancer.sticky, strategy)
        parts = []
        for one in options.revisions:
            leaf = f"{name}@{one.name}"
            own = _of_its_own(leaf, balancers[leaf])
            parts.append(Part(one.name, self._service(leaf, own, options), one.traffic_percent))
        if sticky is not None:
            sticky.members = parts
        return SplitNode(parts, _balancer(strategy, [part for part in parts if part.share > 0], ""), sticky)

    def _weighted(self, name: str, options: Weighted, retries: Retries | None, needed: Mapping[str, Node]) -> Node:
        parts = [Part(one.name, needed[one.name], float(one.weight)) for one in options.services]
        sticky, strategy = self._sticky(name, options.sticky, "weighted")
        if sticky is not None:
            sticky.members = parts
        balancer = _balancer(strategy, [part for part in parts if part.share > 0], "")
        return SplitNode(parts, balancer, sticky, RetryPolicy(retries) if retries is not None else None)

    def _sticky(self, name: str, options: Sticky | None, strategy: str) -> tuple[Stickiness[Any] | None, str]:
        """What binds clients, and the strategy: for an address it is the strategy alone."""
        if options is None:
            return None, strategy
        if options.mode == "ip":
            return None, "hrw"
        return Stickiness(name, options, self._seed), strategy

    def _guarded(self, name: str, options: ServiceOptions, node: Node, needed: Mapping[str, Node]) -> Node:
        """The same behind what the operator has put before it."""
        traits = Traits(self._around.report, self._around.counter(name))
        if options.circuit_breaker is not None:
            node = self._breaker(name, options.circuit_breaker, node, needed, traits)
        if options.max_in_flight:
            shedding = options.load_shedding
            shares = (shedding.low / 100, shedding.normal / 100, 1.0) if shedding is not None else None
            node = LimitNode(name, node, options.max_in_flight, shares, self._table, traits)
        if options.mirror is not None and options.mirror.percentage:
            node = MirrorNode(name, node, needed[options.mirror.service], options.mirror, traits.count)
        failover = options.failover
        if failover is not None:
            backup, statuses = needed[failover.service], statuses_of(failover.statuses)
            limit, after = failover.max_body_bytes, failover.return_after
            node = FailoverNode(node, backup, statuses, limit, after, traits.count)
        return node

    def _breaker(
        self, name: str, options: ServiceBreaker, node: Node, needed: Mapping[str, Node], traits: Traits
    ) -> BreakerNode:
        fallback: Fallback | Node | None = options.fallback
        if options.fallback is not None and options.fallback.service:
            fallback = needed[options.fallback.service]
        made = self.breakers[name] = BreakerNode(name, node, Breaker(options.machine()), fallback, traits)
        for message in self._messages.get(name, ()):
            made.take(message)
        return made

    def _service(self, name: str, options: LoadBalancer, whole: ServiceOptions) -> Service:
        """One with endpoints; the old one where nothing about it has changed."""
        made_of = (options, whole.retries)
        old = self._old_services.get(name)
        if old is not None and old.made_of == made_of:
            self.services[name] = old
            return old
        sticky, strategy = self._sticky(name, options.sticky, options.strategy)
        places = None
        if options.max_connections:
            places = Places(name, options.max_connections, options.queue_size, options.queue_timeout, self._table)
        passive = options.passive_health_check
        traits = Traits(
            self._around.report,
            self._around.counter(name),
            sticky,
            places,
            options.slow_start,
            passive is not None or options.circuit_breaker is not None,
            passive.max_ejected_percent if passive is not None else 0.0,
            options.drain_header,
        )
        tls = None
        schemes = {server.url.scheme for server in options.servers}
        if "https" in schemes:
            tls = client_context(options.tls, self._around.directory)
        elif "tcp" in schemes and options.tls is not None:
            tls = client_context(options.tls, self._around.directory, alpn=())
        hash_on = options.hash_on if options.sticky is None or options.sticky.mode != "ip" else ""
        balancer = _balancer(strategy, (), hash_on)
        pools: dict[object, Pool] = {}
        if old is not None:
            pools = {endpoint.pool.identity: endpoint.pool for endpoint in old.endpoints}
        messages = self._messages.get(name, [])
        made = self.services[name] = Service(
            name,
            Endpoints(options, self._around.sweeper, tls),
            balancer,
            _plan(options, whole.retries),
            traits,
            made_of,
            {one.server: one.addresses for one in messages if isinstance(one, Addresses)},
            pools,
            {endpoint.url for endpoint in old.endpoints} if old is not None else None,
        )
        made.learn(messages)
        return made


def _of_its_own(leaf: str, options: LoadBalancer) -> LoadBalancer:
    """A revision binds clients by a cookie, or field, other than that which binds them to the revision."""
    sticky = options.sticky
    if sticky is None:
        return options
    mark = blake2b(leaf.encode(), digest_size=3).hexdigest()
    names = {"cookie": sticky.cookie and f"{sticky.cookie}_{mark}", "header": f"{sticky.header}-{mark}"}
    return options.model_copy(update={"sticky": sticky.model_copy(update=names)})


def _needs(options: ServiceOptions) -> list[str]:
    """The services this one leads to."""
    names = [part.name for part in options.weighted.services] if options.weighted is not None else []
    names += [other.service for other in (options.mirror, options.failover) if other is not None]
    breaker = options.circuit_breaker
    if breaker is not None and breaker.fallback is not None and breaker.fallback.service:
        names.append(breaker.fallback.service)
    return names


def balancer_kind(strategy: str) -> type[Balancer[Any]]:
    """The class behind a strategy's name, from the file of that name; ImportError when there is none."""
    module = import_module(f"a3sgw.balancers.{strategy.replace('-', '_')}")
    return cast(type[Balancer[Any]], module.STRATEGY)


def _balancer(strategy: str, members: Iterable[Any], hash_on: str) -> Balancer[Any]:
    return balancer_kind(strategy)(tuple(members), hash_key(hash_on))


def _plan(options: LoadBalancer, retries: Retries | None) -> Plan:
    """Options as the data plane wants them: a limit of 0 or none is no limit."""
    return Plan(
        connect_timeout=options.connect_timeout or NO_LIMIT,
        request_timeout=options.request_timeout or NO_LIMIT,
        stream_idle_timeout=options.stream_idle_timeout or NO_LIMIT,
        stream_total_timeout=options.stream_total_timeout or NO_LIMIT,
        pass_host_header=options.pass_host_header,
        total_timeout=options.total_timeout or NO_LIMIT,
        total_timeout_for_streams=options.total_timeout_for_streams,
        retries=RetryPolicy(retries) if retries is not None else None,
    )
