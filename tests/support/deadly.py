"""A middleware that ends the process it runs in: a third party's extension with the worst of all bugs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from time import monotonic
from typing import Literal

from a3sgw.http.message import Request
from a3sgw.middlewares.base import Middleware
from a3sgw.options import BaseOptions

CODE = 77
"""The exit code."""


class Options(BaseOptions):
    """Options of `deadly`."""

    when: Literal["open", "request", "hang"]
    """What kills; or being opened takes for ever."""

    unless: str = ""
    """Nothing happens as long as this file exists."""

    notes: str = ""
    """A file that is told of every death: seconds of a clock that all processes share."""


class Deadly(Middleware[Options]):
    """Ends the process when it is opened, or when a request for /deadly comes."""

    async def open(self) -> None:
        """Called in every worker that is to use it."""
        if self.options.when == "open":
            self._end()
        if self.options.when == "hang" and not (self.options.unless and Path(self.options.unless).exists()):
            Path(self.options.notes).touch()
            await asyncio.Event().wait()

    def request(self, request: Request) -> None:
        """Everything but /deadly passes."""
        if self.options.when == "request" and request.path == b"/deadly":
            self._end()

    def _end(self) -> None:
        if self.options.unless and Path(self.options.unless).exists():
            return
        if self.options.notes:
            with open(self.options.notes, "a") as notes:
                notes.write(f"{monotonic()}\n")
        os._exit(CODE)


def installed(folder: Path) -> dict[str, str]:
    """Registers the kind `deadly` as an installed package does; the environment that finds it."""
    metadata = folder / "deadly-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[a3sgw.middlewares]\ndeadly = tests.support.deadly\n")
    return {"PYTHONPATH": f"{folder}:{Path(__file__).parents[2]}"}
