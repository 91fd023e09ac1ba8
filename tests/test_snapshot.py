"""Compiling is pure, says everything at once, and takes over what has not changed."""

from __future__ import annotations

import re
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest
import trustme

from a3sgw import load_config
from a3sgw.config.document import Document
from a3sgw.config.load import Loader
from a3sgw.config.registry import Registry
from a3sgw.errors import ConfigError
from a3sgw.http.message import Request
from a3sgw.routing.route import Observer, Route
from a3sgw.snapshot import Parts, Snapshot
from a3sgw.sweeper import Sweeper

TEXT = """
entrypoints "web" { address = ":80" }
entrypoints "inner" { address = ":81" }
routers "api" {
  rule        = "PathPrefix(`/api`)"
  service     = "one"
  middlewares = ["strip", "marked"]
}
routers "rest" {
  rule        = "PathPrefix(`/`)"
  service     = "two"
  middlewares = ["marked"]
  entrypoints = ["web"]
}
middlewares "strip" {
  type     = "strip-prefix"
  prefixes = ["/api"]
}
middlewares "marked" {
  type             = "headers"
  response_headers = { "X-Mark" = "1" }
}
services "one" {
  load_balancer { servers = [{ url = "http://127.0.0.1:1" }, { url = "http://127.0.0.1:2" }] }
}
services "two" {
  load_balancer { servers = [{ url = "http://127.0.0.1:3" }] }
}
"""
LOG = object()


def parts(directory: Path | None = None, log: object = LOG) -> Parts:
    """What a snapshot needs, without a gateway."""

    def observe(*names: object) -> tuple[Observer, ...]:
        return (lambda exchange: None,)

    return Parts(Sweeper(), observe, Registry(), directory, log)


def compiled(text: str, previous: Snapshot | None = None, log: object = LOG) -> Snapshot:
    return Snapshot.compile(load_config(text), parts(log=log), previous)


def match(snapshot: Snapshot, path: str, entrypoint: str = "web") -> Route:
    request = Request()
    request.method, request.path, request.host = b"GET", path.encode(), b"a.example"
    return snapshot.tables[entrypoint].match(request)


