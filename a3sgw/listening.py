"""The listeners of the configuration in use, held by the process that hands their sockets out."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Mapping, Sequence

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.model import MOST_WORKERS, Config
from a3sgw.listeners import Listener, adopt, bind, key_of, more, owned

Inherit = Callable[[str, Entrypoint], Sequence[socket.socket]]
"""(name, options) → sockets that another process bound for this entrypoint; empty when there are none."""


def nothing(name: str, options: Entrypoint) -> Sequence[socket.socket]:
    """Inherits nothing."""
    return ()


class Listening:
    """What is `bound`, by `key_of` the entrypoint. `open` and `swap` follow configurations, `close` ends it."""

    def __init__(self, inherit: Inherit = nothing) -> None:
        self._inherit = inherit
        self.bound: dict[str, Listener] = {}

    def __repr__(self) -> str:
        return f"<Listening [{len(self.bound)} listeners]>"

    async def open(self, config: Config, count: int = 1) -> dict[str, Listener]:
        """The listeners `config` has in addition, each with `count` sockets; BindError, and none of them is left."""
        opened: dict[str, Listener] = {}
        try:
            for name, options in config.entrypoints.items():
                key = key_of(name, options)
                if key not in self.bound and key not in opened:
                    opened[key] = await self._open(name, options, count)
        except BaseException:
            close(opened)
            raise
        return opened

    async def _open(self, name: str, options: Entrypoint, count: int) -> Listener:
        inherited = self._inherit(name, options)
        if not inherited:
            return await bind(options.address, options.protocol, count)
        # No more of them: if this process fails to start, clients that wait at a new one would be turned away.
        return adopt(options.address, inherited)

    def of(self, config: Config, opened: Mapping[str, Listener]) -> dict[str, Listener]:
        """Those of `config`, which may be among those `opened` for it."""
        both = {**self.bound, **opened}
        return {key: both[key] for key in (key_of(name, options) for name, options in config.entrypoints.items())}

    def own(self, keys: Collection[str]) -> None:
        """The socket files of these listeners are this process's now."""
        for key in keys:
            if key in self.bound:
                self.bound[key] = owned(self.bound[key])

    @property
    def fewest(self) -> int:
        """Sockets of the listener that has least of them, per local address; socket files do not count."""
        listeners = [one for one in self.bound.values() if not one.address.path]
        return min((len(group) for one in listeners for group in one.groups), default=MOST_WORKERS)

    def grow(self, config: Config, count: int) -> None:
        """Give every listener at least `count` sockets, where that is possible."""
        for name, options in config.entrypoints.items():
            key = key_of(name, options)
            if key in self.bound:
                self.bound[key] = more(self.bound[key], options.protocol, count)

    def swap(self, config: Config, opened: Mapping[str, Listener]) -> None:
        """`config` is in use: its new listeners stay, those it does not name are closed."""
        before, self.bound = self.bound, self.of(config, opened)
        close({key: one for key, one in before.items() if key not in self.bound})

    def close(self, *, unlink: bool = True) -> None:
        """Close everything; socket files stay when another process goes on with them."""
        bound, self.bound = self.bound, {}
        for one in bound.values():
            one.close(unlink=unlink)

    def addresses(self, config: Config) -> dict[str, list[str]]:
        """What each entrypoint really listens on."""
        keys = {name: key_of(name, options) for name, options in config.entrypoints.items()}
        return {name: self.bound[key].addresses for name, key in keys.items() if key in self.bound}


def close(listeners: Mapping[str, Listener]) -> None:
    """Close listeners that nobody uses."""
    for one in listeners.values():
        one.close()
