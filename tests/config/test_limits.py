"""Limits: values and work are bounded."""

import pytest

from a3sgw.config.limits import DEEPEST_VALUE, LARGEST_GROUP, LONGEST_TEXT, Budget, ValueProblem, measure
from a3sgw.config.nodes import Value


def nested(depth: int) -> Value:
    value: Value = 1
    for _ in range(depth):
        value = [value]
    return value


def doubled(times: int) -> Value:
    value: Value = 1
    for _ in range(times):
        value = {"a": value, "b": value}
    return value


def test_measure() -> None:
    """Everything inside counts."""
    assert measure([1, "a", {"b": [None]}]) == 6
    assert measure(nested(DEEPEST_VALUE)) == DEEPEST_VALUE + 1


@pytest.mark.parametrize(
    "value",
    [
        "x" * (LONGEST_TEXT + 1),
        [0] * LARGEST_GROUP,
        nested(DEEPEST_VALUE + 1),
        doubled(35),
        1e301,
        -(10**301),
        float("nan"),
    ],
)
def test_too_much(value: Value) -> None:
    """Beyond the limits there is a problem, found without visiting everything."""
    with pytest.raises(ValueProblem):
        measure(value)


def test_budget() -> None:
    """Work ends when the steps are used up."""
    budget = Budget()
    budget.spend(budget.left)
    with pytest.raises(ValueProblem):
        budget.spend()
