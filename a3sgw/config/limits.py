"""Keeps evaluation finite: nothing a file says may take unbounded time or memory."""

from __future__ import annotations

from a3sgw.config.nodes import Span, Value
from a3sgw.config.split import Problem

LONGEST_TEXT = 1 << 20
"""Characters in one string, read from a file or built."""

LARGEST_GROUP = 100_000
"""Values in one list or object, nested ones counted."""

DEEPEST_VALUE = 40
LARGEST_NUMBER = 1e300
_STEPS = 500_000


class EvaluationError(Exception):
    """An expression has no value; carries one Problem."""

    def __init__(self, span: Span, summary: str, help: str = "") -> None:
        self.problem = Problem(span, summary, help)
        super().__init__(summary)


class ValueProblem(Exception):
    """What is wrong with some values, before it is known which expression they came from."""

    def __init__(self, summary: str, help: str = "") -> None:
        self.summary = summary
        self.help = help
        super().__init__(summary)


class Budget:
    """Steps one value may cost; every visited node and every value a function looks at is a step."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = _STEPS

    def spend(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise ValueProblem("this takes too long to compute", "compute less, or write the result down")

    def check(self, value: Value) -> Value:
        """The value itself if it is within the limits; counts what it holds as steps."""
        self.spend(measure(value))
        return value


def measure(value: Value, depth: int = 0) -> int:
    """How many values a value holds (itself included); raises ValueProblem beyond the limits."""
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise ValueProblem(
                f"this text is longer than {LONGEST_TEXT} characters", "keep large texts out of the configuration"
            )
        return 1
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not -LARGEST_NUMBER < value < LARGEST_NUMBER:
            raise ValueProblem("this number is too large")
        return 1
    if not isinstance(value, list | dict):
        return 1
    if depth >= DEEPEST_VALUE:
        raise ValueProblem("these values are nested too deeply", "use fewer levels")
    total = 1
    for item in value.values() if isinstance(value, dict) else value:
        total += measure(item, depth + 1)
        if total > LARGEST_GROUP:
            raise ValueProblem(f"this holds more than {LARGEST_GROUP} values", "use a smaller range or list")
    return total
