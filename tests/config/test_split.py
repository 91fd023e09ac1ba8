"""Cutting a file into items: exact lines, and one broken item does not swallow the next."""

import pytest

from a3sgw.config.split import end_of_string, split


def test_items_are_whole_lines() -> None:
    """Comments between items belong to none of them; everything keeps its line."""
    text = '# head\na = 1\n\n/* two\nlines */ b = [\n 2,\n]\nc "x" {\n  d = "}"\n  # }\n}\n'
    chunks, problems = split(text)
    assert problems == []
    assert [(chunk.line, chunk.text) for chunk in chunks] == [
        (2, "a = 1"),
        (4, "/* two\nlines */ b = [\n 2,\n]"),
        (8, 'c "x" {\n  d = "}"\n  # }\n}'),
    ]


@pytest.mark.parametrize(
    "item",
    [
        'a = "${ { x = "}" }.x }"',
        "a = <<E\n } {\n E\n",
        'a = <<-END\n"\n  END',
        'a = "\\"{"',
        'a = "$${"',
        "a = [ // ]\n]",
    ],
)
def test_brackets_in_texts_do_not_count(item: str) -> None:
    """Strings, templates, heredocs and comments may hold any bracket."""
    chunks, problems = split(item + "\nb = 1\n")
    assert problems == []
    assert [chunk.text for chunk in chunks] == [item.rstrip("\n"), "b = 1"]


def test_an_unclosed_block_ends_where_the_next_begins() -> None:
    """A missing brace is one error, and what follows is still read."""
    chunks, problems = split('routers "a" {\n  x = {\n\nrouters "b" {\n}\n')
    assert [(problem.span[:2], problem.summary) for problem in problems] == [((1, 13), 'this "{" is never closed')]
    assert [chunk.text for chunk in chunks if chunk.sound] == ['routers "b" {\n}']


@pytest.mark.parametrize(
    ("text", "span"),
    [('a = "x\n', (1, 5)), ("}\n", (1, 1)), ("a = (1]\n", (1, 7)), ("\n/* x", (2, 1)), ("a = <<E\nx\n", (1, 5))],
)
def test_problems_have_a_place(text: str, span: tuple[int, int]) -> None:
    """What is never closed is reported where it opens."""
    chunks, problems = split(text)
    assert [problem.span[:2] for problem in problems] == [span]
    assert not any(chunk.sound for chunk in chunks)


def test_end_of_string_is_bounded() -> None:
    """Templates in templates in templates end the search instead of the stack."""
    assert end_of_string('"${' * 5000, 0) == -1
    assert end_of_string('"a${"b"}c" d', 0) == 10


def test_garbage_is_reported_a_bounded_number_of_times() -> None:
    """A file of nothing but brackets does not give a million findings."""
    assert len(split("}\n" * 5000)[1]) == 100


@pytest.mark.parametrize("text", ['a "x" {\n}b "y" {\n}\n', 'a "x" { } b = 1\n', "locals {\n} /* c */ b {\n}\n"])
def test_an_item_begins_on_a_line_of_its_own(text: str) -> None:
    """Two on one line would be read as one."""
    chunks, problems = split(text)
    assert [one.summary for one in problems] == ["this begins on the line where a block ends"]
    assert [one.sound for one in chunks] == [False]
    assert split("a = true ? { b = 1 } : { c = 2 }\n")[1] == []
