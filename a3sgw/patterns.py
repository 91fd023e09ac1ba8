"""Regular expressions from configuration: RE2 syntax, unanchored search over bytes, no input can make one slow."""

from __future__ import annotations

import importlib.util
import re
import warnings
from typing import Protocol

from a3sgw.pattern_syntax import PatternError, translate

if HAS_RE2 := importlib.util.find_spec("re2") is not None:
    import re2

__all__ = ["HAS_RE2", "Pattern", "PatternError", "compile_pattern"]


class Pattern(Protocol):
    """A compiled expression."""

    def search(self, text: bytes) -> bool:
        """Whether the expression matches anywhere in `text` (UTF-8; a broken byte counts as U+FFFD, as in Go)."""
        ...


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


class RePattern:
    """The standard library's engine, for expressions that `translate` has found harmless."""

    __slots__ = ("_search",)

    def __init__(self, text: str) -> None:
        _utf8(text)
        translated = translate(text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self._search = re.compile(translated, re.ASCII).search
        except (re.error, FutureWarning, DeprecationWarning, OverflowError, RecursionError) as error:
            raise PatternError(
                f"invalid regular expression: {error}", 0, "Check the expression against the RE2 syntax."
            ) from None

    def search(self, text: bytes) -> bool:
        return self._search(text.decode(errors="replace")) is not None


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
