"""``a3sgw server``: drains, enables and weighs the endpoints of a gateway that runs, and lists them."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from a3sgw.cli.report import report, table
from a3sgw.loop import run as run_loop
from a3sgw.options import OptionError, SocketAddress, parse_duration

if TYPE_CHECKING:  # it is the HTTP client, which no other command needs
    from a3sgw.cli.management import Management

Endpoint = Mapping[str, Any]
"""What the management API says of one endpoint."""

DEFAULT_ADDRESS = "127.0.0.1:9090"
_POLL = 0.2
"""Seconds between two questions while waiting."""
_TRIES = 5
"""Times that it is asked once more when nobody answers."""
_MOST = 65535

_DESCRIPTION = """\
What operators say about single endpoints, while traffic flows and without an edit of the configuration.

  drain    it finishes what it has, keeps the clients that are bound to it (sticky), and gets no new ones
  enable   it gets new clients again
  weight   its share becomes N; 0 keeps it out, "default" is the configured one again
  list     what is known of the endpoints: health, weight, requests in flight

It holds in all workers and in those that start later, over reloads and upgrades, until it is taken back or the
gateway stops.
"""
_EPILOG = """\
example, a rolling restart of all endpoints of the service "api" without a failed request:

  for host in 10.0.0.7 10.0.0.8; do
    a3sgw server drain api http://$host:8080 --wait --timeout 5m || break
    ssh $host restart-it-and-wait-until-it-is-well
    a3sgw server enable api http://$host:8080
  done

SERVICE is its name; one with revisions is NAME@REVISION. URL is as `list` shows it, with or without http://.
exit  0 done   1 refused, no such service or endpoint, or still busy after --timeout   2 wrong usage
      3 the management API cannot be reached
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command can do, with the options of each."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    where = argparse.ArgumentParser(add_help=False)
    address = where.add_mutually_exclusive_group()
    address.add_argument(
        "--admin",
        type=_address,
        metavar="ADDRESS",
        help=f"of the management API: host:port or unix:/path (default: {DEFAULT_ADDRESS})",
    )
    address.add_argument(
        "--config",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="PATH",
        help="take the address from this configuration",
    )
    where.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    actions = parser.add_subparsers(dest="action", metavar="action", title="actions", required=True)

    def action(name: str, help: str, one: bool = True) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=help, description=help, parents=[where])
        added.add_argument("service", nargs=None if one else "?", default="", metavar="SERVICE")
        if one:
            added.add_argument("url", metavar="URL")
        return added

    drain = action("drain", "give an endpoint no new clients")
    drain.add_argument("--wait", action="store_true", help="until no request is in flight there, in any worker")
    drain.add_argument(
        "--timeout", type=_seconds, metavar="SECONDS", help='wait no longer, e.g. 30 or "5m", and exit with 1'
    )
    action("enable", "give an endpoint new clients again")
    weight = action("weight", "give an endpoint another share")
    weight.add_argument("weight", type=_weight, metavar="N|default", help=f"0 to {_MOST}, or the configured one")
    action("list", "show the endpoints of a service, or of all", one=False)


