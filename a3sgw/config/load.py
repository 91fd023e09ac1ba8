"""From files to one frozen configuration with every diagnostic at once; keeps what did not change between loads."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from a3sgw.config.cache import BlockCache
from a3sgw.config.check import check
from a3sgw.config.document import Document
from a3sgw.config.limits import ValueProblem
from a3sgw.config.merge import Locals, Merged, Source, data_of
from a3sgw.config.model import Config
from a3sgw.config.registry import Registry
from a3sgw.config.validate import validate
from a3sgw.diagnostic import Diagnostic, Place

LARGEST_FILE = 64 * 1024 * 1024
_NO_TEXTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Loaded:
    """What became of a load. `config` is None when the main files cannot be used.

    `good` holds the text of every extra file that was used: give it to the next `load_files()`. `watched` are the
    files and directories whose change may change the result.
    """

    config: Config | None
    diagnostics: tuple[Diagnostic, ...]
    document: Document
    good: dict[str, str] = field(default_factory=dict)
    watched: tuple[Path, ...] = ()
    rules: dict[str, str] = field(default_factory=dict)
    """Without a `config`: the rule of every router that has one, so that they can be checked all the same."""

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that are errors; with a `config`, they are those of extra files that were left out."""
        return tuple(one for one in self.diagnostics if one.severity == "error")


Inspect = Callable[[Loaded], Sequence[Diagnostic]]
"""Finds errors that loading alone does not, such as those in rules."""


def no_inspection(loaded: Loaded) -> Sequence[Diagnostic]:
    """Finds nothing."""
    return ()


def load_files(main: Path, good: Mapping[str, str] = _NO_TEXTS) -> Loaded:
    """One load without a history but the texts of `good`; everything in and out can be pickled."""
    return Loader(good=dict(good)).load(main)


@dataclass
class Loader:
    """Loads a configuration again and again; only changed blocks are parsed and validated anew.

    `inspect` says which extra files cannot be used for reasons that only a later stage knows, so that one of them is
    left out like any other broken one; without extra files it is not asked.
    `environment` defaults to the process's; `good` holds the last usable text of each extra file.
    """

    registry: Registry = field(default_factory=Registry)
    environment: Mapping[str, str] | None = None
    good: dict[str, str] = field(default_factory=dict)
    cache: BlockCache = field(default_factory=BlockCache)
    inspect: Inspect = no_inspection

    def load(self, path: Path) -> Loaded:
        """Load a file, or a directory's *.hcl in name order, with the files of ``providers.file.directory``."""
        problems: list[Diagnostic] = []
        directory = path if path.is_dir() else path.parent
        names = _files(path) if path.is_dir() else [path]
        if not names:
            problems.append(
                Diagnostic("error", Place(str(path)), "there is no *.hcl file in this directory", "add one")
            )
        sources = [source for name in names if (source := _read(name, directory, problems)) is not None]
        return self._load(sources, directory, problems, path)

    def load_text(self, text: str, name: str = "<text>", directory: Path | None = None) -> Loaded:
        """Load a text as if it were a file called `name` in `directory` (default: the current one)."""
        where = directory or Path.cwd()
        return self._load([Source(name, text, where)], where, [], None)

    def _load(self, main: list[Source], directory: Path, problems: list[Diagnostic], path: Path | None) -> Loaded:
        attempt = _Attempt(self, main, directory)
        extra_directory = attempt.extra_directory()
        extra_problems: list[Diagnostic] = []
        extras = _extras(extra_directory, extra_problems, {source.name for source in main})
        unreadable = {one.place.file for one in extra_problems if one.place is not None and one.severity == "error"}
        texts = {name: self.good[name] for name in unreadable if name in self.good}
        extras += [Source(name, text, extra_directory or directory) for name, text in texts.items()]
        newest = {source.name: source.text for source in extras}
        reported = [*problems, *extra_problems]
        # Each round replaces or drops at least one broken file, so this ends.
        while True:
            attempt.run(sorted(extras, key=lambda source: source.name))
            broken = attempt.broken_files() & {source.name for source in extras}
            reported += [one for one in attempt.diagnostics if one.place is not None and one.place.file in broken]
            if not broken:
                break
            extras = [kept for source in extras if (kept := self._instead(source, broken, newest)) is not None]
            attempt = _Attempt(self, main, directory)
        self.cache.forget_unused()
        attempt.merged.document.sources.update(newest)
        found = _sorted([*reported, *attempt.diagnostics])
        self.good = {source.name: source.text for source in extras}
        failed = attempt.failed or any(one.severity == "error" for one in problems)
        watched = tuple(one for one in (path, extra_directory) if one is not None)
        config = None if failed else attempt.config
        rules = _rules(attempt.merged) if config is None else {}
        return Loaded(config, found, attempt.merged.document, dict(self.good), watched, rules)

    def _instead(self, source: Source, broken: set[str], newest: Mapping[str, str]) -> Source | None:
        if source.name not in broken:
            return source
        previous = self.good.get(source.name)
        if previous is None or source.text == previous or source.text != newest[source.name]:
            return None
        return Source(source.name, previous, source.directory)


