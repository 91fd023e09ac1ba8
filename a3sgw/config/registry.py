"""Finds the module of a middleware kind: a file of ours, or one that a third party registered."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from types import ModuleType

from a3sgw.options import BaseOptions

GROUP = "a3sgw.middlewares"
"""The package of our kinds, and the entry-point group of everybody else's."""

_NOT_KINDS = frozenset({"base", "hooks", "registry", "testing"})


class BrokenKind(Exception):
    """The module of a kind exists but cannot be used."""


@dataclass
class Registry:
    """Kinds by name, imported when first asked for. `extra` maps more kinds to module names (tests, embedding)."""

    extra: Mapping[str, str] = field(default_factory=dict)
    _options: dict[str, type[BaseOptions] | None] = field(default_factory=dict, repr=False)

    def kinds(self) -> tuple[str, ...]:
        """Every known kind, sorted; nothing is imported for it."""
        return tuple(sorted({*self._ours, *self.extra, *self._entry_points}))

    def module(self, kind: str) -> ModuleType | None:
        """The module of a kind, or None; raises BrokenKind when it cannot be imported."""
        try:
            if kind in self.extra:
                return importlib.import_module(self.extra[kind])
            if kind in self._ours:
                return importlib.import_module(f"{GROUP}.{kind.replace('-', '_')}")
            if kind in self._entry_points:
                loaded = self._entry_points[kind].load()
                return loaded if isinstance(loaded, ModuleType) else importlib.import_module(loaded.__module__)
        except ImportError as error:
            raise BrokenKind(f'the middleware type "{kind}" cannot be loaded: {error}') from error
        return None

    def options(self, kind: str) -> type[BaseOptions] | None:
        """The options class of a kind, or None for an unknown one; raises BrokenKind."""
        if kind not in self._options:
            self._options[kind] = self._find_options(kind)
        return self._options[kind]

    def kinds_with(self, option: str) -> tuple[str, ...]:
        """The kinds that have an option of this name."""
        return tuple(kind for kind in self.kinds() if self._has(kind, option))

    def middleware(self, kind: str, base: type) -> type:
        """The one subclass of `base` in the module of a kind; raises BrokenKind."""
        module = self.module(kind)
        if module is None:
            raise BrokenKind(f'there is no middleware type "{kind}"')
        found = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, base)
            and value is not base
            and value.__module__ == module.__name__
        ]
        if len(found) != 1:
            raise BrokenKind(f'the module of the middleware type "{kind}" must define exactly one middleware')
        return found[0]

    def _has(self, kind: str, option: str) -> bool:
        try:
            options = self.options(kind)
        except BrokenKind:
            return False
        return options is not None and option in options.model_fields

    def _find_options(self, kind: str) -> type[BaseOptions] | None:
        module = self.module(kind)
        if module is None:
            return None
        options = getattr(module, "Options", None)
        if not (isinstance(options, type) and issubclass(options, BaseOptions)):
            raise BrokenKind(f'the module of the middleware type "{kind}" has no Options')
        return options

    @cached_property
    def _ours(self) -> frozenset[str]:
        spec = find_spec(GROUP)
        paths = list(spec.submodule_search_locations or ()) if spec else []
        names = (found.name for found in pkgutil.iter_modules(paths) if not found.name.startswith("_"))
        return frozenset(name.replace("_", "-") for name in names if name not in _NOT_KINDS)

    @cached_property
    def _entry_points(self) -> dict[str, EntryPoint]:
        return {found.name: found for found in entry_points(group=GROUP)}
