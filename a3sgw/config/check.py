"""What only the whole configuration can tell: names that lead nowhere, circles, addresses that collide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from a3sgw.config.chains import ANSWERING, parts
from a3sgw.config.datagrams import second_routers, wrong_with
from a3sgw.config.document import Document, Path
from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.kind import HTTP_ONLY, TCP_ONLY, about_connections, blanked, kind_on, kinds
from a3sgw.config.model import Admin, MiddlewareConfig
from a3sgw.config.nearest import did_you_mean
from a3sgw.config.redirects import misled
from a3sgw.config.router import Router, RouterTls
from a3sgw.config.service import Service
from a3sgw.config.streams import behind, unusable
from a3sgw.config.unheeded import Unheeded, on_entrypoint, on_router, on_services
from a3sgw.config.validate import Validated
from a3sgw.diagnostic import Diagnostic
from a3sgw.options import SocketAddress, references

_FOR_TCP = 'add an entrypoint with protocol = "tcp", or name one that has tls'
_FOR_HTTP = "name the entrypoints it is for; what only knows addresses is about requests unless they say otherwise"
_DEEPEST = 16
"""Services that may stand one behind the other."""
_MOST_HINTS = 50
"""Looking for the nearest of thousands of names takes milliseconds; nobody reads more hints than this."""

_ANY_HOST = ("", "0.0.0.0", "::")
_SCHEMES = {"http": ("http", "https", "h2c", "unix"), "tcp": ("tcp", "unix"), "udp": ("udp",)}


def check(validated: Validated, document: Document) -> list[Diagnostic]:
    """Every error between things that are sound by themselves."""
    return list(_Checks(validated, document).run())


class _Checks:
    """The checks of one configuration, one method per kind of thing."""

    def __init__(self, validated: Validated, document: Document) -> None:
        self.declared = validated.declared
        self.document = document
        self.entrypoints: dict[str, Entrypoint] = validated.checkable["entrypoints"]
        self.whole_routers = validated.named["routers"].keys()
        self.routers: dict[str, Router] = validated.checkable["routers"]
        self.services: dict[str, Service] = validated.checkable["services"]
        self.middlewares: dict[str, MiddlewareConfig] = validated.checkable["middlewares"]
        self._hints_left = _MOST_HINTS
        self._told: set[Path] = set()
        """What is wrong with services that several routers name."""
        self._ways: dict[tuple[str, str], None] = {}
        """(service, protocol) of all routers."""
        self.admin: Admin | None = validated.settings.get("admin")

    def run(self) -> Iterator[Diagnostic]:
        for name, entrypoint in self.entrypoints.items():
            yield from self._entrypoint(name, entrypoint)
        for name, router in self.routers.items():
            yield from self._router(name, router)
        for name, service in self.services.items():
            yield from self._service(name, service)
        for name, middleware in self.middlewares.items():
            yield from self._middleware(name, middleware)
        for path, message, help in second_routers(self.entrypoints, self.routers):
            yield self._error(path, message, help, key=True)
        yield from self._unheeded(misled(self.entrypoints))
        yield from self._unheeded(on_services(self._ways, self.services))
        yield from self._addresses()
        yield from self._circles()
        yield from self._chains()

    # Names

    def _known(self, kind: str, name: str, path: Path) -> Iterator[Diagnostic]:
        if name not in self.declared[kind]:
            what = kind.removesuffix("s")
            self._hints_left -= 1
            help = did_you_mean(name, self.declared[kind], kind) if self._hints_left >= 0 else ""
            yield self._error(path, f'unknown {what} "{name}"', help)

    def _all_known(self, kind: str, names: tuple[str, ...], path: Path) -> Iterator[Diagnostic]:
        for index, name in enumerate(names):
            yield from self._known(kind, name, (*path, index))
            if name in names[:index]:
                yield self._error((*path, index), f'"{name}" is listed twice', "keep one of them")

    def _entrypoint(self, name: str, entrypoint: Entrypoint) -> Iterator[Diagnostic]:
        base: Path = ("entrypoints", name)
        yield from self._all_known("middlewares", entrypoint.middlewares, (*base, "middlewares"))
        for path, message, help in wrong_with(name, entrypoint, self._kinds):
            yield self._error(path, message, help)
        yield from self._unheeded(on_entrypoint(name, entrypoint))
        redirect = entrypoint.redirect
        if redirect is not None and not redirect.port:
            yield from self._known("entrypoints", redirect.to, (*base, "redirect", "to"))

    def _router(self, name: str, router: Router) -> Iterator[Diagnostic]:
        base: Path = ("routers", name)
        if router.service:
            yield from self._known("services", router.service, (*base, "service"))
        elif name in self.whole_routers and not self._answers(router):
            help = 'add service = "…"; only a router with a respond or redirect middleware can do without'
            yield self._error(base, '"service" is missing', help, key=True)
        yield from self._all_known("middlewares", router.middlewares, (*base, "middlewares"))
        yield from self._all_known("entrypoints", router.entrypoints, (*base, "entrypoints"))
        yield from self._protocol(base, router)

    def _kinds(self, name: str) -> dict[str, str]:
        """Those of all that a middleware stands for, by name."""
        return {one: self.middlewares[one].kind for one in sorted(self._parts((name,))) if one in self.middlewares}

    def _answers(self, router: Router) -> bool:
        """Whether one of its middlewares answers requests by itself."""
        kinds = (self.middlewares[one].kind for one in self._parts(router.middlewares) if one in self.middlewares)
        return any(kind in ANSWERING for kind in kinds)

    def _parts(self, names: tuple[str, ...]) -> set[str]:
        """These middlewares and what they stand for, circles or not."""
        found: set[str] = set()
        left = list(names)
        while left:
            name = left.pop()
            if name not in found:
                found.add(name)
                left += parts(self.middlewares[name]) if name in self.middlewares else ()
        return found

    def _service(self, name: str, service: Service) -> Iterator[Diagnostic]:
        base: Path = ("services", name)
        for path, target in _references(service):
            yield from self._known("services", target, (*base, *path))
        balancer = service.load_balancer
        if balancer is not None and not balancer.servers and not service.scaling and not service.revisions:
            place = self.document.place((*base, "load_balancer"), key=True)
            yield Diagnostic("warning", place, f'service "{name}" has no servers', "every request gets 503")

    def _middleware(self, name: str, middleware: MiddlewareConfig) -> Iterator[Diagnostic]:
        base: Path = ("middlewares", name)
        for path, kind, target in references(middleware.options):
            yield from self._known(kind, target, (*base, *path))

    # Protocols

    def _protocol(self, base: Path, router: Router) -> Iterator[Diagnostic]:
        named = [self.entrypoints[name] for name in router.entrypoints if name in self.entrypoints]
        protocols = {kind_on(entrypoint, router) for entrypoint in named} or kinds(self.entrypoints, router)
        if named and len(protocols) > 1:
            spoken = " and ".join(sorted(protocols))
            yield self._error((*base, "entrypoints"), f"these entrypoints speak {spoken}", "write one router for each")
            return
        if not router.rule.strip() and base[1] in self.whole_routers and "udp" not in protocols:
            path: Path = (*base, "rule") if router.rule else base
            yield self._error(
                path, '"rule" is missing', 'add a rule, e.g. rule = "PathPrefix(`/`)"', key=not router.rule
            )
            return
        if not protocols and self.entrypoints and not router.entrypoints and router.rule.strip():
            about, help = ("connections", _FOR_TCP) if about_connections(router) else ("requests", _FOR_HTTP)
            yield self._error((*base, "rule"), f"no entrypoint takes this rule, which is about {about}", help)
        if len(protocols) == 1:
            protocol = next(iter(protocols))
            self._ways[router.service, protocol] = None
            yield from self._unheeded(on_router(str(base[1]), router, protocol))
            yield from self._rule_protocol(base, router, protocol)
            yield from self._service_protocol(base, router, protocol)
            yield from self._tls(base, router, protocol)
            yield from self._middleware_protocol(base, router, protocol)

    def _tls(self, base: Path, router: Router, protocol: str) -> Iterator[Diagnostic]:
        """What a router says of TLS has to fit its entrypoints."""
        tls = router.tls
        if tls is not None and protocol == "udp":
            yield self._error((*base, "tls"), "routers of UDP entrypoints have no TLS", "remove tls")
            return
        if protocol == "http" and tls is not None and (tls.passthrough or not tls.enabled):
            yield self._not_for_http(base, tls)
            return
        for name in router.entrypoints if protocol != "udp" else ():
            entrypoint = self.entrypoints.get(name)
            if entrypoint is None:
                continue
            if protocol == "http" and tls is not None and entrypoint.tls is None:
                summary = f'"{name}" has no TLS that options could differ from'
                yield self._error((*base, "tls"), summary, "remove tls")
            ends_tls = entrypoint.tls is not None
            if protocol == "tcp" and tls is not None and tls.enabled and not tls.passthrough and not ends_tls:
                help = "add tls to the entrypoint, or passthrough = true here"
                yield self._error((*base, "tls"), f'nobody has a certificate: "{name}" has no tls', help)
            if protocol == "tcp" and entrypoint.protocol == "http" and not (ends_tls or (tls and tls.passthrough)):
                help = "add tls to the entrypoint, tls { passthrough = true } here, or name a TCP entrypoint"
                summary = f'a TCP router on "{name}", which speaks HTTP without TLS, would never know which is meant'
                yield self._error((*base, "rule"), summary, help)

    def _not_for_http(self, base: Path, tls: RouterTls) -> Diagnostic:
        if tls.passthrough:
            help = "only TCP routers, with HostSNI, pass connections through"
            return self._error((*base, "tls", "passthrough"), "an HTTP router has to see what is inside TLS", help)
        return self._error((*base, "tls", "enabled"), "HTTP routers have TLS where their entrypoint has", "remove it")

    def _rule_protocol(self, base: Path, router: Router, protocol: str) -> Iterator[Diagnostic]:
        wrong = {"http": TCP_ONLY, "tcp": HTTP_ONLY}.get(protocol)
        found = wrong.search(blanked(router.rule)) if wrong else None
        if found is not None:
            place = self.document.place((*base, "rule"), found.start(1), len(found[1]))
            help = "use HostSNI, HostSNIRegexp, ClientIP or ALPN" if protocol == "tcp" else "use Host, PathPrefix, …"
            yield Diagnostic("error", place, f"{found[1]} does not work on {protocol} routers", help)
        if protocol == "udp" and router.rule.strip():
            yield self._error((*base, "rule"), "routers of UDP entrypoints have no rule", "remove the rule")

    def _service_protocol(self, base: Path, router: Router, protocol: str) -> Iterator[Diagnostic]:
        for name, service in behind(router.service, self.services).items():
            balancer = service.load_balancer
            servers = balancer.servers if balancer is not None else ()
            for server in (*servers, *(one for revision in service.revisions for one in revision.servers)):
                if server.url.scheme not in _SCHEMES[protocol]:
                    message = f'service "{name}" has the server {server.url}, but the entrypoint speaks {protocol}'
                    usable = " or ".join(_SCHEMES[protocol])
                    yield self._error((*base, "service"), message, f"use servers with {usable}, or another entrypoint")
                    return
        for path, message, help in unusable(router.service, self.services, protocol) if protocol != "http" else ():
            if path not in self._told:
                self._told.add(path)
                yield self._error(path, message, help)

    def _middleware_protocol(self, base: Path, router: Router, protocol: str) -> Iterator[Diagnostic]:
        for index, name in enumerate(router.middlewares):
            kinds = self._kinds(name)
            wrong = [one for one, kind in kinds.items() if kind != "chain" and _is_tcp(kind) != (protocol != "http")]
            if wrong:
                message = (
                    f'middleware "{wrong[0]}" ({kinds[wrong[0]]}) does not work on routers of {protocol} entrypoints'
                )
                help = "name it in the middlewares of the entrypoint" if protocol == "http" else "remove it here"
                yield self._error((*base, "middlewares", index), message, help)

    # Circles and addresses

    def _circles(self) -> Iterator[Diagnostic]:
        """A service that in the end would need itself to answer; one error for each way back."""
        done: set[str] = set()
        depths: dict[str, int] = {}
        for start in self.services:
            if start in done:
                continue
            chain = {start: _references(self.services[start])}
            while chain:
                name, left = next(reversed(chain.items()))
                path, target = next(left, ((), ""))
                if not path:
                    done.add(chain.popitem()[0])
                    yield from self._depth(name, depths)
                elif target in chain:
                    names = list(chain)
                    circle = " → ".join([*names[names.index(target) :], target])
                    summary = f"{path[0]} goes round in a circle: {circle}"
                    yield self._error(("services", name, *path), summary, "let one of them end it")
                elif target in self.services and target not in done:
                    chain[target] = _references(self.services[target])

    def _chains(self) -> Iterator[Diagnostic]:
        """A middleware that stands for itself, or for one that does."""
        for name, middleware in self.middlewares.items():
            for index, part in enumerate(parts(middleware)):
                way = self._way_back(name, part)
                if way:
                    circle = " → ".join((name, *way))
                    path: Path = ("middlewares", name, "middlewares", index)
                    yield self._error(path, f"the chain goes round in a circle: {circle}", "let one of them end it")

    def _way_back(self, name: str, part: str) -> tuple[str, ...]:
        """From one part of a chain to the chain itself; empty when there is no way."""
        seen: dict[str, tuple[str, ...]] = {part: (part,)}
        left = [part]
        while left:
            here = left.pop()
            if here == name:
                return seen[here]
            for further in parts(self.middlewares[here]) if here in self.middlewares else ():
                if further not in seen:
                    seen[further] = (*seen[here], further)
                    left.append(further)
        return ()

    def _depth(self, name: str, depths: dict[str, int]) -> Iterator[Diagnostic]:
        """Each request goes down all the way, so it has an end."""
        below = [(depths.get(target, 0), path) for path, target in _references(self.services[name])]
        deepest, path = max(below, default=(0, ()))
        depths[name] = deepest + 1
        if deepest == _DEEPEST:
            summary = f"more than {_DEEPEST} services, one behind the other"
            yield self._error(("services", name, *path), summary, "name the last ones directly")

    def _addresses(self) -> Iterator[Diagnostic]:
        taken: list[tuple[str, SocketAddress, str, Path]] = []
        if self.admin is not None:
            taken.append(("tcp", self.admin.address, "admin", ("admin", "address")))
        for name, entrypoint in self.entrypoints.items():
            transport = "udp" if entrypoint.protocol == "udp" else "tcp"
            path: Path = ("entrypoints", name, "address")
            for other_transport, address, owner, other in taken:
                if transport == other_transport and _collide(address, entrypoint.address):
                    help = f"choose another port; the first is at {self.document.place(other)}"
                    yield self._error(path, f"{entrypoint.address} is already the address of {owner}", help)
                    break
            taken.append((transport, entrypoint.address, f'entrypoint "{name}"', path))

    def _unheeded(self, found: Iterable[Unheeded]) -> Iterator[Diagnostic]:
        for severity, path, summary, help in found:
            yield Diagnostic(severity, self.document.place(path), summary, help)

    def _error(self, path: Path, summary: str, help: str, *, key: bool = False) -> Diagnostic:
        return Diagnostic("error", self.document.place(path, key=key), summary, help)


def _is_tcp(kind: str) -> bool:
    """Whether it looks at connections, not at requests."""
    return kind.startswith("tcp-")


def _references(service: Service) -> Iterator[tuple[Path, str]]:
    """Where a service names another, and which."""
    for key, target in (("mirror", service.mirror), ("failover", service.failover)):
        if target is not None:
            yield (key, "service"), target.service
    breaker = service.circuit_breaker
    if breaker is not None and breaker.fallback is not None and breaker.fallback.service:
        yield ("circuit_breaker", "fallback", "service"), breaker.fallback.service
    for index, part in enumerate(service.weighted.services if service.weighted is not None else ()):
        yield ("weighted", "services", index, "name"), part.name


def _collide(first: SocketAddress, second: SocketAddress) -> bool:
    if first.path or second.path:
        return first.path == second.path
    if first.port != second.port or not first.port:
        return False
    return first.host == second.host or first.host in _ANY_HOST or second.host in _ANY_HOST
