"""``a3sgw --config …``: runs the gateway until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, Literal

from a3sgw.cli.report import report
from a3sgw.config.model import MOST_WORKERS, Config
from a3sgw.diagnostic import Place
from a3sgw.errors import BindError, ConfigError, GatewayError
from a3sgw.loop import run as run_loop
from a3sgw.own_log import OwnLog
from a3sgw.supervisor.crew import Settings
from a3sgw.supervisor.descriptors import has_process_descriptors, raise_limit
from a3sgw.supervisor.inherited import Inherited, inherited
from a3sgw.supervisor.notify import keep_watchdog_quiet, notify
from a3sgw.supervisor.supervisor import Supervisor
from a3sgw.tasks import spawn
from a3sgw.title import set_title

_log = logging.getLogger("a3sgw")


def run(args: argparse.Namespace) -> int:
    """Run until TERM or INT; the exit code says how it went."""
    workers: int | Literal["auto", ""] = ""  # not said
    try:
        if args.workers is not None:
            workers = Config.model_validate({"workers": args.workers}).workers
    except ValueError:
        print(f'a3sgw: --workers is "auto" or a number from 1 to {MOST_WORKERS}, not {args.workers}', file=sys.stderr)
        return 2
    if not has_process_descriptors():
        print("a3sgw: this needs Linux 5.3 or newer, and a container that allows pidfd_open(2)", file=sys.stderr)
        return 1
    try:
        given = inherited(os.environ)
    except GatewayError as error:
        print(f"a3sgw: {error}", file=sys.stderr)
        return 1
    raise_limit()
    set_title(f"supervisor ({args.config})")
    return run_loop(_serve(args.config, Settings(None, args.log_level or "", args.log_format or ""), workers, given))


async def _serve(config: Path, settings: Settings, workers: int | Literal["auto", ""], given: Inherited) -> int:
    log = OwnLog(settings.log_level, settings.log_format)
    supervisor = Supervisor(config, settings, given, workers, lambda config: log.follow(config.log))
    told = _Told(supervisor, log)
    loop = asyncio.get_running_loop()
    told.listen(loop)
    watching = spawn(_cancel_when(told.over, asyncio.current_task()), "wait for a signal")
    try:
        await supervisor.start()
    except asyncio.CancelledError:  # told to stop before it was there
        return 0
    except ConfigError as error:
        log.flush()
        report(error.diagnostics, _line_of, "text", sys.stderr)
        return 1
    except GatewayError as error:
        log.flush()
        print(f"a3sgw: {error}", file=sys.stderr)
        return 3 if isinstance(error, BindError) else 1
    finally:
        watching.cancel()
    _announce(supervisor)
    given.ready()
    notify(f"READY=1\nSTATUS={_status(supervisor)}")
    told.started()
    watchdog = spawn(keep_watchdog_quiet(lambda: supervisor.alive), "watchdog")
    await told.over.wait()
    if supervisor.successor:
        notify(f"MAINPID={supervisor.successor}")
        await supervisor.hand_over()
    else:
        notify("STOPPING=1")
        _log.info("stopping", extra={"timeout_seconds": supervisor.config.shutdown_timeout_secs})
        await supervisor.shutdown()
    watchdog.cancel()
    log.flush()
    return 0


async def _cancel_when(over: asyncio.Event, task: asyncio.Task[Any] | None) -> None:
    await over.wait()
    if task is not None:
        task.cancel()


class _Told:
    """What signals ask for; `over` is set when this process has to end."""

    def __init__(self, supervisor: Supervisor, log: OwnLog) -> None:
        self.over = asyncio.Event()
        self._supervisor = supervisor
        self._log = log
        self._again = False
        self._reloading = False

    def started(self) -> None:
        """It serves; what was asked for meanwhile can be done."""
        if self._again:
            spawn(self._reload(), "reload")

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on, also while it starts."""
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, lambda: spawn(self._reload(), "reload"))
        loop.add_signal_handler(signal.SIGUSR1, self._reopen)
        loop.add_signal_handler(signal.SIGUSR2, lambda: spawn(self._upgrade(), "upgrade"))

    def _end(self) -> None:
        if self.over.is_set() and self._supervisor.state == "draining":
            self._supervisor.hurry()
        self.over.set()

    async def _reload(self) -> None:
        """One at a time; however many are asked for meanwhile, one more is enough."""
        self._again = True
        if self._supervisor.state == "starting" or self._reloading:
            return
        self._reloading = True
        try:
            while self._again:
                self._again = False
                notify("RELOADING=1")
                used = await self._supervisor.reload()
                status = _status(self._supervisor) if used else "the new configuration was refused"
                notify(f"READY=1\nSTATUS={status}")
        finally:
            self._reloading = False

    def _reopen(self) -> None:
        self._supervisor.reopen_logs()
        self._log.reopen()

    async def _upgrade(self) -> None:
        if await self._supervisor.upgrade():
            self.over.set()


def _status(supervisor: Supervisor) -> str:
    return f"{supervisor.crew.size} workers, {len(supervisor.config.routers)} routers"


def _announce(supervisor: Supervisor) -> None:
    listening = ", ".join(f"{name}={address}" for name, all_ in supervisor.addresses.items() for address in all_)
    extra = {
        "entrypoints": listening,
        "routers": len(supervisor.config.routers),
        "workers": supervisor.crew.size,
    }
    if supervisor.admin_address:
        extra["admin"] = supervisor.admin_address
    _log.info("ready", extra=extra)


def _line_of(place: Place) -> str:
    """The source line of a diagnostic, read again: the file may have gone, then there is none."""
    try:
        lines = Path(place.file).read_text(encoding="utf-8-sig", errors="replace").split("\n")
    except OSError:
        return ""
    return lines[place.line - 1].rstrip("\r") if 0 < place.line <= len(lines) else ""
