"""What the operators of an expression do with plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from a3sgw.config.limits import ValueProblem, measure
from a3sgw.config.nodes import Value

Number = int | float


def kind(value: Value) -> str:
    """How an operator would call the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"


def number(value: Value) -> Number:
    """The value as a number; a text that looks like one counts, as everywhere in HCL."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 64:
        try:
            parsed = float(value)
        except ValueError:
            parsed = float("nan")
        if parsed == parsed and abs(parsed) < 1e300 and value.isascii() and "_" not in value:
            return whole(parsed) if not _is_integer(value) else int(value)
    raise ValueProblem(f"a number is needed here, not {kind(value)}")


def _is_integer(text: str) -> bool:
    return text.strip().lstrip("+-").isdigit()


def whole(value: Number) -> Number:
    """4.0 becomes 4: HCL has one kind of number."""
    if isinstance(value, float) and abs(value) < 2**53 and value == int(value):
        return int(value)
    return value


def boolean(value: Value) -> bool:
    """The value as true or false; the texts "true" and "false" count, as everywhere in HCL."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise ValueProblem(f"true or false is needed here, not {kind(value)}")


def text(value: Value) -> str:
    """The value as it appears inside a string."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(whole(value))
    raise ValueProblem(f"{kind(value)} cannot stand inside a text", "use join() or jsonencode()")


def equal(left: Value, right: Value) -> bool:
    """Equal in type and value: ``1 == true`` and ``1 == "1"`` are false."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right


def _divide(left: Value, right: Value) -> Value:
    dividend, divisor = number(left), number(right)
    if divisor == 0:
        raise ValueProblem("division by zero")
    if isinstance(dividend, int) and isinstance(divisor, int) and dividend % divisor == 0:
        return dividend // divisor
    return _finite(lambda: dividend / divisor)


def _remainder(left: Value, right: Value) -> Value:
    dividend, divisor = number(left), number(right)
    if divisor == 0:
        raise ValueProblem("division by zero")
    # The sign follows the dividend, as in Go and C and unlike Python.
    result = abs(dividend) % abs(divisor)
    return whole(-result if dividend < 0 else result)


def _finite(compute: Callable[[], Number]) -> Value:
    try:
        result = whole(compute())
    except OverflowError:
        raise ValueProblem("this number is too large") from None
    measure(result)
    return result


BINARY: Mapping[str, Callable[[Value, Value], Value]] = MappingProxyType(
    {
        "+": lambda left, right: _finite(lambda: number(left) + number(right)),
        "-": lambda left, right: _finite(lambda: number(left) - number(right)),
        "*": lambda left, right: _finite(lambda: number(left) * number(right)),
        "/": _divide,
        "%": _remainder,
        "<": lambda left, right: number(left) < number(right),
        ">": lambda left, right: number(left) > number(right),
        "<=": lambda left, right: number(left) <= number(right),
        ">=": lambda left, right: number(left) >= number(right),
        "==": equal,
        "!=": lambda left, right: not equal(left, right),
    }
)
"""Operators that look at both sides; && and || do not and are the evaluator's."""
