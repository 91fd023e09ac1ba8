"""The shape of the house: imports point downwards, families do not know their siblings, one importer per package."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import a3sgw

ROOT = Path(a3sgw.__file__).parent
LAYERS = {
    1: (
        "affinity",
        "api_keys",
        "certificates",
        "collection",
        "proxy_protocol",
        "crc32c",
        "certificates",
        "compression",
        "cores",
        "crc32c",
        "diagnostic",
        "encoding",
        "errors",
        "files",
        "interpreter",
        "loop",
        "networks",
        "options",
        "outcome",
        "pattern_syntax",
        "patterns",
        "peek",
        "proxy_protocol",
        "replacement",
        "redis_client",
        "resolver",
        "shared",
        "steps",
        "scopes",
        "sweeper",
        "tasks",
        "title",
        "unsent",
        "version",
        "web",
    ),
    2: ("config", "http", "machines", "passwords", "plan", "retry_policy", "tokens"),
    3: ("listeners", "middlewares", "observe", "providers", "rule", "targets", "tls", "upstream"),
    4: ("balancers", "control", "own_log"),
    5: ("service",),
    6: ("routing",),
    7: ("proxy",),
    8: ("entrypoints",),
    9: ("admin", "check", "listening", "probes", "public", "retire", "serving", "snapshot", "switches"),
    10: ("caretaker", "data_plane", "reloads"),
    11: ("gateway", "worker"),
    12: ("supervisor",),
    13: ("cli",),
    14: ("__init__", "__main__"),
}
LAYER = {name: layer for layer, names in LAYERS.items() for name in names}
FAMILIES = ("balancers", "entrypoints", "middlewares", "providers")
SHARED = ("base", "circle", "lots", "lowest", "rendezvous", "smooth", "turns")


def modules() -> list[str]:
    """Every module of the package, as a path without suffix, e.g. ``proxy/exchange``."""
    return sorted(str(path.relative_to(ROOT).with_suffix("")) for path in ROOT.rglob("*.py"))


def imports(module: str) -> Iterator[str]:
    """Full names of what a module imports, also for type checking only and inside functions."""
    tree = ast.parse((ROOT / f"{module}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inside(module: str) -> set[str]:
    """The modules of the package that `module` imports."""
    known = set(modules())
    found = set()
    for name in imports(module):
        if name == "a3sgw" or name.startswith("a3sgw."):
            path = name.removeprefix("a3sgw").removeprefix(".").replace(".", "/")
            found |= {one for one in (path, f"{path}/__init__", path or "__init__") if one in known}
    return found - {module}


def room(module: str) -> str:
    """The folder or top-level file a module belongs to."""
    return module.split("/")[0]


def test_every_room_has_a_layer() -> None:
    """A new folder or top-level file says where it stands before anything imports it."""
    rooms = {room(module) for module in modules()}
    assert rooms, "the package was not found"
    assert rooms == set(LAYER)


@pytest.mark.parametrize("module", modules())
def test_imports_point_downwards(module: str) -> None:
    """No module imports from a layer above its own, or from another room of its own layer's height and above."""
    here = LAYER[room(module)]
    wrong = [
        one for one in inside(module) if one != "version" and room(one) != room(module) and LAYER[room(one)] > here
    ]
    assert not wrong, f"{module} reaches up to {wrong}"


@pytest.mark.parametrize("family", FAMILIES)
def test_families_do_not_know_their_siblings(family: str) -> None:
    """A kind can be added, changed or removed without looking at another kind."""
    members = [module for module in modules() if module.startswith(f"{family}/")]
    assert len(members) >= 2
    for module in members:
        siblings = {one for one in inside(module) if one.startswith(f"{family}/")}
        wrong = [one for one in siblings if one.split("/")[1] not in (*SHARED, "__init__")]
        assert not wrong, f"{module} knows {wrong}"


def test_there_are_no_import_cycles() -> None:
    """Modules can be read in an order in which nothing is used before it is explained."""
    edges = {module: {one for one in inside(module) if not one.endswith("__init__")} for module in modules()}
    while leaves := [module for module, needs in edges.items() if not needs & set(edges)]:
        for leaf in leaves:
            del edges[leaf]
    assert not edges, f"a cycle among {sorted(edges)}"


def test_each_package_has_one_importer() -> None:
    """What a third-party package does for us is said in one place, so it can be replaced in one place."""
    importers: dict[str, set[str]] = defaultdict(set)
    for module in modules():
        for name in imports(module):
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top != "a3sgw":
                importers[top].add(module)
    assert len(importers) >= 8
    shared = {package: sorted(found) for package, found in importers.items() if len(found) > 1}
    assert not shared
