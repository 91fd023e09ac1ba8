"""Middleware kinds: files of the package, modules of others, and the fixed ones that come later."""

import sys
from types import ModuleType

import pytest

from a3sgw.config.load import Loader
from a3sgw.config.registry import BrokenKind, Registry
from a3sgw.options import BaseOptions


class Middleware:
    """Stands for the base class of middlewares."""


class Options(BaseOptions):
    """Options of the kind below."""

    colour: str = "red"
    """What colour."""


class Paint(Middleware):
    """The one middleware of this module."""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    empty = ModuleType("a3sgw_test_empty")
    monkeypatch.setitem(sys.modules, "a3sgw_test_empty", empty)
    return Registry({"paint": __name__, "empty": "a3sgw_test_empty", "gone": "a3sgw_test_no_such_module"})


FIFTEEN = {
    *("api-key", "basic-auth", "jwt", "forward-auth", "rate-limit", "rate-limit-redis", "cors", "headers"),
    *("strip-prefix", "body-limit", "retry", "circuit-breaker", "ip-allow", "compress", "tcp-filter"),
}
"""What configurations could name from the beginning."""


def test_kinds(registry: Registry) -> None:
    """Every fixed kind, every file and every registered one is known, sorted."""
    kinds = registry.kinds()
    assert FIFTEEN | {"paint"} <= set(kinds)
    assert list(kinds) == sorted(kinds)
    assert "base" not in kinds


def test_a_kind_is_its_module(registry: Registry) -> None:
    """The module gives the options and the one middleware."""
    assert registry.options("paint") is Options
    assert registry.middleware("paint", Middleware) is Paint
    assert registry.options("unheard-of") is None
    assert registry.kinds_with("colour") == ("paint",)


@pytest.mark.parametrize("kind", ["empty", "gone"])
def test_a_broken_module_is_a_finding(registry: Registry, kind: str) -> None:
    """A module that cannot be used says so at the place of the type."""
    with pytest.raises(BrokenKind):
        registry.options(kind)
    loaded = Loader(registry, {}).load_text(f'middlewares "m" {{ type = "{kind}" }}')
    assert [str(one.place) for one in loaded.diagnostics] == ["<text>:1:26"]


def test_a_configuration_uses_it(registry: Registry) -> None:
    """A registered kind is configured like one of ours, and its options belong to it alone."""
    loader = Loader(registry, {})
    config = loader.load_text('middlewares "m" {\n type = "paint"\n colour = "blue"\n}').config
    assert config is not None
    assert config.middlewares["m"].options == Options(colour="blue")
    wrong = loader.load_text('middlewares "m" {\n type = "compress"\n colour = "blue"\n}')
    assert [one.summary for one in wrong.diagnostics] == ['"colour" is an option of "paint", not of "compress"']
