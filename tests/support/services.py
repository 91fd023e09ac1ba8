"""Configurations with several services, and what the gateway says of them."""

from __future__ import annotations

from typing import Any

from tests.support.gateway import Running

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


def service(name: str, *servers: str, balancer: str = "", more: str = "") -> str:
    """One service in HCL."""
    listed = ", ".join(f'{{ url = "{server}" }}' for server in servers)
    return f'services "{name}" {{\n load_balancer {{\n servers = [{listed}]\n {balancer}\n }}\n {more}\n}}\n'


def events(running: Running, name: str = "origin") -> dict[str, int]:
    """What the gateway has counted at a service."""
    counted: dict[str, int] = running.gateway.health()["events"].get(name, {})
    return counted


def endpoint(running: Running, url: str, name: str = "origin") -> dict[str, Any]:
    """What the gateway says of an endpoint."""
    found: dict[str, Any] = next(one for one in running.gateway.health()["services"][name] if one["url"] == url)
    return found
