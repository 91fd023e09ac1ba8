"""The reference is written from the models and is up to date."""

import json
from pathlib import Path

from a3sgw.config.functions import FUNCTIONS
from a3sgw.config.model import Config
from a3sgw.config.reference import DOCUMENT, SCHEMA, document, schema_text
from a3sgw.config.registry import Registry
from a3sgw.options import BaseOptions

ROOT = Path(__file__).parents[2]


def test_the_files_are_fresh() -> None:
    """`python -m a3sgw.config.reference` would change nothing."""
    assert (ROOT / DOCUMENT).read_text(encoding="utf-8") == document(Registry())
    assert (ROOT / SCHEMA).read_text(encoding="utf-8") == schema_text(Registry())


def test_everything_has_a_sentence() -> None:
    """Every block and every key says what it is for."""
    models: list[type[BaseOptions]] = [Config, *_below(Config)]
    kinds = [Registry().options(kind) for kind in Registry().kinds()]
    models += [kind for kind in kinds if kind is not None]
    assert len(models) > 30
    silent = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert silent == []


def test_every_function_is_listed() -> None:
    """The introduction names every function there is."""
    text = document(Registry())
    assert [
        name for name in FUNCTIONS if f" {name} " not in text.replace("\n", " ").replace("`", " ").replace(".", " ")
    ] == []


def test_the_schema_knows_the_kinds() -> None:
    """Editors are offered every middleware type."""
    schema = json.loads(schema_text(Registry()))
    offered = {option["$ref"].rpartition("/")[2] for option in schema["$defs"]["MiddlewareConfig"]["oneOf"]}
    assert offered == set(Registry().kinds())


def _below(model: type[BaseOptions]) -> set[type[BaseOptions]]:
    from a3sgw.config.reference import _models_in

    inner = {found for field in model.model_fields.values() for found in _models_in(field.annotation)}
    return inner | {deeper for one in inner for deeper in _below(one)}
