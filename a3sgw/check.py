"""What compiling a loaded configuration finds out, beyond what reading it did: for `validate` and reload logs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from a3sgw.config.chains import expanded
from a3sgw.config.entrypoint import Tls
from a3sgw.config.load import Loaded
from a3sgw.config.registry import Registry
from a3sgw.config.router import RouterTls
from a3sgw.config.unsupported import unsupported
from a3sgw.diagnostic import Diagnostic, Severity
from a3sgw.errors import ConfigError
from a3sgw.middlewares.base import Stage
from a3sgw.routing.tcp_ties import tcp_ties
from a3sgw.routing.ties import ties
from a3sgw.rule.compile import compile_node
from a3sgw.rule.errors import RuleError
from a3sgw.rule.lint import lint
from a3sgw.rule.matchers import HTTP
from a3sgw.rule.parse import parse
from a3sgw.rule.table import MatcherTable
from a3sgw.rule.tcp_matchers import TCP
from a3sgw.snapshot import Parts, Snapshot
from a3sgw.sweeper import Sweeper
from a3sgw.tls.ciphers import lowered, weak


def check(loaded: Loaded) -> list[Diagnostic]:
    """Errors in rules, middlewares and certificates; warnings about rules that rarely mean what they say, and ties."""
    snapshot = _compiled(loaded)
    if snapshot is None:
        return rule_errors(loaded)
    if isinstance(snapshot, list):
        return snapshot
    return [
        *_lints(loaded, snapshot),
        *_ties(loaded, snapshot),
        *_orders(loaded, snapshot),
        *_twice(loaded, snapshot),
        *_certificates(loaded, snapshot),
        *_ciphers(loaded, snapshot),
    ]


def errors(loaded: Loaded) -> list[Diagnostic]:
    """Only what would keep the configuration from being used, what is not supported yet included."""
    if later := unsupported(loaded):
        return later
    snapshot = _compiled(loaded)
    return snapshot if isinstance(snapshot, list) else []


def rule_errors(loaded: Loaded) -> list[Diagnostic]:
    """What is wrong in the rules of a configuration that has other mistakes, so that all are told at once."""
    found = []
    for name, text in loaded.rules.items():
        problem = _problem(text, HTTP)
        if problem is not None and _problem(text, TCP) is not None:
            place = loaded.document.place(("routers", name, "rule"), problem.offset, problem.length)
            found.append(Diagnostic("error", place, problem.summary, problem.help))
    return found


def _problem(text: str, table: MatcherTable[Any]) -> RuleError | None:
    try:
        compile_node(parse(text, table), table)
    except RuleError as error:
        return error
    return None


def _compiled(loaded: Loaded) -> Snapshot | list[Diagnostic] | None:
    """The snapshot, or why there is none; None without a configuration."""
    if loaded.config is None:
        return None
    directory = next((path if path.is_dir() else path.parent for path in loaded.watched), None)
    parts = Parts(Sweeper(), lambda *names: (), Registry(), directory)
    try:
        return Snapshot.compile(loaded.config, parts, None, loaded.document)
    except ConfigError as error:
        return list(error.diagnostics)


def _lints(loaded: Loaded, snapshot: Snapshot) -> list[Diagnostic]:
    found = []
    for name, router in snapshot.config.routers.items():
        rule = snapshot.rules.get(router.rule)
        for warning in lint(rule.node) if rule is not None else ():
            place = loaded.document.place(("routers", name, "rule"), warning.offset, warning.length)
            severity: Severity = "note" if "PathPrefix" in warning.summary else "warning"  # nearly everybody means it
            found.append(Diagnostic(severity, place, warning.summary, warning.help, "rule"))
    return found


def _ties(loaded: Loaded, snapshot: Snapshot) -> list[Diagnostic]:
    names = list(snapshot.config.routers)
    pairs = {pair for table in snapshot.tables.values() for pair in ties(table.entries)}
    orders = {name: order for order, name in enumerate(names)}
    for switch in snapshot.switching.switches.values():
        places = {entry.order: orders[entry.route.name] for entry in switch.tcp.entries}
        pairs |= {(places[first], places[second]) for first, second in tcp_ties(switch.tcp.entries)}
    return [
        Diagnostic(
            "warning",
            loaded.document.place(("routers", names[second], "rule")),
            f'"{names[second]}" and "{names[first]}" have the same priority and could both match',
            f'"{names[first]}" wins because it comes first; give one of them a priority',
            "priority",
        )
        for first, second in sorted(pairs)
    ]


def _orders(loaded: Loaded, snapshot: Snapshot) -> list[Diagnostic]:
    """Middlewares that stand before others which should have their say first."""
    found = []
    for name, router in snapshot.config.routers.items():
        highest: tuple[Stage, str] | None = None
        for index, written in enumerate(router.middlewares):
            for one in expanded((written,), snapshot.config.middlewares):
                stage = snapshot.middlewares[one].stage
                if stage is None:
                    continue
                if highest is None or stage >= highest[0]:
                    highest = (stage, one)
                    continue
                place = loaded.document.place(("routers", name, "middlewares", index))
                summary = f'"{one}" ({_SAID[stage]}) comes after "{highest[1]}" ({_SAID[highest[0]]})'
                found.append(Diagnostic("warning", place, summary, _ORDER, "order"))
    return found


def _twice(loaded: Loaded, snapshot: Snapshot) -> list[Diagnostic]:
    """Middlewares that a request meets twice: named by a router and by a chain, or by two chains of it."""
    found = []
    for name, router in snapshot.config.routers.items():
        met: dict[str, str] = {}
        for index, written in enumerate(router.middlewares):
            for one in expanded((written,), snapshot.config.middlewares):
                if one in met:
                    place = loaded.document.place(("routers", name, "middlewares", index))
                    summary = f'"{one}" runs twice: "{met[one]}" has it as well'
                    found.append(Diagnostic("warning", place, summary, "name it once", "twice"))
                met.setdefault(one, written)
    return found


def _certificates(loaded: Loaded, snapshot: Snapshot) -> list[Diagnostic]:
    """Certificates that have expired or soon will, and names of routers for which there is none."""
    found = []
    now = time.time()
    for name, (_, termination) in snapshot.switching.terminations.items():
        place = loaded.document.place(("entrypoints", name, "tls"))
        for pair in termination.pairs:
            days = (pair.facts.not_after - now) / 86400
            if days < _SOON:
                named = ", ".join(pair.facts.names[:3])
                when = f"expires in {int(days)} days" if days > 0 else "has expired"
                help = "renew it: the files are read again when they change"
                found.append(Diagnostic("warning", place, f"the certificate for {named} {when}", help, "certificate"))
        for router, host in snapshot.switching.hosts(name):
            if not termination.has(host):
                path = loaded.document.place(("routers", router, "rule"))
                summary = f'"{name}" has no certificate for {host}'
                help = "clients will not believe the one that they get; add one to the entrypoint"
                found.append(Diagnostic("warning", path, summary, help, "certificate"))
    return found


def _ciphers(loaded: Loaded, snapshot: Snapshot) -> list[Diagnostic]:
    """Suites of TLS 1.2 by which somebody who gets hold of the key, or sits in between, can read what was said."""
    config = snapshot.config
    written: list[tuple[str, str, Tls | RouterTls | None]] = [
        *(("entrypoints", name, one.tls) for name, one in config.entrypoints.items()),
        *(("routers", name, one.tls) for name, one in config.routers.items()),
    ]
    found = []
    for kind, name, tls in written:
        suites = tls.cipher_suites if tls is not None else ()
        named = weak(suites) if suites else ()
        place = loaded.document.place((kind, name, "tls", "cipher_suites")) if suites else None
        if named:
            several = f"{named[0]} and {len(named) - 1} more" if len(named) > 1 else named[0]
            summary = f"no forward secrecy or authenticated encryption: {several}"
            help = "use suites that begin with ECDHE and have GCM or CHACHA20 in their name, or none for those of today"
            found.append(Diagnostic("warning", place, summary, help, "cipher"))
        if lowered(suites):
            help = "remove @SECLEVEL=0"
            found.append(Diagnostic("warning", place, "keys and signatures of any strength are taken", help, "cipher"))
    return found


_SOON = 14
"""Days before its end from which a certificate is worth a warning."""
_SAID: Mapping[Stage, str] = MappingProxyType(
    {
        Stage.ADDRESSES: "addresses",
        Stage.AUTHENTICATION: "authentication",
        Stage.LIMITS: "limits",
        Stage.REPETITION: "breakers and retries",
    }
)
_ORDER = f"the usual order is {', '.join(_SAID.values())}"
