"""What an operator can say about a router."""

from __future__ import annotations

from a3sgw.options import BaseOptions, Field


class Router(BaseOptions):
    """Which requests go to which service, and through which middlewares."""

    rule: str = ""
    """Which requests are meant, e.g. ``Host(`a.example`) && PathPrefix(`/v1`)``; not used by UDP."""

    service: str
    """Name of the service that answers."""

    entrypoints: tuple[str, ...] = ()
    """Entrypoints to listen on; empty means all of the matching protocol."""

    middlewares: tuple[str, ...] = ()
    """Middlewares in the order a request meets them."""

    priority: int = Field(0, ge=-(2**63), le=2**63 - 1001)
    """Higher wins; 0 means the length of the rule."""

    merge_slashes: bool | None = None
    """Overrides, for what the endpoint gets, the entrypoint's setting; rules are matched by the entrypoint's."""
