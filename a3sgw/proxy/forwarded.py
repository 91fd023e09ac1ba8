"""What the endpoint is told about the client: X-Forwarded-*, X-Real-Ip (the set and rules of semantics T-4)."""

from __future__ import annotations

import re

from a3sgw.http.client_address import plain_address
from a3sgw.http.message import Request
from a3sgw.networks import NetworkSet

_PORT = re.compile(rb":([0-9]{1,5})\Z")
_PROTO = frozenset({b"http", b"https", b"ws", b"wss"})
_PASSED = frozenset(
    {
        b"forwarded",
        b"x-scheme",
        b"x-forwarded-scheme",
        b"x-forwarded-server",
        b"x-forwarded-uri",
        b"x-forwarded-method",
        b"x-forwarded-prefix",
        b"x-forwarded-tls-client-cert",
        b"x-forwarded-tls-client-cert-info",
    }
)


def plain_lines(peer_ip: str, scheme: bytes, authority: bytes) -> bytes:
    """Field lines for a client that is believed nothing: everything as the gateway sees it."""
    peer = peer_ip.encode()
    lines = b"X-Forwarded-For: %b\r\nX-Real-Ip: %b\r\n" % (peer, peer) if peer else b""
    lines += b"X-Forwarded-Proto: %b\r\nX-Forwarded-Port: %b\r\n" % (scheme, _port(authority, scheme))
    return lines + b"X-Forwarded-Host: %b\r\n" % authority if authority else lines


def _port(authority: bytes, scheme: bytes) -> bytes:
    found = _PORT.search(authority)
    if found is not None:
        return found[1]
    return b"443" if scheme in (b"https", b"wss") else b"80"


def believed_lines(request: Request, trusted: NetworkSet) -> bytes:
    """Field lines behind a trusted proxy: its values are kept, the chain is extended, and the client's address
    found."""
    sent: dict[bytes, list[bytes]] = {}
    for name, value in request.managed or ():
        sent.setdefault(name, []).append(value)
    chain = [hop.strip() for value in sent.get(b"x-forwarded-for", ()) for hop in value.split(b",") if hop.strip()]
    request.client_ip = client_address(chain, request.peer_ip, trusted)
    proto = sent.get(b"x-forwarded-proto", [b""])[0].lower()
    if proto in _PROTO:
        request.scheme = proto
    host = sent.get(b"x-forwarded-host", [request.authority])[0]
    port = sent.get(b"x-forwarded-port", [b""])[0]
    real = sent.get(b"x-real-ip", [request.client_ip.encode()])[0]
    lines = [
        (b"X-Forwarded-For", b", ".join([*chain, request.peer_ip.encode()])),
        (b"X-Real-Ip", real),
        (b"X-Forwarded-Proto", request.scheme),
        (b"X-Forwarded-Port", port if port.isdigit() else _port(request.authority, request.scheme)),
        (b"X-Forwarded-Host", host),
        *((name.title(), value) for name, values in sent.items() if name in _PASSED for value in values),
    ]
    return b"".join([b"%b: %b\r\n" % line for line in lines if line[1]])


def client_address(chain: list[bytes], peer_ip: str, trusted: NetworkSet) -> str:
    """The last address of the chain that is not one of ours, without the port that some proxies write; the peer's when
    the chain is empty, and as far as it was read when it goes on with something else (as nginx has it)."""
    address = peer_ip
    for hop in reversed(chain):
        found = plain_address(hop)
        if not found:
            return address
        address = found
        if address not in trusted:
            return address
    return address
