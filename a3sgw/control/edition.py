"""A configuration on its way to the workers: only what has changed, in pieces that take half a millisecond to read."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from a3sgw.config.model import Config
from a3sgw.control.messages import Items, Message, Order

SECTIONS = ("entrypoints", "routers", "services", "middlewares")
_ITEMS = 50
_NAMES = 500

Known = dict[str, dict[str, Any]]
"""The items of each section, by name."""


@dataclass(frozen=True)
class Edition:
    """A configuration and its number, which grows with every attempt to use another one."""

    generation: int
    config: Config

    def known(self) -> Known:
        """Its sections."""
        return {section: getattr(self.config, section) for section in SECTIONS}

    def changes(self, before: Config | None) -> Iterator[Message]:
        """What a worker that uses `before` needs to know."""
        for section, now in self.known().items():
            old: dict[str, Any] = getattr(before, section) if before is not None else {}
            changed = [name for name, item in now.items() if not _same(old.get(name), item)]
            for start in range(0, len(changed), _ITEMS):
                piece = {name: now[name] for name in changed[start : start + _ITEMS]}
                yield Items(self.generation, section, pickle.dumps(piece, pickle.HIGHEST_PROTOCOL))
            names = list(now)
            if names != list(old):
                for start in range(0, max(len(names), 1), _NAMES):
                    yield Order(self.generation, section, names[start : start + _NAMES])

    def rest(self) -> bytes:
        """What is not in a section."""
        bare = self.config.model_copy(update={section: {} for section in SECTIONS})
        return pickle.dumps(bare, pickle.HIGHEST_PROTOCOL)


class Draft:
    """The receiving end: collects the changes to a configuration and makes the next one of them."""

    def __init__(self, before: Config | None, generation: int) -> None:
        self.generation = generation
        self._known: Known = {section: dict(getattr(before, section)) if before else {} for section in SECTIONS}
        self._order: dict[str, list[str]] = {}

    def add(self, change: Items | Order) -> None:
        """Take one change. What is unpickled here comes from the process that started this one."""
        if isinstance(change, Items):
            self._known[change.section].update(pickle.loads(change.items))  # noqa: S301 -- our own parent
        else:
            self._order.setdefault(change.section, []).extend(change.names)

    def finish(self, rest: bytes) -> Config:
        """The whole configuration."""
        bare: Config = pickle.loads(rest)  # noqa: S301 -- our own parent
        for section, names in self._order.items():
            items = self._known[section]
            self._known[section] = {name: items[name] for name in names}
        return bare.model_copy(update=dict(self._known))


def _same(old: object, new: object) -> bool:
    return old is new or old == new
