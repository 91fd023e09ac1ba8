"""The PROXY header, by which one proxy tells the next who the client is: versions 1 and 2, read and written.

The specification is HAProxy's doc/proxy-protocol.txt; section numbers below are its own.
"""

from __future__ import annotations

import re
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import NamedTuple

from a3sgw.crc32c import crc32c
from a3sgw.peek import Peek, Refused

Address = tuple[str, int]
"""An IP address as text, without zone, and a port."""

MAX_V1 = 107
"""Bytes of the longest line of version 1 (§2.1)."""
MAX_V2 = 4096
"""Bytes after the fixed part of version 2 that are accepted; proxies with much to say send some hundred."""

_V1 = b"PROXY "
_LINE = re.compile(
    rb"PROXY (?:(UNKNOWN)(?: [^\r]*)?"
    rb"|(TCP4|TCP6) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4}))\r\n"
)
_V2 = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = 16
_LOCAL, _PROXY = 0x20, 0x21
_FAMILIES = {1: 4, 2: 16, 3: 108}
"""Length of one address, by family (§2.2)."""
_CRC32C = 0x03
_MAPPED = bytes(10) + b"\xff\xff"


class Header(NamedTuple):
    """One header. Without `source` the addresses are those of the connection itself: the proxy speaks for itself
    (LOCAL), or does not know, or its client came through a unix socket."""

    length: int
    """Bytes it takes; the connection's own begin behind them."""

    source: Address | None = None
    """The client."""

    destination: Address | None = None
    """What the client connected to."""


def parse(data: bytes | bytearray) -> Header | Refused | Peek:
    """What a connection begins with, given everything received so far; the same at every split.

    ``Peek.NO`` as soon as one byte says that it is no PROXY header. Believe a header only from peers one trusts.
    """
    if data[: len(_V1)] == _V1:
        return _line(data)
    if data[: len(_V2)] == _V2:
        return _binary(data)
    begun = bytes(data[: len(_V2)])
    return Peek.NEED_MORE if _V1.startswith(begun) or _V2.startswith(begun) else Peek.NO


def _line(data: bytes | bytearray) -> Header | Refused | Peek:
    """Version 1 (§2.1): one line of text."""
    end = data.find(b"\n", 0, MAX_V1) + 1
    if not end:
        return Peek.NEED_MORE if len(data) < MAX_V1 else Refused("a PROXY line without an end")
    found = _LINE.fullmatch(data, 0, end)
    if found is None:
        return Refused("a malformed PROXY line")
    if found[1]:
        return Header(end)
    family = AF_INET if found[2] == b"TCP4" else AF_INET6
    try:
        hosts = [_text(inet_pton(family, found[place].decode())) for place in (3, 4)]
    except OSError:
        return Refused("a PROXY line with a malformed address")
    ports = int(found[5]), int(found[6])
    if max(ports) > 0xFFFF:
        return Refused("a PROXY line with a malformed port")
    return Header(end, (hosts[0], ports[0]), (hosts[1], ports[1]))


def _binary(data: bytes | bytearray) -> Header | Refused | Peek:
    """Version 2 (§2.2): 16 fixed bytes, addresses, and what its sender wants to add."""
    if len(data) < _FIXED:
        return Peek.NEED_MORE
    command, family, protocol = data[12], data[13] >> 4, data[13] & 15
    if command not in (_LOCAL, _PROXY):
        return Refused("a PROXY header of an unknown version or command")
    if command == _PROXY and (family > 3 or protocol > 2):
        return Refused("a PROXY header of an unknown family or protocol")
    length = data[14] << 8 | data[15]
    if length > MAX_V2:
        return Refused("a PROXY header longer than 4 KB")
    end = _FIXED + length
    if len(data) < end:
        return Peek.NEED_MORE
    if command == _LOCAL or not family or not protocol:
        return Header(end)  # whatever follows is to be skipped, and need not be well-formed
    return _addresses(bytes(data[:end]), family)


def _addresses(header: bytes, family: int) -> Header | Refused:
    size = _FAMILIES[family]
    first, second = _FIXED + size, _FIXED + 2 * size
    behind = second + (4 if family != 3 else 0)
    if len(header) < behind:
        return Refused("a PROXY header too short for its addresses")
    if (reason := _extras_fault(header, behind)) is not None:
        return Refused(reason)
    if family == 3:
        return Header(len(header))
    ports = [int.from_bytes(header[at : at + 2]) for at in (second, second + 2)]
    source, destination = _text(header[_FIXED:first]), _text(header[first:second])
    return Header(len(header), (source, ports[0]), (destination, ports[1]))


def _extras_fault(header: bytes, at: int) -> str | None:
    """What is wrong with the type-length-value triples from `at` to the end; None when nothing is."""
    checked = False
    while at < len(header):
        value = at + 3
        end = value + int.from_bytes(header[at + 1 : value])
        if end > len(header):
            return "a PROXY header with a value that goes past its end"
        if header[at] == _CRC32C:
            if checked or end - value != 4:
                return "a PROXY header with a malformed checksum"
            if crc32c(header[:value] + bytes(4) + header[end:]) != int.from_bytes(header[value:end]):
                return "a PROXY header with a wrong checksum"
            checked = True
        at = end
    return None


def _text(packed: bytes) -> str:
    """An address as text; an IPv4 address inside of an IPv6 one is that IPv4 address."""
    if packed.startswith(_MAPPED) and len(packed) == 16:
        packed = packed[12:]
    return inet_ntop(AF_INET if len(packed) == 4 else AF_INET6, packed)


def encode_v1(source: Address | None, destination: Address | None) -> bytes:
    """The line that says `source` has connected to `destination`; UNKNOWN where one is None, as for unix sockets.

    Of different families, both are written as IPv6. Raises ValueError for what is no address.
    """
    packed = _packed(source, destination)
    if packed is None or source is None or destination is None:
        return b"PROXY UNKNOWN\r\n"
    family, name = (AF_INET, "TCP4") if len(packed[0]) == 4 else (AF_INET6, "TCP6")
    hosts = [inet_ntop(family, one) for one in packed]
    return f"PROXY {name} {hosts[0]} {hosts[1]} {source[1]} {destination[1]}\r\n".encode()


def encode_v2(source: Address | None, destination: Address | None) -> bytes:
    """The same in binary; LOCAL where one is None, which every receiver has to accept (§2.2)."""
    packed = _packed(source, destination)
    if packed is None or source is None or destination is None:
        return _V2 + bytes([_LOCAL, 0, 0, 0])
    family = 0x11 if len(packed[0]) == 4 else 0x21
    block = packed[0] + packed[1] + source[1].to_bytes(2) + destination[1].to_bytes(2)
    return _V2 + bytes([_PROXY, family]) + len(block).to_bytes(2) + block


def _packed(source: Address | None, destination: Address | None) -> tuple[bytes, bytes] | None:
    """Both addresses in the shortest form that they have in common."""
    if source is None or destination is None:
        return None
    first, second = _pack(source[0]), _pack(destination[0])
    if len(first) != len(second):
        first, second = (one if len(one) == 16 else _MAPPED + one for one in (first, second))
    return first, second


def _pack(host: str) -> bytes:
    host = host.partition("%")[0]
    try:
        packed = inet_pton(AF_INET6 if ":" in host else AF_INET, host)
    except OSError:
        raise ValueError(f"{host!r} is not an address") from None
    return packed[12:] if packed.startswith(_MAPPED) else packed