def _address(text: str) -> SocketAddress:
    try:
        return SocketAddress.parse(text)
    except OptionError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except OptionError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _weight(text: str) -> int | None:
    if text == "default":
        return None
    if not (text.isdecimal() and text.isascii() and int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f'a weight is a number from 0 to {_MOST}, or "default", not {text}')
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Do it and say what has come of it; the exit code is that of the epilog."""
    from a3sgw.cli.management import Management, Refused, Unreachable

    if getattr(args, "timeout", None) is not None and not args.wait:
        print("a3sgw server: --timeout is for --wait; give both", file=sys.stderr)
        return 2
    address = _configured(args.config) if args.config is not None else args.admin
    if isinstance(address, int):
        return address
    management = Management(address or SocketAddress.parse(DEFAULT_ADDRESS))
    try:
        return run_loop(_do(args, management))
    except Refused as error:
        print(f"a3sgw: {error}", file=sys.stderr)
        return 1
    except Unreachable as error:
        print(f"a3sgw: {error}", file=sys.stderr)
        print(_how_to_turn_it_on(), file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("a3sgw: no longer waiting; the endpoint goes on draining", file=sys.stderr)
        return 1


def _configured(path: Path) -> SocketAddress | int:
    """The address of the management API in this configuration, or the exit code when there is none."""
    from a3sgw.config.load import Loader

    loaded = Loader().load(path)
    if loaded.config is None:
        report(loaded.errors, loaded.document.line, "text", sys.stderr)
        return 1
    if loaded.config.admin is None:
        print(f"a3sgw: {path} has no management API", file=sys.stderr)
        print(_how_to_turn_it_on(), file=sys.stderr)
        return 3
    address = loaded.config.admin.address
    if not address.path and not address.port:
        print(
            f"a3sgw: {path} leaves the port open; give --admin with what the gateway said at its start", file=sys.stderr
        )
        return 2
    return address


def _how_to_turn_it_on() -> str:
    return f'  help: is the gateway running, with admin {{ address = "{DEFAULT_ADDRESS}" }} in its configuration?'


# Actions...


async def _do(args: argparse.Namespace, management: Management) -> int:
    async with management:
        if args.action == "list":
            return await _list(args, management)
        wanted: dict[str, object] = {"weight": args.weight} if args.action == "weight" else {}
        if args.action in ("drain", "enable"):
            wanted["draining"] = args.action == "drain"
        endpoint = await management.change(args.service, args.url, **wanted)
        if getattr(args, "wait", False):
            return await _Waiting(management, args.service, endpoint, args.timeout).run(args.format)
        _print(args.format, endpoint, lambda: f"{endpoint['url']}: {_state(endpoint)}")
        return 0


async def _list(args: argparse.Namespace, management: Management) -> int:
    services = await management.endpoints()
    if args.service:
        if args.service not in services:
            known = ", ".join(sorted(services)) or "none"
            print(f'a3sgw: no service "{args.service}" has endpoints; those that have: {known}', file=sys.stderr)
            return 1
        services = {args.service: services[args.service]}
    _print(args.format, services, lambda: "\n\n".join(_tables(services)) or "no service has endpoints")
    return 0


class _Waiting:
    """Waits until nothing is in flight at an endpoint that drains."""

    def __init__(self, management: Management, service: str, endpoint: Endpoint, timeout: float | None) -> None:
        self._management = management
        self._service = service
        self._endpoint = endpoint
        self._timeout = timeout

    async def run(self, format: str) -> int:
        """0 when it is idle, 1 when it is not in time, or never will be."""
        try:
            async with asyncio.timeout(self._timeout):
                problem = await self._idle()
        except TimeoutError:
            problem = f"still has {_requests(self._endpoint)} in flight after {self._timeout:g} s, and goes on draining"
        finally:
            _progress("")
        url = self._endpoint["url"]
        if problem:
            print(f"a3sgw: {url} {problem}", file=sys.stderr)
            return 1
        _print(format, self._endpoint, lambda: f"{url}: drained, nothing is in flight")
        return 0

    async def _idle(self) -> str:
        """What keeps it from ever becoming idle; empty once it is."""
        while self._endpoint["in_flight"]:
            _progress(f"{self._endpoint['url']}: {_requests(self._endpoint)} in flight")
            await asyncio.sleep(_POLL)
            services = await self._ask()
            found = [one for one in services.get(self._service, ()) if one["url"] == self._endpoint["url"]]
            if not found:
                return "is not in the configuration any more"
            self._endpoint = found[0]
            if not self._endpoint["draining"]:
                return "does not drain any more: somebody has enabled it"
        return ""

    async def _ask(self) -> Mapping[str, Sequence[Endpoint]]:
        """Again for a moment when nobody answers: one version of the gateway may be handing over to the next."""
        from a3sgw.cli.management import Unreachable

        for _ in range(_TRIES):
            try:
                return await self._management.endpoints()
            except Unreachable:
                await asyncio.sleep(_POLL)
        return await self._management.endpoints()


# Showing...


def _progress(text: str) -> None:
    """One line that is written over and over, for somebody who looks."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _print(format: str, value: object, text: Callable[[], str]) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False) if format == "json" else text())


def _tables(services: Mapping[str, Sequence[Endpoint]]) -> Iterator[str]:
    for name, endpoints in services.items():
        yield table(name, [(one["url"], _state(one)) for one in endpoints])


def _state(endpoint: Endpoint) -> str:
    parts = [endpoint["health"], f"weight {endpoint['weight']}", f"{_requests(endpoint)} in flight"]
    if endpoint["draining"]:
        parts.insert(0, "draining")
    if "ejected_until" in endpoint:
        parts.append("ejected")
    if endpoint.get("circuit_breaker", "closed") != "closed":
        parts.append(f"circuit breaker {endpoint['circuit_breaker']}")
    if endpoint["health"] != "healthy" and "last_probe_failure" in endpoint:
        parts.append(endpoint["last_probe_failure"]["reason"])
    return ", ".join(parts)


def _requests(endpoint: Endpoint) -> str:
    count = endpoint["in_flight"]
    return f"{count} request{'' if count == 1 else 's'}"
