"""Cuts a file into its top-level items: one error does not hide another, and a reload parses only what changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count

from a3sgw.config.nodes import Span

DEEPEST = 60
"""Brackets that may be open at once: the parser behind this recurses, and nobody writes more."""

_RECOVERIES = 20
_MOST_PROBLEMS = 100
_LONGEST_INTERPOLATION = 16384
_TOKEN = re.compile(
    r"""(?P<newline>\n)
    |(?P<blank>[^\S\n]+)
    |(?P<comment>\#[^\n]*|//[^\n]*|/\*(?s:.*?)\*/)
    |(?P<endless>/\*)
    |(?P<string>"(?:[^"\\$%\n]|\\[^\n]|\$(?![{$])|%(?![{%]))*")
    |(?P<quote>")
    |(?P<heredoc><<-?(?P<marker>[A-Za-z][A-Za-z0-9._-]*)\r?\n)
    |(?P<open>[{(\[])
    |(?P<close>[})\]])
    |(?P<other>[^\s"\#/<{}()\[\]][^\n"\#/<{}()\[\]]*|[/<])""",
    re.VERBOSE,
)
_CLOSES = {"}": "{", ")": "(", "]": "["}
_TOP_LEVEL = re.compile(
    r'^(?:(?:entrypoints|routers|services|middlewares)[ \t]+"|(?:providers|admin|locals|log|access_log)[ \t]*\{)',
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a piece of HCL, before it is known which file it came from."""

    span: Span
    summary: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines holding one top-level item; `line` is the number of the first one. `sound` = worth parsing."""

    text: str
    line: int
    sound: bool = True


def split(text: str) -> tuple[list[Chunk], list[Problem]]:
    """The items of a file in order, and what makes some of them impossible to read (spans relative to the file)."""
    chunks: list[Chunk] = []
    problems: list[Problem] = []
    position, line = 0, 1
    for attempt in count():
        splitter = _Splitter(text, position, line)
        splitter.run()
        cut = splitter.unclosed_item_end() if attempt < _RECOVERIES else None
        if cut is not None:
            splitter.close_at(cut)
        chunks += splitter.chunks
        problems += splitter.problems
        if cut is None:
            return chunks, problems
        line += text.count("\n", position, cut)
        position = cut
    raise AssertionError("unreachable")


def end_of_string(text: str, start: int, depth: int = 0) -> int:
    """The offset behind the closing quote of the string opening at `start`, or -1; looks through ``${ "…" }``."""
    position = start + 1
    while position < len(text):
        character = text[position]
        if character == '"':
            return position + 1
        if character == "\n":
            return -1
        if character == "\\":
            position += 2
        elif character in "$%" and text.startswith(character + "{", position + 1):
            position += 3
        elif character in "$%" and text.startswith("{", position + 1):
            position = end_of_interpolation(text, position + 2, depth + 1)
            if position < 0:
                return -1
        else:
            position += 1
    return -1


def end_of_interpolation(text: str, start: int, depth: int = 0) -> int:
    """The offset behind the ``}`` that closes the ``${`` or ``%{`` whose content begins at `start`, or -1."""
    brackets, position, stop = 0, start, min(len(text), start + _LONGEST_INTERPOLATION)
    if depth > DEEPEST:
        return -1
    while position < stop:
        character = text[position]
        if character == '"':
            position = end_of_string(text, position, depth + 1)
            if position < 0:
                return -1
            continue
        if character in "{[(":
            brackets += 1
        elif character in "}])":
            if brackets == 0:
                return position + 1 if character == "}" else -1
            brackets -= 1
        position += 1
    return -1


class _Splitter:
    """One pass over the text from `position`; results in `chunks` and `problems`."""

    def __init__(self, text: str, position: int, line: int) -> None:
        self.text = text
        self.start = self.position = position
        self.line = line
        self.chunks: list[Chunk] = []
        self.problems: list[Problem] = []
        self._open: list[tuple[str, int]] = []
        self._item_start = position
        self._item_line = line
        self._has_content = False
        self._closed = False
        self._sound = True

    def run(self) -> None:
        text, length = self.text, len(self.text)
        match_at = _TOKEN.match
        while self.position < length:
            match = match_at(text, self.position)
            assert match is not None  # every character begins one of the tokens
            self.position = match.end()
            kind = match.lastgroup
            if kind == "blank":
                continue
            if kind == "newline":
                self.line += 1
                self._end_of_line()
            elif kind == "comment":
                self.line += match.group().count("\n")
            elif kind in ("other", "string"):
                self._has_content = True
                if self._closed and match.group()[0].isalpha():
                    self._report(match.start(), "this begins on the line where a block ends", "begin a new line here")
                    self._closed = False
            else:
                self._special(kind, match)
        self._end_of_line()

    def _special(self, kind: str | None, match: re.Match[str]) -> None:
        self._has_content = True
        if kind == "open":
            self._open.append((match.group(), match.start()))
            self._closed = False
            if len(self._open) == DEEPEST + 1:
                self._report(match.start(), "this is nested too deeply", "use fewer brackets inside each other")
        elif kind == "close":
            self._close(match.group(), match.start())
        elif kind == "quote":
            self._complex_string(match.start())
        elif kind == "endless":
            self._report(match.start(), "this comment is never closed", 'close it with "*/"', length=2)
            self.position = len(self.text)
        else:
            self._heredoc(match)

    def _close(self, bracket: str, position: int) -> None:
        if not self._open:
            self._report(position, f'this "{bracket}" closes nothing', "remove it, or add what it should close")
            return
        opened, opened_at = self._open.pop()
        self._closed = bracket == "}" and not self._open
        if opened != _CLOSES[bracket] and self._sound:
            where = self.text.count("\n", 0, opened_at) + 1
            self._report(
                position,
                f'"{bracket}" does not close the "{opened}" of line {where}',
                "close brackets in reverse order",
            )

    def _complex_string(self, position: int) -> None:
        end = end_of_string(self.text, position)
        if end < 0:
            self._report(
                position,
                "this string is never closed",
                "close it on the same line, or use a heredoc (<<-END) for more lines",
            )
            line_end = self.text.find("\n", position)
            end = len(self.text) if line_end < 0 else line_end
        self.line += self.text.count("\n", position, end)
        self.position = end

    def _heredoc(self, match: re.Match[str]) -> None:
        marker = match["marker"]
        end = re.compile(rf"^[ \t]*{re.escape(marker)}(?=\r?$)", re.MULTILINE).search(self.text, match.end())
        if end is None:
            self._report(
                match.start(),
                "this text is never closed",
                f"write {marker} alone on a line below it",
                length=len(marker) + 2,
            )
        stop = len(self.text) if end is None else end.end()
        self.line += self.text.count("\n", match.start(), stop)
        self.position = stop

    def _end_of_line(self) -> None:
        if self._open:
            return
        if self._has_content:
            self.chunks.append(
                Chunk(self.text[self._item_start : self.position].rstrip("\n"), self._item_line, self._sound)
            )
        self._item_start, self._item_line = self.position, self.line
        self._has_content, self._closed, self._sound = False, False, True

    def _report(self, position: int, summary: str, help: str, length: int = 1) -> None:
        self._sound = False
        if len(self.problems) >= _MOST_PROBLEMS:
            return
        line_start = self.text.rfind("\n", 0, position) + 1
        line = self.text.count("\n", 0, position) + 1
        column = position - line_start + 1
        self.problems.append(Problem((line, column, line, column + length), summary, help))

    def unclosed_item_end(self) -> int | None:
        """Where the next item seems to begin when the last one is never closed; None when everything is closed."""
        if not self._open:
            return None
        self._report_unclosed()
        following = _TOP_LEVEL.search(self.text, self._open[0][1] + 1)
        return following.start() if following else None

    def _report_unclosed(self) -> None:
        bracket, position = self._open[0]
        if not self._sound:
            # The reason why it does not close is already told; "never closed" would only be its echo.
            return
        closing = next(close for close, opened in _CLOSES.items() if opened == bracket)
        self._report(position, f'this "{bracket}" is never closed', f'add "{closing}" where it ends')
        self.chunks.append(Chunk(self.text[self._item_start : self._item_start], self._item_line, False))

    def close_at(self, cut: int) -> None:
        """Forget the problems found behind `cut`: they will be found again from there."""
        first = self.text.count("\n", 0, cut) + 1
        self.problems = [problem for problem in self.problems if problem.span[0] < first]
