"""Reads the text inside quotes and heredocs: escapes, ``${ }``, ``%{ if }`` and ``%{ for }``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from a3sgw.config.nodes import Literal, Name, Node, Span, Template, TemplateFor, TemplateIf
from a3sgw.config.split import Problem, end_of_interpolation

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_PIECE = re.compile(r"\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\.|\$\$\{|%%\{|\$\{|%\{|.", re.DOTALL)
_PLAIN = re.compile(r"[^\\$%]*")
_FOR = re.compile(r"for\s+([A-Za-z_][\w-]*)\s*(?:,\s*([A-Za-z_][\w-]*)\s*)?in\s(.*)", re.DOTALL)


class TemplateError(Exception):
    """The text cannot be read; carries one Problem."""

    def __init__(self, span: Span, summary: str, help: str = "") -> None:
        self.problem = Problem(span, summary, help)
        super().__init__(summary)


@dataclass(frozen=True, slots=True)
class Source:
    """A piece of text and where it starts: enough to give the place of any offset."""

    text: str
    line: int
    column: int

    def span(self, start: int, end: int) -> Span:
        return (*self.at(start), *self.at(end))

    def at(self, offset: int) -> tuple[int, int]:
        newline = self.text.rfind("\n", 0, offset)
        if newline < 0:
            return self.line, self.column + offset
        return self.line + self.text.count("\n", 0, offset), offset - newline


ParseExpression = Callable[[str, int, int], Node]
"""text, line, column → node; raises TemplateError."""


def read_template(source: Source, span: Span, parse: ParseExpression, *, escapes: bool) -> Node:
    """The node for the text between quotes (`escapes`) or of a heredoc body; raises TemplateError."""
    if _PLAIN.fullmatch(source.text):
        return Literal(span, source.text)
    reader = _Reader(source, parse, escapes)
    parts = reader.parts()
    if not parts:
        return Literal(span, "")
    if len(parts) == 1 and isinstance(parts[0], Literal) and isinstance(parts[0].value, str) and not reader.filled:
        return Literal(span, parts[0].value)
    return Template(span, parts)


def literal_offsets(text: str) -> list[int]:
    """For each character of the value of a plain quoted text, the offset of its source; one more for the end."""
    offsets = [match.start() for match in _PIECE.finditer(text) for _ in unescaped(match.group())]
    return [*offsets, len(text)]


def unescaped(piece: str) -> str:
    """What one escape (or one character) stands for; raises ValueError for an unknown escape."""
    if piece in ("$${", "%%{"):
        return piece[1:]
    if not piece.startswith("\\"):
        return piece
    if piece[1:2] in ("u", "U") and len(piece) > 2:
        code = int(f"0x{piece[2:]}", base=0)
        if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
            raise ValueError("not a character")
        return chr(code)
    if piece[1:] not in _ESCAPES:
        raise ValueError("unknown escape")
    return _ESCAPES[piece[1:]]


class _Reader:
    """Walks the pieces of one template; directives are assembled with an explicit stack of open ones."""

    def __init__(self, source: Source, parse: ParseExpression, escapes: bool) -> None:
        self.source = source
        self.parse = parse
        self.escapes = escapes
        self.position = 0
        self.filled = False
        self._strip_next = False

    def parts(self) -> tuple[Node, ...]:
        parts, word, span = self._until(())
        if word:
            raise TemplateError(
                span, f'"%{{ {word} }}" without its beginning', 'write "%{ if … }" or "%{ for … }" before it'
            )
        return parts

    def _until(self, words: tuple[str, ...], depth: int = 0) -> tuple[tuple[Node, ...], str, Span]:
        """Parts up to a directive that ends the current one: the parts, its word ("" at the end) and its span."""
        parts: list[Node] = []
        text: list[str] = []
        text_start = self.position

        def flush(end: int) -> None:
            if text:
                parts.append(Literal(self.source.span(text_start, end), "".join(text)))
                text.clear()

        while self.position < len(self.source.text):
            start = self.position
            match = _PIECE.match(self.source.text, start)
            assert match is not None
            piece = match.group()
            if piece not in ("${", "%{"):
                self.position = match.end()
                self._literal(piece, start, text)
                continue
            self.filled = True
            content, strip_before = self._content(start)
            if strip_before:
                text[:] = ["".join(text).rstrip()]
            flush(start)
            span = self.source.span(start, self.position)
            if piece == "${":
                parts.append(self._expression(content, start, span))
            else:
                word = content.split(None, 1)[0] if content.strip() else ""
                if word in ("else", "endif", "endfor"):
                    if content.strip() != word:
                        raise TemplateError(span, f'"{word}" takes nothing else', f'write "%{{ {word} }}"')
                    return tuple(parts), word, span
                parts.append(self._directive(word, content, start, span, depth))
            text_start = self.position
        flush(self.position)
        return tuple(parts), "", self.source.span(self.position, self.position)

    def _literal(self, piece: str, start: int, text: list[str]) -> None:
        if self._strip_next:
            if piece.isspace():
                return
            self._strip_next = False
        if not self.escapes and piece.startswith("\\"):
            text.append(piece[0])
            self.position = start + 1
            return
        try:
            text.append(unescaped(piece))
        except ValueError:
            raise TemplateError(
                self.source.span(start, start + len(piece)),
                f'unknown escape "{piece}"',
                r"use \n \r \t \" \\ \uXXXX; write a backslash as \\",
            ) from None

    def _content(self, start: int) -> tuple[str, bool]:
        """The text between ``${`` and ``}`` (strip markers become blanks, so offsets stay), and "strip before"."""
        end = end_of_interpolation(self.source.text, start + 2)
        if end < 0:
            raise TemplateError(
                self.source.span(start, start + 2),
                'this "${" is never closed',
                'add "}", or write "$${" for a plain "${"',
            )
        content = self.source.text[start + 2 : end - 1]
        self.position = end
        strip_before, self._strip_next = content.startswith("~"), content.endswith("~")
        if strip_before:
            content = " " + content[1:]
        if self._strip_next:
            content = content[:-1]
        return content, strip_before

    def _expression(self, content: str, start: int, span: Span, skip: int = 0) -> Node:
        if not content.strip():
            raise TemplateError(span, "nothing to fill in here", 'write a name or an expression, as in "${NAME}"')
        leading = len(content) - len(content.lstrip())
        line, column = self.source.at(start + 2 + skip + leading)
        stripped = content.strip()
        if stripped.isidentifier() and stripped.isascii() and stripped not in ("true", "false", "null"):
            return Name((line, column, line, column + len(stripped)), stripped)
        return self.parse(stripped, line, column)

    def _directive(self, word: str, content: str, start: int, span: Span, depth: int) -> Node:
        if depth > 20:
            raise TemplateError(span, "directives are nested too deeply", "use fewer of them inside each other")
        head = content.lstrip()
        skip = len(content) - len(head)
        if word == "if":
            condition = self._expression(head[2:], start, span, skip + 2)
            then, ended, at = self._until(("else", "endif"), depth + 1)
            otherwise: tuple[Node, ...] = ()
            if ended == "else":
                otherwise, ended, at = self._until(("endif",), depth + 1)
            return (
                TemplateIf(span, condition, then, otherwise) if ended == "endif" else self._unended(span, at, "endif")
            )
        match = _FOR.match(head) if word == "for" else None
        if match is None:
            raise TemplateError(span, f'unknown directive "{word}"', 'use "%{ if … }" or "%{ for name in … }"')
        collection = self._expression(match[3], start, span, skip + match.start(3))
        body, ended, at = self._until(("endfor",), depth + 1)
        names = (match[1], match[2]) if match[2] else (match[1],)
        return TemplateFor(span, names, collection, body) if ended == "endfor" else self._unended(span, at, "endfor")

    def _unended(self, span: Span, at: Span, word: str) -> Node:
        raise TemplateError(span, f"this directive is never ended (looked until line {at[0]})", f'add "%{{ {word} }}"')
