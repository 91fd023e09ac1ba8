"""The documentation, held to the code: examples that work, links that lead somewhere, nothing left unsaid."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, get_args

import pytest

from a3sgw.check import check
from a3sgw.cli import main
from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.load import Loader
from a3sgw.config.load_balancer import LoadBalancer
from a3sgw.control.messages import Down, Up
from a3sgw.middlewares.base import BodyFilter, Middleware

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
GENERATED = "configuration.md"
"""Written from the models, so it mentions every option by itself: what has to be explained is explained elsewhere."""

_FENCE = re.compile(r"^(`{3,}|~{3,})[ ]*(.*)$")
_LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$")
_LIMITING = re.compile(r"timeout|^max_|_max_")
"""Names of options that are a time or a limit."""


class Block(NamedTuple):
    """A fenced block: its page, the line it begins in, its info string and its text."""

    page: str
    line: int
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def read(name: str) -> str:
    """The text of a page in docs/."""
    return (ROOT / "docs" / name).read_text()


def prose() -> str:
    """Everything written by hand."""
    return "\n".join(page.read_text() for page in PAGES if page.name != GENERATED)


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    fence, info, start, lines = "", "", 0, list[str]()
    for number, line in enumerate(page.read_text().splitlines(), 1):
        found = _FENCE.match(line)
        if not fence and found:
            fence, info, start, lines = found[1], found[2], number, []
        elif fence and line.startswith(fence):
            yield Block(page.name, start, info, "\n".join(lines) + "\n")
            fence = ""
        elif fence:
            lines.append(line)
    assert not fence, f"{page.name}:{start}: a block that does not end"


def outside_blocks(page: Path) -> str:
    """The text of a page without its fenced blocks and code spans, whose brackets are no links."""
    text = re.sub(r"(?ms)^(`{3,}|~{3,}).*?^\1[ ]*$", "", page.read_text())
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "code", text)


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings of a page, and anchors written by hand."""
    text = re.sub(r"(?ms)^(`{3,}|~{3,}).*?^\1[ ]*$", "", page.read_text())
    found = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            plain = re.sub(r"[^\w\- ]", "", heading[1].lower())
            found.add(plain.replace(" ", "-"))
    return found


ALL_BLOCKS = [block for page in PAGES for block in blocks(page)]
HCL = [block for block in ALL_BLOCKS if block.info == "hcl"]
PYTHON = [block for block in ALL_BLOCKS if block.info == "python"]


@pytest.mark.parametrize("block", HCL, ids=str)
def test_configurations_are_valid(block: Block, tmp_path: Path) -> None:
    """Every configuration that is shown can be copied and used, unless it says that it is an excerpt."""
    loaded = Loader(environment={}).load_text(block.text, "example.hcl", tmp_path)
    errors = [str(one) for one in (*loaded.diagnostics, *check(loaded)) if one.severity == "error"]
    assert not errors


def test_there_are_examples() -> None:
    """The tests above and below have something to look at."""
    assert len(PAGES) >= 12
    assert len(HCL) >= 5
    assert len(PYTHON) >= 3
    assert {block.page for block in HCL} >= {"README.md", "getting-started.md"}


