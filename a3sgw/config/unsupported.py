"""What can be written but does not run yet: reported by name instead of silently ignored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from a3sgw.config.document import Path, join_path
from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.load import Loaded
from a3sgw.config.model import Config
from a3sgw.config.server import Server
from a3sgw.config.service import Service
from a3sgw.diagnostic import Diagnostic
from a3sgw.options import BaseOptions

KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "entrypoints": ("http2",),
        "services": ("scaling", "rollout"),
        "providers": ("discovery", "kubernetes", "docker"),
    }
)
"""Keys that count when they are written with another value than their default."""

PROTOCOLS = ("http", "tcp", "udp")
SCHEMES = ("http", "https", "tcp", "udp", "unix")
"""The values that do run."""


def unsupported(loaded: Loaded) -> list[Diagnostic]:
    """One error per thing that does not run yet; empty without a configuration. `validate` shows them as warnings."""
    if loaded.config is None:
        return []
    return [
        Diagnostic(
            "error", loaded.document.place(path), f"not supported yet: {join_path(path)}{detail}", help, "unsupported"
        )
        for path, detail, help in _found(loaded.config)
    ]


def runnable(config: Config) -> Config:
    """The configuration without what does not run yet, so that everything else in it can still be compiled."""
    services = {name: _runnable_service(one) for name, one in config.services.items()}
    return config.model_copy(update={"services": services})


def _runnable_service(service: Service) -> Service:
    def kept(servers: tuple[Server, ...]) -> dict[str, tuple[Server, ...]]:
        return {"servers": tuple(server for server in servers if server.url.scheme in SCHEMES)}

    balancer = service.load_balancer
    return service.model_copy(
        update={
            "load_balancer": balancer.model_copy(update=kept(balancer.servers)) if balancer is not None else None,
            "revisions": tuple(one.model_copy(update=kept(one.servers)) for one in service.revisions),
        }
    )


_Found = Iterator[tuple[Path, str, str]]
_REMOVE = "remove it for now"


def _found(config: Config) -> _Found:
    for name, entrypoint in config.entrypoints.items():
        yield from _entrypoint(("entrypoints", name), entrypoint)
    for name, service in config.services.items():
        yield from _service(("services", name), service)
    yield from _written(("providers",), config.providers, "providers")


def _entrypoint(base: Path, entrypoint: Entrypoint) -> _Found:
    if entrypoint.protocol not in PROTOCOLS:
        yield (*base, "protocol"), f' = "{entrypoint.protocol}"', f"use {', '.join(PROTOCOLS)}"
    yield from _written(base, entrypoint, "entrypoints")
    if entrypoint.tls is not None and entrypoint.tls.acme:
        yield (*base, "tls", "acme"), "", "name certificates in cert_file and key_file for now"


def _service(base: Path, service: Service) -> _Found:
    yield from _written(base, service, "services")
    if service.load_balancer is not None:
        yield from _servers((*base, "load_balancer"), service.load_balancer.servers)
    for index, revision in enumerate(service.revisions):
        yield from _servers((*base, "revisions", index), revision.servers)


def _servers(base: Path, servers: tuple[Server, ...]) -> _Found:
    for index, server in enumerate(servers):
        if server.url.scheme not in SCHEMES:
            yield (*base, "servers", index, "url"), f" = {server.url}", f"use {', '.join(SCHEMES)}"


def _written(base: Path, options: BaseOptions, kind: str) -> _Found:
    for key in KEYS[kind]:
        if getattr(options, key) != type(options).model_fields[key].get_default():
            yield (*base, key), "", _REMOVE
