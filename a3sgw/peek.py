"""What looking at the first bytes of a connection can come to, before anybody has answered them."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Peek(Enum):
    """Answers that carry nothing."""

    NEED_MORE = "need more"
    """Every byte so far fits, and more of them are needed."""

    NO = "no"
    """These bytes are something else; more of them will not change that."""


class Refused(NamedTuple):
    """The bytes claim to be the thing looked for and are broken, ambiguous or too much: the connection is closed."""

    reason: str
    """For the log: one phrase."""

    alert: int = 0
    """The TLS alert that says so (RFC 8446 §6.2); 0 where TLS has no say."""