def test_blocks_say_what_they_are() -> None:
    """A block's language is one of a known few, so that no misspelling keeps an example from being checked."""
    known = {"", "hcl", "hcl excerpt", "python", "sh", "console", "json", "diff", "ini", "mermaid", "text", "toml"}
    assert not [str(block) for block in ALL_BLOCKS if block.info not in known]


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_programs_can_be_compiled(block: Block) -> None:
    """Every program that is shown is Python, and what it imports from the gateway exists."""
    tree = compile(block.text, str(block), "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "a3sgw":
            module = importlib.import_module(node.module)
            missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
            assert not missing, f"{node.module} has no {missing}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that exists, and every anchor a heading in it."""
    wrong = []
    for target in _LINK.findall(outside_blocks(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            wrong.append(target)
    assert not wrong


def test_there_are_links() -> None:
    """The test above has something to follow: the index names every page, and so does the README's table."""
    index = set(_LINK.findall(outside_blocks(ROOT / "docs" / "README.md")))
    missing = {page.name for page in PAGES if page.parent.name == "docs"} - index - {"README.md"}
    assert not missing
    assert any("docs/" in target for target in _LINK.findall(outside_blocks(ROOT / "README.md")))


def dependencies() -> list[str]:
    """Every package that pyproject.toml asks for, with the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return sorted({re.split(r"[^A-Za-z0-9_.-]", one)[0] for group in groups for one in group} - {"a3sgw"})


def test_every_dependency_has_a_reason() -> None:
    """No package is used without a line that says why, and no line is left behind when one goes."""
    asked = dependencies()
    assert len(asked) >= 10
    named = re.findall(r"^\| `([^`]+)` \|", read("dependencies.md"), re.MULTILINE)
    assert sorted(set(named) - {"python"}) == asked


def test_every_hook_is_explained() -> None:
    """Whoever writes a middleware finds each hook of the base class in the documentation."""
    text = read("architecture.md") + read("development.md")
    hooks = [f"{name}(" for name, _ in inspect.getmembers(Middleware, inspect.isfunction) if not name.startswith("_")]
    hooks += [f"{name}(" for name, _ in inspect.getmembers(BodyFilter, inspect.isfunction) if not name.startswith("_")]
    assert len(hooks) >= 10
    assert not [hook for hook in hooks if f"`{hook}" not in text]


@pytest.mark.parametrize(
    "command",
    [[], ["validate"], ["demo"], ["server", "drain"], ["server", "weight"]],
    ids=lambda words: " ".join(words) or "a3sgw",
)
def test_every_option_of_the_command_line_is_explained(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What `--help` offers is said in the documentation as well."""
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    shown = capsys.readouterr().out
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", shown))
    assert len(options) >= 2
    text = prose()
    assert not [option for option in sorted(options) if option not in text]
    assert not command or re.search(rf"a3sgw {' '.join(command)}\b", text)


def test_every_timeout_and_limit_is_explained() -> None:
    """Each time and each limit of entrypoints and load balancers has its row, with the default of the code."""
    options = {
        f"{kind.__name__}.{name}": field.get_default()
        for kind in (Entrypoint, LoadBalancer)
        for name, field in kind.model_fields.items()
        if _LIMITING.search(name)
    }
    assert len(options) >= 14
    rows = dict(re.findall(r"^\| `(\w+\.\w+)` \| ([^|]+) \|", read("limits.md"), re.MULTILINE))
    assert {name: shown(name, value) for name, value in options.items()} == {
        name: rows.get(name, "missing").strip() for name in options
    }


def shown(name: str, value: object) -> str:
    """A default as limits.md writes it."""
    if value is None or value == 0:
        return "none"
    if name.endswith("bytes") and isinstance(value, int):
        return f"{value // 1024} KB"
    if isinstance(value, float):
        return f"{value:g} s"
    return str(value)


def test_the_number_of_middlewares() -> None:
    """It is quoted on the first page."""
    kinds = [path for path in (ROOT / "a3sgw/middlewares").glob("*.py") if path.stem not in ("__init__", "base")]
    assert f"[{len(kinds)} middlewares](docs/middlewares.md)" in (ROOT / "README.md").read_text()


def test_every_status_is_explained() -> None:
    """Each status that the gateway itself gives has its section, with what to look at."""
    package = ROOT / "a3sgw"
    sources = "\n".join(path.read_text() for path in package.rglob("*.py"))
    statuses = set(re.findall(r"ClientError\(\s*(\d{3})", sources)) | {"431", "499", "500"}
    statuses |= set(re.findall(r"^    status: int = Field\((4\d\d),", sources, re.MULTILINE))
    statuses |= set(re.findall(r"^    status = (\d{3})$", (package / "errors.py").read_text(), re.MULTILINE))
    assert len(statuses) >= 12
    explained = re.findall(r"^## (\d{3})", read("errors.md"), re.MULTILINE)
    assert sorted(statuses) == sorted(explained)
    assert explained == sorted(explained)


@pytest.mark.parametrize("unit", ["a3sgw.service", "a3sgw.socket"])
def test_the_units_in_the_docs_are_those_in_deploy(unit: str) -> None:
    """Who copies the page and who copies the file run the same service."""
    assert f"```ini\n{(ROOT / 'deploy' / unit).read_text()}```" in read("operations.md")


def test_every_message_between_processes_is_explained() -> None:
    """The page about processes has a row for whatever supervisor and workers can say."""
    said = {kind.__name__ for kind in (*get_args(Down), *get_args(Up))}
    assert len(said) >= 15
    rows = "\n".join(line for line in read("processes.md").splitlines() if line.startswith("| `"))
    assert not [name for name in sorted(said) if f"`{name}`" not in rows]
