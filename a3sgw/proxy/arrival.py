"""A connection of which it is not known yet what it is: looks at its first bytes, until somebody can take it over.

Entrypoints that need none of this (plain HTTP, no PROXY header) never make one.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import cast

from a3sgw.http.secured import Secured
from a3sgw.peek import Peek, Refused
from a3sgw.proxy.calling import Call
from a3sgw.proxy.downstream import Downstream
from a3sgw.proxy.gate import Gate
from a3sgw.proxy.switch import HTTP, Switch
from a3sgw.proxy.tcp_route import TcpRoute
from a3sgw.proxy_protocol import Header, parse
from a3sgw.routing.tcp import Visitor
from a3sgw.sweeper import NEVER
from a3sgw.tls.client_hello import ClientHello, HelloReader
from a3sgw.tls.postgres import ACCEPTANCE, LENGTH, REFUSAL, is_gss_request, is_ssl_request
from a3sgw.tls.profile import Profile
from a3sgw.tls.termination import UNRECOGNIZED_NAME, Termination, alert
from a3sgw.tls.transport import SecureTransport
from a3sgw.unsent import is_lost

_log = logging.getLogger("a3sgw.proxy")
_LINGER = 1.0
"""Seconds to go on reading after an alert, so that the client sees it and not a reset."""
_PLAIN = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
    b"Connection: close\r\n\r\n%b"
)
_SAYS = b"This port speaks HTTPS: write https:// in front of the address.\n"
Address = tuple[str, int]


class Arrival(asyncio.Protocol):
    """Takes up to `Switch.patience` seconds, a handshake included."""

    __slots__ = (
        "_data",
        "_hello",
        "_peer",
        "_postgres",
        "_profile",
        "_proxied",
        "_said",
        "_taker",
        "_transport",
        "_visitor",
        "deadline",
        "gate",
        "switch",
    )
    route: None = None

    def __init__(self, gate: Gate, switch: Switch) -> None:
        self.gate = gate
        self.switch = switch
        self.deadline = NEVER
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._peer: Address = ("", 0)
        self._data = bytearray()
        self._proxied = False
        """Whether what a PROXY header says, or that there is none, is known."""
        self._postgres = False
        """Whether the client has asked for TLS as PostgreSQL's do."""
        self._hello = HelloReader()
        self._visitor = Visitor("")
        self._profile: Profile | None = None
        self._taker: TcpRoute | str = ""
        """Who gets it after the handshake."""
        self._said = False
        """Whether it is over, and only has to be seen by the client."""

    def __repr__(self) -> str:
        return f"<Arrival [{self._peer[0]}, {len(self._data)} bytes]>"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio.BaseProtocol."""
        self._transport = cast(asyncio.Transport, transport)
        gate, switch = self.gate, self.switch
        peer = transport.get_extra_info("peername")
        if peer and not isinstance(peer, (str, bytes)):
            self._peer = (peer[0].partition("%")[0], peer[1])
        elif is_lost(self._transport):
            self._said = True
            self._transport.abort()
            return
        self.deadline = gate.sweeper.now + switch.patience
        if not (gate.count_in(self) if switch.proxy_protocol else gate.admit(self, self._peer[0])):
            self._said = True
            self._transport.close()
            return
        if not switch.proxy_protocol:
            self._known()
        elif self._peer[0] not in gate.trusted and transport.get_extra_info("socket").family != socket.AF_UNIX:
            if switch.proxy_required:
                self._refuse("no_proxy_header", f"{self._peer[0]} is not in trusted_ips")
            else:
                self._known()

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol."""
        if self._said:
            return
        self._data += data
        if self._proxied:
            self._look()
        else:
            self._read_header()

    # Who is there...

    def _read_header(self) -> None:
        found = parse(self._data)
        if found is Peek.NEED_MORE:
            return
        if isinstance(found, Refused):
            self._refuse("proxy_header", found.reason)
        elif isinstance(found, Header):
            del self._data[: found.length]
            if found.source is not None:
                self._peer = found.source
            self._known()
        elif self.switch.proxy_required:
            self._refuse("no_proxy_header", "the connection does not begin with one")
        else:
            self._known()

    def _known(self) -> None:
        """The client's address is certain."""
        self._proxied = True
        switch = self.switch
        if switch.proxy_protocol and not self.gate.let_in(self, self._peer[0]):
            self._said = True
            self._transport.close()
        elif switch.allowed is not None and self._peer[0] and self._peer[0] not in switch.allowed:
            self._refuse("tcp_allowed_ips", f"{self._peer[0]} may not connect")
        elif not switch.looks:
            self._plain()
        elif self._data:
            self._look()

    # What it is...

    def _look(self) -> None:
        if not self.switch.expects_tls:
            self._plain()
            return
        if self.switch.postgres and not self._postgres and self._asks_as_postgres():
            return
        hello = self._hello.read(self._data)
        if isinstance(hello, ClientHello):
            self._secure(hello)
        elif isinstance(hello, Refused):
            if hello.alert:
                self._transport.write(alert(hello.alert))
            self._refuse("client_hello", hello.reason)
        elif hello is Peek.NO:
            if self._postgres:
                self._refuse("client_hello", "no TLS after an SSLRequest")
            else:
                self._plain()

    def _asks_as_postgres(self) -> bool:
        """Whether that is what the first bytes are about."""
        if (gss := is_gss_request(self._data)) is True:
            del self._data[:LENGTH]
            self._transport.write(REFUSAL)
        asks = is_ssl_request(self._data) if self._data else Peek.NEED_MORE
        if asks is not True:
            return (asks is Peek.NEED_MORE or gss is Peek.NEED_MORE) and self._data[:1] <= b"\0"
        if len(self._data) > LENGTH:  # it would be taken for something that came encrypted (CVE-2021-23214)
            self._refuse("client_hello", "bytes behind an SSLRequest")
            return True
        self._data.clear()
        self._postgres = True
        self._transport.write(ACCEPTANCE)
        return True

    def _plain(self) -> None:
        """There is no TLS."""
        taker = self.switch.plain(self._peer[0])
        if taker is not None:
            self._hand_over(taker, self._transport, bytes(self._data))
        elif self.switch.http:
            self._transport.write(_PLAIN % (len(_SAYS), _SAYS))
            self._refuse("plain_http", "HTTP without TLS")
        else:
            self._refuse("no_route", "no router takes connections without TLS")

    def _secure(self, hello: ClientHello) -> None:
        """There is, or will be."""
        visitor = self._visitor = Visitor(self._peer[0], hello.server_name, hello.alpn)
        taker = self.switch.secure(visitor)
        termination = self.switch.termination
        if taker is None:
            self._transport.write(alert(UNRECOGNIZED_NAME))
            self._refuse("no_route", f"no router takes {visitor}")
        elif isinstance(taker, TcpRoute) and taker.mode == "passthrough":
            self._hand_over(taker, self._transport, bytes(self._data))
        elif termination is not None:
            self._taker = taker
            profile = taker.profile if isinstance(taker, TcpRoute) else termination.profile_for(hello.server_name)
            self._shake_hands(termination, profile or termination.profile)

    def _shake_hands(self, termination: Termination, profile: Profile) -> None:
        visitor = self._visitor
        context = termination.choose(visitor.sni, profile, visitor.alpn)
        if isinstance(context, int):
            self._transport.write(alert(context))
            self._refuse("handshake", f"nothing fits {visitor}")
        elif termination.handshakes >= termination.options.max_handshakes:
            self._refuse("max_handshakes", "too many handshakes at once")
        else:
            self._profile = profile
            termination.handshakes += 1
            transport = SecureTransport(self._transport, context, self)
            data, self._data = bytes(self._data), bytearray()
            transport.data_received(data)

    def secured(self, transport: SecureTransport) -> None:
        """The handshake is done."""
        termination = cast(Termination, self.switch.termination)
        termination.handshakes -= 1
        tls = transport.get_extra_info("ssl_object")
        profile = cast(Profile, self._profile)
        secured = Secured(
            profile,
            self._visitor.sni,
            tls.version() or "",
            (tls.cipher() or ("",))[0],
            tls.selected_alpn_protocol() or "",
            (tls.getpeercert(binary_form=True) or b"") if profile.client_mode != "none" else b"",
            profile.verifies,
        )
        self._hand_over(self._taker, transport, b"", secured)

    def not_secured(self, reason: str) -> None:
        """The handshake has failed; the client has been told, and the connection is closed."""
        cast(Termination, self.switch.termination).handshakes -= 1
        if not self._said:
            self._said = True
            self.gate.metrics.refuse("handshake")
            _log.debug("a handshake failed", extra={"peer": self._peer[0], "why": reason})
        self.gate.leave(self)

    # Who gets it...

    def _hand_over(
        self, taker: TcpRoute | str, transport: asyncio.Transport, data: bytes, secured: Secured | None = None
    ) -> None:
        if taker == HTTP:
            downstream = Downstream(self.gate)
            self.gate.replace(self, downstream)
            transport.set_protocol(downstream)
            downstream.take_over(transport, self._peer[0], secured)
            if data:
                downstream.data_received(data)
        elif isinstance(taker, TcpRoute):
            call = Call(self.gate, taker, transport, self._peer, data, self._visitor, secured)
            call.postgres = self._postgres and secured is None
            self.gate.replace(self, call)
            call.begin()

    # Nobody...

    def _refuse(self, what: str, why: str) -> None:
        """Close, once the client has had time to see what was written."""
        self.gate.metrics.refuse(what)
        _log.debug("a connection was refused", extra={"peer": self._peer[0], "why": why})
        self._said = True
        self._data.clear()
        if not self._transport.is_closing():
            self.deadline = self.gate.sweeper.now + _LINGER
            try:
                self._transport.write_eof()
            except OSError:  # it has been reset meanwhile
                self._transport.abort()

    def eof_received(self) -> bool:
        """asyncio.Protocol."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio.BaseProtocol."""
        self.gate.leave(self)

    def overdue(self) -> None:
        """The sweeper's call. A client that waits for the server to speak first gets there in the end, where there is a
        route without TLS."""
        if self._waits and not self.switch.proxy_required and not self.switch.http:
            if not self._proxied:
                self._known()
            taker = self.switch.plain(self._peer[0])
            if self._waits and taker is not None:
                self._hand_over(taker, self._transport, b"")
            if not self._waits:
                return
        if not self._said:
            self._said = True
            self.gate.metrics.refuse("too_slow")
        self._transport.abort()

    @property
    def _waits(self) -> bool:
        """Whether nothing has been said yet, on either side."""
        silent = not (self._said or self._data or self._postgres)
        return silent and self._transport.get_protocol() is self

    def drain(self, seconds: float) -> None:
        """The entrypoint closes: who has said nothing yet goes, now or soon."""
        if not self._data and self._transport.get_protocol() is self:
            if self.gate.patience:
                self.deadline = min(self.deadline, self.gate.sweeper.now + self.gate.patience)
            else:
                self._said = True
                self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()
