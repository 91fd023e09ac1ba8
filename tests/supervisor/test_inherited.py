"""Sockets that another process has bound, handed to a real child process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.errors import GatewayError
from a3sgw.listeners import Listener, bind, key_of
from a3sgw.options import SocketAddress
from a3sgw.supervisor.inherited import VARIABLE, Inherited, bequest, inherited
from tests.support.descriptors import held, identity

ROOT = Path(__file__).parents[2]


def child(
    entrypoints: Mapping[str, Mapping[str, str]],
    descriptors: Sequence[int],
    environment: Mapping[str, str],
    activate: Sequence[int] = (),
    admin: str = "",
) -> tuple[dict[str, Any], str]:
    """What the child says of what it was handed, and its log; `activate` are passed as a service manager does."""
    wanted = {"entrypoints": entrypoints, "activate": list(activate), "admin": admin}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.supervisor.child", json.dumps(wanted)],
        env={**os.environ, **environment},
        pass_fds=descriptors,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout)
    return said, ran.stderr


def which(sockets: Sequence[socket.socket]) -> list[list[int]]:
    """As the child says it."""
    return [list(identity(one.fileno())) for one in sockets]


class Sockets:
    """Bound ones of every kind."""

    def __init__(self) -> None:
        self.made: list[socket.socket] = []

    def make(self, kind: int = socket.SOCK_STREAM, host: str = "127.0.0.1") -> socket.socket:
        """One on a free port."""
        one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
        self.made.append(one)
        one.bind((host, 0))
        if kind == socket.SOCK_STREAM:
            one.listen()
        return one


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    """Closed at the end."""
    made = Sockets()
    yield made
    for one in made.made:
        one.close()


def at(one: socket.socket) -> str:
    """Its address, as an operator writes it."""
    name = one.getsockname()
    return f"{name[0]}:{name[1]}"


# From a gateway...


async def test_an_upgrade(tmp_path: Path) -> None:
    """Every socket of every listener arrives under its key, those of the management API under their address, the table,
    and the end from which it learns what is known of endpoints; the child says when it is ready, once, and nothing is
    left in it."""
    path = str(tmp_path / "web.sock")
    written = {
        "web": {"address": "127.0.0.1:0"},
        "file": {"address": f"unix:{path}"},
        "dns": {"address": "127.0.0.1:0", "protocol": "udp"},
    }
    listeners: dict[str, Listener] = {}
    for name, options in ((name, Entrypoint.model_validate(options)) for name, options in written.items()):
        listeners[key_of(name, options)] = await bind(options.address, options.protocol, 3)
    admin = await bind(SocketAddress("127.0.0.1", 0))
    table = os.memfd_create("table")
    ready, theirs = os.pipe()
    known, told = socket.socketpair()
    text, descriptors = bequest(listeners, admin, table, theirs, told.fileno())
    said, log = child(written, descriptors, {VARIABLE: text}, admin="127.0.0.1:0")
    os.close(theirs)
    by_name = dict(zip(written, listeners.values(), strict=True))
    assert said["taken"] == {
        **{name: which(listener.sockets) for name, listener in by_name.items()},
        "admin": which(admin.sockets),
    }
    assert [len(said["taken"][name]) for name in ("web", "file", "dns")] == [3, 1, 3]
    assert said["table"] == list(identity(table))
    assert said["known"] == list(identity(told.fileno()))
    assert said["files"] == [key_of("file", Entrypoint.model_validate(written["file"]))]
    assert said["private"]
    assert not said["blocking"]
    assert said["variables"] == []
    assert log == ""
    assert os.read(ready, 10) == b"1"
    for listener in (*listeners.values(), admin):
        listener.close()
    for end in (known, told):
        end.close()
    for descriptor in (table, ready):
        os.close(descriptor)


async def test_what_the_new_version_does_not_use(tmp_path: Path) -> None:
    """Is closed there; it stays open here."""
    one = await bind(SocketAddress("127.0.0.1", 0), count=2)
    table = os.memfd_create("table")
    ready, theirs = os.pipe()
    known, told = socket.socketpair()
    counts = []
    for listeners in ({}, {"tcp nobody's": one}):
        text, descriptors = bequest(listeners, None, table, theirs, told.fileno())
        said, log = child({}, descriptors, {VARIABLE: text})
        counts.append(said["left"])
        assert log == ""
    assert counts[0] == counts[1]
    assert one.sockets[0].fileno() >= 0
    one.close()
    for end in (known, told):
        end.close()
    for descriptor in (table, ready, theirs):
        os.close(descriptor)


async def test_a_version_that_tells_nothing() -> None:
    """The one before may not have told what it knows of endpoints: everything else is taken over all the same."""
    table = os.memfd_create("table")
    ready, theirs = os.pipe()
    text = json.dumps({"version": 1, "listeners": {}, "admin": [], "files": {}, "table": table, "ready": theirs})
    said, log = child({}, [table, theirs], {VARIABLE: text})
    assert (said["table"], said["known"], log) == (list(identity(table)), None, "")
    for descriptor in (table, ready, theirs):
        os.close(descriptor)


def test_a_start_like_any_other() -> None:
    """Without the variables there is nothing to take, and nobody to tell."""
    found = inherited({})
    options = Entrypoint.model_validate({"address": "127.0.0.1:80"})
    assert found.take("web", options) == []
    assert found.take_admin(SocketAddress("127.0.0.1", 9090)) == []
    assert found.table == -1
    assert found.take_known() is None
    found.ready()
    found.close()


def test_each_is_taken_once(sockets: Sockets) -> None:
    """Two entrypoints cannot accept from the same socket by mistake."""
    options = Entrypoint.model_validate({"address": "127.0.0.1:80"})
    found = Inherited(listeners=[(key_of("web", options), sockets.make()) for _ in range(2)])
    assert len(found.take("web", options)) == 2
    assert found.take("web", options) == []


OLDER = '{"listeners": {}, "admin": [], "files": [], "table": 3, "ready": 4}'
"""As it was before it had a number."""
NEWER = '{"version": 3, "sockets": {}}'
CLOSED = '{"version": 1, "listeners": {"tcp :80": [9999]}, "admin": [], "files": {}, "table": 1, "ready": 2}'
UNKNOWN = '{"version": 2, "listeners": {}, "admin": [], "files": {}, "table": 1, "ready": 2, "known": 9999}'
NEGATIVE = '{"version": 1, "listeners": {}, "admin": [], "files": {}, "table": -1, "ready": -1}'


@pytest.mark.parametrize("text", ["garbage", "{}", "[]", "null", OLDER, NEWER, CLOSED, UNKNOWN, NEGATIVE])
def test_what_cannot_be_read(text: str) -> None:
    """Of another version of the gateway, or of nobody: one sentence instead of a traceback."""
    environment = {VARIABLE: text}
    with pytest.raises(GatewayError, match="stop that one and start this one"):
        inherited(environment)
    assert environment == {}


async def test_what_is_handed_over_has_a_number() -> None:
    """So that a version with another form of it can say so."""
    text, _ = bequest({}, None, 3, 4, 5)
    nothing: dict[str, object] = {"listeners": {}, "admin": [], "files": {}}
    assert json.loads(text) == {"version": 2, **nothing, "table": 3, "ready": 4, "known": 5}


async def test_files_that_nobody_took(tmp_path: Path) -> None:
    """Are removed, unless they belong to somebody else by now, or never belonged to the gateway."""
    paths = [str(tmp_path / name) for name in ("gone", "replaced", "manager's", "admin", "taken")]
    bound = {path: await bind(SocketAddress(path=path)) for path in paths}
    listeners = [(path, bound[path].sockets[0]) for path in paths[:3]]
    files = {path: bound[path].node for path in paths} | {"admin": bound[paths[3]].node}
    del files[paths[2]]
    found = Inherited(listeners, admin=[(f"unix:{paths[3]}", bound[paths[3]].sockets[0])], files=files)
    os.unlink(paths[1])
    (tmp_path / "keeps the inode busy").touch()
    (tmp_path / "replaced").touch()
    found.remove_files()
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "keeps the inode busy",
        "manager's",
        "replaced",
        "taken",
    ]
    for listener in bound.values():
        listener.close(unlink=False)


# From a service manager...


def test_by_name(sockets: Sockets) -> None:
    """FileDescriptorName= of the socket unit is the name of the entrypoint, wherever it listens; one of the wrong type
    is not taken."""
    web, dns = sockets.make(), sockets.make(socket.SOCK_DGRAM)
    written = {
        "web": {"address": "127.0.0.1:80"},
        "dns": {"address": "127.0.0.1:53", "protocol": "udp"},
        "other": {"address": "127.0.0.1:81"},
    }
    descriptors = [web.fileno(), dns.fileno()]
    said, log = child(written, descriptors, {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "web:dns"}, activate=descriptors)
    assert said["taken"] == {"web": which([web]), "dns": which([dns]), "other": []}
    assert said["private"]
    assert not said["blocking"]
    assert said["variables"] == []
    assert log == ""
    said, log = child(written, descriptors, {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "dns:web"}, activate=descriptors)
    assert said["taken"] == {"web": [], "dns": [], "other": []}


def test_by_address(sockets: Sockets, tmp_path: Path) -> None:
    """Without a name that is known, by what they are bound to: a host, all interfaces of both families, a file."""
    web, web6, any4, any6, dns = (
        sockets.make(),
        sockets.make(host="::1"),
        sockets.make(host="0.0.0.0"),
        sockets.make(host="::"),
        sockets.make(socket.SOCK_DGRAM),
    )
    file = socket.socket(socket.AF_UNIX)
    sockets.made.append(file)
    file.bind(str(tmp_path / "web.sock"))
    file.listen()
    written = {
        "udp first": {"address": at(web), "protocol": "udp"},
        "web": {"address": at(web)},
        "web6": {"address": f"[::1]:{web6.getsockname()[1]}"},
        "any4": {"address": f":{any4.getsockname()[1]}"},
        "any6": {"address": f"[::]:{any6.getsockname()[1]}"},
        "dns": {"address": at(dns), "protocol": "udp"},
        "file": {"address": f"unix:{tmp_path}/web.sock"},
        "another host": {"address": f"127.0.0.2:{web.getsockname()[1]}"},
    }
    given = [web, web6, any4, any6, dns, file]
    descriptors = [one.fileno() for one in given]
    said, log = child(
        written, descriptors, {"LISTEN_FDS": "6", "LISTEN_FDNAMES": "a3sgw.socket:unknown"}, activate=descriptors
    )
    assert said["taken"] == {
        **{name: which([one]) for name, one in zip(("web", "web6", "any4", "any6", "dns", "file"), given, strict=True)},
        "udp first": [],
        "another host": [],
    }
    assert log == ""
    assert said["files"] == [], "the service manager removes its file"


def test_the_management_interface(sockets: Sockets) -> None:
    """By the name "admin", or by its address."""
    named, bound = sockets.make(), sockets.make()
    for one, address in ((named, "127.0.0.1:9090"), (bound, at(bound))):
        names = "admin" if one is named else "unknown"
        said, _ = child(
            {}, [one.fileno()], {"LISTEN_FDS": "1", "LISTEN_FDNAMES": names}, activate=[one.fileno()], admin=address
        )
        assert said["taken"] == {"admin": which([one])}


def test_what_nobody_uses(sockets: Sockets) -> None:
    """Is closed, so that clients are refused instead of waiting for ever, and worth a warning."""
    used, unused = sockets.make(), sockets.make()
    descriptors = [used.fileno(), unused.fileno()]
    environment = {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "web:typo"}
    said, log = child({"web": {"address": "127.0.0.1:80"}}, descriptors, environment, activate=descriptors)
    assert said["taken"] == {"web": which([used])}
    assert log.splitlines() == ["a socket was passed that no entrypoint uses typo"]


@pytest.mark.parametrize("whose", ["1", "", "nobody"])
def test_meant_for_another_process(sockets: Sockets, whose: str) -> None:
    """LISTEN_PID names somebody else, a parent for example: those descriptors are something else here."""
    one = sockets.make()
    environment = {"LISTEN_FDS": "1", "LISTEN_PID": whose}
    said, log = child({"web": {"address": at(one)}}, [one.fileno()], environment, activate=[one.fileno()])
    assert said["taken"] == {"web": []}
    assert said["variables"] == []
    assert log == ""


def test_what_is_no_socket(sockets: Sockets) -> None:
    """A file or a pipe among them (systemd passes those as well) does not keep the others from being used."""
    one = sockets.make()
    ends = os.pipe()
    descriptors = [ends[0], one.fileno()]
    said, _ = child(
        {"web": {"address": at(one)}}, descriptors, {"LISTEN_FDS": "2", "LISTEN_FDNAMES": ""}, activate=descriptors
    )
    assert said["taken"] == {"web": which([one])}
    for end in ends:
        os.close(end)


def test_what_is_not_listening(sockets: Sockets) -> None:
    """A connected socket or one that is only bound is none that was passed to accept from."""
    one, other = sockets.make(), socket.socketpair()
    descriptors = [other[0].fileno(), one.fileno()]
    said, log = child({"web": {"address": at(one)}}, descriptors, {"LISTEN_FDS": "2"}, activate=descriptors)
    assert said["taken"] == {"web": which([one])}
    assert log == ""
    for end in other:
        end.close()


@pytest.mark.parametrize("count", ["50", "999999999", "9" * 5000, "-1", "1_0"])
def test_a_number_that_is_wrong(sockets: Sockets, count: str) -> None:
    """There are only those that are open from 3 on, without a gap, and looking for them takes no time."""
    one = sockets.make()
    said, log = child({"web": {"address": at(one)}}, [one.fileno()], {"LISTEN_FDS": count}, activate=[one.fileno()])
    assert said["taken"] == {"web": which([one]) if count in ("50", "999999999") else []}
    assert log == ""


def test_closing(sockets: Sockets, caplog: pytest.LogCaptureFixture) -> None:
    """Everything that is left, from wherever; only what a service manager passed is worth a warning."""
    before = held()
    found = Inherited(
        listeners=[("tcp :80", sockets.make())],
        activated=[("typo", sockets.make())],
        admin=[("127.0.0.1:9090", sockets.make())],
        known=sockets.make(),
    )
    found.close()
    found.close()
    assert held() == before
    (record,) = caplog.records
    assert record.getMessage() == "a socket was passed that no entrypoint uses"
