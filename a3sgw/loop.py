"""The event loop of a process: the only importer of uvloop."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

_T = TypeVar("_T")


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run `work` to its end on a new loop; for the first function of a process."""
    return uvloop.run(work)
