"""How connections to endpoints that speak TLS are checked: one context per set of options."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from a3sgw.config.load_balancer import UpstreamTls


def client_context(
    options: UpstreamTls | None, directory: Path | None = None, alpn: Sequence[str] = ("http/1.1",)
) -> ssl.SSLContext:
    """Certificate and name are checked unless the operator says otherwise; OSError or ssl.SSLError for a bad CA file.

    A relative `ca_file` is looked up in `directory`, where the configuration is; `alpn` is what is offered.
    """
    ca_file = None
    if options is not None and options.ca_file:
        ca_file = str(directory / options.ca_file) if directory is not None else options.ca_file
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if alpn:
        context.set_alpn_protocols(alpn)
    if options is not None and options.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
