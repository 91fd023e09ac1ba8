"""Whose address counts: the client's as the entrypoint knows it, or a place in X-Forwarded-For that options name."""

from __future__ import annotations

from collections.abc import Callable
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from a3sgw.http.message import Request
from a3sgw.networks import NetworkSet
from a3sgw.options import BaseOptions, Field, Network, OptionError, model_validator

ClientAddress = Callable[[Request], str]
"""An address in its canonical form, or "" when the request has none where it should be."""

_MAPPED = bytes(10) + b"\xff\xff"
"""What precedes an IPv4 address inside an IPv6 one (RFC 4291 §2.5.5.2)."""


class AddressOptions(BaseOptions):
    """Which address of a request counts."""

    depth: int = Field(0, ge=0)
    """Which address of X-Forwarded-For is the client's, counted from the right: 1 is the one that the proxy in front
    of the gateway has added. 0, the default, is the client that the entrypoint knows: the peer, or behind
    `trusted_ips` whom a trusted proxy names. With `depth` the field is believed whoever sends it: only for gateways
    that nobody reaches but through that many proxies. A field that is too short names nobody."""

    excluded_ips: tuple[Network, ...] = ()
    """Networks of the proxies in front: the client is the first address from the right of X-Forwarded-For that is in
    none of them, and nobody when all are. The field is believed whoever sends it, as with `depth`."""

    @model_validator(mode="after")
    def _one_of_them(self) -> AddressOptions:
        if self.depth and self.excluded_ips:
            raise OptionError("depth and excluded_ips exclude each other", "name one of them", "excluded_ips")
        return self


def client_address(options: AddressOptions) -> ClientAddress:
    """The function for these options. All lines of X-Forwarded-For are one list, so none can hide another."""
    if options.excluded_ips:
        return _first_not_in(NetworkSet(options.excluded_ips))
    return _at_depth(options.depth) if options.depth else _known


def _known(request: Request) -> str:
    return request.client_ip


def _at_depth(depth: int) -> ClientAddress:
    def address(request: Request) -> str:
        hops = _hops(request)
        return plain_address(hops[-depth]) if len(hops) >= depth else ""

    return address


def _first_not_in(ours: NetworkSet) -> ClientAddress:
    def address(request: Request) -> str:
        for hop in reversed(_hops(request)):
            found = plain_address(hop)
            # What cannot be read ends the search: left of it, anybody may have written anything.
            if found not in ours:
                return found
        return ""

    return address


def _hops(request: Request) -> list[bytes]:
    """X-Forwarded-For as the peer sent it, trusted or not."""
    if request.managed is None:
        return []
    lines = [value for name, value in request.managed if name == b"x-forwarded-for"]
    return b",".join(lines).split(b",") if lines else []


def plain_address(text: bytes) -> str:
    """An address without port, brackets and zone, IPv4 inside of IPv6 as IPv4; "" for anything else.

    Proxies write ``1.2.3.4``, ``1.2.3.4:5678``, ``2001:db8::1``, ``[2001:db8::1]`` and ``[2001:db8::1]:443``.
    """
    try:
        address = text.decode("ascii").strip(" \t")
        if address.startswith("["):
            address, bracket, port = address[1:].partition("]")
            if not bracket or (port and not _is_port(port)) or ":" not in address:
                return ""
        elif address.count(":") == 1:
            address, _, port = address.partition(":")
            if not _is_port(":" + port):
                return ""
        packed = pack(address)
    except (OSError, ValueError):
        return ""
    return inet_ntop(AF_INET if len(packed) == 4 else AF_INET6, packed)


def _is_port(text: str) -> bool:
    """A colon and a number. Some write the colon alone."""
    return text[:1] == ":" and len(text) <= 6 and (text[1:].isdigit() or text == ":")


def pack(address: str) -> bytes:
    """4 or 16 bytes, IPv4 inside of IPv6 as 4, a zone ignored; OSError or ValueError for anything else."""
    if ":" not in address:
        return inet_pton(AF_INET, address)
    packed = inet_pton(AF_INET6, address.partition("%")[0])
    return packed[12:] if packed.startswith(_MAPPED) else packed
