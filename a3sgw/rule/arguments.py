"""Checks of matcher values: hosts, paths, expressions and networks, with the place of what is wrong."""

from __future__ import annotations

from a3sgw.networks import NetworkSet
from a3sgw.patterns import Pattern, PatternError, compile_pattern
from a3sgw.rule.ast import Match, encode
from a3sgw.rule.errors import RuleError


def refuse(match: Match, index: int, summary: str, help: str) -> RuleError:
    """The error for value `index` of `match`."""
    place = match.places[index] if match.places else (match.offset, match.length)
    return RuleError(summary, *place, help=help)


def refuse_part(match: Match, index: int, offset: int, length: int, summary: str, help: str) -> RuleError:
    """The error for `length` characters from `offset` of value `index`; for all of it where escapes hide the place."""
    whole = refuse(match, index, summary, help)
    if whole.length != len(match.values[index]) + 2:
        return whole
    return RuleError(summary, whole.offset + 1 + offset, length, help)


def host(match: Match) -> bytes:
    """A host in canonical form: lower case, without trailing dot; ``*`` and ``*.example.com`` stay."""
    value = match.values[0]
    if not value.isascii():
        raise refuse(match, 0, f"{match.name} value is not ASCII", f"Write its A-label form: {_a_label(value)}.")
    canonical = value.lower().removesuffix(".")
    if canonical in {"", "*."} or value == "*.":
        raise refuse(match, 0, f"{match.name} value names no host", "Write a host name, *.name, or * for all.")
    return canonical.encode()


def path(match: Match) -> bytes:
    """A path prefix or path, as bytes."""
    value = match.values[0]
    if not value.startswith("/"):
        raise refuse(match, 0, f"{match.name} value does not start with /", f"Write {match.name}(`/{value}`).")
    return encode(value)


def expression(match: Match, index: int) -> Pattern:
    """A regular expression, compiled."""
    value = match.values[index]
    try:
        return compile_pattern(value)
    except PatternError as error:
        offset = min(error.offset, len(value) - 1)
        raise refuse_part(match, index, offset, len(value) - offset, error.message, error.help) from None


def host_expression(match: Match) -> Pattern:
    """A regular expression over host names, which are ASCII."""
    if not match.values[0].isascii():
        help = "Write non-ASCII names in their A-label form (xn--…)."
        raise refuse(match, 0, f"{match.name} value is not ASCII", help)
    return expression(match, 0)


def networks(match: Match) -> NetworkSet:
    """The one address or CIDR range of `match`."""
    value = match.values[0]
    try:
        return NetworkSet([value])
    except ValueError:
        help = "Write an address or a range, as in 10.0.0.0/8 or 2001:db8::/32."
        raise refuse(match, 0, f"{value!r} is not an address or a CIDR range", help) from None


def _a_label(name: str) -> str:
    try:
        return name.encode("idna").decode()
    except UnicodeError:  # a label that IDNA does not allow: show at least the encoding
        labels = [x if x.isascii() else "xn--" + x.encode("punycode").decode() for x in name.lower().split(".")]
        return ".".join(labels)
