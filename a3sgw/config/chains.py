"""Middlewares that stand for several others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from a3sgw.config.model import MiddlewareConfig
from a3sgw.options import references

ANSWERING = frozenset({"respond", "redirect-regex", "redirect-scheme"})
"""Kinds that answer by themselves: a router with one of them needs no service."""


def parts(middleware: MiddlewareConfig) -> tuple[str, ...]:
    """The names a middleware of type `chain` stands for; empty for all others."""
    if middleware.kind != "chain":
        return ()
    return tuple(name for _, to, name in references(middleware.options) if to == "middlewares")


def expanded(names: Iterable[str], middlewares: Mapping[str, MiddlewareConfig]) -> Iterator[str]:
    """What a route with these middlewares runs, in order: chains are replaced by their parts. There must be no
    circles."""
    for name in names:
        middleware = middlewares.get(name)
        inner = parts(middleware) if middleware is not None else ()
        if inner:
            yield from expanded(inner, middlewares)
        else:
            yield name
