"""Writes docs/configuration.md and the JSON schema from the models; run it as ``python -m a3sgw.config.reference``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from inspect import get_annotations
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from a3sgw.config.model import Config, MiddlewareConfig
from a3sgw.config.registry import Registry
from a3sgw.options import BaseOptions, FieldInfo, Masked, ValueKind

DOCUMENT = Path("docs/configuration.md")
SCHEMA = Path("docs/configuration.schema.json")
_LABELLED = ("entrypoints", "routers", "services", "middlewares")
_INTRODUCTION = Path(__file__).with_name("reference.md")
_NAMES: dict[Any, str] = {str: "string", int: "number", float: "number", bool: "true / false"}


def document(registry: Registry) -> str:
    """The reference as Markdown: the introduction, then one table per block."""
    parts = [_INTRODUCTION.read_text(encoding="utf-8").rstrip(), "## Top level", _doc(Config), _table(Config)]
    for title, model in _sections():
        parts += [f"## {title}", _doc(model), _table(model)]
    parts += ["## middlewares", "A policy on a route. `type` chooses the kind; the other keys are those of that kind."]
    for kind in registry.kinds():
        options = registry.options(kind)
        assert options is not None
        parts += [f"### {kind}", _summary(registry, kind), _table(options)]
        for path, inner in _groups(options):
            parts += [f"#### {kind}: {path}", _doc(inner), _table(inner)]
    return "\n\n".join(part for part in parts if part) + "\n"


def json_schema(registry: Registry) -> dict[str, Any]:
    """A JSON schema of the data a configuration file holds, for editors."""
    schema = Config.model_json_schema()
    definitions = schema["$defs"]
    definitions.pop("BaseOptions", None)
    kinds = []
    for kind in registry.kinds():
        options = registry.options(kind)
        assert options is not None
        one = options.model_json_schema(ref_template=f"#/$defs/{kind}.{{model}}")
        definitions.update({f"{kind}.{name}": value for name, value in one.pop("$defs", {}).items()})
        one["properties"] = {"type": {"const": kind}, **one.get("properties", {})}
        one["required"] = ["type", *one.get("required", [])]
        definitions[kind] = one
        kinds.append({"$ref": f"#/$defs/{kind}"})
    definitions[MiddlewareConfig.__name__] = {"oneOf": kinds, "description": MiddlewareConfig.__doc__}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "a3sgw configuration", **schema}


def write(root: Path) -> None:
    """Write both files below `root`."""
    registry = Registry()
    (root / DOCUMENT).parent.mkdir(exist_ok=True)
    (root / DOCUMENT).write_text(document(registry), encoding="utf-8")
    (root / SCHEMA).write_text(schema_text(registry), encoding="utf-8")


def schema_text(registry: Registry) -> str:
    """The JSON schema as it stands in the file."""
    return json.dumps(json_schema(registry), indent=2, ensure_ascii=False) + "\n"


# Sections and tables


def _sections() -> Iterator[tuple[str, type[BaseOptions]]]:
    """Every block below the top level once, under the path where it is first met, middlewares left out."""
    seen: set[type[BaseOptions]] = {MiddlewareConfig}
    waiting: list[tuple[str, type[BaseOptions]]] = [("", Config)]
    while waiting:
        path, model = waiting.pop(0)
        inner = []
        for name, field in model.model_fields.items():
            key = field.alias or name
            for nested in _models_in(field.annotation):
                if nested not in seen:
                    seen.add(nested)
                    title = f"{path}.{key}" if path else f'{key} "name"' if key in _LABELLED else key
                    yield title, nested
                    inner.append((title.replace(' "name"', ""), nested))
        waiting = [*inner, *waiting]


def _groups(model: type[BaseOptions], above: str = "") -> Iterator[tuple[str, type[BaseOptions]]]:
    """Groups of options within others, each under its path."""
    for name, field in _own_first(model):
        for nested in _models_in(field.annotation):
            yield f"{above}{name}", nested
            yield from _groups(nested, f"{above}{name}.")


def _own_first(model: type[BaseOptions]) -> list[tuple[str, FieldInfo]]:
    """What a class says itself, then what it has from each class it derives from."""
    names = {name: None for base in model.__mro__ for name in get_annotations(base)}
    return [(name, model.model_fields[name]) for name in names if name in model.model_fields]


def _table(model: type[BaseOptions]) -> str:
    if not model.model_fields:
        return "No options."
    rows = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    for name, field in _own_first(model):
        meaning = " ".join((field.description or "").split())
        cells = (f"`{field.alias or name}`", _type(field), _default(field), meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _doc(model: type[BaseOptions]) -> str:
    return " ".join((model.__doc__ or "").split())


def _summary(registry: Registry, kind: str) -> str:
    module = registry.module(kind)
    text = (module.__doc__ or "") if module is not None else ""
    return text.strip().split("\n\n")[0].replace("\n", " ")


def _models_in(annotation: Any) -> list[type[BaseOptions]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseOptions):
        return [annotation]
    return [found for member in get_args(annotation) for found in _models_in(member)]


def _type(field: FieldInfo) -> str:
    return _marked(field.metadata) or _type_of(field.annotation)


def _marked(metadata: Any) -> str:
    return next((one.name for one in metadata if isinstance(one, ValueKind)), "")


def _type_of(annotation: Any) -> str:
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _marked(members[1:]) or _type_of(members[0])
    if origin is Literal:
        return ", ".join(f'`"{member}"`' for member in members if member != "")
    if origin is tuple:
        return f"list of {_plural(_type_of(members[0]))}"
    if origin is dict:
        return f"blocks by name ({_type_of(members[1])})" if _models_in(members[1]) else "map of strings"
    if members:
        return " or ".join(_type_of(member) for member in members if member is not NoneType)
    if isinstance(annotation, type) and issubclass(annotation, BaseOptions):
        return "block"
    return _NAMES.get(annotation, str(getattr(annotation, "__name__", annotation)))


def _plural(name: str) -> str:
    return name if name.startswith("`") else name.replace("address", "addresse") + "s"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    kind = _type(field)
    if value is None or isinstance(value, BaseOptions):
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if kind == "duration":
        return f'`"{_duration(value)}"`'
    if kind == "size":
        return f'`"{_size(value)}"`'
    if isinstance(value, Masked) or value in ((), {}, ""):
        return "–"
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{one}"' for one in value) + "]`"
    return f"`{value:g}`" if isinstance(value, int | float) and abs(value) < 1e6 else f'`"{value}"`'


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds * 1000:g}ms" if seconds else "0s"


def _size(amount: int) -> str:
    for unit, size in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if amount >= size and amount % size == 0:
            return f"{amount // size}{unit}"
    return f"{amount}B"


if __name__ == "__main__":
    write(Path.cwd())
