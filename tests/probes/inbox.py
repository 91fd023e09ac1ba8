"""Where what is pushed can be waited for, and configurations in one line."""

from __future__ import annotations

import asyncio
from typing import Any

from a3sgw.config.model import Config
from a3sgw.control.messages import Pushed


class Inbox(asyncio.Queue[Pushed]):
    """Everything pushed, in order."""

    async def next(self) -> Pushed:
        """The next message, once it is there."""
        return await asyncio.wait_for(self.get(), 20)


def config(**services: Any) -> Config:
    """A configuration with these load balancers."""
    options = {name: {"load_balancer": load_balancer} for name, load_balancer in services.items()}
    return Config.model_validate({"services": options})
