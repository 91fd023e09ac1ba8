"""Everything compiled from one configuration: immutable, replaced whole, sharing with its predecessor what is equal."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from a3sgw.config.chains import expanded
from a3sgw.config.document import Document
from a3sgw.config.entrypoint import Redirect
from a3sgw.config.kind import kinds, serves
from a3sgw.config.model import Config, MiddlewareConfig
from a3sgw.config.registry import Registry
from a3sgw.config.router import Router
from a3sgw.control.messages import Pushed
from a3sgw.diagnostic import Diagnostic
from a3sgw.errors import ConfigError
from a3sgw.middlewares.base import Ask, Context, Middleware, Shared, ask_nobody
from a3sgw.observe.datagrams import DatagramMetrics
from a3sgw.observe.tcp import TcpMetrics
from a3sgw.options import OptionError, is_secret
from a3sgw.plan import Plan
from a3sgw.proxy.doors import Doors
from a3sgw.routing.builtin import Conceal, MergeSlashes, Nobody, RedirectAll, RouterTimeouts, UpgradeLimit
from a3sgw.routing.chain import Chain
from a3sgw.routing.event_errors import EventErrors
from a3sgw.routing.index import Entry, Index
from a3sgw.routing.route import Care, Farewell, Observer, Route
from a3sgw.routing.sessions import SessionTable
from a3sgw.routing.table import Table
from a3sgw.rule.ast import Node
from a3sgw.rule.compile import compile_node, compile_rule
from a3sgw.rule.errors import RuleError
from a3sgw.rule.parse import parse
from a3sgw.rule.priority import default_priority
from a3sgw.rule.tcp_matchers import TCP
from a3sgw.service.build import Builder, Surroundings
from a3sgw.service.guards import BreakerNode
from a3sgw.service.node import Node as ServiceNode
from a3sgw.service.service import Service
from a3sgw.shared.table import SharedTable
from a3sgw.steps import Steps, exhaust
from a3sgw.sweeper import Sweeper
from a3sgw.switches import Around, SwitchCompiler, Switches
from a3sgw.tls.termination import Termination

_log = logging.getLogger("a3sgw.snapshot")
_FOR_TCP = 'this is a rule for TCP: name an entrypoint with protocol = "tcp"'
_OPENING = 30.0
"""Seconds for a middleware to become ready: a reload must not hang on one."""
_IMPORTANCE = ("low", "normal", "high")
Observe = Callable[[str, str, str, bool], tuple[Observer, ...]]
"""(entrypoint, router, service, whether it is looked after) → who is told of each exchange on that route."""


def _tell_nobody(message: Pushed) -> None:
    """For snapshots that are never used."""


def _count_nothing(name: str) -> Callable[[str], None]:
    """The same."""
    return lambda what: None


def _no_connections(entrypoint: str, router: str, service: str) -> TcpMetrics:
    """The same."""
    return TcpMetrics((entrypoint, router, service))


def _nobody(entrypoint: str, router: str, service: str) -> tuple[Observer, ...]:
    """The same."""
    return ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as parsed and compiled; the same text is never compiled twice."""

    node: Node
    predicate: Callable[[Any], bool]


@dataclass(frozen=True)
class Parts:
    """What a snapshot needs from the process it runs in."""

    sweeper: Sweeper
    observe: Observe
    registry: Registry
    directory: Path | None = None
    """Where the configuration is: relative file names are looked up here."""
    observed_by: object = None
    """What the observers write to: routes are kept only as long as it is the same."""
    table: SharedTable | None = None
    """Limits of all workers together; None where nothing is ever served."""
    report: Callable[[Pushed], None] = _tell_nobody
    """Tells other processes what services notice."""
    counter: Callable[[str], Callable[[str], None]] = _count_nothing
    """By service: counts its events."""
    known: Iterable[Pushed] = ()
    """What the control plane has said of endpoints so far."""
    middleware_counter: Callable[[str], Callable[[str], None]] = _count_nothing
    """By middleware: counts its events."""
    tcp_metrics: Callable[[str, str, str], TcpMetrics] = _no_connections
    """(entrypoint, router, service) → counters of TCP connections."""
    observe_tcp: Callable[[str, str, str], tuple[Observer, ...]] = _nobody
    """(entrypoint, router, service) → who is told of each TCP connection that has ended."""
    ask: Ask = ask_nobody
    """Sends a request that a middleware has made to a service."""
    shared: Shared = field(default_factory=Shared)
    """What all middlewares of the process have in common."""
    datagrams: Callable[[str, str, str], DatagramMetrics] = DatagramMetrics
    """(entrypoint, router, service) → counters of its UDP sessions."""


