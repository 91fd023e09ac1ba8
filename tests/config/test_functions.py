"""Functions of the configuration language: one example each, and the ways they refuse."""

import pytest

from a3sgw.config.functions import FUNCTIONS, call
from a3sgw.config.limits import ValueProblem
from a3sgw.config.nodes import Value

EXAMPLES: list[tuple[str, list[Value], Value]] = [
    ("upper", ["aé"], "AÉ"),
    ("lower", ["AB"], "ab"),
    ("title", ["hello wide world"], "Hello Wide World"),
    ("trim", ["xxaxx", "x"], "a"),
    ("trimprefix", ["abc", "a"], "bc"),
    ("trimsuffix", ["abc", "c"], "ab"),
    ("trimspace", [" a\n"], "a"),
    ("split", [",", "a,b"], ["a", "b"]),
    ("split", ["", "ab"], ["a", "b"]),
    ("join", ["-", ["a", 1, True]], "a-1-true"),
    ("replace", ["aXa", "a", "b"], "bXb"),
    ("substr", ["hello", 1, 3], "ell"),
    ("substr", ["hello", -2, -1], "lo"),
    ("startswith", ["hello", "he"], True),
    ("endswith", ["hello", "he"], False),
    ("format", ["%s=%d %5.2f%% %t %q %v %03d", "a", 1, 2.5, True, "x", [1], 7], 'a=1  2.50% true "x" [1] 007'),
    ("concat", [[1], [2, 3]], [1, 2, 3]),
    ("merge", [{"a": 1, "b": 1}, {"b": 2}], {"a": 1, "b": 2}),
    ("lookup", [{"a": 1}, "a"], 1),
    ("lookup", [{"a": 1}, "b", 2], 2),
    ("length", ["abc"], 3),
    ("length", [{"a": 1}], 1),
    ("keys", [{"b": 1, "a": 2}], ["a", "b"]),
    ("values", [{"b": 1, "a": 2}], [2, 1]),
    ("contains", [[1, 2], 2], True),
    ("contains", [[1], True], False),
    ("flatten", [[1, [2, [3]]]], [1, 2, 3]),
    ("distinct", [[1, 1, "1"]], [1, "1"]),
    ("sort", [["b", "a"]], ["a", "b"]),
    ("reverse", [[1, 2]], [2, 1]),
    ("element", [[1, 2, 3], 4], 2),
    ("slice", [[1, 2, 3], 1, 3], [2, 3]),
    ("range", [3], [0, 1, 2]),
    ("range", [3, 0], [3, 2, 1]),
    ("range", [0, 1, 0.5], [0, 0.5]),
    ("min", [3, 1], 1),
    ("max", [3, "5"], 5),
    ("abs", [-3], 3),
    ("ceil", [1.2], 2),
    ("floor", [1.8], 1),
    ("coalesce", [None, "", "a"], "a"),
    ("tostring", [1], "1"),
    ("tonumber", ["1.5"], 1.5),
    ("tobool", ["true"], True),
    ("jsonencode", [{"a": [1, None]}], '{"a":[1,null]}'),
    ("jsondecode", ['{"a": 1}'], {"a": 1}),
    ("base64encode", ["hello"], "aGVsbG8="),
    ("base64decode", ["aGVsbG8="], "hello"),
    ("sha256", [""], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
]


def test_every_function_has_an_example() -> None:
    """Nothing is listed that was never tried."""
    assert {name for name, _, _ in EXAMPLES} == set(FUNCTIONS)


@pytest.mark.parametrize(("name", "arguments", "value"), EXAMPLES)
def test_value(name: str, arguments: list[Value], value: Value) -> None:
    """The function gives what its documentation says, in the type it says."""
    result = call(name, FUNCTIONS[name], arguments)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("upper", []),
        ("upper", [[1]]),
        ("join", [",", "a"]),
        ("join", ["x" * 1000, ["y"] * 5000]),
        ("replace", ["a" * 5000, "a", "b" * 5000]),
        ("format", ["%s"]),
        ("format", ["%z", 1]),
        ("format", ["%", 1]),
        ("format", ["x", 1]),
        ("format", ["%9999s", 1]),
        ("format", ["%d", 1.5]),
        ("lookup", [{}, "a"]),
        ("lookup", [{}, "a", 1, 2]),
        ("length", [5]),
        ("element", [[], 1]),
        ("slice", [[1], 1, 3]),
        ("range", []),
        ("range", [1, 2, 0]),
        ("range", [1, 2, 1e-300]),
        ("min", []),
        ("tonumber", ["x"]),
        ("tonumber", ["nan"]),
        ("tobool", ["yes"]),
        ("jsondecode", ["{"]),
        ("jsondecode", ["[" * 100_000]),
        ("base64decode", ["%"]),
        ("base64decode", ["/w=="]),
        ("coalesce", [None]),
    ],
)
def test_refused(name: str, arguments: list[Value]) -> None:
    """What a function cannot use is a problem with words, not an exception of Python."""
    with pytest.raises(ValueProblem) as caught:
        call(name, FUNCTIONS[name], arguments)
    assert caught.value.summary
