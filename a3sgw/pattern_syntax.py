"""From RE2 syntax to the one of `re`, refusing what RE2 lacks and what `re` could be slow on."""

from __future__ import annotations

import re

_REPEAT = re.compile(r"\{(\d+)(,(\d*))?\}")
_GROUP_NAME = re.compile(r"P?<([A-Za-z_]\w*)>", re.ASCII)
_FLAGS = re.compile(r"[is]+(?=[:)])")
_PLAIN_ESCAPES = frozenset("dDwWbBAfnrtva")
_MAX_REPEAT = 1000  # RE2's own bound

_INSTALL = "Install google-re2 (`pip install a3sgw[re2]`) or write it in another way."


class PatternError(ValueError):
    """A regular expression is refused: `message` says why, `offset` where (characters), `help` what to do."""

    def __init__(self, message: str, offset: int, help: str) -> None:
        self.message = message
        self.offset = offset
        self.help = help
        super().__init__(message)


def translate(text: str) -> str:
    r"""The same expression for `re` (on str, with re.ASCII); raises PatternError.

    Refused for good: look-around, back-references, what only Python knows (``\Z``, possessive quantifiers). Refused
    because backtracking could take exponential time: an unbounded repetition of a group that itself repeats or
    chooses. Refused for lack of a counterpart: ``\p{…}``, ``[[:alpha:]]``, ``\Q…\E``, flags other than i and s.
    """
    return _Translator(text).run()


