"""A syntax error in plain words: what stands at the place where the rule stops making sense."""

from __future__ import annotations

import re
from typing import Any

from a3sgw.rule.errors import RuleError
from a3sgw.rule.table import MatcherTable

_NAME = re.compile(r"[A-Za-z_]\w*")
_WORD = re.compile(r"[\w.*/:?&=-]+")
_OPERATOR_WORDS = {"and": "&&", "or": "||", "not": "!"}


def explain(rule: str, at: int, table: MatcherTable[Any]) -> RuleError:
    """The error for a rule that cannot be read on from `at` (the rule's length = it ends too early)."""
    before = rule[:at].rstrip()
    if at >= len(rule):
        return _too_early(rule, before, table)
    char = rule[at]
    if char == "'":
        return RuleError("single quotes are not allowed", at, 1, "Put values in backticks: Host(`example.com`).")
    if char in '`"':
        return _quoted(rule, at, before)
    if char in "&|":
        return _operator(rule, at, before)
    if found := _NAME.match(rule, at):
        return _name(rule, at, before, found[0])
    if char in ",)":
        return _closing(before, at, char)
    if before.endswith(("(", ",")) and not _opens_group(before):
        return _bare_value(rule, at, before)
    if rule.count("`") % 2:
        return RuleError(f"unexpected {char!r} behind a value", at, 1, "A backtick is missing before it.")
    return RuleError(f"unexpected {char!r}", at, 1, "A rule is made of matchers, &&, ||, ! and parentheses.")


def _too_early(rule: str, before: str, table: MatcherTable[Any]) -> RuleError:
    if not before:
        return RuleError("the rule is empty", 0, 1, "Write at least one matcher, as in PathPrefix(`/`).")
    end = len(before)
    if before.endswith(("&&", "||", "!")):
        operator = before[-1] if before.endswith("!") else before[-2:]
        return RuleError(
            f"nothing follows {operator}", end - len(operator), len(operator), "Write a matcher behind it."
        )
    if (found := re.search(r"[A-Za-z_]\w*$", before)) and not before.endswith("`"):
        help = f"Write {found[0]}(`…`)." if table.find(found[0]) else "Write a matcher, as in Host(`example.com`)."
        return RuleError(f"{found[0]} has no values", found.start(), len(found[0]), help)
    return RuleError("missing closing parenthesis", end, 1, "Close every ( with a ).")


def _quoted(rule: str, at: int, before: str) -> RuleError:
    quote = "backtick" if rule[at] == "`" else "double quote"
    if rule.find(rule[at], at + 1) < 0:
        return RuleError(f"missing closing {quote}", at, len(rule) - at, f"End the value with a {quote}.")
    if before.endswith(("(", ",")) and rule[at] == '"' and not _opens_group(before):
        return RuleError("a value in double quotes is not closed on its line", at, 1, "Use backticks for such a value.")
    if before.endswith(("`", '"')):
        return RuleError("two values without a comma", at, 1, "Separate values with a comma.")
    return RuleError("a value without a matcher", at, 1, "Write the matcher's name, as in Host(`example.com`).")


def _operator(rule: str, at: int, before: str) -> RuleError:
    operator = rule[at] * 2
    if not rule.startswith(operator, at):
        return RuleError(f"unknown operator {rule[at]}", at, 1, f"Write {operator}.")
    where = "the start" if not before or before.endswith("(") else before[-2:].strip()
    return RuleError(f"nothing between {where} and {operator}", at, 2, "An operator stands between two matchers.")


def _name(rule: str, at: int, before: str, name: str) -> RuleError:
    operator = _OPERATOR_WORDS.get(name.lower())
    if operator and before.endswith(")"):
        return RuleError(f"unknown operator {name}", at, len(name), f"Write {operator}.")
    if before.endswith(")"):
        return RuleError(f"no operator before {name}", at, len(name), "Write && or || between two matchers.")
    if before.endswith(("(", ",")) and not _opens_group(before):
        return _bare_value(rule, at, before)
    previous = re.search(r"[A-Za-z_]\w*$", before)
    if previous and previous[0].lower() in _OPERATOR_WORDS:
        operator = _OPERATOR_WORDS[previous[0].lower()]
        return RuleError(f"unknown operator {previous[0]}", previous.start(), len(previous[0]), f"Write {operator}.")
    return RuleError(f"unexpected {name}", at, len(name), "Write a matcher, as in Host(`example.com`).")


def _bare_value(rule: str, at: int, before: str) -> RuleError:
    found = _WORD.match(rule, at)
    value = found[0] if found else rule[at]
    return RuleError(f"{value} is not quoted", at, len(value), f"Put the value in backticks: `{value}`.")


def _closing(before: str, at: int, char: str) -> RuleError:
    if char == ",":
        return RuleError("unexpected comma", at, 1, "A comma separates the values of one matcher.")
    if before.endswith(("&&", "||", "!")):
        return RuleError(f"nothing follows {before[-2:].strip('()')}", at, 1, "Write a matcher behind the operator.")
    if before.endswith("("):
        return RuleError("empty parentheses", at, 1, "Write a matcher between them.")
    if found := re.search(r"[A-Za-z_]\w*$", before):
        return RuleError(f"{found[0]} has no values", found.start(), len(found[0]), f"Write {found[0]}(`…`).")
    return RuleError("unexpected closing parenthesis", at, 1, "Open it with a ( or remove it.")


def _opens_group(before: str) -> bool:
    """Whether the last parenthesis groups matchers, rather than holding the values of one."""
    return before.endswith("(") and not re.search(r"\w\s*\($", before)
