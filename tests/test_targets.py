"""Servers become targets: by address, by what their names stand for, by revision."""

from __future__ import annotations

from typing import Any

import pytest

from a3sgw.config.server import Server
from a3sgw.config.service import Service
from a3sgw.targets import Target, expand, leaves, needs_resolving


def server(url: str, **options: Any) -> Server:
    """As an operator writes it."""
    return Server.model_validate({"url": url, **options})


def service(**options: Any) -> Service:
    """As an operator writes it."""
    return Service.model_validate(options)


@pytest.mark.parametrize(
    ("url", "resolve", "answer"),
    [
        ("http://127.0.0.1:80", "dns", False),
        ("http://[::1]:80", "dns", False),
        ("unix:/run/x.sock", "dns", False),
        ("http://localhost:80", "dns", False),
        ("http://a.example", "dns", True),
        ("http://a.example", "system", False),
        ("http://_http._tcp.a.example", "srv", True),
        ("http://127.0.0.1:80", "srv", False),
    ],
)
def test_only_names_are_resolved(url: str, resolve: str, answer: bool) -> None:
    """Addresses and Unix sockets are known; the system's names and localhost are left to the system."""
    assert needs_resolving(server(url, resolve=resolve)) is answer


def test_an_address_is_its_own_target() -> None:
    """What needs no resolving is asked as it is written."""
    targets = expand([server("https://[2001:db8::1]:8443", weight=3), server("unix:/run/x.sock")], {})
    assert targets == [
        Target(
            "https://[2001:db8::1]:8443",
            "https://[2001:db8::1]:8443",
            "https",
            "2001:db8::1",
            8443,
            "",
            "2001:db8::1",
            3,
        ),
        Target("unix:/run/x.sock", "unix:/run/x.sock", "unix", "", 0, "/run/x.sock", "", 1),
    ]


def test_a_name_is_all_its_addresses() -> None:
    """Each address is a target with the configured port and weight, unless the answer has its own."""
    found = {"http://a.example:81": [("192.0.2.1", 0, 0), ("2001:db8::1", 8080, 7)]}
    targets = expand([server("http://a.example:81", weight=2)], found)
    assert targets == [
        Target("http://192.0.2.1:81", "http://a.example:81", "http", "192.0.2.1", 81, "", "a.example", 2),
        Target("http://[2001:db8::1]:8080", "http://a.example:81", "http", "2001:db8::1", 8080, "", "a.example", 7),
    ]


def test_a_name_nobody_knows_has_no_targets() -> None:
    """It waits for its first answer while the others are used."""
    targets = expand([server("http://a.example"), server("http://127.0.0.1:1")], {})
    assert [target.url for target in targets] == ["http://127.0.0.1:1"]


def test_the_same_target_counts_once() -> None:
    """Two names of one machine, or a name and its address, are one target, with the weights of both."""
    found = {"http://a.example:80": [("192.0.2.1", 0, 0)], "http://b.example:80": [("192.0.2.1", 0, 0)]}
    targets = expand([server("http://a.example", weight=4), server("http://b.example")], found)
    assert [(target.url, target.name, target.weight) for target in targets] == [("http://192.0.2.1:80", "a.example", 5)]


def test_an_operators_weight_of_nothing_stands() -> None:
    """Whatever weight the answer has, a server without weight gets no new clients."""
    (target,) = expand([server("http://a.example", weight=0)], {"http://a.example:80": [("192.0.2.1", 0, 5)]})
    assert target.weight == 0


def test_the_system_resolves_its_names_itself() -> None:
    """The name is what is connected to."""
    (target,) = expand([server("http://a.example.:81", resolve="system")], {})
    assert (target.host, target.port, target.name) == ("a.example.", 81, "a.example")


def test_a_certificate_is_made_out_to_the_domain_of_an_srv_name() -> None:
    """The labels that name the service and the protocol are no part of a host name."""
    found = {"https://_api._tcp.a.example:443": [("192.0.2.1", 8443, 1)]}
    (target,) = expand([server("https://_api._tcp.a.example", resolve="srv")], found)
    assert (target.url, target.name) == ("https://192.0.2.1:8443", "a.example")


def test_a_service_is_one_leaf() -> None:
    """With the options of its load balancer."""
    one = service(load_balancer={"servers": [{"url": "http://127.0.0.1:1"}], "slow_start": 3})
    assert list(leaves("api", one)) == [("api", one.load_balancer)]


def test_each_revision_is_a_leaf() -> None:
    """With servers and strategy of its own, and all else from the service's load balancer."""
    revisions = [
        {"name": name, "traffic_percent": 50, "strategy": strategy, "servers": [{"url": f"http://127.0.0.1:{port}"}]}
        for name, strategy, port in (("v1", "random", 1), ("v2", "p2c", 2))
    ]
    for options, path in (({"load_balancer": {"health_check": {"path": "/up"}}}, "/up"), ({}, None)):
        found = dict(leaves("api", service(revisions=revisions, **options)))
        assert list(found) == ["api@v1", "api@v2"]
        assert [one.strategy for one in found.values()] == ["random", "p2c"]
        assert [str(one.servers[0].url) for one in found.values()] == ["http://127.0.0.1:1", "http://127.0.0.1:2"]
        checks = [one.health_check and one.health_check.path for one in found.values()]
        assert checks == [path, path]


def test_a_weighted_service_has_no_leaves() -> None:
    """Its servers are those of the services it names."""
    assert list(leaves("both", service(weighted={"services": [{"name": "a"}]}))) == []
