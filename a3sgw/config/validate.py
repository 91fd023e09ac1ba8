"""Makes frozen values of the merged data, one named thing at a time, so that one error hides no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from a3sgw.config.document import Path
from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.explain import Finding, explain, keys_of
from a3sgw.config.merge import NAMED, Item, Merged
from a3sgw.config.model import Config, MiddlewareConfig
from a3sgw.config.nearest import did_you_mean
from a3sgw.config.nodes import Value
from a3sgw.config.operators import kind as kind_of
from a3sgw.config.registry import BrokenKind, Registry
from a3sgw.config.router import Router
from a3sgw.config.service import Service
from a3sgw.diagnostic import Diagnostic
from a3sgw.options import BaseOptions, ValidationError

_MODELS: Mapping[str, type[BaseOptions]] = MappingProxyType(
    {"entrypoints": Entrypoint, "routers": Router, "services": Service}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What validation made of one thing: its value, or None with the findings."""

    value: BaseOptions | None
    findings: tuple[Finding, ...] = ()
    partial: BaseOptions | None = None
    """What is left without the wrong keys: good enough to check the names in it."""


@dataclass
class Validated:
    """The values that are sound by kind and name, every name that was declared, and the top-level settings."""

    named: dict[str, dict[str, Any]]
    checkable: dict[str, dict[str, Any]]
    """Like `named`, with what is left of the unsound ones."""
    declared: dict[str, set[str]]
    settings: dict[str, Any] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def config(self) -> Config:
        """All of it as one value; only meaningful without errors."""
        return Config.model_construct(_fields_set={*self.settings, *self.named}, **self.settings, **self.named)


def validate(merged: Merged, registry: Registry) -> Validated:
    """Validate every item that was merged; the findings become diagnostics with their places."""
    result = Validated({kind: {} for kind in NAMED}, {kind: {} for kind in NAMED}, {kind: set() for kind in NAMED})
    settings: dict[str, Value] = {}
    for path, item in merged.items.items():
        if path[0] not in NAMED:
            settings[str(path[0])] = item.data
        elif len(path) == 2:
            _named(merged, registry, result, path, item)
        else:
            merged.error(merged.document.place(path), f"{path[0]} must be a map of blocks, not {kind_of(item.data)}")
    _settings(merged, result, settings)
    return result


def _named(merged: Merged, registry: Registry, result: Validated, path: Path, item: Item) -> None:
    kind, name = str(path[0]), str(path[1])
    result.declared[kind].add(name)
    outcome = _outcome(registry, kind, item)
    if outcome.value is not None and not any(lost[:2] == path for lost in merged.broken):
        result.named[kind][name] = outcome.value
    if (checkable := outcome.value or outcome.partial) is not None:
        result.checkable[kind][name] = checkable
    _report(merged, result, path, outcome.findings)
    if "@" in name or not name or name != name.strip():
        place = merged.document.place(path, key=True)
        problem = 'must not contain "@"' if "@" in name else "must not be empty or begin or end with a blank"
        result.diagnostics.append(Diagnostic("error", place, f'the name "{name}" {problem}', "choose another name"))


def _outcome(registry: Registry, kind: str, item: Item) -> Outcome:
    if item.block is not None and isinstance(item.block.outcome, Outcome):
        return item.block.outcome
    if not isinstance(item.data, dict):
        outcome = Outcome(None, (Finding((), f"a block is needed here, not {kind_of(item.data)}"),))
    elif kind == "middlewares":
        outcome = _middleware(registry, item.data)
    else:
        outcome = _model(_MODELS[kind], item.data)
    if item.block is not None:
        item.block.outcome = outcome
    return outcome


def _model(model: type[BaseOptions], data: dict[str, Value]) -> Outcome:
    try:
        return Outcome(model.model_validate(data))
    except ValidationError as error:
        findings = tuple(explain(error, model))
        return Outcome(None, findings, _partial(model, data, findings))


def _partial(model: type[BaseOptions], data: dict[str, Value], findings: tuple[Finding, ...]) -> BaseOptions | None:
    wrong = {finding.path[0] for finding in findings if finding.path}
    try:
        return model.model_validate({key: value for key, value in data.items() if key not in wrong}) if wrong else None
    except ValidationError:
        return None


def _middleware(registry: Registry, data: dict[str, Value]) -> Outcome:
    kind = data.get("type")
    if kind is None:
        return Outcome(None, (Finding((), '"type" is missing', "add type: which policy this is", True, "type"),))
    if not isinstance(kind, str):
        return Outcome(None, (Finding(("type",), f"type must be a text in quotes, not {kind_of(kind)}"),))
    try:
        options = registry.options(kind)
    except BrokenKind as error:
        return Outcome(None, (Finding(("type",), str(error)),))
    if options is None:
        help = did_you_mean(kind, registry.kinds())
        return Outcome(None, (Finding(("type",), f'unknown middleware type "{kind}"', help),))
    outcome = _model(options, {key: value for key, value in data.items() if key != "type"})
    if outcome.value is None:
        return Outcome(None, tuple(_of_another_kind(finding, kind, options, registry) for finding in outcome.findings))
    return Outcome(MiddlewareConfig(kind=kind, options=outcome.value))


def _of_another_kind(finding: Finding, kind: str, options: type[BaseOptions], registry: Registry) -> Finding:
    """An option of one type on another: say which type has it, unless it is only misspelt."""
    if len(finding.path) != 1 or not finding.summary.startswith("unknown key"):
        return finding
    name = str(finding.path[0])
    owners = [f'"{owner}"' for owner in registry.kinds_with(name) if owner != kind]
    if not owners:
        return finding
    known = keys_of(options)
    has = f"{kind} has {', '.join(known)}" if known else f"{kind} has no options"
    return Finding(finding.path, f'"{name}" is an option of {" and ".join(owners)}, not of "{kind}"', has, key=True)


def _settings(merged: Merged, result: Validated, settings: dict[str, Value]) -> None:
    outcome = _model(Config, dict(settings))
    if outcome.value is None:
        findings = [
            Finding(one.path, one.summary, did_you_mean(str(one.path[0]), (*keys_of(Config), "locals")), key=True)
            if one.summary.startswith("unknown key") and len(one.path) == 1
            else one
            for one in outcome.findings
        ]
        _report(merged, result, (), findings)
        return
    result.settings = {name: getattr(outcome.value, name) for name in Config.model_fields if name not in NAMED}


def _report(merged: Merged, result: Validated, base: Path, findings: Any) -> None:
    for finding in findings:
        path: Path = (*base, *finding.path)
        subject = (*path, finding.missing) if finding.missing else path
        if not any(subject[: len(lost)] == lost or lost[: len(subject)] == subject for lost in merged.broken):
            place = merged.document.place(path, key=finding.key)
            found = Diagnostic("error", place, finding.summary, finding.help, secret=finding.secret)
            result.diagnostics.append(found)
