"""Where a probe of a target really goes, and how it knows that it has arrived there."""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from a3sgw.config.health_check import HealthCheck
from a3sgw.config.load_balancer import UpstreamTls
from a3sgw.targets import Target
from a3sgw.upstream.tls import client_context


class ProbeFailed(Exception):
    """An endpoint is not well; the text says why, in words for the log."""


class Trust:
    """How the certificates of a service's endpoints are checked; files are read when they are needed first."""

    def __init__(self, options: UpstreamTls | None = None, directory: Path | None = None) -> None:
        """`directory` is where a relative `ca_file` is looked up."""
        self._options = options
        self._directory = directory
        self._contexts: dict[str, ssl.SSLContext] = {}

    @property
    def wanted(self) -> bool:
        """Whether the operator has said anything about TLS, which for tcp endpoints means that they speak it."""
        return self._options is not None

    @property
    def server_name(self) -> str:
        """The name that is asked for instead of the endpoint's, or nothing."""
        return self._options.server_name if self._options is not None else ""

    def context(self, protocol: Literal["http/1.1", "h2", ""]) -> ssl.SSLContext:
        """For connections that speak `protocol`, or something without a name. ProbeFailed for bad authorities."""
        if protocol not in self._contexts:
            try:
                made = client_context(self._options, self._directory, (protocol,) if protocol else ())
            except OSError as error:  # ssl.SSLError is one too
                raise ProbeFailed(f"the authorities cannot be read: {error}") from None
            self._contexts[protocol] = made
        return self._contexts[protocol]


@dataclass(frozen=True, slots=True)
class Place:
    """`path` of a Unix socket, or `host` and `port`; `server_name` is for TLS, `authority` for the Host field."""

    host: str
    port: int
    path: str
    secure: bool
    server_name: str
    authority: str


def place(target: Target, options: HealthCheck, trust: Trust) -> Place:
    """What the options change about a target; nothing about a Unix socket, which is spoken to in plain HTTP."""
    if target.path:
        return Place("", 0, target.path, False, "", options.hostname or "localhost")
    secure = (options.scheme or target.scheme) == "https"
    if options.mode == "tcp":
        secure = target.scheme == "tcp" and trust.wanted
    port = options.port or target.port
    name = f"[{target.name}]" if ":" in target.name else target.name
    own = name if port == (443 if secure else 80) else f"{name}:{port}"
    return Place(target.host, port, "", secure, trust.server_name or target.name, options.hostname or own)


async def connect(
    to: Place, context: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection, with TLS if there is a `context`. Raises ProbeFailed."""
    name = to.server_name if context is not None else None
    try:
        if to.path:
            return await asyncio.open_unix_connection(to.path)
        return await asyncio.open_connection(to.host, to.port, ssl=context, server_hostname=name)
    except ssl.SSLError as error:
        raise ProbeFailed(f"TLS failed: {getattr(error, 'verify_message', '') or error}") from None
    except (OSError, UnicodeError) as error:
        raise ProbeFailed(f"cannot connect: {reason(error)}") from None


def reason(error: Exception) -> str:
    """In the system's words, which asyncio hides ("Connect call failed"); errors of names have negative numbers."""
    number = getattr(error, "errno", None) or 0
    return os.strerror(number) if number > 0 else str(getattr(error, "strerror", None) or error)
