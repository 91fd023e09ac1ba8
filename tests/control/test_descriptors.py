"""Receiving descriptors."""

from __future__ import annotations

import os
import socket

import pytest

from a3sgw.control.descriptors import receive
from tests.support.descriptors import held, identity


def test_receiving() -> None:
    """They come in order with the bytes they were sent with, and no child process inherits them."""
    one, other = socket.socketpair()
    pipe = os.pipe()
    with one, other:
        socket.send_fds(one, [b"abc"], pipe)
        one.send(b"d")
        data, descriptors = receive(other, 100, 5)
        assert data == b"abc"
        assert [identity(here) for here in descriptors] == [identity(there) for there in pipe]
        assert not any(map(os.get_inheritable, descriptors))
        assert receive(other, 100, 5) == (b"d", [])
        one.close()
        assert receive(other, 100, 5) == (b"", [])
    for descriptor in (*descriptors, *pipe):
        os.close(descriptor)


def test_more_than_wanted() -> None:
    """The rest is closed by the kernel."""
    before = held()
    one, other = socket.socketpair()
    pipe = os.pipe()
    with one, other:
        socket.send_fds(one, [b"a"], [*pipe, *pipe])
        _, descriptors = receive(other, 100, 2)
        assert len(descriptors) >= 2  # as many as the rounded-up buffer holds
        for descriptor in (*descriptors, *pipe):
            os.close(descriptor)
    assert held() == before


def test_an_error() -> None:
    """Is the caller's to judge."""
    one, other = socket.socketpair()
    with one, other:
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            receive(other, 1, 1)