def shared(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    """Names under which both hold the same instance."""
    return {name for name in old.keys() & new.keys() if old[name] is new[name]}


# What is compiled...


def test_tables() -> None:
    """Each entrypoint has a table of the routers that serve it."""
    snapshot = compiled(TEXT)
    assert set(snapshot.tables) == {"web", "inner"}
    assert match(snapshot, "/api/x").name == "api"
    assert match(snapshot, "/x").name == "rest"
    assert match(snapshot, "/api/x", "inner").name == "api"
    assert match(snapshot, "/x", "inner").service is None


def test_chains() -> None:
    """The entrypoint's middlewares come first, then the router's as written."""
    text = TEXT.replace('"web" { address = ":80" }', '"web" {\n  address = ":80"\n  middlewares = ["marked"]\n}')
    chain = match(compiled(text), "/api/x").chain
    assert [type(one).__name__ for one in chain.middlewares] == [
        "HeadersMiddleware",
        "StripPrefix",
        "HeadersMiddleware",
    ]


def test_ties_go_to_the_first() -> None:
    """Equal priority: the router written first, whatever its name; a higher priority wins over length."""
    router = 'routers "{}" {{\n  rule = "Path(`/the/same`)"\n  service = "one"\n}}\n'
    routers = "".join(router.format(name) for name in "zam")
    assert match(compiled(routers + TEXT), "/the/same").name == "z"
    higher = 'routers "last" {\n  rule = "Path(`/the/same`)"\n  service = "one"\n  priority = 1000\n}\n'
    assert match(compiled(routers + TEXT + higher), "/the/same").name == "last"


def test_slashes_are_merged_per_router() -> None:
    """A router that differs from its entrypoint forwards the other reading of the path."""
    text = TEXT.replace('service     = "two"', 'service     = "two"\n  merge_slashes = false')
    route = match(compiled(text), "/x")
    request = Request()
    request.raw_target, request.path, request.target = b"/a//b?q", b"/a/b", b"/a/b?q"
    for step in route.chain.request:
        step(request)
    assert (request.path, request.target) == (b"/a//b", b"/a//b?q")
    assert len(match(compiled(TEXT), "/x").chain.request) == 1


# Purity...


def test_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket and no file, whatever is configured."""
    text = TEXT + 'middlewares "auth" {\n  type = "forward-auth"\n  forward_auth_url = "http://127.0.0.1:9/"\n}\n'
    config = load_config(text.replace('"strip", ', '"auth", "strip", '))
    Snapshot.compile(config, parts())  # modules of middleware kinds are read once

    def refuse(*arguments: object, **options: object) -> object:
        raise AssertionError(f"opened {arguments}")

    monkeypatch.setattr(socket.socket, "__init__", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    assert Snapshot.compile(config, parts()).tables


def test_every_reason_at_once(tmp_path: Path) -> None:
    """Rules, middlewares and certificates are all reported, each with its place."""
    text = TEXT.replace("PathPrefix(`/api`)", "PathPrefxi(`/api`)").replace("PathPrefix(`/`)", "Path(`/`) &&")
    text = text.replace(
        'load_balancer { servers = [{ url = "http://127.0.0.1:3" }] }',
        f'load_balancer {{\n servers = [{{ url = "https://127.0.0.1:3" }}]\n tls {{ ca_file = "{tmp_path}/a" }}\n }}',
    )
    loaded = Loader().load_text(text, "t.hcl")
    assert loaded.config is not None
    with pytest.raises(ConfigError) as raised:
        Snapshot.compile(loaded.config, parts(), None, loaded.document)
    lines = {one.place.line for one in raised.value.diagnostics if one.place is not None}
    assert lines == {
        number
        for number, line in enumerate(text.split("\n"), 1)
        if re.search(r"PathPrefxi|Path\(`/`\) &&|ca_file", line)
    }


def test_without_a_document_there_are_no_places() -> None:
    """A Config made by a program has reasons all the same."""
    with pytest.raises(ConfigError) as raised:
        compiled(TEXT.replace("PathPrefix(`/api`)", "PathPrefxi(`/api`)"))
    (reason,) = raised.value.diagnostics
    assert reason.place is None
    assert "PathPrefxi" in reason.summary


def test_authorities_are_read(tmp_path: Path) -> None:
    """`ca_file` is the one file that is opened; a relative name is looked up beside the configuration."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    text = TEXT.replace('"http://127.0.0.1:3" }]', '"https://127.0.0.1:3" }]\n    tls { ca_file = "ca.pem" }\n ')
    text = text.replace('load_balancer { servers = [{ url = "https', 'load_balancer {\n servers = [{ url = "https')
    assert Snapshot.compile(load_config(text), parts(tmp_path)).services["two"]
    with tempfile.TemporaryDirectory() as elsewhere, pytest.raises(ConfigError, match="authorities"):
        Snapshot.compile(load_config(text), parts(Path(elsewhere)))


# Taking over...


def test_an_equal_configuration_shares_everything() -> None:
    """Tables, routes, services and middlewares are the previous ones."""
    old = compiled(TEXT)
    new = compiled(TEXT, old)
    assert shared(old.tables, new.tables) == {"web", "inner"}
    assert shared(old.services, new.services) == {"one", "two"}
    assert shared(old.middlewares, new.middlewares) == {"strip", "marked"}
    assert shared(old.rules, new.rules) == set(old.rules)
    assert all(old.routes[key][1] is new.routes[key][1] for key in old.routes)


def test_a_changed_middleware_renews_its_routes_only() -> None:
    """Other routes and all services stay; so do tables that do not hold such a route."""
    old = compiled(TEXT)
    new = compiled(TEXT.replace('["/api"]', '["/api/"]'), old)
    assert shared(old.middlewares, new.middlewares) == {"marked"}
    assert shared(old.services, new.services) == {"one", "two"}
    assert match(new, "/api/x") is not match(old, "/api/x")
    assert match(new, "/x") is match(old, "/x")
    assert shared(old.tables, new.tables) == set()


def test_a_changed_service_keeps_pools_of_equal_endpoints() -> None:
    """A new endpoint beside an old one: the old one's pool is the same object."""
    old = compiled(TEXT)
    new = compiled(TEXT.replace("127.0.0.1:2", "127.0.0.1:4"), old)
    assert shared(old.services, new.services) == {"two"}
    kept = {endpoint.pool for endpoint in old.services["one"].endpoints} & {
        endpoint.pool for endpoint in new.services["one"].endpoints
    }
    assert [str(pool.address) for pool in kept] == ["127.0.0.1:1"]


def test_a_renamed_router_keeps_its_service() -> None:
    """Names of routers do not matter to what is behind them."""
    old = compiled(TEXT)
    new = compiled(TEXT.replace('routers "api"', 'routers "apis"'), old)
    assert shared(old.services, new.services) == {"one", "two"}
    assert match(new, "/api/x").name == "apis"


def test_a_changed_priority_renews_the_table_and_no_route() -> None:
    """The order of routes is the table's business."""
    old = compiled(TEXT)
    new = compiled(TEXT.replace('service     = "two"', 'service     = "two"\n  priority = 9'), old)
    assert match(new, "/x") is match(old, "/x")
    assert shared(old.tables, new.tables) == {"inner"}


def test_other_observers_renew_routes_and_nothing_else() -> None:
    """Routes tell the log they were made for, also those for requests nobody wants; pools and middlewares stay."""
    old = compiled(TEXT)
    new = compiled(TEXT, old, log=object())
    assert shared(old.services, new.services) == {"one", "two"}
    assert shared(old.middlewares, new.middlewares) == {"strip", "marked"}
    assert match(new, "/x") is not match(old, "/x")
    assert new.tables["inner"].unmatched is not old.tables["inner"].unmatched


def test_what_an_exchange_may_run_on() -> None:
    """A route is in use as long as its entrypoint's table can give it out."""
    old = compiled(TEXT)
    new = compiled(TEXT.replace('["/api"]', '["/api/"]'), old)
    assert old.runs("web", match(old, "/api/x"))
    assert not new.runs("web", match(old, "/api/x"))
    assert new.runs("web", match(old, "/x"))
    assert not new.runs("gone", match(old, "/x"))
    assert new.runs("inner", old.tables["inner"].unmatched)


def test_unreadable_documents_do_not_matter() -> None:
    """A document that knows nothing gives places that name nothing, not an error of its own."""
    with pytest.raises(ConfigError):
        Snapshot.compile(load_config(TEXT.replace("PathPrefix(`/api`)", "Hots(`a`)")), parts(), None, Document())


def test_a_tcp_rule_in_an_http_router() -> None:
    """The help says what kind of rule it is instead of guessing at another matcher."""
    text = TEXT + 'routers "db" {\n  rule = "HostSNI(`*`)"\n  service = "one"\n}\n'
    with pytest.raises(ConfigError) as raised:
        compiled(text)
    assert [one.help for one in raised.value.diagnostics] == [
        'add an entrypoint with protocol = "tcp", or name one that has tls'
    ]
