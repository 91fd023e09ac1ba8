"""``a3sgw --config …``: runs the gateway until it is told to stop; the only importer of uvloop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import uvloop

from a3sgw.cli.notify import notify
from a3sgw.cli.report import report
from a3sgw.config.model import Log
from a3sgw.diagnostic import Place
from a3sgw.errors import BindError, ConfigError
from a3sgw.gateway import Gateway
from a3sgw.observe.log import LogHandler, configure
from a3sgw.tasks import spawn

_log = logging.getLogger("a3sgw")


def run(args: argparse.Namespace) -> int:
    """Run until TERM or INT; the exit code says how it went."""
    if args.workers not in (None, "auto", "1"):
        print(f"a3sgw: not supported yet: --workers {args.workers} (one process carries the traffic)", file=sys.stderr)
        return 2
    return uvloop.run(_serve(args.config, args.log_level, args.log_format))


class Beside(Protocol):
    """Something that lives as long as the gateway, such as the services of the demo."""

    config: Path

    async def open(self) -> None:
        """Called before the gateway loads `config`."""

    def started(self, gateway: Gateway) -> None:
        """Called once it accepts."""

    async def close(self) -> None:
        """Called after it has stopped."""


def serve_beside(beside: Beside) -> int:
    """Run the gateway on ``beside.config`` together with `beside`."""

    async def both() -> int:
        await beside.open()
        try:
            return await _serve(beside.config, None, None, beside.started)
        finally:
            await beside.close()

    return uvloop.run(both())


async def _serve(
    config: Path, log_level: str | None, log_format: str | None, started: Callable[[Gateway], None] | None = None
) -> int:
    log = _OwnLog(log_level, log_format)
    gateway = Gateway(config, lambda config: log.follow(config.log))
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        await gateway.start()
    except ConfigError as error:
        log.flush()
        report(error.diagnostics, _line_of, "text", sys.stderr)
        return 1
    except BindError as error:
        log.flush()
        print(f"a3sgw: {error}", file=sys.stderr)
        return 3

    def reopen() -> None:
        gateway.reopen_logs()
        log.reopen()

    loop.add_signal_handler(signal.SIGHUP, lambda: spawn(_reload(gateway), "reload"))
    loop.add_signal_handler(signal.SIGUSR1, reopen)
    _announce(gateway)
    notify("READY=1")
    if started is not None:
        started(gateway)
    await stopping.wait()
    notify("STOPPING=1")
    _log.info("stopping", extra={"timeout_seconds": gateway.config().shutdown_timeout_secs})
    await gateway.shutdown()
    log.flush()
    return 0


async def _reload(gateway: Gateway) -> None:
    notify("RELOADING=1")
    await gateway.reload()
    notify("READY=1")


def _announce(gateway: Gateway) -> None:
    listening = ", ".join(f"{name}={address}" for name, all_ in gateway.addresses.items() for address in all_)
    extra = {"entrypoints": listening, "routers": len(gateway.config().routers), "workers": 1}
    if gateway.admin_address:
        extra["admin"] = gateway.admin_address
    _log.info("ready", extra=extra)


class _OwnLog:
    """The gateway's own log: what the configuration says, except for what the command line says."""

    def __init__(self, level: str | None, format: str | None) -> None:
        self._given = {key: value for key, value in (("level", level), ("format", format)) if value}
        self._options = Log()
        self._handler = self._configure(self._options)

    def follow(self, options: Log) -> None:
        """Use `options` from now on; a file that cannot be opened is reported, and the log goes on where it was."""
        if options == self._options:
            return
        try:
            self._handler = self._configure(options)
        except OSError as error:
            _log.error("cannot write the log to %s: %s", options.file, error.strerror or error)
            return
        self._options = options

    def _configure(self, options: Log) -> LogHandler:
        chosen = Log.model_validate(options.model_dump() | self._given)
        return configure(chosen.level, chosen.format, Path(chosen.file) if chosen.file else None)

    def reopen(self) -> None:
        """Follow a moved file."""
        self._handler.reopen()

    def flush(self) -> None:
        """Wait until everything is written."""
        self._handler.flush()


def _line_of(place: Place) -> str:
    """The source line of a diagnostic, read again: the file may have gone, then there is none."""
    try:
        lines = Path(place.file).read_text(encoding="utf-8-sig", errors="replace").split("\n")
    except OSError:
        return ""
    return lines[place.line - 1].rstrip("\r") if 0 < place.line <= len(lines) else ""
