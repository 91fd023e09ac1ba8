"""Options of the middleware kinds whose module does not exist yet: they validate, and are reported as not supported."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from a3sgw.options import BaseOptions, Field, Network


class TcpFilter(BaseOptions):
    """`tcp-filter`."""

    max_connections: int = Field(0, ge=0)
    """Connections open at once; 0 means no limit."""

    allowed_ips: tuple[Network, ...] = ()
    """Networks that may connect; empty means all."""


FIXED_KINDS: Mapping[str, type[BaseOptions]] = MappingProxyType({"tcp-filter": TcpFilter})
"""Kinds every version has to accept."""
