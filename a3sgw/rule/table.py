"""Which matchers a kind of rule knows: name, number of values, and the factory that compiles one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from a3sgw.rule.ast import Match

T = TypeVar("T")
Predicate = Callable[[T], bool]
"""Whether a request (or a connection) satisfies a rule; pure, never raises."""


@dataclass(frozen=True, slots=True)
class Matcher(Generic[T]):
    """One matcher: how it is called, how many values it takes, and how its values become a predicate.

    `factory` checks the values and raises RuleError; it runs once, when the rule is compiled.
    """

    name: str
    arities: tuple[int, ...]
    usage: str
    factory: Callable[[Match], Predicate[T]]


class MatcherTable(Generic[T]):
    """Matchers by every accepted spelling of their names: exact, lower, UPPER, Title (as Traefik's NewParser)."""

    def __init__(self, matchers: Iterable[Matcher[T]], aliases: Mapping[str, str] | None = None) -> None:
        self.matchers = {matcher.name: matcher for matcher in matchers}
        self._spellings: dict[str, Matcher[T]] = {}
        names = {name: name for name in self.matchers} | dict(aliases or {})
        for name, canonical in names.items():
            for spelling in (name, name.lower(), name.upper(), name.capitalize()):
                self._spellings[spelling] = self.matchers[canonical]

    def find(self, spelling: str) -> Matcher[T] | None:
        """The matcher spelled this way."""
        return self._spellings.get(spelling)

    def __getitem__(self, name: str) -> Matcher[T]:
        """The matcher of this canonical name."""
        return self.matchers[name]

    def __repr__(self) -> str:
        return f"<MatcherTable [{', '.join(self.matchers)}]>"
