"""Keeps the garbage collector from stopping the traffic while a large configuration is taken over."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """No collections inside; what was made there is afterwards never looked at by one.

    With 10,000 routes a full collection takes 100 ms, and making the routes would start several. Nothing in a snapshot
    is part of a reference cycle, so it goes when its last reference does, collected or not.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()
