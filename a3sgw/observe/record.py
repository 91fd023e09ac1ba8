"""One line of the access log, and how it becomes JSON."""

from __future__ import annotations

from collections.abc import Sequence

from a3sgw.encoding import UNSET, Struct, UnsetType, json


class Record(Struct, gc=False):
    """One finished exchange. Bytes from the client are decoded as latin-1: no byte is lost, none can fail.

    Construct it with positional arguments: 0.3 µs, where keywords take 1.5 µs (CPython 3.11). `gc=False` keeps
    pending records out of garbage collection; a record holds only text and numbers, so it cannot be part of a cycle.
    """

    time: str
    """End of the exchange, ISO 8601 in UTC with milliseconds."""
    request_id: str
    entrypoint: str
    router: str
    """Empty when no route matched."""
    service: str
    endpoint: str
    """URL of the endpoint that answered or was tried last; empty when none was asked."""
    client_ip: str
    """The client as told by a trusted proxy, otherwise the peer."""
    peer_ip: str
    """The other end of the connection."""
    method: str
    host: str
    path: str
    """The target as the client sent it, query included."""
    protocol: str
    status: int
    """What the client got; 499 when it left before it got anything."""
    duration_ms: float
    """From the request head to the last byte of the response."""
    upstream_ms: float
    """From the request's head to the head of the endpoint's answer, connecting included; 0 when there was none."""
    received: int
    """Request body bytes from the client."""
    sent: int
    """Response body bytes to the client."""
    error: str
    """Why it failed, as the name of an error with its reason; empty when nothing did."""
    attempts: int
    """Endpoints asked."""
    retries: int | UnsetType = UNSET
    """How often it was sent again; left out on routes that never do."""
    queued_ms: float | UnsetType = UNSET
    """How long it waited for a place at an endpoint; left out like `retries`."""
    answered_by: str | UnsetType = UNSET
    """The service whose endpoint was asked last, where it is another than `service`: a revision, a part, a backup."""
    identity: str | UnsetType = UNSET
    """Who asked, as an authentication middleware found out; left out where none did."""
    would_block: str | UnsetType = UNSET
    """Middlewares with ``mode = "observe"`` that would have refused it, each with why; left out where none would."""
    tls_version: str | UnsetType = UNSET
    """``TLSv1.2`` or ``TLSv1.3``; left out without TLS."""
    tls_cipher: str | UnsetType = UNSET
    """OpenSSL's name of the cipher suite; left out without TLS."""
    tls_client_subject: str | UnsetType = UNSET
    """The subject of the client's verified certificate (RFC 4514); left out where there is none."""
    upgraded: str | UnsetType = UNSET
    """The protocol that a connection has changed to; then the times and bytes are those of the whole tunnel."""
    user_agent: str | UnsetType = UNSET
    """Left out unless it was recorded."""
    referer: str | UnsetType = UNSET
    """Left out unless it was recorded."""


_encoder = json.Encoder()


def encode(records: Sequence[Record]) -> bytes:
    """JSON lines, each ended by a newline; control characters and quotes are escaped. Measured: 0.3 µs per record."""
    return _encoder.encode_lines(records)
