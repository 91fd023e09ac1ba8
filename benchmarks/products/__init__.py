"""The proxies that are compared: one short file each, which writes a configuration and starts the program."""

from __future__ import annotations

from benchmarks.products.a3sgw import A3sgw
from benchmarks.products.base import Product
from benchmarks.products.caddy import Caddy
from benchmarks.products.haproxy import HAProxy
from benchmarks.products.nginx import Nginx
from benchmarks.products.traefik import Traefik

PRODUCTS: dict[str, type[Product]] = {product.name: product for product in (Nginx, HAProxy, Caddy, Traefik, A3sgw)}
"""By name, the reference first."""
