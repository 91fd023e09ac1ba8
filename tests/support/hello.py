"""Client hellos: real ones of the library's, and made ones, field by field."""

from __future__ import annotations

import ssl

GREASE = (0x0A0A, 0x1A1A, 0x5A5A, 0xFAFA)


def real_hello(context: ssl.SSLContext | None = None, server_name: str | None = "api.example.com") -> bytes:
    """What this Python's OpenSSL sends first."""
    if context is None:
        context = ssl.create_default_context()
    context.check_hostname = context.check_hostname and server_name is not None
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server_name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake cannot end before it is answered")


def vector(width: int, content: bytes) -> bytes:
    """`content` behind its length."""
    return len(content).to_bytes(width) + content


def extension(kind: int, content: bytes) -> bytes:
    """One extension."""
    return kind.to_bytes(2) + vector(2, content)


def host_names(*names: bytes, kind: int = 0) -> bytes:
    """A server_name extension."""
    return extension(0, vector(2, b"".join(bytes([kind]) + vector(2, name) for name in names)))


def protocols(*names: bytes) -> bytes:
    """An ALPN extension."""
    return extension(16, vector(2, b"".join(vector(1, name) for name in names)))


def versions(*numbers: int) -> bytes:
    """A supported_versions extension."""
    return extension(43, vector(1, b"".join(number.to_bytes(2) for number in numbers)))


def hello(
    *extensions: bytes,
    version: int = 0x0303,
    ciphers: tuple[int, ...] = (0x1301, 0xC02F),
    session: bytes = b"",
    compression: bytes = b"\0",
    block: bytes | None = None,
) -> bytes:
    """A ClientHello message; `block` is what stands in the place of all extensions, with its length."""
    if block is None:
        block = vector(2, b"".join(extensions)) if extensions else b""
    suites = vector(2, b"".join(cipher.to_bytes(2) for cipher in ciphers))
    body = version.to_bytes(2) + bytes(32) + vector(1, session) + suites + vector(1, compression) + block
    return message(body)


def message(body: bytes, kind: int = 1) -> bytes:
    """A handshake message."""
    return bytes([kind]) + vector(3, body)


def records(content: bytes, size: int = 16384, kind: int = 22, version: int = 0x0301) -> bytes:
    """`content` in records of at most `size` bytes each."""
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(bytes([kind]) + version.to_bytes(2) + vector(2, piece) for piece in pieces)


def browser_hello() -> bytes:
    """One as Chromium makes them: GREASE in every list, an ECH extension, a post-quantum share, sent in order."""
    one, two, three, four = GREASE
    groups = b"".join(number.to_bytes(2) for number in (one, 0x11EC, 0x001D, 0x0017, 0x0018))
    shares = (
        one.to_bytes(2) + vector(2, b"\0") + b"\x11\xec" + vector(2, bytes(1216)) + b"\0\x1d" + vector(2, bytes(32))
    )
    algorithms = bytes.fromhex("0403080404010503080505010806 0601")
    return hello(
        extension(two, b""),
        host_names(b"www.Example.com"),
        extension(23, b""),
        extension(0xFF01, b"\0"),
        extension(10, vector(2, groups)),
        extension(11, vector(1, b"\0")),
        extension(35, b""),
        protocols(b"\xba\xba", b"h2", b"http/1.1"),
        extension(5, b"\x01\0\0\0\0"),
        extension(13, vector(2, algorithms)),
        extension(18, b""),
        extension(51, vector(2, shares)),
        extension(45, vector(1, b"\x01")),
        versions(three, 0x0304, 0x0303),
        extension(27, vector(1, b"\0\x02")),
        extension(17613, vector(2, vector(1, b"h2"))),
        extension(0xFE0D, b"\0\0\x01\0\x01\x2a" + vector(2, bytes(32)) + vector(2, bytes(176))),
        extension(four, b"\0"),
        ciphers=(four, 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F),
        session=bytes(32),
    )
