"""Expressions: what they compute, what they refuse, and that nothing makes them crash or run on."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a3sgw.config.evaluate import Evaluator, Surroundings
from a3sgw.config.limits import EvaluationError, ValueProblem
from a3sgw.config.load import Loader
from a3sgw.config.nodes import Body, Value
from a3sgw.config.split import split
from a3sgw.config.syntax import parse

TOO_LONG = "this text would be longer than 1048576 characters"
ENDLESS = "[for a in range(9999) : [for b in range(9999) : [for c in range(9999) : c]]]"
ENVIRONMENT = {"NAME": "gate", "EMPTY": "", "port": "80"}


def evaluate(expression: str, directory: Path = Path()) -> Value:
    chunks, problems = split(f"x = {expression}\n")
    if problems:
        raise EvaluationError(problems[0].span, problems[0].summary)
    body = parse(chunks[0].text)
    if not isinstance(body, Body):
        raise EvaluationError(body.span, body.summary)
    return Evaluator(Surroundings(ENVIRONMENT, directory, _local)).evaluate(body.assignments[0].value)


def _local(name: str) -> Value:
    if name == "list":
        return [1, 2]
    raise ValueProblem("no such local")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * -3", -9),
        ("7 / 2", 3.5),
        ("8 / 2", 4),
        ("-7 % 3", -1),
        ('"5" + 1', 6),
        ("1 == true", False),
        ('1 == "1"', False),
        ("[1, 2] == [1, 2]", True),
        ("!true || 2 > 1 && false", False),
        ("false && 1 / 0 == 1", False),
        ('true ? "a" : nonsense', "a"),
        ('"${NAME}way"', "gateway"),
        ('"${EMPTY}"', ""),
        ('"$${NAME} %%{if}"', "${NAME} %{if}"),
        (r'"tab\t quote\" \u00e9 \\"', 'tab\t quote" é \\'),
        ('"${upper(NAME)}-${1 + 1}"', "GATE-2"),
        ('"${[1, 2]}"', [1, 2]),
        ('"%{ if NAME == "gate" }yes%{ else }no%{ endif }"', "yes"),
        ('"%{ for i, c in ["a", "b"] }${i}${c};%{ endfor }"', "0a;1b;"),
        ('env("NAME")', "gate"),
        ('env("MISSING", "other")', "other"),
        ("local.list[1]", 2),
        ("local.list", [1, 2]),
        ('{ a = 1, "b" : 2, (upper("c")) = 3 }', {"a": 1, "b": 2, "C": 3}),
        ("{ a = { b = [5] } }.a.b.0", 5),
        ("[for n in [1, 2, 3] : n * 2 if n != 2]", [2, 6]),
        ('[for k, v in { a = 1 } : "${k}${v}"]', ["a1"]),
        ('{ for n in [1, 2, 3] : n % 2 == 0 ? "even" : "odd" => n... }', {"odd": [1, 3], "even": [2]}),
        ("[{ a = 1 }, { a = 2 }][*].a", [1, 2]),
        ("[{ a = 1 }, { a = 2 }].*.a", [1, 2]),
        ("null[*].a", []),
        ("max([1, 5, 3]...)", 5),
        ("<<-END\n    one\n      ${NAME}\n    END", "one\n  gate\n"),
        ("<<END\n  \\n stays\nEND", "  \\n stays\n"),
        ("<<END\n%{ for n in [1, 2] ~}\n${n},\n%{ endfor ~}\nEND", "1,\n2,\n"),
        ("[\n  1, # one\n  2,\n]", [1, 2]),
        ("1e3", 1000),
        ("-1.5", -1.5),
    ],
)
def test_value(expression: str, value: Value) -> None:
    """An expression has the value the language gives it."""
    result = evaluate(expression)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("expression", "summary"),
    [
        ("1 / 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ('1 + "a"', "a number is needed here, not a text"),
        ("!5", "true or false is needed here, not a number"),
        ("[][0]", "the list has 0 values; there is none at 0"),
        ("{}.a", 'there is no "a" here'),
        ("5.a", "a number has nothing inside"),
        ('"${[1]}x"', "a list cannot stand inside a text"),
        ("bare", 'unknown name "bare"'),
        ('"${MISSING}"', "the environment variable MISSING is not set"),
        ("upcase(1)", "unknown function upcase()"),
        ("upper()", "0 is the wrong number of arguments"),
        ("range(1e9)", "this range is endless or holds more than 100000 numbers"),
        ('"a" * 3', "a number is needed here, not a text"),
        ("1e200 * 1e200", "this number is too large"),
        ('replace(format("%999s", "a"), "", format("%999s%999s", "a", "b"))', TOO_LONG),
        (ENDLESS, "this takes too long to compute"),
        ("[" * 61 + "]" * 61, "this is nested too deeply"),
        ("1" + " + 1" * 5000, "this is too complex to read"),
        (r'"\q"', r'unknown escape "\q"'),
        ('"%{ if true }"', "a directive in this text is never ended"),
        ("<<END\n%{ if true }\nEND", "this directive is never ended (looked until line 3)"),
        ("<<END\n%{ endif }\nEND", '"%{ endif }" without its beginning'),
        ('"${}"', None),
        ('file("/dev/zero")', "/dev/zero is not a regular file"),
    ],
)
def test_refused(expression: str, summary: str | None) -> None:
    """What has no value is refused with a reason, however it is written."""
    with pytest.raises(EvaluationError) as caught:
        evaluate(expression)
    assert summary is None or caught.value.problem.summary == summary


def test_file(tmp_path: Path) -> None:
    """file() is relative to the configuration and strips one final newline."""
    (tmp_path / "secret").write_text("one\n\n")
    assert evaluate('file("secret")', tmp_path) == "one\n"


def test_doubling_locals_end() -> None:
    """Values that double in every local are refused instead of filling the memory."""
    lines = [f"a{index} = [local.a{index + 1}, local.a{index + 1}]" for index in range(30)]
    text = "locals {\n" + "\n".join(lines) + '\na30 = "x"\n}\nlog { level = jsonencode(local.a0) }'
    loaded = Loader(environment={}).load_text(text)
    assert loaded.config is None
    assert any("more than" in one.summary for one in loaded.diagnostics)


# Random expressions

NUMBERS = st.integers(0, 1000).map(lambda number: (str(number), number))


def _combine(parts: st.SearchStrategy[tuple[str, int]]) -> st.SearchStrategy[tuple[str, int]]:
    def build(operator: str, left: tuple[str, int], right: tuple[str, int]) -> tuple[str, int]:
        value = {"+": left[1] + right[1], "-": left[1] - right[1], "*": left[1] * right[1]}[operator]
        return f"({left[0]} {operator} {right[0]})", value

    return st.builds(build, st.sampled_from("+-*"), parts, parts)


@given(st.recursive(NUMBERS, _combine, max_leaves=12))
@settings(max_examples=60, deadline=None)
def test_arithmetic_agrees_with_python(case: tuple[str, int]) -> None:
    """Whole numbers are computed exactly."""
    assert evaluate(case[0]) == case[1]


PIECES = st.sampled_from(
    [
        '"',
        "${",
        "%{",
        "}",
        "{",
        "[",
        "]",
        "(",
        ")",
        "\n",
        "=",
        ":",
        ",",
        ".",
        "*",
        "...",
        "=>",
        "? ",
        "for x in ",
        "if ",
        "\\",
        "local",
        "local.a",
        "env(",
        "NAME",
        "upper(",
        "format(",
        "range(",
        "1",
        "-",
        "0",
        "/",
        "%",
        "!",
        "&&",
        "<<END\n",
        "END\n",
        "<<-E\n",
        "E\n",
        "#",
        "/*",
        "*/",
        "//",
        "true",
        "null",
        "a",
        " ",
        "x = ",
        'routers "r" ',
        "locals ",
        "'",
        "é",
        "\0",
        "\r",
        "endif",
        "endfor",
        "~",
        "1e999",
        "9" * 400,
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=40))
@settings(max_examples=250, deadline=None)
def test_any_text_only_gives_diagnostics(text: str) -> None:
    """Whatever a file contains, loading it ends in diagnostics that point into it, never in an exception."""
    loaded = Loader(environment=ENVIRONMENT).load_text(text, "t.hcl")
    assert loaded.config is not None or loaded.errors
    lines = text.split("\n")
    for one in loaded.diagnostics:
        assert one.place is not None
        assert 0 < one.place.line <= len(lines) + 1, one


EXPRESSIONS = st.recursive(
    st.sampled_from(["1", "0", '"a"', '"${NAME}"', "true", "null", "[]", "{}", "local.list", 'env("NAME")', "nothing"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "==", "<", "&&", "||"]), inner).map(" ".join),
        inner.map(lambda one: f"[{one}, {one}]"),
        inner.map(lambda one: f"{{ a = {one} }}"),
        inner.map(lambda one: f"({one}).a"),
        inner.map(lambda one: f"({one})[0]"),
        inner.map(lambda one: f"({one})[*]"),
        inner.map(lambda one: f"[for x in {one} : x]"),
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, inner, inner).map(lambda all: f"({all[0]}) ? ({all[1]}) : ({all[2]})"),
        st.tuples(
            st.sampled_from(
                [
                    "upper",
                    "join",
                    "length",
                    "merge",
                    "concat",
                    "flatten",
                    "range",
                    "format",
                    "replace",
                    "jsondecode",
                    "element",
                    "slice",
                    "substr",
                    "max",
                    "tostring",
                    "base64decode",
                    "distinct",
                    "sort",
                    "coalesce",
                ]
            ),
            st.lists(inner, max_size=3),
        ).map(lambda all: f"{all[0]}({', '.join(all[1])})"),
    ),
    max_leaves=10,
)


@given(EXPRESSIONS)
@settings(max_examples=250, deadline=None)
def test_any_expression_has_a_value_or_a_reason(expression: str) -> None:
    """Every well-formed expression gives plain data or one problem with words in it."""
    try:
        outcome = evaluate(expression)
    except EvaluationError as error:
        outcome = error.problem.summary or object  # type: ignore[assignment]  # a problem without words fails below
    assert outcome is None or isinstance(outcome, bool | int | float | str | list | dict)
