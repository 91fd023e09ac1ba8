"""What is wrong in a configuration, where, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Place:
    """A range in a source file; lines and columns count from 1, `end_column` points behind the last character."""

    file: str
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `summary` is one line without a full stop, `help` one sentence that says what to write instead."""

    severity: Severity
    place: Place | None
    summary: str
    help: str = ""
    code: str = field(default="config")
    secret: bool = False
    """Whether the line it is about may hold a secret, and is not to be shown."""

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        tail = f" ({self.help})" if self.help else ""
        return f"{place}{self.severity}: {self.summary}{tail}"
