"""From TLS options and routers of connections to what each entrypoint makes of first bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from a3sgw.config.chains import expanded
from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.kind import serves
from a3sgw.config.load_balancer import LoadBalancer
from a3sgw.config.model import Config
from a3sgw.config.router import Router
from a3sgw.middlewares.base import Middleware
from a3sgw.networks import NetworkSet
from a3sgw.observe.tcp import TcpMetrics
from a3sgw.options import OptionError
from a3sgw.plan import NO_LIMIT, Plan
from a3sgw.proxy.doors import Doors
from a3sgw.proxy.switch import Switch
from a3sgw.proxy.tcp_route import TcpRoute, Way
from a3sgw.proxy.tunnel import Terms
from a3sgw.routing.builtin import RouterTimeouts, SameTls
from a3sgw.routing.chain import Chain
from a3sgw.routing.tcp import Mode, TcpEntry, TcpTable, priority_of
from a3sgw.rule.ast import Match, Not
from a3sgw.rule.ast import Node as RuleNode
from a3sgw.rule.domains import always_named, domains
from a3sgw.service.node import Node
from a3sgw.tls.load import Needs
from a3sgw.tls.profile import Profile, profile_of
from a3sgw.tls.termination import PlacedError, Termination

_IDLE = 3600.0
"""Seconds without a byte that a TCP connection may last where nobody says otherwise: pools of databases keep idle ones
for long."""
Path_ = tuple[str | int, ...]


class Rule(Protocol):
    """A parsed rule."""

    @property
    def node(self) -> RuleNode: ...
    @property
    def predicate(self) -> Callable[[Any], bool]: ...


@dataclass
class Switches:
    """Of one snapshot, by entrypoint."""

    switches: dict[str, Switch] = field(default_factory=dict)
    terminations: dict[str, tuple[Needs, Termination]] = field(default_factory=dict)
    guards: dict[str, SameTls] = field(default_factory=dict)
    """Where names have TLS options of their own: refuses requests that came by those of another name."""
    routes: dict[tuple[str, str], tuple[object, TcpRoute]] = field(default_factory=dict)
    """By entrypoint and router: what the route was made of, and the route."""
    named: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def demand(self, entrypoint: str) -> object:
        """What TLS asks of clients there, to be compared; None without TLS."""
        needs, _ = self.terminations.get(entrypoint, (None, None))
        return (needs.profile, tuple(needs.by_name.items())) if needs is not None else None

    def hosts(self, entrypoint: str) -> list[tuple[str, str]]:
        """(router, name) of those whose TLS ends on an entrypoint."""
        return self.named.get(entrypoint, [])


@dataclass(frozen=True)
class Around:
    """What is needed of the rest of a snapshot, and of the process."""

    config: Config
    nodes: Mapping[str, Node]
    middlewares: Mapping[str, Middleware[Any]]
    http_rules: Mapping[str, Rule]
    tcp_rules: Mapping[str, Rule]
    directory: Path
    seed: bytes
    metrics: Callable[[str, str, str], TcpMetrics]
    """(entrypoint, router, service) → its counters."""
    observe: Callable[[str, str, str], tuple[Callable[[Any], None], ...]]
    """(entrypoint, router, service) → who is told of each connection that has ended."""
    error: Callable[[Path_, str, str], None]


class SwitchCompiler:
    """Collects errors and carries on; takes over from `previous` what is equal."""

    def __init__(self, around: Around, previous: Switches | None, *, same_observers: bool) -> None:
        self._around = around
        self._previous = previous or Switches()
        self._same_observers = same_observers
        self.made = Switches()

    def compile(self) -> Iterator[None]:
        """One entrypoint at a time."""
        for name, options in self._around.config.entrypoints.items():
            if options.protocol != "udp":
                self._entrypoint(name, options)
                yield

    def _entrypoint(self, name: str, options: Entrypoint) -> None:
        routers = self._around.config.routers
        tcp = {one: router for one, router in routers.items() if serves(name, options, router) == "tcp"}
        special = options.tls is not None or options.proxy_protocol or options.proxy_protocol_required
        if options.protocol == "http" and not (tcp or special or options.tcp_allowed_ips):
            return
        http = {}
        if options.protocol == "http" and options.tls is not None:
            http = {one: router for one, router in routers.items() if serves(name, options, router) == "http"}
        profiles = self._profiles(options, tcp) if options.tls is not None else {}
        termination = self._termination(name, options, http, profiles) if options.tls is not None else None
        if options.tls is not None and termination is None:
            return
        entries = [
            entry
            for order, (one, router) in enumerate(tcp.items())
            if (entry := self._entry(name, options, one, router, order, profiles.get(one))) is not None
        ]
        hosts = [domains(self._around.http_rules[one.rule].node) for one in self._compiled(http)]
        if termination is not None:
            self.made.named[name] = self._named(http, entries)
        self.made.switches[name] = Switch(
            http=options.protocol == "http",
            hosts=[host for named in hosts for host in named],
            others=any(not named for named in hosts),
            tcp=TcpTable(entries),
            termination=termination,
            proxy_protocol=options.proxy_protocol or options.proxy_protocol_required,
            proxy_required=options.proxy_protocol_required,
            allowed=NetworkSet(options.tcp_allowed_ips) if options.tcp_allowed_ips else None,
            patience=options.tls.handshake_timeout if options.tls else options.read_header_timeout or NO_LIMIT,
        )

    def _named(self, http: Mapping[str, Router], tcp: Iterable[TcpEntry[TcpRoute]]) -> list[tuple[str, str]]:
        rules = [(name, self._around.http_rules.get(router.rule)) for name, router in http.items()]
        nodes = [(name, rule.node) for name, rule in rules if rule is not None]
        nodes += [(entry.route.name, entry.node) for entry in tcp if entry.mode == "terminate"]
        return [(name, host) for name, node in nodes for host in domains(node)]

    def _compiled(self, routers: Mapping[str, Router]) -> Iterable[Router]:
        return (router for router in routers.values() if router.rule in self._around.http_rules)

    # TLS...

    def _profiles(self, options: Entrypoint, tcp: Mapping[str, Router]) -> dict[str, Profile]:
        """Of the routers of connections whose TLS ends here."""
        found = {}
        for name, router in tcp.items():
            if options.tls is not None and _mode(options, router) == "terminate":
                try:
                    found[name] = profile_of(options.tls, self._around.directory, router.tls, http=False)
                except OptionError as error:
                    self._around.error(("routers", name, "tls", error.key), str(error), error.help)
        return found

    def _termination(
        self, name: str, options: Entrypoint, http: Mapping[str, Router], tcp: Mapping[str, Profile]
    ) -> Termination | None:
        tls, around = options.tls, self._around
        if tls is None:
            return None
        try:
            profile = profile_of(tls, around.directory, http=options.protocol == "http")
            by_name = self._by_name(options, http, profile)
            named: list[str] = []
            if tls.self_signed:
                for router in around.config.routers.values():
                    rule = around.http_rules.get(router.rule) or around.tcp_rules.get(router.rule)
                    named += domains(rule.node) if rule is not None else []
            needs = Needs(tls, around.directory, profile, by_name, tuple(dict.fromkeys(tcp.values())), tuple(named))
            before = self._previous.terminations.get(name)
            made = before[1] if before is not None and before[0] == needs else needs.make(around.seed)
        except PlacedError as error:
            around.error(("entrypoints", name, "tls", *error.path), str(error), error.help)
            return None
        except OptionError as error:
            around.error(("entrypoints", name, "tls", *([error.key] if error.key else [])), str(error), error.help)
            return None
        self.made.terminations[name] = needs, made
        if made.differs or profile.client_mode != "none":
            guard = self._previous.guards.get(name)
            self.made.guards[name] = guard if guard is not None and guard.termination is made else SameTls(made)
        return made

    def _by_name(self, options: Entrypoint, http: Mapping[str, Router], usual: Profile) -> dict[str, Profile]:
        """Options belong to a name, because nothing else is known when a handshake begins. Where some names have their
        own, every name is listed: one that means the entrypoint's must not get those of a wildcard."""
        found: dict[str, tuple[Profile, str]] = {}
        for name, router in http.items():
            if router.tls is None or options.tls is None or router.rule not in self._around.http_rules:
                continue
            try:
                profile = profile_of(options.tls, self._around.directory, router.tls)
            except OptionError as error:
                self._around.error(("routers", name, "tls", error.key), str(error), error.help)
                continue
            node = self._around.http_rules[router.rule].node
            if not always_named(node):
                help = "let each alternative of the rule have a Host(`…`), or set the options on the entrypoint"
                self._around.error(("routers", name, "tls"), "TLS options need to know the name they are for", help)
            for host in domains(node):
                other = found.setdefault(host, (profile, name))
                if other[0] != profile:
                    summary = f'"{other[1]}" has other TLS options for {host}'
                    help = "one name can have only one set of them: nothing else is known when a handshake begins"
                    self._around.error(("routers", name, "tls"), summary, help)
        if all(profile == usual for profile, _ in found.values()):
            return {}
        for router in self._compiled(http):
            for host in domains(self._around.http_rules[router.rule].node):
                found.setdefault(host, (usual, ""))
        return {host: profile for host, (profile, _) in found.items()}

    # Routes...

    def _entry(
        self, entrypoint: str, options: Entrypoint, name: str, router: Router, order: int, profile: Profile | None
    ) -> TcpEntry[TcpRoute] | None:
        rule = self._around.tcp_rules.get(router.rule)
        if rule is None or not router.service:
            return None
        mode = _mode(options, router)
        if mode == "plain" and _names(rule.node):
            help = "add tls { passthrough = true }, or tls to the entrypoint; without TLS, write HostSNI(`*`)"
            summary = "this rule asks for what only TLS tells, and connections here come without"
            self._around.error(("routers", name, "rule"), summary, help)
            return None
        route = self._route(entrypoint, options, name, router, mode, profile)
        return TcpEntry(
            rule.node, rule.predicate, priority_of(router.rule, rule.node, router.priority), order, mode, route
        )

    def _route(
        self, entrypoint: str, options: Entrypoint, name: str, router: Router, mode: Mode, profile: Profile | None
    ) -> TcpRoute:
        """The previous one when it would be made of the same things."""
        around = self._around
        named = expanded((*options.middlewares, *router.middlewares), around.config.middlewares)
        middlewares = tuple(around.middlewares[one] for one in named if one in router.middlewares)
        node = around.nodes[router.service]
        made_of = (router, mode, profile, middlewares, node)
        known = self._previous.routes.get((entrypoint, name))
        if known is not None and known[0] == made_of and self._same_observers:
            route = known[1]
        else:
            chain = Chain([RouterTimeouts(router.timeouts)] if router.timeouts is not None else [])
            plans = {leaf: chain.plan(plan) for leaf, plan in node.leaves()}
            ways = {leaf: self._way(router, leaf.name, plan) for leaf, plan in plans.items()}
            route = TcpRoute(
                name,
                router.service,
                node,
                plans,
                ways,
                mode,
                profile,
                Doors(middlewares),
                around.metrics(entrypoint, name, router.service),
                around.observe(entrypoint, name, router.service),
            )
        self.made.routes[entrypoint, name] = made_of, route
        return route

    def _way(self, router: Router, service: str, plan: Plan) -> Way:
        """To a service that has endpoints."""
        balancer = self._around.config.services[service].load_balancer
        if balancer is None:
            raise AssertionError("unreachable: only services with endpoints are leaves")
        terms = _terms(router, balancer, plan.stream_idle_timeout, plan.stream_total_timeout)
        return Way(plan, terms, balancer.proxy_protocol)


def _terms(router: Router, balancer: LoadBalancer, idle: float, total: float) -> Terms:
    given = router.timeouts is not None and router.timeouts.stream_idle_timeout is not None
    if not given and "stream_idle_timeout" not in balancer.model_fields_set:
        idle = _IDLE
    return Terms(idle, total, balancer.termination_delay or NO_LIMIT, router.drain_timeout)


def _mode(options: Entrypoint, router: Router) -> Mode:
    tls = router.tls
    if tls is not None and not tls.enabled:
        return "plain"
    if tls is not None and tls.passthrough:
        return "passthrough"
    return "terminate" if options.tls is not None else "plain"


def _names(node: RuleNode) -> bool:
    """Whether a rule asks for what is only known with TLS."""
    if isinstance(node, Match):
        return node.name in ("HostSNIRegexp", "ALPN") or (node.name == "HostSNI" and node.values[0] != "*")
    return any(map(_names, (node.child,) if isinstance(node, Not) else node.children))
