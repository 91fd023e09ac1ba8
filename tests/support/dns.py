"""A name server of a few lines: what it knows can be changed at any time, and it counts what it was asked."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from collections.abc import Iterator

Record = tuple[str, int, str]
"""(type, TTL, value), the value as in a zone file: ``A 192.0.2.1``, ``SRV 0 5 8080 a.example``, ``CNAME b.example``."""

_TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "SRV": 33}


class NameServer(asyncio.DatagramProtocol):
    """Answers from `zone`; `failure` 2 (cannot say) or 5 (refused) is what it says instead, None that it is silent."""

    def __init__(self) -> None:
        self.zone: dict[str, list[Record]] = {}
        self.failure: int | None = 0
        self.broken: set[str] = set()
        """Names of which it cannot say anything."""
        self.asked: list[tuple[str, str]] = []
        self.news = asyncio.Event()
        """Set with each question."""

    async def open(self) -> str:
        """Listen; returns ``address:port``."""
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        return f"127.0.0.1:{self.transport.get_extra_info('sockname')[1]}"

    def close(self) -> None:
        """Listen no more."""
        self.transport.close()

    async def asked_more(self, times: int) -> None:
        """Wait until it was asked that many more questions."""
        goal = len(self.asked) + times
        while len(self.asked) < goal:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 20)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Answer one question."""
        name, end = _read_name(data, 12)
        (number,) = struct.unpack_from("!H", data, end)
        kind = next((text for text, code in _TYPES.items() if code == number), str(number))
        self.asked.append((name, kind))
        self.news.set()
        if self.failure is not None:
            self.transport.sendto(self._answer(data[:2], data[12 : end + 4], name, kind), address)

    def _answer(self, identity: bytes, question: bytes, name: str, kind: str) -> bytes:
        code = self.failure or (2 if name in self.broken else 0 if name in self.zone else 3)
        records = [] if code else list(self._records(name, kind))
        head = identity + struct.pack("!HHHHH", 0x8580 | code, 1, len(records), 0, 0)
        return head + question + b"".join(records)

    def _records(self, name: str, kind: str) -> Iterator[bytes]:
        for record in self.zone.get(name, []):
            if record[0] in (kind, "CNAME"):
                yield _record(name, *record)
            if record[0] == "CNAME" != kind:
                yield from self._records(record[2], kind)


def _record(owner: str, kind: str, ttl: int, value: str) -> bytes:
    data = _value(kind, value)
    return _name(owner) + struct.pack("!HHIH", _TYPES[kind], 1, ttl, len(data)) + data


def _value(kind: str, value: str) -> bytes:
    if kind == "SRV":
        *numbers, host = value.split()
        return struct.pack("!HHH", *map(int, numbers)) + _name(host)
    return _name(value) if kind == "CNAME" else ipaddress.ip_address(value).packed


def _name(text: str) -> bytes:
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _read_name(data: bytes, at: int) -> tuple[str, int]:
    labels = []
    while length := data[at]:
        labels.append(data[at + 1 : at + 1 + length].decode().lower())
        at += 1 + length
    return ".".join(labels), at + 1
