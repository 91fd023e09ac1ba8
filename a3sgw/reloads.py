"""Where configurations come from and what became of them: the part of the control plane that every gateway has."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from a3sgw.check import errors, rule_errors
from a3sgw.config.document import Document
from a3sgw.config.load import Loaded
from a3sgw.config.model import Config
from a3sgw.config.unsupported import unsupported
from a3sgw.diagnostic import Diagnostic
from a3sgw.errors import ConfigError, GatewayError
from a3sgw.observe.metrics import Metrics
from a3sgw.providers.file import FileProvider
from a3sgw.tasks import spawn

_log = logging.getLogger("a3sgw")

Apply = Callable[[Config, Document | None], Awaitable[None]]
"""Takes a configuration into use, or raises GatewayError and keeps the one before."""


class Reloads:
    """Loads from `source`, hands over what is good, remembers and logs what is not.

    `source` is the path of a file or directory, which is watched, or a configuration that is there already.
    """

    def __init__(self, source: Path | Config, apply: Apply, metrics: Metrics) -> None:
        self._provider = None if isinstance(source, Config) else FileProvider(source, errors)
        self._given = source if isinstance(source, Config) else None
        self._apply = apply
        self._metrics = metrics
        self._warned: tuple[Diagnostic, ...] = ()
        self._watching: asyncio.Task[None] | None = None
        self._stopped = False
        self.config = Config()
        """The configuration in use."""
        self.problems: tuple[Diagnostic, ...] = ()
        """Why the last reload failed or which files were left out; empty when all is well."""

    @property
    def directory(self) -> Path | None:
        """Where relative file names of the configuration are looked up."""
        return self._provider.directory if self._provider is not None else None

    async def first(self) -> None:
        """Load for the start; GatewayError when that cannot be used."""
        await self._load()
        self._metrics.last_reload_time = time.time()
        self._metrics.last_reload_success = not self.problems

    def watch(self) -> None:
        """From now on reload when the files change, unless the configuration says otherwise."""
        file = self.config.providers.file
        if self._provider is not None and (file is None or file.watch):
            self._watching = spawn(self._watch(self._provider), "watch configuration")

    async def again(self, config: Config | None = None) -> bool:
        """Take `config`, or load again; False when the old configuration stays because the new one is bad."""
        return await self._try(self.take(config, None) if config is not None else self._load())

    async def take(self, config: Config, document: Document | None) -> None:
        """Hand over a configuration; ConfigError also for what is not supported yet."""
        later = unsupported(Loaded(config, (), document or Document()))
        if later:
            raise ConfigError(later)
        await self._apply(config, document)
        self.config = config
        self.problems = ()

    def stop(self) -> None:
        """Watch no more; what still comes is too late."""
        self._stopped = True
        if self._watching is not None:
            self._watching.cancel()

    def close(self) -> None:
        """Stop, and end what was started for loading."""
        self.stop()
        if self._provider is not None:
            self._provider.close()

    async def _load(self) -> None:
        if self._provider is None:
            await self.take(self._given or Config(), None)
            return
        loaded = await self._provider.load()
        await self._take_loaded(loaded)

    async def _take_loaded(self, loaded: Loaded) -> None:
        if loaded.config is None:
            raise ConfigError([*(loaded.errors or loaded.diagnostics), *rule_errors(loaded)])
        await self.take(loaded.config, loaded.document)
        self.problems = loaded.errors  # files that were left out, while the rest is in effect
        for one in loaded.diagnostics:
            if one not in self._warned:
                _log.log(logging.ERROR if one.severity == "error" else logging.WARNING, "%s", _told(one))
        self._warned = loaded.diagnostics

    async def _watch(self, provider: FileProvider) -> None:
        async for loaded in provider.watch():
            await self._try(self._take_loaded(loaded))

    async def _try(self, reload: Awaitable[None]) -> bool:
        """Whether it has worked; what has not is remembered and logged."""
        try:
            await reload
        except GatewayError as error:
            self._refused(error)
        except Exception as error:  # a bug must not end the watch: the next edit may do without it
            _log.error("a reload failed", exc_info=error)
            self._refused(GatewayError(f"the reload failed: {type(error).__name__}: {error}"))
        else:
            self._reloaded()
            return True
        return False

    def _reloaded(self) -> None:
        """A new configuration is in use; files that were left out of it make it a failure all the same."""
        self._metrics.reloaded(not self.problems, time.time())
        _log.info("configuration reloaded", extra=sizes(self.config))

    def _refused(self, error: GatewayError) -> None:
        if self._stopped:
            _log.info("a reload came too late: %s", error)
            return
        self._metrics.reloaded(False, time.time())
        diagnostics = error.diagnostics if isinstance(error, ConfigError) else ()
        self.problems = diagnostics or (Diagnostic("error", None, str(error)),)
        for one in self.problems:
            _log.error("configuration refused, the old one stays: %s", _told(one))

    def told(self) -> list[dict[str, Any]]:
        """`problems`, JSON-ready."""
        return [
            {"severity": one.severity, "place": str(one.place or ""), "summary": one.summary, "help": one.help}
            for one in self.problems
        ]


def sizes(config: Config) -> dict[str, int]:
    """How much there is of everything."""
    return {
        "entrypoints": len(config.entrypoints),
        "routers": len(config.routers),
        "services": len(config.services),
        "middlewares": len(config.middlewares),
    }


def _told(one: Diagnostic) -> str:
    """A diagnostic as a log message; the level is the log's own."""
    return f"{f'{one.place}: ' if one.place else ''}{one.summary}{f' ({one.help})' if one.help else ''}"
