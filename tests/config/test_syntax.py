"""The translation of the library's tree: spans are those of the text, and errors are words."""

import pickle

import pytest

from a3sgw.config.nodes import Binary, Body, ForEach, Literal, Template
from a3sgw.config.split import Problem
from a3sgw.config.syntax import parse


def tree(text: str) -> Body:
    parsed = parse(text)
    assert isinstance(parsed, Body)
    return parsed


def test_spans() -> None:
    """Every node knows its characters."""
    text = 'a "b" {\n  x = 1 + "two" # c\n  inner {\n  }\n}'
    (block,) = tree(text).blocks
    assert (block.type, block.labels, block.header) == ("a", ("b",), (1, 1, 1, 6))
    (x,) = block.body.assignments
    assert (x.name, x.name_span) == ("x", (2, 3, 2, 4))
    assert isinstance(x.value, Binary)
    assert x.value.span == (2, 7, 2, 16)
    assert x.value.right == Literal((2, 11, 2, 16), "two")
    assert [inner.header for inner in block.body.blocks] == [(3, 3, 3, 8)]


def test_spans_inside_templates() -> None:
    """What stands in ${ } has its own place, in strings and in heredocs."""
    (x, y) = tree('x = "a${ b }"\ny = <<-END\n    ${upper(c)}\n  END\n').assignments
    assert isinstance(x.value, Template)
    assert [part.span for part in x.value.parts] == [(1, 6, 1, 7), (1, 10, 1, 11)]
    assert isinstance(y.value, Template)
    assert y.value.parts[0].span == (3, 7, 3, 15)


def test_keywords_are_names_too() -> None:
    """HCL reserves nothing: in, for and null may be keys and block types."""
    body = tree("in = 1\nfor = 2\nnull = 3\nif {}\n")
    assert [one.name for one in body.assignments] == ["in", "for", "null"]
    assert [one.type for one in body.blocks] == ["if"]


def test_trees_can_be_pickled() -> None:
    """A tree may come from another process."""
    body = tree("x = [for k, v in {} : v if k]\n")
    assert isinstance(body.assignments[0].value, ForEach)
    assert pickle.loads(pickle.dumps(body)) == body


@pytest.mark.parametrize(
    ("text", "span", "words"),
    [
        ("x =\n", (1, 4), "x needs a value"),
        ("x = 1 2\n", (1, 7), 'unexpected "2" after a value'),
        ("x = [1 2]\n", (1, 8), "inside a list"),
        ("x = (1\n", (1, 7), "inside parentheses"),
        ("x = f(1 2)\n", (1, 9), ""),
        ("x\n", (1, 2), "after a name"),
        ("x = 'a'\n", (1, 5), "single quotes"),
        ("= 1\n", (1, 1), 'unexpected "="'),
        ("x = 9" + "9" * 400, (1, 5), "too large"),
        ('a "${b}" {}', (1, 3), "label"),
        ('a {\n  x = "${b +}"\n}', (2, 13), "value should stand"),
    ],
)
def test_errors(text: str, span: tuple[int, int], words: str) -> None:
    """A syntax error is one sentence at the exact character."""
    problem = parse(text)
    assert isinstance(problem, Problem)
    assert problem.span[:2] == span
    assert words in problem.summary
    assert "Token" not in problem.summary