class _Group:
    """What is known about an open parenthesis: its place, and whether repeating it may backtrack."""

    __slots__ = ("risky", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.risky = False


class _Translator:
    """One pass over the characters; `_last` is the group or atom that a quantifier would repeat."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._out: list[str] = []
        self._open = [_Group(0)]
        self._last: _Group | None = None
        self._quantified = False

    def run(self) -> str:
        while self._at < len(self._text):
            self._step(self._text[self._at])
        if len(self._open) > 1:
            raise self._error("missing closing parenthesis", self._open[-1].start, "Close every ( with a ).")
        return "".join(self._out)

    def _step(self, char: str) -> None:
        if char == "\\":
            self._atom(self._escape(in_class=False))
        elif char == "[":
            self._atom(self._class())
        elif char == "(":
            self._enter()
        elif char == ")":
            self._leave()
        elif char == "|":
            self._open[-1].risky = True
            self._separator("|")
        elif char in "*+?" or (char == "{" and _REPEAT.match(self._text, self._at)):
            self._quantifier(char)
        elif char == "^":
            self._separator(r"\A")
        elif char == "$":
            self._separator(r"\Z")
        else:
            self._at += 1
            self._atom("\\{" if char == "{" else char)

    # Pieces...

    def _atom(self, output: str) -> None:
        self._out.append(output)
        self._last = _Group(self._at)
        self._quantified = False

    def _separator(self, output: str) -> None:
        self._out.append(output)
        self._at += 1
        self._last = None
        self._quantified = False

    def _quantifier(self, char: str) -> None:
        start = self._at
        repeat = _REPEAT.match(self._text, start) if char == "{" else None
        token = repeat[0] if repeat else char
        if self._last is None or self._quantified:
            raise self._error(f"nothing to repeat before {token}", start, "Quantify an expression, and only once.")
        if repeat and max(int(repeat[1]), int(repeat[3] or 0)) > _MAX_REPEAT:
            raise self._error(f"repetition {token} is too large", start, f"At most {_MAX_REPEAT} are allowed.")
        many = char in "*+" or (repeat is not None and (repeat[2] is not None or int(repeat[1]) > 1))
        if many and self._last.risky:
            raise self._error("a repeated group repeats or chooses inside", self._last.start, _INSTALL)
        self._at += len(token)
        if self._text[self._at : self._at + 1] == "?":
            token += "?"
            self._at += 1
        self._out.append(token)
        self._quantified = True
        if char != "{" or (repeat is not None and repeat[2] is not None):
            self._open[-1].risky = True  # of varying length: repeating the group around it may backtrack

    def _enter(self) -> None:
        start = self._at
        output = "("
        self._at += 1
        if self._text.startswith("?", self._at):
            output = self._special(start)
        self._out.append(output)
        self._last = None
        if not output.endswith(")"):  # "(?i)" is complete
            self._open.append(_Group(start))

    def _special(self, start: int) -> str:
        self._at += 1
        rest = self._text[self._at : self._at + 2]
        if rest[:1] in {"=", "!"} or rest in {"<=", "<!"}:
            raise self._error("look-around is not supported", start, "RE2 has none, so that no rule can be slow.")
        if name := _GROUP_NAME.match(self._text, self._at):
            self._at = name.end()
            return f"(?P<{name[1]}>"
        if rest[:1] == ":":
            self._at += 1
            return "(?:"
        return self._flags(start)

    def _flags(self, start: int) -> str:
        flags = _FLAGS.match(self._text, self._at)
        if flags is None:
            raise self._error(f"unsupported group {self._text[start : start + 4]}", start, _INSTALL)
        self._at = flags.end() + 1
        closing = self._text[flags.end()]
        if closing == ")" and start != 0:
            raise self._error("flags inside the expression", start, "Write them at its start.")
        if "i" in flags[0] and not self._text.isascii():
            raise self._error("letters beyond ASCII without case", start, _INSTALL)
        return f"(?{flags[0]}{closing}"

    def _leave(self) -> None:
        if len(self._open) == 1:
            raise self._error("unexpected closing parenthesis", self._at, "Open it with a ( or write \\).")
        group = self._open.pop()
        self._open[-1].risky |= group.risky
        self._out.append(")")
        self._at += 1
        self._last = group
        self._quantified = False

    # Escapes and classes...

    def _escape(self, *, in_class: bool) -> str:
        start = self._at
        char = self._text[start + 1 : start + 2]
        self._at += 2
        if not char:
            raise self._error("trailing backslash", start, "Write \\\\ for a backslash.")
        if char in "123456789":
            raise self._error("back-references are not supported", start, "RE2 has none, so that no rule can be slow.")
        if char == "x":
            return self._hexadecimal(start)
        if char in "sS":
            return self._space(char, in_class=in_class, start=start)
        if char == "z" and not in_class:
            return r"\Z"
        if char.isascii() and char.isalnum() and (char not in _PLAIN_ESCAPES or (in_class and char in "bBA")):
            raise self._error(f"unsupported escape \\{char}", start, _INSTALL)
        if not char.isascii() or char == "_":
            raise self._error(f"unsupported escape \\{char}", start, "Only punctuation is escaped.")
        return "\\" + char

    def _hexadecimal(self, start: int) -> str:
        digits = self._text[self._at : self._at + 2]
        if not re.fullmatch(r"[0-9A-Fa-f]{2}", digits):
            raise self._error("unsupported escape \\x", start, "Write two hexadecimal digits.")
        self._at += 2
        return "\\x" + digits

    def _space(self, char: str, *, in_class: bool, start: int) -> str:
        if char == "s":  # RE2's has no vertical tab
            return r"\t\n\f\r " if in_class else r"[\t\n\f\r ]"
        if in_class:
            raise self._error("unsupported escape \\S in a class", start, _INSTALL)
        return r"[^\t\n\f\r ]"

    def _class(self) -> str:
        start = self._at
        output = ["["]
        self._at += 1
        if self._text.startswith("^", self._at):
            output.append("^")
            self._at += 1
        first = True
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "]" and not first:
                self._at += 1
                return "".join(output) + "]"
            if self._text.startswith("[:", self._at):
                raise self._error("unsupported class [:…:]", self._at, _INSTALL)
            output.append(self._class_member(char))
            first = False
        raise self._error("missing closing bracket", start, "Close every [ with a ].")

    def _class_member(self, char: str) -> str:
        if char == "\\":
            return self._escape(in_class=True)
        self._at += 1
        return "\\" + char if char in "[]&~|" else char  # `re` warns about set operations to come

    def _error(self, message: str, offset: int, help: str) -> PatternError:
        return PatternError(message, offset, help)
