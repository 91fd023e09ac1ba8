"""What is wrong with TLS options and routers of connections is found at load, with its place and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3sgw import load_config
from a3sgw.config.registry import Registry
from a3sgw.errors import ConfigError
from a3sgw.snapshot import Parts, Snapshot
from a3sgw.sweeper import Sweeper
from tests.support.tls import Authority

SERVICE = 'services "s" {\nload_balancer { servers = [{ url = "tcp://127.0.0.1:1" }] }\n}\n'
HTTP = 'services "h" {\nload_balancer { servers = [{ url = "http://127.0.0.1:1" }] }\n}\n'


def tcp(rule: str, more: str = "", name: str = "r") -> str:
    """A TCP router."""
    return f'routers "{name}" {{\nrule = "{rule}"\nservice = "s"\nentrypoints = ["e"]\n{more}\n}}\n'


def http(rule: str, more: str = "", name: str = "h") -> str:
    """An HTTP router."""
    return f'routers "{name}" {{\nrule = "{rule}"\nservice = "h"\nentrypoints = ["e"]\n{more}\n}}\n'


def entrypoint(protocol: str, more: str = "") -> str:
    """The one."""
    return f'entrypoints "e" {{\naddress = ":0"\nprotocol = "{protocol}"\n{more}\n}}\n' + SERVICE + HTTP


def compiled(hcl: str, directory: Path | None = None, previous: Snapshot | None = None) -> Snapshot:
    """A snapshot of it."""
    parts = Parts(Sweeper(), lambda *names: (), Registry(), directory)
    return Snapshot.compile(load_config(hcl), parts, previous)


SELF = "tls { self_signed = true }"
PASS = "tls { passthrough = true }"


HAS_TLS = 'tls { min_version = "1.3" }'
BOTH = 'tls {\npassthrough = true\nmin_version = "1.3"\n}'


@pytest.mark.parametrize(
    ("hcl", "problem"),
    [
        (entrypoint("tcp") + tcp("HostSNI(`a`)"), "this rule asks for what only TLS tells"),
        (entrypoint("tcp") + tcp("!ALPN(`x`)"), "this rule asks for what only TLS tells"),
        (entrypoint("tcp") + tcp("HostSNI(`*`)", HAS_TLS), 'nobody has a certificate: "e" has no tls'),
        (entrypoint("http") + tcp("HostSNI(`*`)"), "would never know which is meant"),
        (entrypoint("http", SELF) + http("Host(`a`)", PASS), "an HTTP router has to see what is inside TLS"),
        (entrypoint("http") + http("Host(`a`)", HAS_TLS), "has no TLS that options could differ from"),
        (entrypoint("http", SELF) + http("PathPrefix(`/`)", HAS_TLS), "need to know the name"),
        (entrypoint("http", SELF) + http("Host(`a`)", "tls { enabled = false }"), "HTTP routers have TLS where"),
        (entrypoint("tcp", SELF) + tcp("HostSNI(`a`)", BOTH), "has no effect"),
        (entrypoint("tcp", "tls { client_auth { } \n self_signed = true }") + tcp("HostSNI(`a`)"), "has no ca_files"),
        (
            entrypoint("http", SELF)
            + http("Host(`a`)", 'tls { min_version = "1.3" }')
            + http("Host(`a`) && Path(`/x`)", 'tls { max_version = "1.2" }', "other"),
            '"h" has other TLS options for a',
        ),
        (
            entrypoint("tcp") + 'entrypoints "w" {\naddress = ":1"\nredirect { to = "e" }\n}\n',
            '"e" speaks tcp, where nobody can be redirected to',
        ),
        (entrypoint("http", 'tls {\ncert_file = "no.pem"\nkey_file = "no.key"\n}'), "cannot read"),
        (entrypoint("tcp") + tcp("HostSNI(`*`)") + tcp("Host(`a`)", "", "x"), "Host does not work on tcp"),
    ],
)  # fmt: skip
def test_refused(hcl: str, problem: str) -> None:
    """Each with a sentence that names it, and one of help, unless there is nothing to say."""
    with pytest.raises(ConfigError) as raised:
        compiled(hcl)
    assert [one.summary for one in raised.value.diagnostics if problem in one.summary]


def test_modes() -> None:
    """Who ends TLS follows from entrypoint and router."""
    hcl = entrypoint("tcp", SELF) + tcp("HostSNI(`a`)") + tcp("HostSNI(`b`)", PASS, "p")
    switch = compiled(hcl + tcp("HostSNI(`*`)", "tls { enabled = false }", "n")).switching.switches["e"]
    assert {entry.route.name: entry.mode for entry in switch.tcp.entries} == {
        "r": "terminate",
        "p": "passthrough",
        "n": "plain",
    }
    assert compiled(entrypoint("http") + http("Host(`a`)")).switching.switches == {}


@pytest.mark.parametrize(
    ("more", "idle"),
    [
        ("", 3600.0),
        ('timeouts { stream_idle_timeout = "9s" }', 9.0),
        ("timeouts { stream_idle_timeout = 0 }", float("inf")),
    ],
)
def test_idle_connections(more: str, idle: float) -> None:
    """They have an hour, unless somebody says otherwise."""
    switch = compiled(entrypoint("tcp") + tcp("HostSNI(`*`)", more)).switching.switches["e"]
    assert [way.terms.idle for way in switch.tcp.entries[0].route.ways.values()] == [idle]


def test_what_is_equal_goes_on(tmp_path: Path) -> None:
    """A reload that changes nothing about a route, or about TLS, keeps it; what changes is made anew."""
    files = Authority(tmp_path).issue("a")
    tls = f"tls {{\n{files.hcl}\n}}"
    hcl = entrypoint("tcp", tls) + tcp("HostSNI(`a`)") + tcp("HostSNI(`b`)", "", "other")
    first = compiled(hcl)
    second = compiled(hcl.replace("HostSNI(`b`)", "HostSNI(`c`)"), None, first)
    assert second.terminations() == first.terminations()

    def route(snapshot: Snapshot, name: str) -> object:
        return snapshot.switching.routes["e", name][1]

    assert route(first, "r") is route(second, "r")
    assert route(first, "other") is not route(second, "other")
    assert second.runs("e", route(first, "r"))
    assert not second.runs("e", route(first, "other"))
    third = compiled(hcl.replace(tls, f'tls {{\n{files.hcl}\nmin_version = "1.3"\n}}'), None, first)
    assert third.terminations() != first.terminations()
