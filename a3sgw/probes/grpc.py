"""Does it say SERVING when asked by the gRPC health protocol? The only importer of h2."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error

from a3sgw.config.health_check import HealthCheck
from a3sgw.probes.message import STATUSES, request, status
from a3sgw.probes.place import Place, ProbeFailed, Trust, connect, reason

_MOST_BYTES = 65536
"""Of an answer, which has seven."""


async def probe(to: Place, options: HealthCheck, trust: Trust) -> None:
    """Ask for the health of `options.service` on a connection of its own, by HTTP/2 with or without TLS.

    See https://github.com/grpc/grpc/blob/master/doc/health-checking.md. Raises ProbeFailed.
    """
    reader, writer = await connect(to, trust.context("h2") if to.secure else None)
    try:
        await _Question(reader, writer).ask(to, options)
    except H2Error as error:
        raise ProbeFailed(f"not HTTP/2: {error}") from None
    except OSError as error:
        raise ProbeFailed(f"connection lost: {reason(error)}") from None
    finally:
        writer.transport.abort()


class _Question:
    """One request on one connection, and its answer as it comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http2 = H2Connection(H2Configuration(client_side=True))
        self._fields: dict[str, str] = {}
        """Header and trailer fields."""
        self._body = b""
        self._ended = False

    async def ask(self, to: Place, options: HealthCheck) -> None:
        self._http2.initiate_connection()
        self._http2.send_headers(1, list(_fields(to, options)))
        self._http2.send_data(1, request(options.service), end_stream=True)
        while not self._ended:
            self._writer.write(self._http2.data_to_send())
            data = await self._reader.read(_MOST_BYTES)
            if not data:
                raise ProbeFailed("closed before an answer")
            for event in self._http2.receive_data(data):
                if not self._ended:  # a server that takes leave right after its answer has answered
                    self._take(event)
        self._judge()

    def _take(self, event: Event) -> None:
        match event:
            case ResponseReceived() | TrailersReceived():
                self._fields.update((_text(name), _text(value)) for name, value in event.headers)
            case DataReceived():
                self._body += event.data
                if len(self._body) > _MOST_BYTES:
                    raise ProbeFailed("an answer that is far too long")
            case StreamReset() | ConnectionTerminated():
                raise ProbeFailed(f"ended with HTTP/2 error {event.error_code}")
            case StreamEnded():
                self._ended = True
            case _:
                pass  # settings and the like, which h2 answers itself

    def _judge(self) -> None:
        if self._fields.get(":status") != "200":
            raise ProbeFailed(f"status {self._fields.get(':status')}")
        code = self._fields.get("grpc-status", "")
        if code != "0":
            raise ProbeFailed(f"grpc-status {code or 'missing'}: {self._fields.get('grpc-message', '')}".rstrip(": "))
        try:
            found = status(self._body)
        except ValueError as error:
            raise ProbeFailed(f"not the health protocol: {error}") from None
        if found != STATUSES.index("SERVING"):
            raise ProbeFailed(STATUSES[found] if found < len(STATUSES) else f"health status {found}")


def _fields(to: Place, options: HealthCheck) -> Iterable[tuple[str, str]]:
    own = {"host": to.authority, "content-type": "application/grpc", "te": "trailers", "user-agent": "a3sgw-probe"}
    fields = {**own, **{name.lower(): value for name, value in options.headers.items()}}
    yield ":method", "POST"
    yield ":scheme", "https" if to.secure else "http"
    yield ":path", "/grpc.health.v1.Health/Check"
    yield ":authority", fields.pop("host")
    yield from fields.items()


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
