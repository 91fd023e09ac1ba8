"""Who is counted: from `key` to bytes that are the same for all requests of one source, and only for those."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from a3sgw.http.client_address import AddressOptions, ClientAddress, client_address, pack
from a3sgw.http.lookup import Lookup, lookup
from a3sgw.http.message import Request
from a3sgw.options import Field, Texts, WithJsonSchema, field_validator

Source = Callable[[Request], bytes]
Names = Annotated[Texts, WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1})]


class SourceOptions(AddressOptions):
    """Whom requests are counted for."""

    key: Names = Field(("ip",), min_length=1, max_length=8)
    """Requests that have this in common are counted together: `ip`, `header:X-Tenant`, `cookie:session`, `claim:sub`,
    `identity` (of an api-key, basic-auth, jwt or pass-tls-client-cert middleware before this one), `path:world_id`
    (captured by the rule), `tls.client.fingerprint`, `host`, `method`, `path`, …; a list means the combination of all.
    A request that lacks something is counted by its client's address instead of it. Whatever clients can choose freely,
    as header fields and cookies are that nobody has verified, gives whoever changes it a new start."""

    ipv6_prefix: int = Field(64, ge=1, le=128)
    """Bits of an IPv6 address that count: a /64 is what one subscriber gets, who has all addresses in it."""

    @field_validator("key")
    @classmethod
    def _names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            lookup(name)
        return names


def source(options: SourceOptions, prefix: bytes) -> Source:
    """The function for these options; what it returns begins with `prefix` and may be of any length.

    Each piece carries its length and whether it is the real one or the address instead of it, so that no request
    can look like another by what it writes into a field.
    """
    address = client_address(options)
    bits = options.ipv6_prefix
    if options.key == ("ip",):
        return _by_address(address, bits, prefix)
    pieces = tuple(_piece(name, address, bits) for name in options.key)
    if len(pieces) == 1:
        only = pieces[0]
        return lambda request: prefix + only(request)
    return lambda request: prefix + b"".join([piece(request) for piece in pieces])


def _by_address(address: ClientAddress, bits: int, prefix: bytes) -> Source:
    """The usual one, on a short way."""

    def by_address(request: Request) -> bytes:
        found = address(request) or request.client_ip
        return prefix + (subnet(found, bits) if ":" in found else found.encode())

    return by_address


def _piece(name: str, address: ClientAddress, bits: int) -> Lookup:
    if name == "ip":
        return lambda request: _tagged(b"=", subnet(address(request) or request.client_ip, bits))
    if name == "peer_ip":
        return lambda request: _tagged(b"=", subnet(request.peer_ip, bits))
    find = lookup(name)

    def piece(request: Request) -> bytes:
        value = find(request)
        return _tagged(b"=", value) if value else _tagged(b"!", subnet(address(request) or request.client_ip, bits))

    return piece


def _tagged(tag: bytes, value: bytes) -> bytes:
    return b"%b%d:%b" % (tag, len(value), value)


def subnet(address: str, bits: int) -> bytes:
    """An IPv4 address, however it is written, or so many bits of an IPv6 one; b"" for no address."""
    if ":" not in address:
        return address.encode()
    packed = pack(address)
    if len(packed) == 4:
        return b"%d.%d.%d.%d" % tuple(packed)
    return b"%b/%d" % ((int.from_bytes(packed) >> 128 - bits).to_bytes(16), bits)
