"""What is different about UDP entrypoints: one router each, no rule, and nothing that needs connections or requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.router import Router
from a3sgw.config.streams import Wrong


def wrong_with(name: str, entrypoint: Entrypoint, kinds: Callable[[str], Mapping[str, str]]) -> Iterator[Wrong]:
    """What is wrong with this entrypoint; `kinds` are those of all that a middleware
    stands for, by name."""
    base = ("entrypoints", name)
    if entrypoint.protocol != "udp":
        return
    if entrypoint.address.path:
        yield (*base, "address"), "UDP entrypoints have no Unix sockets", "write host:port"
    for index, one in enumerate(entrypoint.middlewares):
        for part, kind in kinds(one).items():
            if kind != "chain" and not kind.startswith("tcp-"):
                summary = f'middleware "{part}" ({kind}) does not work on udp entrypoints'
                yield (*base, "middlewares", index), summary, "only tcp-filter does: it looks at addresses"
                break


def second_routers(entrypoints: Mapping[str, Entrypoint], routers: Mapping[str, Router]) -> Iterator[Wrong]:
    """Each router but the first on a UDP entrypoint: nothing could choose between them."""
    for name, entrypoint in entrypoints.items():
        if entrypoint.protocol != "udp":
            continue
        there = [key for key, one in routers.items() if name in one.entrypoints or _is_everywhere(one, entrypoints)]
        for second in there[1:]:
            summary = f'routers "{there[0]}" and "{second}" are both on the UDP entrypoint "{name}"'
            yield ("routers", second), summary, "there is one each, as there are no rules: name another entrypoint"


def _is_everywhere(router: Router, entrypoints: Mapping[str, Entrypoint]) -> bool:
    """Whether it names no entrypoint where all speak UDP; elsewhere one without a rule is an error by itself."""
    return not router.entrypoints and all(one.protocol == "udp" for one in entrypoints.values())
