"""Who gets a connection, in Traefik's order."""

from __future__ import annotations

from typing import Any, cast

import pytest

from a3sgw.proxy.switch import HTTP, Switch
from a3sgw.proxy.tcp_route import TcpRoute
from a3sgw.routing.tcp import Mode, TcpEntry, TcpTable, Visitor, priority_of
from a3sgw.rule.compile import compile_node
from a3sgw.rule.parse import parse
from a3sgw.rule.tcp_matchers import TCP


class Named:
    """Stands for a route."""

    def __init__(self, name: str) -> None:
        self.name = name


def table(*routes: tuple[str, str, Mode]) -> TcpTable[TcpRoute]:
    """(name, rule, mode) each."""
    entries = []
    for order, (name, rule, mode) in enumerate(routes):
        node = parse(rule, TCP)
        made = compile_node(node, TCP), priority_of(rule, node, 0), order, mode, cast(TcpRoute, Named(name))
        entries.append(TcpEntry(node, *made))
    return TcpTable(entries)


def name(found: Any) -> str:
    """Of what was found."""
    return found if isinstance(found, str) else found.name if found is not None else "nobody"


TERMINATES = cast(Any, object())
BOTH = table(
    ("db", "HostSNI(`db`)", "terminate"),
    ("both", "HostSNI(`both`)", "terminate"),
    ("rest", "HostSNI(`*`)", "terminate"),
)


@pytest.mark.parametrize(
    ("sni", "others", "found"),
    [
        ("both", True, HTTP),
        ("db", True, "db"),
        ("x.wild", True, HTTP),
        ("else", True, HTTP),
        ("else", False, "rest"),
        ("", False, "rest"),
    ],
)
def test_with_tls(sni: str, others: bool, found: str) -> None:
    """Names of HTTP routers, names of TCP routers, HTTP routers without names, TCP routers for all names."""
    switch = Switch(http=True, hosts=["both", "*.wild"], others=others, tcp=BOTH, termination=TERMINATES)
    assert name(switch.secure(Visitor("", sni))) == found


def test_nobody_but_http() -> None:
    """HTTP gets what is left, to answer with 404; without HTTP nobody does."""
    assert name(Switch(http=True, termination=TERMINATES).secure(Visitor("", "a"))) == HTTP
    only = table(("db", "HostSNI(`db`)", "passthrough"))
    assert name(Switch(http=False, tcp=only).secure(Visitor("", "a"))) == "nobody"


def test_without_tls() -> None:
    """A TCP router for connections without TLS comes before HTTP, which has none where the entrypoint has TLS."""
    plain = table(("smtp", "ClientIP(`10.0.0.0/8`)", "plain"))
    assert name(Switch(http=True, tcp=plain).plain("10.0.0.1")) == "smtp"
    assert name(Switch(http=True, tcp=plain).plain("192.0.2.1")) == HTTP
    assert name(Switch(http=True, tcp=plain, termination=TERMINATES).plain("192.0.2.1")) == "nobody"


@pytest.mark.parametrize(
    ("http", "tcp", "looks", "postgres"),
    [
        (True, table(), True, False),
        (False, table(("a", "HostSNI(`*`)", "plain")), False, False),
        (False, table(("a", "HostSNI(`a`)", "passthrough")), True, True),
    ],
)
def test_looking(http: bool, tcp: TcpTable[TcpRoute], looks: bool, postgres: bool) -> None:
    """First bytes are waited for only where they decide something, so that servers may speak first."""
    switch = Switch(http=http, tcp=tcp)
    assert (switch.looks, switch.postgres) == (looks, postgres)


def test_routes_that_are_gone() -> None:
    """A connection can ask whether its route is still one."""
    switch = Switch(http=False, tcp=BOTH)
    assert switch.has(BOTH.entries[0].route)
    assert not switch.has(cast(TcpRoute, Named("db")))
