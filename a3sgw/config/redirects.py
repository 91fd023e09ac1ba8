"""Entrypoints that send clients to another one: whether they get anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from a3sgw.config.document import Path
from a3sgw.config.entrypoint import Entrypoint, Redirect
from a3sgw.config.unheeded import Unheeded


def misled(entrypoints: Mapping[str, Entrypoint]) -> Iterator[Unheeded]:
    """What is wrong with redirects; names that nobody knows are told elsewhere."""
    for name, entrypoint in entrypoints.items():
        redirect = entrypoint.redirect
        if redirect is None or entrypoint.protocol != "http":
            continue
        path: Path = ("entrypoints", name, "redirect", "to")
        target = entrypoints.get(redirect.to) if not redirect.port else None
        nowhere = _nowhere(name, redirect.to, target) or _back(name, entrypoint, redirect, target, entrypoints)
        if nowhere is not None:
            yield "error", path, *nowhere
        there = target or _listening_on(redirect.port, entrypoints)
        if there is not None and there is not entrypoint and there.protocol == "http" and not there.address.path:
            yield from _otherwise(path, redirect, there)


def _nowhere(name: str, said: str, target: Entrypoint | None) -> tuple[str, str] | None:
    """Why nobody can be sent to this entrypoint (what, help)."""
    if said == name:
        return f'"{name}" redirects to itself', "name another entrypoint"
    if target is not None and target.protocol != "http":
        summary = f'"{said}" speaks {target.protocol}, where nobody can be redirected to'
        return summary, "name an entrypoint that speaks HTTP"
    if target is not None and target.address.path:
        return f'"{said}" is a Unix socket, where nobody can be redirected to', "name one with a port"
    return None


def _back(
    name: str, here: Entrypoint, redirect: Redirect, target: Entrypoint | None, entrypoints: Mapping[str, Entrypoint]
) -> tuple[str, str] | None:
    """How clients would come back to where they have been (what, help)."""
    circle = _circle(name, entrypoints)
    if circle:
        return f"redirects go round in a circle: {' → '.join(circle)}", "let one of them end it"
    port = target.address.port if target is not None else redirect.port
    # A proxy in front that is believed may speak TLS on the same port; its clients are sent there once.
    if port and port == here.address.port and not here.address.path and not here.trusted_ips:
        return f"{port} is the port of this very entrypoint", "name another one: clients would come back"
    return None


def _otherwise(path: Path, redirect: Redirect, there: Entrypoint) -> Iterator[Unheeded]:
    """A scheme that is not spoken there, unless a proxy in front of it speaks it."""
    if (redirect.scheme == "https") != (there.tls is not None) and not there.trusted_ips:
        speaks, other = ("no TLS", "http") if there.tls is None else ("TLS", "https")
        summary = f'clients are sent there by {redirect.scheme}, but "{redirect.to}" speaks {speaks}'
        yield "warning", path, summary, f'name another entrypoint, or write scheme = "{other}"'


def _circle(name: str, entrypoints: Mapping[str, Entrypoint]) -> list[str]:
    """The way from an entrypoint back to itself; empty when there is none."""
    way = [name]
    while (next_ := _next(entrypoints[way[-1]], entrypoints)) is not None:
        way.append(next_)
        if next_ == name:
            return way if len(way) > 2 else []
        if next_ in way[:-1]:
            break
    return []


def _next(entrypoint: Entrypoint, entrypoints: Mapping[str, Entrypoint]) -> str | None:
    """The name of the entrypoint where its clients are sent."""
    redirect = entrypoint.redirect
    if redirect is None or entrypoint.protocol != "http":
        return None
    if not redirect.port:
        return redirect.to if redirect.to in entrypoints else None
    there = _listening_on(redirect.port, entrypoints)
    return next((name for name, one in entrypoints.items() if one is there), None)


def _listening_on(port: int, entrypoints: Mapping[str, Entrypoint]) -> Entrypoint | None:
    """The only HTTP entrypoint with this port; it may be another one that others see, of whatever stands before."""
    found = [one for one in entrypoints.values() if port and one.protocol == "http" and one.address.port == port]
    return found[0] if len(found) == 1 else None
