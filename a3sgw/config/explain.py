"""Says in plain words what validation found, with the path of the very key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from a3sgw.config.nearest import did_you_mean
from a3sgw.config.nodes import Value
from a3sgw.config.operators import kind
from a3sgw.options import BaseOptions, OptionError, ValidationError, is_secret, shown

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a value; `path` is relative to what was validated, `key` = point at the key."""

    path: Path
    summary: str
    help: str = ""
    key: bool = False
    missing: str = ""
    secret: bool = False


_BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
_WANTED = {
    "string": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "dict": "a map",
    "model": "a block",
    "model_attributes": "a block",
}


def explain(error: ValidationError, model: type[BaseOptions]) -> list[Finding]:
    """Every finding of a failed validation of `model`."""
    details = error.errors(include_url=False)
    found = [_finding(one, model) for one in details if one["type"] != "too_short" or not _echoes(one, details)]
    return [replace(one, secret=one.secret or is_secret(model, one.path)) for one in found]


def _echoes(detail: Any, details: Sequence[Any]) -> bool:
    """Whether a list is only too short because something in it is wrong, which is told already."""
    at = tuple(detail["loc"])
    return any(len(one["loc"]) > len(at) and tuple(one["loc"])[: len(at)] == at for one in details)


def _finding(detail: Any, model: type[BaseOptions]) -> Finding:
    kind_of_error, path = str(detail["type"]), _without_unions(tuple(detail["loc"]), model)
    name = str(path[-1]) if path else ""
    if kind_of_error == "extra_forbidden":
        here = model_at(model, path[:-1])
        known = keys_of(here)
        secret = here is not None and any(is_secret(here, (one,)) for one in known)  # perhaps it is one, misspelt
        return Finding(path, f'unknown key "{name}"', did_you_mean(name, known), key=True, secret=secret)
    if kind_of_error == "missing":
        return Finding(path[:-1], f'"{name}" is missing', _about(model_at(model, path[:-1]), name), True, name)
    own = detail.get("ctx", {}).get("error")
    if isinstance(own, OptionError):
        at = (*path, *own.key.split(".")) if own.key else path
        return Finding(at, str(own), own.help)
    if kind_of_error == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(detail["ctx"]["expected"]))
        given = detail["input"] if isinstance(detail["input"], str) else ""
        return Finding(path, f"{_label(path)} cannot be {shown(detail['input'])}", _choices(given, allowed))
    if kind_of_error in _BOUNDS:
        bound, words = _BOUNDS[kind_of_error]
        return Finding(
            path, f"{_label(path)} must be {words} {detail['ctx'][bound]:g}", f"it is {shown(detail['input'])}"
        )
    if kind_of_error == "too_short":
        return Finding(path, f"{_label(path)} needs at least {detail['ctx']['min_length']:g}")
    wanted = _WANTED.get(kind_of_error.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float"))
    if wanted == "a block" and isinstance(detail["input"], list):
        return Finding((*path, 1), f"{_label(path)} can be written only once", "keep one of them")
    if wanted:
        return Finding(
            path, f"{_label(path)} must be {wanted}, not {_given(detail['input'])}", _as_list(wanted, detail["input"])
        )
    return Finding(path, f"{_label(path)} cannot be used: {_plain(str(detail['msg']))}")


def _label(path: Path) -> str:
    names = [str(step) for step in path if isinstance(step, str)]
    if not names:
        return "this"
    return f"every value of {names[-1]}" if path and isinstance(path[-1], int) else names[-1]


def _given(value: Any) -> str:
    if value in ("true", "false"):
        return str(value)
    return shown(value) if isinstance(value, str | int | float | bool) else kind(value)


def _as_list(wanted: str, value: Value) -> str:
    return f'write ["{value}"]' if wanted == "a list" and isinstance(value, str) and len(value) < 60 else ""


def _choices(given: str, allowed: list[str]) -> str:
    hint = did_you_mean(given, allowed) if given else ""
    listed = "use " + ", ".join(f'"{choice}"' for choice in allowed if choice)
    return f"{hint} {listed}" if hint.startswith("did") else listed


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return message[:1].lower() + message[1:]


# What the models say


def keys_of(model: type[BaseOptions] | None) -> list[str]:
    """The keys an operator may write in a block of this model."""
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def model_at(model: type[BaseOptions] | None, path: Path) -> type[BaseOptions] | None:
    """The model of the block at a path, or None where there is no block."""
    for step in path:
        if isinstance(step, int) or model is None:
            continue
        field = next((field for name, field in model.model_fields.items() if (field.alias or name) == step), None)
        model = _model_in(field.annotation) if field else None
    return model


def _model_in(annotation: Any) -> type[BaseOptions] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseOptions):
        return annotation
    return next((found for member in get_args(annotation) if (found := _model_in(member))), None)


def _about(model: type[BaseOptions] | None, name: str) -> str:
    field = (
        next((one for key, one in model.model_fields.items() if (one.alias or key) == name), None) if model else None
    )
    meaning = (field.description or "").splitlines()[0].rstrip(".") if field and field.description else ""
    return f"add {name}: {meaning[:1].lower()}{meaning[1:]}" if meaning else f"add {name}"


def _without_unions(path: Path, model: type[BaseOptions]) -> Path:
    """Drops the steps validation adds for the key of a map and for alternatives; no operator wrote those."""
    return tuple(step for step in path if isinstance(step, int) or not ("[" in step or step in ("int", "str", "float")))
