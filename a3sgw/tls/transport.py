"""TLS between a connection and whoever speaks on it: a transport on top of a transport.

What arrived before it was known that TLS is spoken is simply fed in, so a connection can be looked at first. OpenSSL
works on memory (`ssl.MemoryBIO`): no socket of its own, no thread, no task, and no callback into Python.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, Protocol, cast

_RECORD = 16384
"""Bytes of plaintext in the largest record (RFC 8446 §5.1)."""
_HEADER = 5
"""Bytes before each record: its type, a version, and its length."""
_FED = 65536
"""Bytes that OpenSSL gets to decrypt at once: a `MemoryBIO` keeps allocated what it has held once, until the connection
ends, so none may ever hold all that the event loop reads or writes at once, which is 256 KB."""
_HANDSHAKE, _OPEN, _CLOSED = range(3)


class Owner(Protocol):
    """Who had the connection until now."""

    def secured(self, transport: SecureTransport) -> None:
        """The handshake is done; gives the transport a protocol by `set_protocol`."""

    def not_secured(self, reason: str) -> None:
        """The handshake has failed, and the connection is closed."""


class SecureTransport(asyncio.Transport, asyncio.Protocol):
    """To the connection below it is a protocol, to the one above a transport."""

    __slots__ = (
        "_bare",
        "_eof",
        "_error",
        "_incoming",
        "_inside",
        "_outgoing",
        "_owner",
        "_protocol",
        "_raw",
        "_read",
        "_said_goodbye",
        "_state",
        "_tls",
        "_write",
    )

    def __init__(self, raw: asyncio.Transport, context: ssl.SSLContext, owner: Owner) -> None:
        """`raw` delivers to this from now on; what it has delivered already is given to `data_received`."""
        self._raw = raw
        self._owner: Owner | None = owner
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._read = self._tls.read
        self._write = self._tls.write
        self._state = _HANDSHAKE
        self._eof = False
        """Whether the other side sends no more."""
        self._bare = False
        """Whether it has not said so before the connection below ended."""
        self._inside = False
        """Whether what has come ends inside of a record."""
        self._error: ssl.SSLError | None = None
        """What has broken it."""
        self._said_goodbye = False
        self._protocol: asyncio.Protocol = cast(asyncio.Protocol, None)
        raw.set_protocol(self)

    def __repr__(self) -> str:
        return f"<SecureTransport [{('HANDSHAKE', 'OPEN', 'CLOSED')[self._state]}, {self._tls.version()}]>"

    # From below...

    def data_received(self, data: bytes | memoryview) -> None:
        """asyncio.Protocol."""
        state = self._state
        incoming = self._incoming
        if state == _OPEN:
            try:
                if len(data) > _FED:
                    data = self._rest([], memoryview(data))
                else:
                    incoming.write(data)
                    data = self._read(_RECORD)
                    self._inside = False
                    if incoming.pending:  # of a record that was read nothing is left: none is larger than that
                        data = self._rest([data])
            except ssl.SSLWantReadError:
                self._inside = self._inside or _ends_inside(data)
                data = b""
                if self._outgoing.pending:
                    self._flush()
                return
            except ssl.SSLZeroReturnError:
                data = b""  # a goodbye after ours
            except ssl.SSLError as error:
                self._broken(error)
                return
            if data:
                self._protocol.data_received(data)
            elif not self._eof:
                self._peer_closed()
        elif state == _HANDSHAKE:
            incoming.write(data[:_FED])
            self._shake_hands()
            if len(data) > _FED or (incoming.pending and self._state == _OPEN):
                self.data_received(data[_FED:])

    def _rest(self, pieces: list[bytes], more: bytes | memoryview = b"") -> bytes:
        """These, and what there is behind them, `more` included; what follows a goodbye is nobody's."""
        incoming = self._incoming
        ended = pieces == [b""]
        while not ended and (incoming.pending or more):
            if not incoming.pending:
                incoming.write(more[:_FED])
                more = more[_FED:]
            try:
                data = self._read(_RECORD)
                self._inside = False
            except ssl.SSLWantReadError:
                self._inside = True
                continue  # it has taken everything
            except ssl.SSLZeroReturnError:
                data = b""  # a goodbye after ours
            except ssl.SSLError as error:
                if not pieces:
                    raise
                asyncio.get_running_loop().call_soon(self._broken, error)  # first what was fine
                return b"".join(pieces)
            ended = not data
            pieces.append(data)
        if not pieces:
            raise ssl.SSLWantReadError
        if ended and len(pieces) > 1:  # a goodbye behind the last piece: first that piece
            asyncio.get_running_loop().call_soon(self._peer_closed)
        if self._outgoing.pending:
            self._flush()
        return b"".join(pieces)

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as error:
            self._flush()  # the alert
            self._not_secured(getattr(error, "reason", None) or str(error))
            return
        self._state = _OPEN
        self._flush()
        owner, self._owner = cast(Owner, self._owner), None
        owner.secured(self)

    def _not_secured(self, reason: str) -> None:
        owner, self._owner = self._owner, None
        self._state = _CLOSED
        self._raw.close()
        if owner is not None:
            owner.not_secured(reason)

    def _broken(self, error: ssl.SSLError) -> None:
        """A record that cannot be decrypted, or has no end: nothing that follows can be believed."""
        if self._state == _CLOSED:
            return
        is_stuck = self._raw.get_write_buffer_size() > 0
        self._flush()  # the alert
        self._state = _CLOSED
        self._error = error
        if is_stuck:
            self._raw.abort()
        else:
            self._raw.close()

    def _peer_closed(self) -> None:
        if not self._eof and self._state == _OPEN:
            self._eof = True
            if not self._protocol.eof_received():
                self.close()

    def eof_received(self) -> bool:
        """asyncio.Protocol; without a goodbye it is the end all the same, because many never say it: HTTP says itself
        where its messages end, and a protocol that does not (`needs_goodbye`) is told at least of half a record."""
        if self._state == _HANDSHAKE:
            self._not_secured("the client left")
            return False
        if self._inside and self._state == _OPEN and getattr(self._protocol, "needs_goodbye", False):
            self._broken(ssl.SSLEOFError("the connection ended inside of a record"))
            return False
        self._bare = not self._eof
        self._peer_closed()
        return self._state == _OPEN

    def pause_writing(self) -> None:
        """asyncio.BaseProtocol."""
        if self._protocol is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """asyncio.BaseProtocol."""
        if self._protocol is not None:
            self._protocol.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio.BaseProtocol."""
        state, self._state = self._state, _CLOSED
        if state == _HANDSHAKE:
            owner, self._owner = self._owner, None
            if owner is not None:
                owner.not_secured("the client left")
        elif self._protocol is not None:
            self._protocol.connection_lost(error or self._error)

    # From above...

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """asyncio.BaseTransport."""
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """asyncio.BaseTransport."""
        return self._protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """asyncio.WriteTransport."""
        if data and self._state == _OPEN and not self._said_goodbye:
            try:
                if len(data) > _RECORD:
                    self._raw.writelines(self._records(data))
                else:
                    self._write(data)
                    self._raw.write(self._outgoing.read())
            except ssl.SSLError as error:
                self._cannot(error)

    def _cannot(self, error: ssl.SSLError) -> None:
        """A broken record stood behind what is being answered: OpenSSL writes no more, and the connection ends once
        whoever writes is done."""
        asyncio.get_running_loop().call_soon(self._broken, error)

    def writelines(self, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
        """asyncio.WriteTransport."""
        if self._state != _OPEN or self._said_goodbye:
            return
        try:
            records = self._gathered(pieces)
        except ssl.SSLError as error:
            self._cannot(error)
            return
        if records:
            self._raw.writelines(records)

    def _gathered(self, pieces: Iterable[bytes | bytearray | memoryview]) -> list[bytes]:
        """All of it encrypted; what is small goes into one record together."""
        records: list[bytes] = []
        small: list[bytes | bytearray | memoryview] = []
        size = 0
        for piece in pieces:
            size += len(piece)
            if size <= _RECORD:
                small.append(piece)
                continue
            if small:
                records += self._records(b"".join(small))
                small.clear()
            records += self._records(piece)
            size = 0
        if size:
            records += self._records(b"".join(small))
        return records

    def _records(self, data: bytes | bytearray | memoryview) -> list[bytes]:
        """`data`, encrypted one record at a time."""
        view = memoryview(data)
        records = []
        for at in range(0, len(view), _RECORD):
            self._write(view[at : at + _RECORD])
            records.append(self._outgoing.read())
        return records

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._raw.write(self._outgoing.read())

    def _goodbye(self) -> None:
        """RFC 8446 §6.1: so that the end cannot be mistaken for one that an attacker made."""
        if self._state == _OPEN and not self._said_goodbye:
            self._said_goodbye = True
            try:
                self._tls.unwrap()
            except (ssl.SSLError, ValueError):
                pass  # it has been said; what the other side says does not matter any more
            self._flush()

    def write_eof(self) -> None:
        """Say that this is all; the other side may go on."""
        self._goodbye()
        if not self._raw.is_closing():
            self._raw.write_eof()

    def can_write_eof(self) -> bool:
        """asyncio.WriteTransport."""
        return True

    def close(self) -> None:
        """Close once everything written has left."""
        self._goodbye()
        self._raw.close()

    def abort(self) -> None:
        """Close at once."""
        self._raw.abort()

    def is_closing(self) -> bool:
        """asyncio.BaseTransport."""
        return self._state == _CLOSED or self._raw.is_closing()

    def pause_reading(self) -> None:
        """asyncio.ReadTransport."""
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        """asyncio.ReadTransport."""
        self._raw.resume_reading()

    def is_reading(self) -> bool:
        """asyncio.ReadTransport."""
        return self._raw.is_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """asyncio.WriteTransport."""
        self._raw.set_write_buffer_limits(high, low)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """asyncio.WriteTransport."""
        return self._raw.get_write_buffer_limits()

    def get_write_buffer_size(self) -> int:
        """asyncio.WriteTransport."""
        return self._raw.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """asyncio.BaseTransport; ``ssl_object`` is this connection's, ``close_notify`` is False when it has ended
        without one."""
        if name == "close_notify":
            return not self._bare
        return self._tls if name == "ssl_object" else self._raw.get_extra_info(name, default)


def _ends_inside(data: bytes | memoryview) -> bool:
    """Whether the last of these records is not whole (RFC 8446 §5.1)."""
    at = 0
    while at + _HEADER <= len(data):
        at += _HEADER + int.from_bytes(data[at + 3 : at + _HEADER], "big")
    return at != len(data)