@dataclass
class Snapshot:
    """One configuration, ready to serve. Instances in here are shared with the previous snapshot where equal."""

    config: Config
    tables: dict[str, Table] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    """Those with endpoints; a revision "v1" of "x" is called "x@v1"."""
    nodes: dict[str, ServiceNode] = field(default_factory=dict)
    """What routers may name."""
    breakers: dict[str, BreakerNode] = field(default_factory=dict)
    """Those of whole services, by name."""
    middlewares: dict[str, Middleware[Any]] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    tcp_rules: dict[str, Rule] = field(default_factory=dict)
    """Those about connections."""
    switching: Switches = field(default_factory=Switches)
    redirects: dict[str, tuple[object, Middleware[Any]]] = field(default_factory=dict)
    """By entrypoint: what sends requests to another, and what it was made of."""
    doors: dict[str, Doors] = field(default_factory=dict)
    """By entrypoint: who looks at its connections."""
    observed_by: object = None
    routes: dict[tuple[str, str], tuple[object, Route]] = field(default_factory=dict)
    """By entrypoint and router: what the route was made of, and the route."""
    sweeper: Sweeper = field(default_factory=Sweeper)
    _inner: dict[str, Route] = field(default_factory=dict)
    """Routes of requests that the gateway makes itself, by service."""

    @classmethod
    def compile(
        cls, config: Config, parts: Parts, previous: Snapshot | None = None, document: Document | None = None
    ) -> Snapshot:
        """Compile, or raise ConfigError with every reason at once. Opens nothing and changes nothing.

        Things that are equal under the same name are taken over from `previous`, so pools, limiters and connections
        survive.
        """
        return exhaust(cls.steps(config, parts, previous, document))

    @classmethod
    def steps(
        cls, config: Config, parts: Parts, previous: Snapshot | None = None, document: Document | None = None
    ) -> Steps[Snapshot]:
        """The same in short steps, so that a large reload takes turns with the traffic."""
        return _Compiler(config, parts, previous, document).run()

    async def open(self, previous: Snapshot | None = None, document: Document | None = None) -> None:
        """Open what is new; ConfigError when one fails, and those already opened are closed again."""
        kept = set(map(id, previous.middlewares.values())) if previous is not None else set()
        opened: list[Middleware[Any]] = []
        try:
            for name, middleware in self.middlewares.items():
                if id(middleware) not in kept:
                    await _open(name, middleware, document)
                    opened.append(middleware)
        except BaseException:
            for middleware in opened:
                await _close(middleware)
            raise
        for termination in self.terminations():
            termination.open()

    async def close(self, other: Snapshot | None = None) -> None:
        """Let go of everything `other` does not use."""
        self.close_services(other)
        await self.close_middlewares(other)

    def terminations(self) -> list[Termination]:
        """Who ends TLS."""
        return [termination for _, termination in self.switching.terminations.values()]

    def certificates(self) -> Iterator[tuple[str, str, float]]:
        """(entrypoint, first name, when it expires in seconds since the epoch) of those that TLS is ended with."""
        for name, (_, termination) in self.switching.terminations.items():
            for pair in termination.pairs:
                yield name, next(iter(pair.facts.names), ""), pair.facts.not_after

    def close_services(self, other: Snapshot | None) -> None:
        """Close the pools `other` does not use; running exchanges finish on the connections they hold. Its certificates
        are looked at no more."""
        in_use = set(map(id, other.terminations())) if other is not None else set()
        for termination in self.terminations():
            if id(termination) not in in_use:
                termination.close()
        used = set(map(id, other.services.values())) if other is not None else set()
        pools = other.pools() if other is not None else set()
        for service in self.services.values():
            if id(service) not in used:
                service.close(pools)

    async def close_middlewares(self, other: Snapshot | None) -> None:
        """Close the middlewares `other` does not use; no exchange may run through them any more."""
        kept = set(map(id, other.middlewares.values())) if other is not None else set()
        for middleware in self.middlewares.values():
            if id(middleware) not in kept:
                await _close(middleware)

    def dismantle(self, successor: Snapshot) -> Steps[None]:
        """Free what `successor` does not share, in short steps; it must not be used any more."""
        routers = list(self.config.routers.values())
        self.config = successor.config
        kept = set(map(id, successor.tables.values()))
        for table in self.tables.values():
            if id(table) not in kept:
                yield from table.dismantle()
        for held in (self.routes, self.rules):
            while held:
                held.popitem()
                yield
        while routers:
            routers.pop()
            yield

    def inner_route(self, service: str) -> Route:
        """The way to a service for requests that the gateway makes itself."""
        route = self._inner.get(service)
        if route is None:
            node = self.nodes[service]
            plan, care = way(Chain(), node, 1, self.sweeper)
            route = Route("", Chain(), node if care is None and isinstance(node, Service) else None, plan, (), care)
            self._inner[service] = route
        return route

    def runs(self, entrypoint: str, route: Any) -> bool:
        """Whether requests, or connections, to this entrypoint may get this route."""
        key = (entrypoint, route.name)
        known: tuple[object, object] | None = self.routes.get(key) or self.switching.routes.get(key)
        table = self.tables.get(entrypoint)
        return (known is not None and known[1] is route) or (table is not None and table.unmatched is route)

    def before(self, entrypoint: str) -> list[Middleware[Any]]:
        """What stands before all that is written on an entrypoint."""
        found: list[Middleware[Any]] = []
        if entrypoint in self.redirects:
            found.append(self.redirects[entrypoint][1])
        if entrypoint in self.switching.guards:
            found.append(self.switching.guards[entrypoint])
        return found

    def secures(self, entrypoint: str) -> bool:
        """Whether connections to it may come with TLS, of which there is more to log."""
        options = self.config.entrypoints.get(entrypoint)
        return options is not None and options.tls is not None

    def names(self) -> Iterator[tuple[str, str, str]]:
        """(entrypoint, router, service) of everything that counts."""
        for entrypoint in self.config.entrypoints:
            yield entrypoint, "", ""
        for entrypoint, router in (*self.routes, *self.switching.routes):
            yield entrypoint, router, self.config.routers[router].service

    def pools(self) -> set[int]:
        """Identities of the pools in use."""
        return {id(endpoint.pool) for service in self.services.values() for endpoint in service.endpoints}


