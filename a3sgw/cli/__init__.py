"""The command line: one file per command."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from a3sgw.supervisor.descriptors import open_standard_streams
from a3sgw.version import __version__

_DESCRIPTION = """\
An edge proxy: HCL configuration, Traefik rules, reloads that lose nothing.

  a3sgw demo                             something to look at, without a configuration
  a3sgw validate --config gateway.hcl    everything that is wrong with a configuration, with places
  a3sgw --config gateway.hcl             run; edit the file and it is taken over while traffic flows
  a3sgw server drain api 10.0.0.7:8080   give an endpoint no new clients, before it is restarted
"""
_EPILOG = """\
signals   TERM, INT  stop accepting, finish what is running, exit
          HUP        read the configuration again
          USR1       reopen log files
          USR2       hand over to the version that is installed now
exit      0 fine   1 configuration error   2 wrong usage   3 an address could not be bound
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (default: the process's own); returns the exit code."""
    open_standard_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _parser()
    if not arguments:
        parser.print_help()
        return 2
    args = parser.parse_args(arguments)
    if args.command == "validate":
        from a3sgw.check import check
        from a3sgw.cli import validate

        return validate.run(args, check)
    if args.command == "demo":
        from a3sgw.cli import demo

        return demo.run(args)
    if args.command == "server":
        from a3sgw.cli import server

        return server.run(args)
    if args.config is None:
        parser.error("which configuration? give --config FILE, or try `a3sgw demo`")
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # until there is something they could be for, they must not end it
    from a3sgw.cli import run

    return run.run(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="a3sgw", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"a3sgw {__version__}")
    parser.add_argument("--config", type=Path, metavar="PATH", help="an .hcl file, or a directory of them")
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warn", "error"), help="least important message to show"
    )
    parser.add_argument("--log-format", choices=("text", "json"), help="how the gateway's own log is written")
    parser.add_argument("--workers", metavar="N|auto", help="processes that carry traffic (default: auto)")
    commands = parser.add_subparsers(dest="command", metavar="command", title="commands")
    checking = commands.add_parser("validate", help="say everything that is wrong with a configuration")
    from a3sgw.cli import server, validate

    validate.add_arguments(checking)
    showing = commands.add_parser("demo", help="run a built-in example with two services of its own")
    showing.add_argument("--port", type=int, default=8080, help="where to listen (default: 8080)")
    showing.add_argument("--directory", type=Path, help="where to put the example's file (default: a temporary one)")
    server.add_arguments(
        commands.add_parser("server", help="drain, enable, weigh and list endpoints of a running gateway")
    )
    return parser
