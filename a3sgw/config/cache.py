"""Keeps what is known about a piece of text, so that a reload works only on what changed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from a3sgw.config.nodes import Body, Value
from a3sgw.config.shapes import Shapes
from a3sgw.config.split import Problem

_VARIES = re.compile(r"\$\{|%\{|\b(?:local|env|file)\b")


@dataclass(slots=True)
class Block:
    """One piece: its tree, and when nothing outside can change its meaning, its data and its validated value."""

    tree: Body | Problem
    constant: bool
    data: dict[str, Value] | None = None
    outcome: Any = None


@dataclass
class BlockCache:
    """Pieces by their text; after a load only those it used are kept. `parsed` counts the texts that were new."""

    parsed: int = 0
    shapes: Shapes = field(default_factory=Shapes)
    _kept: dict[str, Block] = field(default_factory=dict)
    _used: dict[str, Block] = field(default_factory=dict)

    def get(self, text: str) -> Block:
        """What is known about a text, parsed now if it is new."""
        block = self._used.get(text) or self._kept.get(text)
        if block is None:
            self.parsed += 1
            block = Block(self.shapes.parse(text), _VARIES.search(text) is None)
        self._used[text] = block
        return block

    def forget_unused(self) -> None:
        """Ends a load."""
        self._kept, self._used = self._used, {}
        self.shapes.forget()
