"""The kinds of traffic that are measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from benchmarks.backend import MEGABYTE

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.8,fr;q=0.7",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "https://www.shop.example/catalogue/garden/chairs?page=3&sort=price&colour=green",
    "Cookie": "session=0f8fad5bd9cb469fa165708867285959; theme=dark; basket=7c9e6679742540de944be07fc1f90ae7; "
    "consent=necessary.statistics; last=/catalogue/garden/tables/round-oak-table-120; variant=checkout-b.search-c; "
    "_visit=1795245393.4.1.1795245399.0.0.0; _seen=garden%2Cchairs%2Ctables",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "Upgrade-Insecure-Requests": "1",
    "Cache-Control": "max-age=0",
}
"""With Host: 12 headers, about 900 bytes."""


@dataclass(frozen=True)
class Profile:
    """One kind of traffic. `kind` chooses the procedure, the rest is what is sent; `routes` 0 means one catch-all."""

    name: str
    about: str
    kind: Literal["load", "idle", "reload", "workers", "tcp", "udp"] = "load"
    protocol: Literal["http", "https", "tcp", "udp"] = "http"
    path: str = "/"
    host: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: int = 0
    varied: bool = False
    """No two requests have the same head."""
    routes: int = 0
    workers: tuple[int, ...] = (1,)
    """The product is started once with each of these numbers of workers."""

    def contenders(self, product: str) -> dict[str, int]:
        """What the table calls each way to run `product`, with its number of workers."""
        if len(self.workers) == 1:
            return {product: self.workers[0]}
        return {f"{product} ×{count}": count for count in self.workers}


def _routes(count: int) -> Profile:
    return Profile(
        f"routes{count}",
        f"{count:,} routes by host and path prefix, the request hits one in the middle",
        host=f"host-{count // 2}.example",
        path="/v1/items/7",
        routes=count,
    )


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("header1", "GET with Host as the only header, two bytes back"),
        Profile("browser", "GET with the 12 headers of a browser, about 900 bytes", headers=BROWSER),
        Profile(
            "varied",
            "as browser, but no two requests and no two answers have the same head",
            path="/varied",
            headers=BROWSER,
            varied=True,
        ),
        Profile("response1m", "GET of 1 MB", path="/megabyte"),
        Profile("upload1m", "POST of 1 MB", path="/upload", body=MEGABYTE),
        _routes(10),
        _routes(1000),
        _routes(10000),
        Profile("tls", "as browser, with TLS 1.3 and a P-256 certificate", protocol="https", headers=BROWSER),
        Profile(
            "handshakes",
            "a new connection with a full TLS 1.3 handshake for each GET, P-256 certificate",
            protocol="https",
            headers={"Connection": "close"},
        ),
        Profile("tcp", "TCP echo of 64 bytes, 64 connections", kind="tcp", protocol="tcp"),
        Profile("tcp1m", "GET of 1 MB through a TCP proxy that does not read it", protocol="tcp", path="/megabyte"),
        Profile("udp", "UDP echo of 64 bytes, 64 clients", kind="udp", protocol="udp"),
        Profile("idle10000", "10,000 idle kept connections, memory they take", kind="idle"),
        Profile(
            "idletls10000", "10,000 idle kept connections with TLS, memory they take", kind="idle", protocol="https"
        ),
        Profile("idletcp10000", "10,000 idle TCP connections, memory they take", kind="idle", protocol="tcp"),
        Profile(
            "reload10000",
            "10,000 routes are reloaded under load, p99 against the same load without",
            kind="reload",
            host="host-5000.example",
            path="/v1/items/7",
            routes=10000,
        ),
        Profile(
            "workers",
            "as header1, with one worker and with two on all cores, and how these share 400 connections",
            kind="workers",
            workers=(1, 2),
        ),
    )
}