async def _open(name: str, middleware: Middleware[Any], document: Document | None) -> None:
    try:
        async with asyncio.timeout(_OPENING):
            await middleware.open()
    except TimeoutError as error:
        place = document.place(("middlewares", name)) if document is not None else None
        summary = f'the middleware "{name}" did not open within {_OPENING:g} s'
        raise ConfigError([Diagnostic("error", place, summary)]) from error
    except Exception as error:
        key, help = (error.key, error.help) if isinstance(error, OptionError) else ("", "")
        path = ("middlewares", name, key) if key else ("middlewares", name)
        place = document.place(path) if document is not None else None
        summary = f'cannot open the middleware "{name}": {error}'
        raise ConfigError([Diagnostic("error", place, summary, help)]) from error


async def _close(middleware: Middleware[Any]) -> None:
    """Nothing depends on it any more, so a failure is only worth knowing."""
    try:
        await middleware.close()
    except Exception as error:
        _log.error("a middleware failed to close", extra={"middleware": repr(middleware)}, exc_info=error)


class _Compiler:
    """One run of `Snapshot.compile`; collects diagnostics and carries on."""

    def __init__(self, config: Config, parts: Parts, previous: Snapshot | None, document: Document | None) -> None:
        self.config = config
        self.parts = parts
        self.previous = previous
        self.document = document
        self.problems: list[Diagnostic] = []
        self.made = Snapshot(config, observed_by=parts.observed_by, sweeper=parts.sweeper)
        self._same_observers = previous is not None and previous.observed_by is parts.observed_by
        self._unmatched = Nobody()
        self._chains: dict[tuple[object, ...], tuple[Chain, Plan, Care | None]] = {}
        around = Surroundings(
            parts.sweeper,
            parts.directory,
            parts.table,
            parts.table.seed if parts.table is not None else b"",
            parts.report,
            parts.counter,
            parts.known,
        )
        self._builder = Builder(
            config.services,
            around,
            previous.config.services if previous is not None else {},
            previous.nodes if previous is not None else {},
            previous.services if previous is not None else {},
            previous.breakers if previous is not None else {},
        )
        self.made.nodes, self.made.services = self._builder.nodes, self._builder.services
        self.made.breakers = self._builder.breakers

    def run(self) -> Steps[Snapshot]:
        for name, options in self.config.middlewares.items():
            self._middleware(name, options)
            yield
        for name in self.config.services:
            self._service(name)
            yield
        for name, router in self.config.routers.items():
            self._rule(name, router)
            yield
        if not self.problems:
            yield from self._switches()
        if self.problems:
            raise ConfigError(self.problems)
        for name, entrypoint in self.config.entrypoints.items():
            named = expanded(entrypoint.middlewares, self.config.middlewares)
            if entrypoint.protocol == "http":
                if entrypoint.redirect is not None:
                    self._redirect(name, entrypoint.redirect)
                self.made.tables[name] = yield from self._table(name)
            elif entrypoint.protocol == "udp":
                self.made.tables[name], own = self._sessions(name)
                named = expanded((*entrypoint.middlewares, *own), self.config.middlewares)
            self.made.doors[name] = Doors(self.made.middlewares[one] for one in named)
        return self.made

    def _switches(self) -> Steps[None]:
        parts, made = self.parts, self.made
        around = Around(
            self.config,
            made.nodes,
            made.middlewares,
            made.rules,
            made.tcp_rules,
            parts.directory or Path(),
            parts.table.seed if parts.table is not None else b"",
            parts.tcp_metrics,
            parts.observe_tcp,
            self._error,
        )
        previous = self.previous.switching if self.previous is not None else None
        compiler = SwitchCompiler(around, previous, same_observers=self._same_observers)
        yield from compiler.compile()
        made.switching = compiler.made

    def _redirect(self, name: str, options: Redirect) -> None:
        """What sends requests elsewhere stands before all else on its entrypoint."""
        target = self.config.entrypoints.get(options.to)
        port = target.address.port if target is not None else options.port
        known = self.previous.redirects.get(name) if self.previous is not None else None
        if known is not None and known[0] == (options, port):
            self.made.redirects[name] = known
            return
        registry = self.parts.registry
        kind, given = registry.middleware("redirect-scheme", Middleware), registry.options("redirect-scheme")
        if given is None:
            raise AssertionError("unreachable: the kind is ours")
        wanted = {"scheme": options.scheme, "port": port, "permanent": options.permanent}
        made = kind(given.model_validate(wanted))
        made.attach(Context(f"redirect of {name}"))
        self.made.redirects[name] = (options, port), RedirectAll(made)

    def _error(
        self,
        path: tuple[str | int, ...],
        summary: str,
        help: str = "",
        offset: int = 0,
        length: int = 0,
        secret: bool = False,
    ) -> None:
        place = self.document.place(path, offset, length) if self.document is not None else None
        self.problems.append(Diagnostic("error", place, summary, help, secret=secret))

    def _middleware(self, name: str, options: MiddlewareConfig) -> None:
        previous = self.previous
        if previous is not None and previous.config.middlewares.get(name) == options and name in previous.middlewares:
            self.made.middlewares[name] = previous.middlewares[name]
            return
        try:
            kind = self.parts.registry.middleware(options.kind, Middleware)
            made = self.made.middlewares[name] = kind(options.options)
            made.attach(
                Context(
                    name,
                    self.parts.directory or Path(),
                    self.parts.table,
                    self.parts.middleware_counter(name),
                    self.parts.ask,
                    self.parts.shared,
                )
            )
            before = previous.middlewares.get(name) if previous is not None else None
            if before is not None and type(before) is type(made):
                made.succeed(before)
        except OptionError as error:
            path = ("middlewares", name, *([error.key] if error.key else []))
            secret = bool(error.key) and is_secret(type(options.options), (error.key,))
            self._error(path, str(error), error.help, secret=secret)
        except Exception as error:  # whatever a third party's constructor raises
            self._error(("middlewares", name), f"cannot make this middleware: {error}")

    def _service(self, name: str) -> None:
        try:
            self._builder.build(name)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._error(
                ("services", name, "load_balancer", "tls", "ca_file"),
                f"cannot use these authorities: {reason}",
                "name a PEM file with certificates",
            )

    def _rule(self, name: str, router: Router) -> None:
        text = router.rule
        found = kinds(self.config.entrypoints, router)
        if "tcp" in found:
            self._tcp_rule(name, text)
        if found and "http" not in found:
            return
        if text in self.made.rules:
            return
        if self.previous is not None and text in self.previous.rules:
            self.made.rules[text] = self.previous.rules[text]
            return
        try:
            node = parse(text)
            self.made.rules[text] = Rule(node, compile_rule(node))
        except RuleError as error:
            help = _FOR_TCP if _is_for_tcp(text) else error.help
            self._error(("routers", name, "rule"), error.summary, help, error.offset, error.length)

    def _tcp_rule(self, name: str, text: str) -> None:
        """A rule over connections."""
        if self.previous is not None and text in self.previous.tcp_rules:
            self.made.tcp_rules[text] = self.previous.tcp_rules[text]
            return
        try:
            node = parse(text, TCP)
            self.made.tcp_rules[text] = Rule(node, compile_node(node, TCP))
        except RuleError as error:
            self._error(("routers", name, "rule"), error.summary, error.help, error.offset, error.length)

    def _table(self, entrypoint: str) -> Steps[Table]:
        entries = []
        options = self.config.entrypoints[entrypoint]
        for order, (name, router) in enumerate(self.config.routers.items()):
            if serves(entrypoint, options, router) == "http" and router.rule in self.made.rules:
                rule = self.made.rules[router.rule]
                priority = router.priority or default_priority(router.rule)
                entries.append(Entry(rule.node, rule.predicate, priority, order, self._route(entrypoint, name, router)))
                yield
        before = self.made.before(entrypoint)
        previous = None
        if self.previous is not None and self._same_observers and self.previous.before(entrypoint) == before:
            secures = self.made.secures(entrypoint)
            previous = self.previous.tables.get(entrypoint) if self.previous.secures(entrypoint) == secures else None
        if previous is not None and _same(previous.entries, entries):
            return previous
        chain = Chain((*before, self._unmatched))
        unmatched = Route("", chain, None, Plan(), self.parts.observe(entrypoint, "", "", False))
        index = yield from Index.steps(entries)
        return Table(index, previous.unmatched if previous is not None else unmatched, entries)

    def _route(self, entrypoint: str, name: str, router: Router) -> Route:
        """The route of a router on an entrypoint; the previous one when it would be made of the same things."""
        options = self.config.entrypoints[entrypoint]
        named = expanded((*options.middlewares, *router.middlewares), self.config.middlewares)
        middlewares = [*self.made.before(entrypoint), *(self.made.middlewares[one] for one in named)]
        node = self.made.nodes[router.service] if router.service else None
        differs = router.merge_slashes is not None and router.merge_slashes != options.merge_slashes
        more = (router.timeouts, router.importance, router.websocket, router.event_stream, router.drain_timeout)
        demand = self.made.switching.demand(entrypoint)
        made_of = (router.service, differs, demand, *more, *middlewares, node)
        known = self.previous.routes.get((entrypoint, name)) if self.previous is not None else None
        if known is not None and known[0] == made_of and self._same_observers:
            route = known[1]
        else:
            merges = bool(router.merge_slashes) if differs else None
            chain, plan, care = self._chain(merges, middlewares, node, name, router)
            observers = self.parts.observe(entrypoint, name, router.service, care is not None)
            service = node if care is None and isinstance(node, Service) else None
            route = Route(name, chain, service, plan, observers, care)
            says_goodbye = router.websocket is not None and router.websocket.close_frame
            if says_goodbye or router.drain_timeout != route.farewell.drain_timeout:
                route.farewell = Farewell(says_goodbye, router.drain_timeout)
        self.made.routes[entrypoint, name] = (made_of, route)
        return route

    def _sessions(self, entrypoint: str) -> tuple[SessionTable, tuple[str, ...]]:
        """What a UDP entrypoint has in the place of a table, and the middlewares of its router, which stand before."""
        named = (one for one in self.config.routers.items() if entrypoint in (one[1].entrypoints or (entrypoint,)))
        name, router = next(((name, one) for name, one in named if not one.rule), ("", None))
        if router is None:
            route = Route("", Chain((self._unmatched,)), None, Plan(), ())
            return SessionTable(route, self.parts.datagrams(entrypoint, "", "")), ()
        node = self.made.nodes[router.service]
        metrics = self.parts.datagrams(entrypoint, name, router.service)
        made_of = ("udp", router.service, router.timeouts, router.importance, node)
        known = self.previous.routes.get((entrypoint, name)) if self.previous is not None else None
        if known is not None and known[0] == made_of and self._same_observers:
            route = known[1]
        else:
            chain = Chain([RouterTimeouts(router.timeouts)] if router.timeouts is not None else [])
            plans = {service: chain.plan(plan) for service, plan in node.leaves()}
            importance = _IMPORTANCE.index(router.importance)
            care = Care(node, plans, 0, 0, importance, self.parts.sweeper)
            observers = self.parts.observe(entrypoint, name, router.service, True)
            route = Route(name, Chain(), None, Plan(), observers, care)
        self.made.routes[entrypoint, name] = (made_of, route)
        return SessionTable(route, metrics), router.middlewares

    def _chain(
        self,
        merges: bool | None,
        middlewares: list[Middleware[Any]],
        node: ServiceNode | None,
        name: str,
        router: Router,
    ) -> tuple[Chain, Plan, Care | None]:
        """The same objects for all routes through the same things: there may be thousands."""
        limit = router.websocket.max_connections if router.websocket is not None else 0
        limited = (name, limit) if limit else None
        errors = router.event_stream is not None and router.event_stream.error_event
        key = (merges, router.timeouts, router.importance, limited, errors, *map(id, middlewares), id(node))
        if key not in self._chains:
            secret = {one: None for middleware in middlewares for one in middleware.conceals}
            first: list[Middleware[Any]] = [Conceal(tuple(secret))] if secret else []
            first += [MergeSlashes(merges)] if merges is not None else []
            last: list[Middleware[Any]] = [RouterTimeouts(router.timeouts)] if router.timeouts is not None else []
            if limit and self.parts.table is not None:
                last.append(UpgradeLimit(name, limit, self.parts.table))
            if errors:
                last.append(EventErrors())
            chain = Chain([*first, *middlewares, *last])
            importance = _IMPORTANCE.index(router.importance)
            self._chains[key] = chain, *way(chain, node, importance, self.parts.sweeper)
        return self._chains[key]


def way(chain: Chain, node: ServiceNode | None, importance: int, sweeper: Sweeper) -> tuple[Plan, Care | None]:
    """How a route forwards: plainly, or with all that its services and middlewares ask for; not at all without."""
    if node is None:
        return Plan(), None
    plans = {service: chain.plan(plan) for service, plan in node.leaves()}
    if isinstance(node, Service) and node.is_plain and plans[node].is_plain:
        return plans[node], None
    retries = (plan.retries.max_body_bytes for plan in plans.values() if plan.retries is not None)
    keeps = max(node.keeps, *retries, 0)
    return next(iter(plans.values()), Plan()), Care(node, plans, keeps, node.copies, importance, sweeper)


def _same(old: list[Entry[Route]], new: list[Entry[Route]]) -> bool:
    return len(old) == len(new) and all(
        a.target is b.target and a.node is b.node and a.priority == b.priority for a, b in zip(old, new, strict=True)
    )


def _is_for_tcp(text: str) -> bool:
    try:
        parse(text, TCP)
    except RuleError:
        return False
    return True
