"""A tree made from a remembered shape is the tree that a parse of the same text gives, spans included."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from a3sgw.config.shapes import Shapes
from a3sgw.config.split import split
from a3sgw.config.syntax import parse

ROOT = Path(__file__).parents[2]
FILES = [
    *sorted(ROOT.glob("examples/**/*.hcl")),
    ROOT / "tests/config/complete.hcl",
    *sorted(ROOT.glob("tests/config/invalid/*.hcl")),
]
ROUTER = 'routers "{}" {{\n  rule = "{}"\n  priority = {}\n}}'


def same(texts: list[str]) -> int:
    """Compare each text's tree with that of a parse, types and spans included; how many were made without one."""
    shapes = Shapes()
    for text in texts:
        assert repr(shapes.parse(text)) == repr(parse(text)), text
    return shapes.made


def test_one_parse_for_many_pieces_of_one_shape() -> None:
    """Of pieces that differ in texts and numbers, all but the first are made without a parse."""
    texts = [ROUTER.format("r" * index, f"Path(`/{index}`)", 10**index) for index in range(5)]
    assert same(texts) == 4


@pytest.mark.parametrize(
    "text",
    [
        'a "{0}" "b{0}" {{ x = "{0}" }}',
        'a b "{0}" {{ x = "{0}" }}',
        'a "{0}" b {{}}',
        'x = ["{0}", f("{0}", "y"), {{ "{0}" = "{0}", k = "{0}" }}, "{0}"]  # "{0}"',
        'x = "{0}" == "b" ? y["{0}"].z : {{ for k, v in ["{0}"] : k => "{0}" if v != "{0}" }}',
        'x = "{0}" # first\n  + "{0}" + 1\ny = ("{0}")\n',
        'x = [\n  "{0}", "b", # "c"\n  "{0}" /* "{0}" */, "d"]\n',
        'x = /* a\n "b" */ "{0}"\r\ny = 12\r\nz = "{0}"',
        "x = '{0}'\ny = \"{0}\"",
        'x = "${{a["{0}"]}}"\ny = "{0}"',
        'x = <<E\n"{0}"\nE\ny = "{0}"\n',
        'x = <<-E\n  "{0}" ${{f("{0}")}}\n  E\n',
        'x = \\"{0}\\"\n',
        'x = "{0}',
        'x = "{0}" "b"',
        'x = a == 12\ny = -12\nz = [12]\n"{0}" = 12\n',
        '\n\n  x="{0}"\n\n\ty  =  "{0}"  \n',
        'x = y[*]["{0}"].z.*.b["{0}"]\n',
    ],
)
@pytest.mark.parametrize(
    "content",
    [
        *("", "longer than the rest", "é😀\u2028", "\\n\\u00e9\\\\", '\\"', "\\q", "$", "$$", "$x%"),
        *("${x}", "$${", "%{ if a }", "#", "//", "/*", "<<E", "\t ", "a\rb"),
    ],
)
def test_what_stands_where(text: str, content: str) -> None:
    """Whatever stands around and inside the quotes, the tree is that of a parse."""
    same([text.format(one) for one in ("a", "b", content, "c", content * 2)])


def test_numbers_keep_their_type_and_texts_theirs() -> None:
    """A number in the place of a text is another shape, and leading zeros are read as the parser reads them."""
    texts = ["x = 1\n\n", 'x = "1"\n\n', "x = true\n\n", "x = 007\n\n", "x = 1.0\n\n", 'x = "22"\n\n', "x = 22\n\n"]
    assert same(texts * 2) == 8


def test_comments_belong_to_the_shape() -> None:
    """Quotes in comments are no literals; a block with the same comments has the same shape."""
    text = 'x = "{}" # the "{}"\n// "\n/* "a\nb" */ y = "{}"\n'
    assert same([text.format(one, "c", one) for one in ("a", "bb", "")]) == 2
    assert same([text.format(one, one, one) for one in ("a", "bb", "")]) == 0


@pytest.mark.parametrize(
    "text", ['x = "${{f("{}")}}"', 'x = "%{{ if f("{}") }}%{{ endif }}"', "x = <<E\n${{f({})}}\nE\n"]
)
def test_what_depends_on_the_length_of_texts_is_parsed(text: str) -> None:
    """Only so much may stand inside ${ }; where that is, every piece is parsed."""
    assert same([text.format(one) for one in ("a", "b", "c" * 20_000)]) == 0
    assert same([text.format(f'"{one}"') for one in ("a", "b", "c" * 20_000)]) == 0


