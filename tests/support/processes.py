"""What the kernel says about processes: who is there, who holds a connection."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from tests.support.wire import Wire

_PROC = Path("/proc")
_LISTEN = "0A"


def alive(pid: int) -> bool:
    """Whether a process runs: one that has ended and waits to be collected does not."""
    return _state(pid) not in ("", "Z", "X")


def _state(pid: int) -> str:
    return _stat(pid)[0]


def _stat(pid: int) -> list[str]:
    """Fields from the third on (state, parent, group, …), proc(5); the state is "" without a process."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["", "0", "0"]


def group(leader: int) -> set[int]:
    """Processes of the group of `leader` that run."""
    pids = {int(one) for one in os.listdir(_PROC) if one.isdecimal()}
    stats = {pid: _stat(pid) for pid in pids}
    return {pid for pid, stat in stats.items() if stat[2] == str(leader) and stat[0] not in ("", "Z", "X")}


def title(pid: int) -> str:
    """What ps(1) shows."""
    return (_PROC / str(pid) / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()


def holder(wire: Wire, pids: set[int]) -> int:
    """Which of these processes has accepted the connection to `wire`; 0 while none has."""
    inode = _inode(_hexadecimal(wire.socket.getpeername()), _hexadecimal(wire.socket.getsockname()))
    for pid in pids if inode else ():
        if inode in _sockets(pid):
            return pid
    return 0


def listens(pid: int, address: str) -> bool:
    """Whether a process accepts connections to ``host:port``."""
    local = _hexadecimal((address.rpartition(":")[0], int(address.rpartition(":")[2])))
    lines = [line.split() for line in (_PROC / "net/tcp").read_text().splitlines()[1:]]
    return bool(_sockets(pid) & {int(one[9]) for one in lines if one[1] == local and one[3] == _LISTEN})


def _hexadecimal(address: tuple[str, int]) -> str:
    number = int.from_bytes(bytes(map(int, address[0].split("."))), "little")
    return f"{number:08X}:{address[1]:04X}"


def _inode(local: str, remote: str) -> int:
    """The inode of the connection between these ends; 0 when it waits in a queue or is not there."""
    for line in (_PROC / "net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1:3] == [local, remote]:
            return int(fields[9])
    return 0


def _sockets(pid: int) -> set[int]:
    return {int(target[8:-1]) for target in _opened(pid) if target.startswith("socket:[")}


def writes(pid: int, file: Path) -> bool:
    """Whether a process has this file open, under the name it has now."""
    return str(file) in _opened(pid)


def _opened(pid: int) -> set[str]:
    """What descriptors stand for, as /proc shows it."""
    found = set()
    folder = _PROC / str(pid) / "fd"
    with suppress(FileNotFoundError):  # the process has ended
        for one in os.listdir(folder):
            with suppress(FileNotFoundError):  # it has just been closed
                found.add(os.readlink(folder / one))
    return found
