"""The datagrams between supervisor and nursery."""

from __future__ import annotations

import pytest

from a3sgw.control.birth import FORK, READY, born, ended, read


def test_upwards() -> None:
    """Process ids, exit codes and signals arrive as they were sent."""
    assert read(READY) == ("ready", 0, 0)
    assert read(born(4711)) == ("born", 4711, 0)
    assert read(ended(4711, 70)) == ("ended", 4711, 70)
    assert read(ended(2**22, -9)) == ("ended", 2**22, -9)


@pytest.mark.parametrize("message", [b"", FORK, b"x", READY + b"r", born(1)[:-1], born(1) + b"\0", ended(1, 0)[:-1]])
def test_what_is_none(message: bytes) -> None:
    """Anything else, and the end of the other side, has no kind."""
    assert read(message) == ("", 0, 0)
