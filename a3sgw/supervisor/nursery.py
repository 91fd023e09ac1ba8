"""A small process that forks workers: it has imported what they need, so a new one is there within milliseconds.

It is spawned once, before anything else, and never starts a thread or an event loop, so forking it is safe. All workers
run the code it has imported, whatever is installed meanwhile; and they share its memory. Told "f" with the two
descriptors of a worker, it answers with the process id and a descriptor of the process (pidfd_open(2)); when a child
ends, it says how. It ends when the supervisor has gone.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from typing import NoReturn

from a3sgw.control.birth import FORK, READY, born, ended
from a3sgw.control.descriptors import receive
from a3sgw.title import set_title
from a3sgw.worker.worker import main as work


def main(descriptor: str) -> int:
    """Serve the supervisor at the other end of `descriptor`."""
    set_title("nursery")
    with (
        socket.socket(fileno=int(descriptor)) as supervisor,
        contextlib.suppress(BrokenPipeError, ConnectionResetError),
    ):
        _serve(supervisor)  # until the supervisor has gone
    return 0


def _serve(supervisor: socket.socket) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # they are the supervisor's business, which tells the workers
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    gc.collect()
    gc.freeze()  # pages with objects that no collection touches stay shared
    supervisor.send(READY)
    while True:
        readable, _, _ = select.select([supervisor.fileno(), woken], [], [])
        if woken in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
            _bury(supervisor)
        if supervisor.fileno() in readable:
            message, descriptors = receive(supervisor, 16, 2)
            if message != FORK or len(descriptors) != 2:
                return
            _bear(supervisor, descriptors, (woken, wake))


def _bear(supervisor: socket.socket, descriptors: list[int], pipe: tuple[int, int]) -> None:
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for one in (supervisor.detach(), *pipe):
            os.close(one)
        _run(*descriptors)
    for one in descriptors:
        os.close(one)
    process = os.pidfd_open(pid)
    socket.send_fds(supervisor, [born(pid)], [process])
    os.close(process)


def _run(channel: int, table: int) -> NoReturn:
    """The life of a worker; nothing of the nursery's stack may run after it."""
    code = 1
    try:
        code = work(socket.socket(fileno=channel), table)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _bury(supervisor: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        with contextlib.suppress(OSError):
            supervisor.send(ended(pid, os.waitstatus_to_exitcode(status)))