class _Attempt:
    """One try to make a configuration of the main files and some extra ones."""

    def __init__(self, loader: Loader, main: list[Source], directory: Path) -> None:
        self.loader = loader
        self.main = main
        self.directory = directory
        environment = os.environ if loader.environment is None else loader.environment
        self.merged = Merged(environment, loader.cache)
        self.config: Config | None = None
        self.diagnostics: list[Diagnostic] = []
        self.failed = False
        self._scope = Locals(self.merged, directory)
        for source in main:
            self.merged.add(source, self._scope)
        for source in main:
            self.merged.read(source, self._scope)
        self._scope.finish()
        if main and not self.merged.items and not self.merged.diagnostics:
            self.merged.error(
                Place(main[0].name, 1, 1, 1, 1), "this configuration is empty", "write at least one entrypoint"
            )

    def extra_directory(self) -> Path | None:
        """``providers.file.directory`` as far as it can be told before everything is validated."""
        item = self.merged.items.get(("providers",))
        provider = item.data.get("file") if item is not None and isinstance(item.data, dict) else None
        name = provider.get("directory") if isinstance(provider, dict) else None
        return self.directory / name if isinstance(name, str) and name else None

    def run(self, extras: list[Source]) -> None:
        """Read the extra files, validate everything, and set `config`, `diagnostics` and `failed`."""
        for source in extras:
            scope = Locals(self.merged, source.directory, self._scope)
            self.merged.add(source, scope)
            self.merged.read(source, scope)
            scope.finish()
        self._only_named_things(extras)
        validated = validate(self.merged, self.loader.registry)
        found = [*self.merged.diagnostics, *validated.diagnostics]
        found += check(validated, self.merged.document)
        self.failed = any(one.severity == "error" for one in found)
        if not self.failed:
            self.config = validated.config()
            self._inspect(found, extras)
        self.diagnostics = found

    def _inspect(self, found: list[Diagnostic], extras: list[Source]) -> None:
        names = {source.name for source in extras}
        if not names:
            return
        watched = (self.directory,)  # relative file names are looked up here
        inspected = self.loader.inspect(Loaded(self.config, (), self.merged.document, watched=watched))
        found += [one for one in inspected if one.place is not None and one.place.file in names]

    def _only_named_things(self, extras: list[Source]) -> None:
        names = {source.name for source in extras}
        for path, origin in self.merged.document.origins.items():
            if len(path) == 1 and origin.file in names:
                place = self.merged.document.place(path, key=True)
                self.merged.error(
                    place,
                    f"{path[0]} belongs in the main file",
                    "extra files hold entrypoints, routers, services and middlewares",
                )

    def broken_files(self) -> set[str]:
        """The files in which there are errors."""
        return {one.place.file for one in self.diagnostics if one.severity == "error" and one.place is not None}


def _rules(merged: Merged) -> dict[str, str]:
    written = {name: item.data for name, item in data_of(merged.items, "routers").items()}
    return {
        name: data["rule"]
        for name, data in written.items()
        if isinstance(data, dict) and isinstance(data.get("rule"), str) and data["rule"]
    }


def _extras(directory: Path | None, problems: list[Diagnostic], main: set[str]) -> list[Source]:
    if directory is None:
        return []
    if not directory.is_dir():
        problems.append(Diagnostic("warning", Place(str(directory)), "this directory does not exist", "create it"))
        return []
    known = {Path(name).resolve() for name in main}
    found = (_read(name, directory, problems) for name in _files(directory) if name.resolve() not in known)
    # An empty extra file is one that somebody is about to write.
    return [source for source in found if source is not None]


def _files(directory: Path) -> list[Path]:
    # Editors leave .a.hcl.swp, .#a.hcl and dangling links behind; none of these is configuration.
    return sorted(one for one in directory.glob("*.hcl") if not one.name.startswith(".") and one.is_file())


def _read(path: Path, directory: Path, problems: list[Diagnostic]) -> Source | None:
    try:
        with path.open("rb") as opened:
            data = opened.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise ValueProblem(f"this file is larger than {LARGEST_FILE} bytes", "split it")
        return Source(str(path), data.decode("utf-8-sig"), directory)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        problems.append(
            Diagnostic(
                "error", Place(str(path)), f"cannot read this file: {reason}", "check the path and its permissions"
            )
        )
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        problems.append(
            Diagnostic(
                "error",
                Place(str(path), line, column, line, column + 1),
                "this is not UTF-8 text",
                "save the file as UTF-8",
            )
        )
    except ValueProblem as problem:
        problems.append(Diagnostic("error", Place(str(path)), problem.summary, problem.help))
    return None


def _sorted(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    def key(one: Diagnostic) -> tuple[str, int, int, str]:
        place = one.place or Place("")
        return place.file, place.line, place.column, one.summary

    return tuple(sorted(dict.fromkeys(diagnostics), key=key))
