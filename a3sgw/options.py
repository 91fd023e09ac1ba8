"""What every option is made of: the frozen base class and the value types operators know (durations, sizes, …)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NoReturn, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializeAsAny,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

__all__ = [
    "Address",
    "AfterValidator",
    "BaseOptions",
    "BeforeValidator",
    "Duration",
    "Field",
    "FieldInfo",
    "FrozenMap",
    "MiddlewareName",
    "Network",
    "OptionError",
    "Percentage",
    "PlainSerializer",
    "Ratio",
    "Secret",
    "SerializeAsAny",
    "ServiceName",
    "Several",
    "Size",
    "SocketAddress",
    "StringMap",
    "Texts",
    "ValidationError",
    "ValueKind",
    "WithJsonSchema",
    "field_validator",
    "is_secret",
    "model_validator",
    "parse_duration",
    "parse_size",
    "references",
    "reveal",
    "shown",
]

_T = TypeVar("_T")
MASK = "•••"


class OptionError(ValueError):
    """A value that cannot be used: one line, one sentence of help, and the key it is about (for checks of a whole)."""

    def __init__(self, summary: str, help: str = "", key: str = "") -> None:
        self.help = help
        self.key = key
        super().__init__(summary)


class BaseOptions(BaseModel):
    """Options of one thing: frozen, comparable, hashable, unknown keys forbidden; the text under a field is its doc.

    Two equal instances mean "nothing changed" to a reload.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )
    number_fields: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.number_fields = frozenset(name for name, field in cls.model_fields.items() if _is_number(field.annotation))

    @model_validator(mode="before")
    @classmethod
    def _no_booleans_as_numbers(cls, data: Any) -> Any:
        # pydantic reads `true` as 1; as a text it is refused where a number belongs, beside all other findings.
        if isinstance(data, dict) and any(isinstance(data.get(name), bool) for name in cls.number_fields):
            return {
                name: str(value).lower() if isinstance(value, bool) and name in cls.number_fields else value
                for name, value in data.items()
            }
        return data


@dataclass(frozen=True, slots=True)
class ValueKind:
    """How a value type is called in the reference and in messages."""

    name: str


def _is_number(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_number(get_args(annotation)[0])
    members = get_args(annotation)
    if members and get_origin(annotation) not in (tuple, list, dict):
        return bool not in members and any(_is_number(member) for member in members)
    return annotation in (int, float)


# Durations and sizes

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "B": 1} | {
    unit: 1024**power for power, letter in enumerate("KMGT", 1) for unit in (letter, f"{letter}B", f"{letter}IB")
}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", re.ASCII)
_PLAIN_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_LONGEST = 32


def parse_duration(value: object) -> float:
    """Seconds from ``"1m30s"``, ``"250ms"`` or a number of seconds; OptionError for anything else and below zero."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 <= value < 1e12 else _refuse_duration(value)
    if not isinstance(value, str) or len(value) > _LONGEST:
        return _refuse_duration(value)
    if _PLAIN_NUMBER.fullmatch(value):
        return float(value)
    parts = _DURATION_PART.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        return _refuse_duration(value)
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _refuse_duration(value: object) -> NoReturn:
    raise OptionError(
        f"{shown(value)} is not a duration", 'write "250ms", "10s", "1m30s", "24h", or a number of seconds'
    )


def parse_size(value: object) -> int:
    """Bytes from ``"64KB"``, ``"10MB"``, ``"1GiB"`` or a number of bytes; KB and KiB both mean 1024, as in nginx."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if 0 <= value < 2**63 and value == int(value) else _refuse_size(value)
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= _LONGEST else None
    if match is None or match[2].upper() not in _BYTES:
        return _refuse_size(value)
    return (
        int(float(match[1]) * _BYTES[match[2].upper()]) if "." in match[1] else int(match[1]) * _BYTES[match[2].upper()]
    )


def _refuse_size(value: object) -> NoReturn:
    raise OptionError(f"{shown(value)} is not a size", 'write "64KB", "10MB", "1GiB", or a number of bytes')


def shown(value: object) -> str:
    """A value as an operator would recognise it in a message: strings quoted and shortened, groups only named."""
    if isinstance(value, str):
        return f'"{value[:60]}…"' if len(value) > 60 else f'"{value}"'
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return "a block" if isinstance(value, dict) else "a list" if isinstance(value, list | tuple) else str(value)


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": ["string", "number"], "description": "250ms, 10s, 1m30s, 24h, or seconds"}),
    ValueKind("duration"),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"type": ["string", "number"], "description": "64KB, 10MB, 1GiB, or bytes"}),
    ValueKind("size"),
]
Percentage = Annotated[float, Field(ge=0, le=100), ValueKind("percentage 0–100")]
Ratio = Annotated[float, Field(ge=0, le=1), ValueKind("ratio 0–1")]


# Networks and addresses


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ipaddress.ip_network(value.strip(), strict=False)
    except ValueError:
        raise OptionError(
            f"{shown(value)} is not an address or network", 'write "10.0.0.0/8", "192.0.2.7" or "2001:db8::/32"'
        ) from None


