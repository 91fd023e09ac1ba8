"""Shows diagnostics: as text with the source line and a caret, as JSON, or as SARIF for code hosts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import Any, Literal, TextIO
from urllib.parse import quote

from rich.console import Console
from rich.text import Text

from a3sgw.diagnostic import Diagnostic, Place

Format = Literal["text", "json", "sarif"]
FORMATS: tuple[Format, ...] = ("text", "json", "sarif")
LineOf = Callable[[Place], str]
"""The source line a place points at, or ""."""

_LONGEST_LINE = 200
_TAB = "    "
_COLOURS = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def report(
    diagnostics: Sequence[Diagnostic], line_of: LineOf, format: Format = "text", stream: TextIO | None = None
) -> None:
    """Write diagnostics to `stream` (standard output); coloured when that is a terminal."""
    out = stream or sys.stdout
    if format == "text":
        console = Console(file=out, highlight=False, soft_wrap=True, emoji=False, markup=False)
        for diagnostic in diagnostics:
            console.print(_text(diagnostic, line_of))
        return
    document = as_json(diagnostics, line_of) if format == "json" else as_sarif(diagnostics)
    out.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def as_text(diagnostics: Sequence[Diagnostic], line_of: LineOf) -> str:
    """The text form without colours, ending in a newline when there is anything to say."""
    return "".join(_text(diagnostic, line_of).plain + "\n" for diagnostic in diagnostics)


def as_json(diagnostics: Sequence[Diagnostic], line_of: LineOf) -> dict[str, Any]:
    """``{"valid": …, "diagnostics": [{severity, code, summary, help, file, line, column, …, source}]}``."""
    return {
        "valid": all(diagnostic.severity != "error" for diagnostic in diagnostics),
        "diagnostics": [_json(diagnostic, line_of) for diagnostic in diagnostics],
    }


def as_sarif(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """A SARIF 2.1.0 log with one run."""
    driver = {
        "name": "a3sgw",
        "version": _version(),
        "rules": [{"id": code} for code in sorted({diagnostic.code for diagnostic in diagnostics})],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(diagnostic) for diagnostic in diagnostics],
    }
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


# Text


def _text(diagnostic: Diagnostic, line_of: LineOf) -> Text:
    text = Text()
    if diagnostic.place is not None:
        text.append(f"{_visible(str(diagnostic.place))}: ", "bold")
    text.append(f"{diagnostic.severity}: ", _COLOURS[diagnostic.severity])
    text.append(_visible(diagnostic.summary), "bold")
    line = line_of(diagnostic.place) if diagnostic.place is not None and diagnostic.place.line else ""
    if diagnostic.place is not None and line.strip() and not diagnostic.secret:
        _append_source(text, diagnostic, diagnostic.place, line)
    if diagnostic.help:
        text.append("\n  help: ", "cyan")
        text.append(_visible(diagnostic.help))
    return text


def _append_source(text: Text, diagnostic: Diagnostic, place: Place, line: str) -> None:
    start = max(place.column - 1, 0)
    end = place.end_column - 1 if place.end_line == place.line else len(line)
    cut = max(start - _LONGEST_LINE // 2, 0) if len(line) > _LONGEST_LINE else 0
    shown = line[cut : cut + _LONGEST_LINE]
    width = max(min(end, cut + len(shown)) - start, 1)
    # Tabs become spaces, so that the caret stands below its character on every terminal.
    lead = " " * len(line[cut:start].replace("\t", _TAB))
    number = str(place.line)
    text.append(f"\n  {number} | ", "dim")
    text.append(_visible(shown.replace("\t", _TAB)))
    text.append(f"\n  {' ' * len(number)} | {lead}", "dim")
    text.append("^" * width, _COLOURS[diagnostic.severity])


def table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Two aligned columns, coloured when standard output is a terminal."""
    console = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
    lines = list(rows)
    width = max((len(left) for left, _ in lines), default=0)
    with console.capture() as captured:
        console.print(f"{title}\n", style="bold")
        for left, right in lines:
            console.print(Text(f"  {left.ljust(width)}  ", "cyan").append(right, "default"))
    return captured.get().rstrip("\n")


def _visible(text: str) -> str:
    """The text with control characters replaced: what a file says must not steer the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)


# JSON and SARIF


def _json(diagnostic: Diagnostic, line_of: LineOf) -> dict[str, Any]:
    place = diagnostic.place or Place("")
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "summary": diagnostic.summary,
        "help": diagnostic.help,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "source": line_of(place)[:_LONGEST_LINE] if place.line and not diagnostic.secret else "",
    }


def _sarif_result(diagnostic: Diagnostic) -> dict[str, Any]:
    message = f"{diagnostic.summary}. {diagnostic.help}" if diagnostic.help else diagnostic.summary
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity,
        "message": {"text": message},
    }
    if diagnostic.place is not None and diagnostic.place.file:
        result["locations"] = [{"physicalLocation": _sarif_location(diagnostic.place)}]
    return result


def _sarif_location(place: Place) -> dict[str, Any]:
    path = PurePath(place.file)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    location: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if place.line:
        region = {"startLine": place.line, "startColumn": max(place.column, 1)}
        if place.end_line:
            region |= {"endLine": place.end_line, "endColumn": max(place.end_column, 1)}
        location["region"] = region
    return location


def _version() -> str:
    try:
        return version("a3sgw")
    except PackageNotFoundError:
        return "unknown"
