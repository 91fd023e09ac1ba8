"""``a3sgw validate``: says everything that is wrong with a configuration, without starting anything."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from a3sgw.cli.report import FORMATS, report
from a3sgw.config.load import Loaded, Loader
from a3sgw.config.unsupported import runnable, unsupported
from a3sgw.diagnostic import Diagnostic

Check = Callable[[Loaded], Iterable[Diagnostic]]
"""More findings about a loaded configuration, such as those of compiling its rules."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--config", required=True, type=Path, metavar="PATH", help="an .hcl file, or a directory of them"
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="how to print the findings (default: text)")


def run(args: argparse.Namespace, check: Check = lambda loaded: ()) -> int:
    """Print every finding; 0 when there is no error, else 1."""
    loader = Loader()
    loaded = loader.load(args.config)
    later = [replace(one, severity="warning") for one in unsupported(loaded)]
    found = sorted(dict.fromkeys([*loaded.diagnostics, *later, *_checked(loaded, check)]), key=_order)
    report(found, loaded.document.line, args.format)
    errors = sum(one.severity == "error" for one in found)
    if args.format == "text":
        warnings = sum(one.severity == "warning" for one in found)
        verdict = "not valid" if errors else "valid"
        print(f"{args.config}: {verdict} ({_count(errors, 'error')}, {_count(warnings, 'warning')})")
    return 1 if errors else 0


def _checked(loaded: Loaded, check: Check) -> Iterable[Diagnostic]:
    """The findings of `check` about what runs: what does not run yet has been reported and would only fail again."""
    if loaded.config is None:
        return check(loaded)
    return check(replace(loaded, config=runnable(loaded.config)))


def _order(one: Diagnostic) -> tuple[str, int, int, str]:
    return (one.place.file, one.place.line, one.place.column, one.summary) if one.place else ("", 0, 0, one.summary)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