Network = Annotated[
    Union[ipaddress.IPv4Network, ipaddress.IPv6Network],  # noqa: UP007 (a runtime value, not an annotation)
    BeforeValidator(_network),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "description": "CIDR or single address"}),
    ValueKind("network"),
]


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """Where to listen: `host` ("" = all interfaces) and `port` (0 = any free one), or `path` of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> SocketAddress:
        """From ``host:port``, ``:port``, ``[::1]:port`` or ``unix:/path``; OptionError for anything else."""
        if text.startswith("unix:"):
            path = text.removeprefix("unix:")
            path = "/" + path.lstrip("/") if path.startswith("/") else path
            return cls(path=path) if len(path) > 1 and "\0" not in path else _refuse_address(text)
        match = _HOST_PORT.fullmatch(text)
        if match is None or int(match["port"]) > 65535:
            return _refuse_address(text)
        if match["v6"] is not None and not _is_ipv6(match["v6"]):
            return _refuse_address(text)
        return cls(match["v6"] or match["host"] or "", int(match["port"]))


_HOST_PORT = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%a-z]+)\]|(?P<host>[A-Za-z0-9._-]*)):(?P<port>[0-9]{1,5})", re.ASCII)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _refuse_address(text: object) -> NoReturn:
    raise OptionError(
        f"{shown(text)} is not an address to listen on",
        'write "0.0.0.0:80", ":80", "[::1]:80" or "unix:/run/a3sgw.sock"',
    )


def _address(value: object) -> object:
    if isinstance(value, SocketAddress):
        return value
    return SocketAddress.parse(value) if isinstance(value, str) else _refuse_address(value)


Address = Annotated[
    SocketAddress,
    BeforeValidator(_address),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "description": "host:port, :port, [::1]:port or unix:/path"}),
    ValueKind("address"),
]


# Secrets and groups


class Masked(str):
    """A string that prints as ••• everywhere; `reveal()` gives the text to the one place that needs it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return MASK


def reveal(secret: str) -> str:
    """The text behind a Secret (a plain string is returned as it is)."""
    return str.__str__(secret)


class FrozenMap(dict[str, str]):
    """A map that can be hashed, so that options holding one still identify themselves to a reload."""

    def __hash__(self) -> int:  # type: ignore[override]  # dict declares itself unhashable; this one never changes
        return hash(frozenset(self.items()))

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("options do not change after loading")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[FrozenMap], tuple[dict[str, str]]]:
        return FrozenMap, (dict(self),)


def _listed(value: object) -> object:
    return [value] if isinstance(value, dict | BaseModel) else value


@dataclass(frozen=True, slots=True)
class Reference:
    """Marks names of other things in the configuration; `to` is where they stand: "services", "middlewares"."""

    to: str


ServiceName = Annotated[str, Reference("services"), ValueKind("name of a service")]
MiddlewareName = Annotated[str, Reference("middlewares"), ValueKind("name of a middleware")]


def references(options: BaseModel) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """(where, what kind of thing, name) of everything these options refer to; an empty name refers to nothing."""
    for key, field in type(options).model_fields.items():
        value = getattr(options, key)
        to = _reference(field.annotation, field.metadata)
        if isinstance(value, str) and to:
            yield from [((key,), to, value)] if value else []
        elif isinstance(value, tuple):
            for index, one in enumerate(value):
                if isinstance(one, BaseModel):
                    yield from (((key, index, *path), kind, name) for path, kind, name in references(one))
                elif to:
                    yield (key, index), to, one
        elif isinstance(value, BaseModel):
            yield from (((key, *path), kind, name) for path, kind, name in references(value))


def is_secret(model: type[BaseModel], path: Sequence[str | int]) -> bool:
    """Whether a value of `model` is secret, or has secrets in it."""
    names = [one for one in path if isinstance(one, str)]
    field = model.model_fields.get(names[0]) if names else None
    if field is None:
        return False
    if _marks_secret(field.metadata) or _has_secret(field.annotation):
        return True
    return any(is_secret(inner, names[1:]) for inner in _models(field.annotation))


def _has_secret(annotation: Any) -> bool:
    members = get_args(annotation)
    return _marks_secret(members) or any(_has_secret(one) for one in members)


def _marks_secret(metadata: Iterable[Any]) -> bool:
    return any(isinstance(one, ValueKind) and one.name == "secret string" for one in metadata)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for one in get_args(annotation) for found in _models(one)]


def _reference(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """The kind of thing a type of option refers to; empty for most."""
    for one in metadata:
        if isinstance(one, Reference):
            return one.to
    inner = [found for one in get_args(annotation) if not isinstance(one, Reference) and (found := _reference(one))]
    own = [one.to for one in get_args(annotation) if isinstance(one, Reference)]
    return next(iter([*own, *inner]), "")


Secret = Annotated[
    str, AfterValidator(Masked), PlainSerializer(lambda _: MASK, return_type=str), ValueKind("secret string")
]
_SECRET_NAME = re.compile(
    r"authorization|proxy-authorization|cookie|set-cookie|.*(?:token|secret|passw|api[-_]?key|credential).*",
    re.IGNORECASE,
)


def _without_secrets(values: dict[str, str]) -> dict[str, str]:
    """As it may be shown: a map of header fields is where credentials for endpoints stand."""
    return {name: MASK if value and _SECRET_NAME.fullmatch(name) else value for name, value in values.items()}


StringMap = Annotated[
    dict[str, str], AfterValidator(FrozenMap), PlainSerializer(_without_secrets), ValueKind("map of strings")
]
Several = Annotated[tuple[_T, ...], BeforeValidator(_listed)]
Texts = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}}),
    ValueKind("string or list of strings"),
]
