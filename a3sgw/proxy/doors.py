"""What stands between a connection and its entrypoint: the middlewares that look at connections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from a3sgw.middlewares.base import Middleware
from a3sgw.routing.observed import is_observed


class Doors:
    """Those of one entrypoint, in order; one that only observes is asked and not obeyed."""

    __slots__ = ("_doors",)

    def __init__(self, middlewares: Iterable[Middleware[Any]] = ()) -> None:
        self._doors = tuple(one for one in middlewares if type(one).accept is not Middleware.accept)

    def __bool__(self) -> bool:
        return bool(self._doors)

    def accept(self, address: str) -> tuple[Middleware[Any], ...] | None:
        """Those that have counted a connection from there, to be told when it is over; None when it has to go."""
        passed: list[Middleware[Any]] = []
        for door in self._doors:
            if door.accept(address):
                passed.append(door)
            elif is_observed(door):
                door.context.count("would_block")
            else:
                door.context.count("refused")
                for before in passed:
                    before.closed(address)
                return None
        return tuple(passed)
