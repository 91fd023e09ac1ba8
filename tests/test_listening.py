"""The listeners of the configuration in use."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from a3sgw import load_config
from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.model import Config
from a3sgw.errors import BindError
from a3sgw.listening import Listening, close, nothing
from tests.support.descriptors import held
from tests.support.live import free_port, refused


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    before = held()
    yield
    assert held() == before


def config(**addresses: str) -> Config:
    """Entrypoints with these addresses."""
    return load_config("".join(f'entrypoints "{name}" {{ address = "{one}" }}\n' for name, one in addresses.items()))


async def use(listening: Listening, new: Config, count: int = 1) -> None:
    """As a reload that succeeds."""
    listening.swap(new, await listening.open(new, count))


async def test_following_configurations() -> None:
    """What is new is bound, what stays is the same listener, what is gone is closed."""
    listening = Listening()
    first = config(web="127.0.0.1:0", admin="127.0.0.1:0")
    await use(listening, first, 2)
    web, admin = (listening.addresses(first)[name][0] for name in ("web", "admin"))
    assert web != admin
    assert [len(one.sockets) for one in listening.bound.values()] == [2, 2]
    before = listening.bound["tcp 127.0.0.1:0 web"]
    second = config(web="127.0.0.1:0", more="127.0.0.1:0")
    await use(listening, second, 3)
    assert listening.bound["tcp 127.0.0.1:0 web"] is before
    assert len(listening.bound["tcp 127.0.0.1:0 more"].sockets) == 3
    assert listening.addresses(second)["web"] == [web]
    assert await refused(admin)
    listening.close()
    assert listening.bound == {}
    assert await refused(web)


async def test_what_is_opened_is_not_in_use_yet() -> None:
    """Until the swap nothing has changed, and whoever changes their mind closes it."""
    listening = Listening()
    first = config(web="127.0.0.1:0")
    await use(listening, first)
    before = listening.bound
    new = config(more="127.0.0.1:0")
    opened = await listening.open(new)
    assert list(opened) == ["tcp 127.0.0.1:0 more"]
    assert list(listening.of(new, opened)) == list(opened)
    assert listening.bound is before
    close(opened)
    assert listening.addresses(first)["web"]
    assert listening.addresses(new) == {}
    listening.close()


async def test_one_that_cannot_be_bound() -> None:
    """Then none of the new ones is left, and those in use are."""
    listening = Listening()
    first = config(web="127.0.0.1:0")
    await use(listening, first)
    in_use = listening.addresses(first)["web"][0]
    before = held()
    with pytest.raises(BindError, match="in use"):
        await listening.open(config(web="127.0.0.1:0", fine="127.0.0.1:0", taken=in_use))
    assert held() == before
    assert not await refused(in_use)
    listening.close()


async def test_a_name_changes() -> None:
    """The address decides: nothing is opened, nothing is closed, nobody is turned away."""
    listening = Listening()
    address = f"127.0.0.1:{free_port()}"
    await use(listening, config(web=address))
    before = dict(listening.bound)
    new = config(front=address)
    assert await listening.open(new) == {}
    listening.swap(new, {})
    assert listening.bound == before
    assert listening.addresses(new) == {"front": [address]}
    listening.close()


async def test_more_workers() -> None:
    """Every listener gets as many sockets as there are workers; it never loses one."""
    listening = Listening()
    one = config(web="127.0.0.1:0", front="127.0.0.1:0")
    await use(listening, one, 2)
    for wanted, there in ((4, 4), (1, 4)):
        listening.grow(one, wanted)
        assert [len(listener.sockets) for listener in listening.bound.values()] == [there, there]
    listening.close()


async def test_inherited_sockets() -> None:
    """Are used as they are, instead of new ones, for the entrypoints they are meant for."""
    given = socket.create_server(("127.0.0.1", 0))
    asked = []

    def inherit(name: str, options: Entrypoint) -> Sequence[socket.socket]:
        asked.append(name)
        return [given] if name == "web" else nothing(name, options)

    listening = Listening(inherit)
    first = config(web="127.0.0.1:0", front="127.0.0.1:0")
    await use(listening, first, 3)
    assert listening.bound["tcp 127.0.0.1:0 web"].sockets == [given]
    assert len(listening.bound["tcp 127.0.0.1:0 front"].sockets) == 3
    await use(listening, first, 3)
    assert asked == ["web", "front"], "what is bound is not asked for again"
    listening.close()
    assert given.fileno() == -1


async def test_a_socket_file(tmp_path: Path) -> None:
    """It goes with its entrypoint, stays when another process goes on with it, and one that was inherited belongs to
    its giver until it is said to be ours."""
    path = tmp_path / "web.sock"
    file, other = config(web=f"unix:{path}"), config(web="127.0.0.1:0")
    listening = Listening()
    await use(listening, file)
    assert path.is_socket()
    await use(listening, other)
    assert not path.exists()
    await use(listening, file)
    heir = Listening(lambda name, options: [one.dup() for one in listening.bound[f"tcp unix:{path}"].sockets])
    await use(heir, file)
    heir.close()
    assert path.is_socket()
    await use(heir, file)
    heir.own([f"tcp unix:{path}", "tcp nobody's"])
    listening.close(unlink=False)
    assert path.is_socket()
    heir.close()
    assert not path.exists()
