"""The first message of a TLS client, read without answering it: who is asked for decides who answers.

Read as OpenSSL would read it, so that the certificate chosen here is the one the handshake needs; what OpenSSL would
refuse for its form is refused here already, as are names that two readers could take for two hosts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from a3sgw.peek import Peek, Refused
from a3sgw.tls.wire import Malformed, Wire, is_grease

MAX_RECORDS = 65536
"""Bytes of records, headers included, in which the hello has to end."""
MAX_HELLO = 16384
"""Bytes of the hello itself; browsers send 500 to 2,000, with post-quantum key shares included."""
_MAX_RECORD = 16384

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SERVER_NAME, _ALPN, _SUPPORTED_VERSIONS = 0, 16, 43
_READ = frozenset({_SERVER_NAME, _ALPN, _SUPPORTED_VERSIONS})

_UNEXPECTED_MESSAGE, _RECORD_OVERFLOW, _ILLEGAL_PARAMETER, _PROTOCOL_VERSION = 10, 22, 47, 70
_DECODE_ERROR, _UNRECOGNIZED_NAME = 50, 112

_NAME = re.compile(rb"(?=.{1,253}\.?\Z)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?", re.DOTALL)
_ADDRESS = re.compile(rb"[0-9.]*[0-9]\.?|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")


class ClientHello(NamedTuple):
    """What a client asks for. Later bytes (early data, for one) are none of its business."""

    server_name: str = ""
    """Lower case, without final dot; empty when the client names nobody. RFC 6066 §3 forbids IP addresses, clients send
    them all the same: they are names like others, which rules and certificates may have or not."""

    alpn: tuple[str, ...] = ()
    """Protocols offered, best first, bytes as latin-1."""

    versions: tuple[int, ...] = ()
    """TLS versions offered, best first, as on the wire (0x0304 is TLS 1.3), without GREASE."""


Hello = ClientHello | Refused | Peek


def read_client_hello(data: bytes | bytearray) -> Hello:
    """`HelloReader` for bytes that are all there."""
    return HelloReader().read(data)


class HelloReader:
    """Reads one hello out of a growing buffer; the whole costs the same however the bytes are split."""

    __slots__ = ("_at", "_message", "_wanted")

    def __init__(self) -> None:
        self._at = 0
        self._message = bytearray()
        self._wanted = 1

    def read(self, data: bytes | bytearray) -> Hello:
        """What `data` is: everything received so far, from the first byte on, at each call.

        ``Peek.NO`` where it is no TLS, as soon as one byte says so. A final answer stays; do not ask again after it.
        """
        while len(data) >= self._wanted:
            if self._at == 0 and (answer := _first_bytes(data)) is not None:
                if answer is not Peek.NEED_MORE:
                    return answer
                self._wanted = len(data) + 1
            elif (record := self._record(data)) is not None:
                return record
        return Peek.NEED_MORE

    def _record(self, data: bytes | bytearray) -> ClientHello | Refused | None:
        """Take one whole record into the message; None when it was not the last."""
        body = self._at + 5
        if len(data) < body:
            self._wanted = body
            return None
        if data[self._at] != _HANDSHAKE or data[self._at + 1] != 3:
            return Refused("another record inside the client hello", _UNEXPECTED_MESSAGE)
        length = data[self._at + 3] << 8 | data[self._at + 4]
        end = body + length
        if length == 0:
            return Refused("an empty record", _UNEXPECTED_MESSAGE)
        if length > _MAX_RECORD:
            return Refused("a record longer than 16 KB", _RECORD_OVERFLOW)
        if end > MAX_RECORDS:
            return Refused("the client hello takes more than 64 KB of records", _RECORD_OVERFLOW)
        if len(data) < end:
            self._wanted = end
            return None
        self._message += data[body:end]
        self._at = end
        self._wanted = end + 5
        return _message(self._message)


def _first_bytes(data: bytes | bytearray) -> Refused | Peek | None:
    """None when these are the first bytes of TLS, whose record layer has not changed since SSL 3.0."""
    if data[0] == 0x80:
        return _ancient(data)
    if data[0] != _HANDSHAKE:
        return Peek.NO
    if len(data) < 2:
        return Peek.NEED_MORE
    return None if data[1] == 3 else Peek.NO


def _ancient(data: bytes | bytearray) -> Refused | Peek:
    """A hello in the form of SSL 2.0 (RFC 5246 appendix E.2), which nothing may answer any more (RFC 6176)."""
    if (len(data) > 2 and data[2] != _CLIENT_HELLO) or (len(data) > 3 and data[3] not in (0, 3)):
        return Peek.NO
    if len(data) < 4:
        return Peek.NEED_MORE
    return Refused("a client hello of SSL 2.0", _PROTOCOL_VERSION)


def _message(message: bytearray) -> ClientHello | Refused | None:
    """The hello once it is whole; None before."""
    if message[0] != _CLIENT_HELLO:
        return Refused("a handshake that does not begin with a client hello", _UNEXPECTED_MESSAGE)
    if len(message) < 4:
        return None
    length = int.from_bytes(message[1:4])
    if length > MAX_HELLO:
        return Refused("a client hello longer than 16 KB", _ILLEGAL_PARAMETER)
    if len(message) < 4 + length:
        return None
    try:
        return _hello(Wire(bytes(message[4 : 4 + length])))
    except Malformed:
        return Refused("a malformed client hello", _DECODE_ERROR)


def _hello(wire: Wire) -> ClientHello | Refused:
    """RFC 8446 §4.1.2, which is RFC 5246 §7.4.1.2 with other words."""
    version = wire.number(2)
    wire.take(32)  # random
    wire.vector(1, at_most=32)  # session id
    ciphers = wire.vector(2, at_least=2)
    wire.vector(1, at_least=1)  # compression methods
    if len(ciphers) % 2:
        raise Malformed
    extensions: dict[int, bytes] = {}
    if not wire.done():  # before TLS 1.3 there may be none
        block = Wire(wire.vector(2))
        wire.finish()
        while not block.done():
            kind, content = block.number(2), block.vector(2)
            if kind in extensions and kind in _READ:
                return Refused("an extension of the client hello is there twice", _ILLEGAL_PARAMETER)
            extensions[kind] = content
    name = _server_name(extensions.get(_SERVER_NAME))
    if isinstance(name, Refused):
        return name
    return ClientHello(name, _alpn(extensions.get(_ALPN)), _versions(extensions.get(_SUPPORTED_VERSIONS), version))


def _server_name(extension: bytes | None) -> str | Refused:
    """RFC 6066 §3: a list with at most one host name; entries of other types, which nobody has defined, are skipped."""
    if extension is None:
        return ""
    wire = Wire(extension)
    names = Wire(wire.vector(2, at_least=1))
    wire.finish()
    found: bytes | None = None
    while not names.done():
        kind, name = names.number(1), names.vector(2, at_least=1)
        if kind == 0:
            if found is not None:
                return Refused("more than one server name", _ILLEGAL_PARAMETER)
            found = name
    if found is None:
        return ""
    if _NAME.fullmatch(found) is None and _ADDRESS.fullmatch(found) is None:
        return Refused("a server name that is no host name", _UNRECOGNIZED_NAME)
    return found.decode("ascii").lower().removesuffix(".")


def _alpn(extension: bytes | None) -> tuple[str, ...]:
    """RFC 7301 §3.1: the list and the names in it are never empty."""
    if extension is None:
        return ()
    wire = Wire(extension)
    names = Wire(wire.vector(2, at_least=2))
    wire.finish()
    found = []
    while not names.done():
        found.append(names.vector(1, at_least=1).decode("latin-1"))
    return tuple(found)


def _versions(extension: bytes | None, legacy: int) -> tuple[int, ...]:
    """RFC 8446 §4.2.1; without the extension the client speaks the one of the old field, and what is older."""
    if extension is None:
        return (legacy,)
    wire = Wire(extension)
    offered = Wire(wire.vector(1, at_least=2))
    wire.finish()
    versions = []
    while not offered.done():
        versions.append(offered.number(2))
    return tuple([one for one in versions if not is_grease(one)])
