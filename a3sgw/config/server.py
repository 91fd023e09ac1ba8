"""The address of one endpoint, parsed once at load."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal, NoReturn

from a3sgw.options import (
    BaseOptions,
    BeforeValidator,
    Field,
    OptionError,
    PlainSerializer,
    ValueKind,
    WithJsonSchema,
    shown,
)

Scheme = Literal["http", "https", "h2c", "tcp", "udp", "unix"]
_PORTS: dict[str, int] = {"http": 80, "https": 443, "h2c": 80}
_URL = re.compile(
    r"(?:(?P<scheme>[a-z0-9+.-]+)://)?(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<host>[a-z0-9._-]+))(?::(?P<port>\d{1,5}))?(?P<path>[/?#].*)?",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
_HELP = 'write "http://127.0.0.1:8001", "https://…", "h2c://…", "tcp://…", "udp://…", "unix:/path" or "host:port"'


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """Where an endpoint listens: `host` and `port`, or `path` of a Unix socket (spoken to in HTTP)."""

    scheme: Scheme
    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix:{self.path}"
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> ServerUrl:
        """From a URL, ``unix:/path`` or ``host:port`` (= http); OptionError for anything else."""
        if text.startswith("unix:"):
            path = "/" + text.removeprefix("unix:").lstrip("/")
            return cls("unix", path=path) if len(path) > 1 and "\0" not in path else _refuse(text)
        if not text.isascii():
            raise OptionError(f"{shown(text)} has a name that is not ASCII", f"write its A-label: {_a_label(text)}")
        match = _URL.fullmatch(text)
        if match is None:
            return _refuse(text)
        scheme = (match["scheme"] or "http").lower()
        if match["path"] not in (None, "/"):
            raise OptionError(
                f"{shown(text)} has a path", "endpoints get the path of the request; write only scheme, host and port"
            )
        return cls(_scheme(scheme, text), (match["v6"] or match["host"]).lower(), _port(match, scheme, text))


def _a_label(text: str) -> str:
    host = re.sub(r"^[a-z0-9+.-]+://", "", text).partition("/")[0].partition(":")[0]
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return "xn--…"


def _scheme(scheme: str, text: str) -> Scheme:
    if scheme == "grpc":
        return "h2c"
    for known in ("http", "https", "h2c", "tcp", "udp"):
        if scheme == known:
            return known
    raise OptionError(f'{shown(text)} has the unknown scheme "{scheme}"', _HELP)


def _port(match: re.Match[str], scheme: str, text: str) -> int:
    if match["port"] is None:
        if match["scheme"] is None or scheme not in _PORTS:
            raise OptionError(f"{shown(text)} has no port", _HELP)
        return _PORTS[scheme]
    port = int(match["port"])
    return port if 0 < port < 65536 else _refuse(text)


def _refuse(text: object) -> NoReturn:
    raise OptionError(f"{shown(text)} is not the address of a server", _HELP)


def _validate(value: object) -> object:
    if isinstance(value, ServerUrl):
        return value
    return ServerUrl.parse(value.strip()) if isinstance(value, str) else _refuse(value)


Url = Annotated[
    ServerUrl,
    BeforeValidator(_validate),
    PlainSerializer(str),
    WithJsonSchema(
        {"type": "string", "description": "http:// https:// h2c:// grpc:// tcp:// udp:// unix:/path or host:port"}
    ),
    ValueKind("server URL"),
]


class Server(BaseOptions):
    """One endpoint of a service."""

    url: Url
    """`http:// https:// h2c:// grpc:// (= h2c) tcp:// udp:// unix:/path` or `host:port`."""

    weight: int = Field(1, ge=0, le=65535)
    """Share of the requests; 0 keeps sticky clients and gets no new ones."""

    resolve: Literal["dns", "srv", "system"] = "dns"
    """How a name becomes addresses: all of its A and AAAA records are endpoints; or all of its SRV records, with their
    ports and weights; or whatever the system says at each connection."""