def test_what_depends_on_the_length_of_numbers_is_parsed() -> None:
    """A number that is too large is an error, whatever shape it stands in."""
    assert same([f"x = {one}\n\n" for one in ("1", "2", "9" * 400)]) == 1


def test_forgetting() -> None:
    """After a load no shape is remembered; a bounded number is during it."""
    shapes = Shapes()
    for _ in range(2):
        shapes.parse('x = "a"')
        shapes.forget()
    assert shapes.made == 0
    for index in range(1000):
        shapes.parse(f'x{index} = "a"')
    for _ in range(2):
        shapes.parse('y = "a"')
    assert shapes.made == 0
    shapes.parse('x0 = "b"')
    assert shapes.made == 1


# Written configurations

REPLACED: list[Callable[[re.Match[str]], str]] = [
    lambda match: match[0],
    lambda match: f'"{match[0][1:-1]}{match[0][1:-1]}"',
    lambda match: '""',
    lambda match: f'"é{match.start()}"',
    lambda match: f'"\\"{match.start()}\\\\"' if match.start() % 3 else match[0],
    lambda match: '"${a["b"]}"' if match.start() % 5 == 0 else '"x"',
    lambda match: '"\\q"' if match.start() % 5 == 0 else '"y"',
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_written_blocks_with_other_texts(file: Path) -> None:
    """Every block of the examples and of the wrong configurations, with each kind of text in its quotes."""
    assert len(FILES) > 15
    text = file.read_text()
    for chunk in split(text)[0]:
        texts = [re.sub(r'"[^"\n]*"', replace, chunk.text) for replace in REPLACED]
        same(texts + [re.sub(r"[0-9]+", "1234", one) for one in texts[:2]])


# Invented configurations

PLAIN = st.text(st.characters(exclude_characters='"\\\n\r', exclude_categories=["Cs"]), max_size=8)
CONTENT = st.one_of(PLAIN, PLAIN, PLAIN, st.sampled_from(["\\n", "\\\\", '\\"', "$", "%{", "${a}", "$${a}", "a\tb"]))
HOLE = st.sampled_from(["\0", "\0", "\0", '"kept"', "\1"])
VALUE = st.recursive(
    st.one_of(HOLE, HOLE, st.sampled_from(["1.5", "true", "null", "local.a", '"a${b}"', "<<E\n\0\nE\n"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=3).map(lambda items: "[\n" + "".join(f"  {item}, # \0\n" for item in items) + "]"),
        st.lists(inner, max_size=3).map(lambda items: f"{{ {', '.join(f'k = {item}' for item in items)} }}"),
        st.lists(inner, max_size=3).map(lambda items: f"f({', '.join(items)})"),
        st.tuples(inner, inner).map(lambda two: f"{two[0]} + {two[1]}"),
        st.tuples(inner, inner, inner).map(lambda three: "{} ? {} : {}".format(*three)),
        st.tuples(inner, inner).map(lambda two: f"{{ (\0) = {two[0]}, \0 = {two[1]} }}[\0]"),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"[for a in {one} : a if a != \0]"),
    ),
    max_leaves=6,
)
LINE = st.one_of(
    VALUE.map(lambda value: f"  x = {value}\n"),
    VALUE.map(lambda value: f"  x = {value} // \0\n"),
    st.sampled_from(["  # \0\n", "\n", "  /* \0 */\n", "  inner \0 {\n    y = \0\n  }\n", "  x = \1\r\n"]),
    st.just("  y { z = \0 }\n"),
)
HEAD = st.sampled_from(["a {\n…}", "a \0 {\n…}", "a \0 \0 {\n…}", "a b \0 {\n…}", "…"])


@given(HEAD, st.lists(LINE, max_size=4), st.lists(st.tuples(CONTENT, st.integers(0, 10**6)), min_size=1, max_size=4))
@example("a \0 {\n…}", ["  x = [\0, \0]\n"], [("", 1), ("long", 2)])
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_invented_blocks(head: str, lines: list[str], fillings: list[tuple[str, int]]) -> None:
    """Whatever a block is made of, filling its holes in other ways gives the trees that parses give."""
    shape = head.replace("…", "".join(lines))
    contents = iter([one for one, _ in fillings] * 200)
    numbers = iter([one for _, one in fillings] * 200)
    texts = []
    for _ in range(4):
        quoted = re.sub("\0", lambda _: f'"{next(contents)}"', shape)
        texts.append(re.sub("\1", lambda _: str(next(numbers)), quoted))
    same(texts)
