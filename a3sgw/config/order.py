"""Warns about chains that are written in an order that lets strangers cost more than they should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from a3sgw.config.document import Document
from a3sgw.config.model import Config
from a3sgw.diagnostic import Diagnostic

_STEPS = ("address checks", "authentication", "limits", "circuit breaker and retries")
_STEP_OF: Mapping[str, int] = MappingProxyType(
    {
        "ip-allow": 0,
        "tcp-filter": 0,
        "api-key": 1,
        "basic-auth": 1,
        "jwt": 1,
        "forward-auth": 1,
        "rate-limit": 2,
        "rate-limit-redis": 2,
        "body-limit": 2,
        "circuit-breaker": 3,
        "retry": 3,
    }
)


def check_order(config: Config, document: Document) -> Iterator[Diagnostic]:
    """One warning per router whose middlewares are not in the recommended order (docs/configuration.md)."""
    for name, router in config.routers.items():
        latest, latest_name = -1, ""
        for index, middleware in enumerate(router.middlewares):
            step = _STEP_OF.get(config.middlewares[middleware].kind, -1)
            if step < 0:
                continue
            if step < latest:
                place = document.place(("routers", name, "middlewares", index))
                yield Diagnostic(
                    "warning",
                    place,
                    f'"{middleware}" ({_STEPS[step]}) comes after "{latest_name}" ({_STEPS[latest]})',
                    f"the recommended order is {', '.join(_STEPS)}",
                    "order",
                )
                break
            latest, latest_name = step, middleware
