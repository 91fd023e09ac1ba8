"""Waiting for one descriptor, errors included."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable


class Watch:
    """Calls `readable` whenever there is something to read, the end or an error, and `writable` when asked to.

    An epoll(7) of its own, which is never more than readable, stands between the descriptor and the loop: uvloop calls
    nobody when the kernel reports an error, such as the reset of a socket whose other end was killed before it had read
    everything (unix(7)), so that whoever waits would wait for ever.
    """

    def __init__(
        self, descriptor: int, readable: Callable[[], None], writable: Callable[[], None] = lambda: None
    ) -> None:
        """Needs a running loop; the descriptor stays the caller's, to be closed after this."""
        self._descriptor = descriptor
        self._callbacks = readable, writable
        self._epoll = select.epoll()
        self._interest = 0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._ready)
        self._want(select.EPOLLIN)

    def stop_reading(self) -> None:
        """There is nothing to come."""
        self._want(self._interest & ~select.EPOLLIN)

    def wait_to_write(self, wanted: bool) -> None:
        """Whether `writable` is to be called."""
        self._want(self._interest & ~select.EPOLLOUT | (select.EPOLLOUT if wanted else 0))

    def close(self) -> None:
        """Call nobody any more."""
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _want(self, interest: int) -> None:
        before, self._interest = self._interest, interest
        if interest == before:
            return
        # Errors are reported even to those who want nothing, so nobody must be left who does not act on them.
        if not interest:
            self._epoll.unregister(self._descriptor)
        elif before:
            self._epoll.modify(self._descriptor, interest)
        else:
            self._epoll.register(self._descriptor, interest)

    def _ready(self) -> None:
        readable, writable = self._callbacks
        for _, events in self._epoll.poll(0):
            if self._interest & select.EPOLLIN and events & ~select.EPOLLOUT:
                readable()
            if not self._epoll.closed and self._interest & select.EPOLLOUT and events & ~select.EPOLLIN:
                writable()
