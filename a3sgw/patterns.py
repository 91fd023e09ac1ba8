"""Regular expressions from configuration: RE2 syntax, unanchored search over bytes, no input can make one slow."""

from __future__ import annotations

import importlib.util
import re
import warnings
from typing import Annotated, Protocol

from a3sgw.options import AfterValidator, OptionError, ValueKind
from a3sgw.pattern_syntax import PatternError, translate
from a3sgw.replacement import expanded, parts_of

if HAS_RE2 := importlib.util.find_spec("re2") is not None:
    import re2

__all__ = ["HAS_RE2", "Expression", "Pattern", "PatternError", "Replacer", "compile_pattern", "compile_replacer"]


def _checked(text: str) -> str:
    try:
        compile_replacer(text)
    except PatternError as error:
        raise OptionError(error.message, error.help) from None
    return text


Expression = Annotated[str, AfterValidator(_checked), ValueKind("regular expression")]
"""An option that is one."""


class Pattern(Protocol):
    """A compiled expression."""

    def search(self, text: bytes) -> bool:
        """Whether the expression matches anywhere in `text` (UTF-8; a broken byte counts as U+FFFD, as in Go)."""
        ...


class Replacer(Protocol):
    """A compiled expression with what takes the place of its matches."""

    def replace(self, text: bytes) -> bytes | None:
        """`text` with every match replaced; None when nothing matches, or `text` is not UTF-8."""
        ...

    def match(self, text: bytes) -> bytes | None:
        """What matches first; None when nothing does."""
        ...


def compile_replacer(text: str, replacement: str = "") -> Replacer:
    """The same as `compile_pattern`, to replace with (see `replacement` for what may stand there); PatternError."""
    return _Re2Replacer(text, replacement) if HAS_RE2 else ReReplacer(text, replacement)


def compile_pattern(text: str) -> Pattern:
    """Compile with google-re2 where it is installed, else with `re` after a check; raises PatternError.

    Both engines give the same verdict on every expression both accept; `re` refuses more (see `translate`).
    """
    return _Re2Pattern(text) if HAS_RE2 else RePattern(text)


class _Re2Pattern:
    """Linear in the text by construction."""

    __slots__ = ("_search",)

    def __init__(self, text: str) -> None:
        options = re2.Options()
        options.log_errors = False
        options.never_capture = True  # verdicts only: no spans to fill, and the faster automaton
        try:
            self._search = re2.compile(_utf8(text), options).search
        except re2.error as error:
            raise _refused(text, error) from None

    def search(self, text: bytes) -> bool:
        return self._search(text if text.isascii() else _clean(text)) is not None


class _Re2Replacer:
    """With groups, so on RE2's slower automaton: still linear."""

    __slots__ = ("_pattern", "_replacement")

    def __init__(self, text: str, replacement: str) -> None:
        options = re2.Options()
        options.log_errors = False
        try:
            self._pattern = re2.compile(_utf8(text), options)
        except re2.error as error:
            raise _refused(text, error) from None
        names = {_text(name): number for name, number in self._pattern.groupindex.items()}
        self._replacement = parts_of(replacement, self._pattern.groups, names)

    def replace(self, text: bytes) -> bytes | None:
        """Every match, from left to right."""
        if not text.isascii() and not _is_utf8(text):
            return None
        pieces: list[bytes] = []
        end, last = 0, -1
        for found in self._pattern.finditer(text):
            if found.start() == found.end() == last:  # in Go no empty match follows another match
                continue
            pieces += [text[end : found.start()], expanded(self._replacement, found.group)]
            end = last = found.end()
        return b"".join([*pieces, text[end:]]) if pieces else None

    def match(self, text: bytes) -> bytes | None:
        """The leftmost one."""
        found = self._pattern.search(text) if text.isascii() or _is_utf8(text) else None
        return found[0] if found is not None else None


class ReReplacer:
    """The same with the standard library's engine."""

    __slots__ = ("_pattern", "_replacement")

    def __init__(self, text: str, replacement: str) -> None:
        self._pattern = _re(text)
        self._replacement = parts_of(replacement, self._pattern.groups, self._pattern.groupindex)

    def replace(self, text: bytes) -> bytes | None:
        """Every match, from left to right."""
        if not text.isascii() and not _is_utf8(text):
            return None
        readable = text.decode()
        pieces: list[str] = []
        end, last = 0, -1
        for found in self._pattern.finditer(readable):
            if found.start() == found.end() == last:
                continue
            pieces += [readable[end : found.start()], self._expanded(found)]
            end = last = found.end()
        return "".join([*pieces, readable[end:]]).encode() if pieces else None

    def _expanded(self, found: re.Match[str]) -> str:
        return expanded(self._replacement, lambda group: (found[group] or "").encode()).decode()

    def match(self, text: bytes) -> bytes | None:
        """The leftmost one."""
        found = self._pattern.search(text.decode()) if text.isascii() or _is_utf8(text) else None
        return found[0].encode() if found is not None else None


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


class RePattern:
    """The standard library's engine, for expressions that `translate` has found harmless."""

    __slots__ = ("_search",)

    def __init__(self, text: str) -> None:
        self._search = _re(text).search

    def search(self, text: bytes) -> bool:
        return self._search(text.decode(errors="replace")) is not None


def _re(text: str) -> re.Pattern[str]:
    _utf8(text)
    translated = translate(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(translated, re.ASCII)
    except (re.error, FutureWarning, DeprecationWarning, OverflowError, RecursionError) as error:
        raise PatternError(
            f"invalid regular expression: {error}", 0, "Check the expression against the RE2 syntax."
        ) from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise PatternError("the regular expression is not valid UTF-8", error.start, _HELP) from None


def _clean(text: bytes) -> bytes:
    return text.decode(errors="replace").encode()


_HELP = "Write one in RE2 syntax: no look-around, no back-references."


def _refused(text: str, error: Exception) -> PatternError:
    """RE2 names the offending piece behind a colon; its place is where that piece first occurs."""
    raw = error.args[0] if error.args else b""
    reason = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
    _, _, piece = reason.rpartition(": ")
    return PatternError(f"invalid regular expression: {reason}", max(text.find(piece), 0), _HELP)
