"""The two messages of the gRPC health protocol (grpc.health.v1), in the few lines of protobuf that they need."""

from __future__ import annotations

STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")


def request(service: str) -> bytes:
    """A HealthCheckRequest with its gRPC prefix: not compressed, and the length."""
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    return b"\0" + len(message).to_bytes(4, "big") + message


def status(data: bytes) -> int:
    """The status in a HealthCheckResponse with its prefix, 0 when it says none; ValueError when it is none."""
    if len(data) < 5 or data[0] != 0 or int.from_bytes(data[1:5], "big") != len(data) - 5:
        raise ValueError("not one whole message")
    found, at = 0, 5
    while at < len(data):
        tag, at = _read_varint(data, at)
        if tag & 7 == 0:
            value, at = _read_varint(data, at)
            found = value if tag >> 3 == 1 else found
        elif tag & 7 == 2:
            length, at = _read_varint(data, at)
            at += length
        else:
            at += {1: 8, 5: 4}.get(tag & 7, len(data))
    if at != len(data):
        raise ValueError("a message that is cut off")
    return found


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(data) and shift < 64:
        number |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return number, at
        shift += 7
    raise ValueError("a number that does not end")
