"""PROXY headers, read and written."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.crc32c import crc32c
from a3sgw.peek import Peek, Refused
from a3sgw.proxy_protocol import MAX_V1, MAX_V2, Address, Header, encode_v1, encode_v2, parse

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
FOUR = ip_address("192.168.0.1").packed + ip_address("192.168.0.11").packed + b"\xdc\x04\x01\xbb"
SIX = ip_address("2001:db8::1").packed + ip_address("2001:db8::2").packed + b"\xdc\x04\x01\xbb"
CLIENT, SERVER = ("192.168.0.1", 56324), ("192.168.0.11", 443)


def binary(block: bytes = b"", command: int = 0x21, family: int = 0x11, length: int | None = None) -> bytes:
    """A header of version 2."""
    return SIGNATURE + bytes([command, family]) + (len(block) if length is None else length).to_bytes(2) + block


def extra(kind: int, value: bytes) -> bytes:
    """One type-length-value triple."""
    return bytes([kind]) + len(value).to_bytes(2) + value


def in_pieces(data: bytes) -> Header | Refused | Peek:
    """The first answer when the bytes come one by one."""
    for end in range(len(data)):
        answer = parse(bytearray(data[:end]))
        if answer is not Peek.NEED_MORE:
            return answer
    return parse(data)


def refusal(data: bytes) -> str:
    """The reason, the same byte by byte and with more bytes behind."""
    answer = parse(data)
    assert isinstance(answer, Refused), answer
    assert in_pieces(data) == answer
    assert parse(data + b"GET / HTTP/1.1\r\n") == answer
    return answer.reason


def test_the_example_of_the_specification() -> None:
    """The line of §2.1 says who the client is, and the request behind it is left alone."""
    line = b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"
    request = b"GET / HTTP/1.1\r\nHost: 192.168.0.11\r\n\r\n"
    assert parse(line + request) == Header(len(line), CLIENT, SERVER)
    assert in_pieces(line + request) == Header(len(line), CLIENT, SERVER)


LINES = {
    b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n": (("255.255.255.255", 65535),) * 2,
    b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n": (("0.0.0.0", 0),) * 2,
    b"PROXY TCP6 2001:DB8::1 ::1 1 2\r\n": (("2001:db8::1", 1), ("::1", 2)),
    b"PROXY TCP6 2001:0db8:0000:0000:0000:0000:0000:0001 :: 1 2\r\n": (("2001:db8::1", 1), ("::", 2)),
    b"PROXY TCP6 " + b"ffff:" * 7 + b"ffff " + b"ffff:" * 7 + b"ffff 65535 65535\r\n": (
        (":".join(["ffff"] * 8), 65535),
    )
    * 2,
    b"PROXY TCP6 ::ffff:10.1.2.3 ::ffff:a01:204 1 2\r\n": (("10.1.2.3", 1), ("10.1.2.4", 2)),
}


@pytest.mark.parametrize(("line", "addresses"), LINES.items())
def test_lines(line: bytes, addresses: tuple[Address, Address]) -> None:
    """Addresses come out in their canonical form, IPv4 ones inside of IPv6 as IPv4."""
    assert len(line) <= MAX_V1
    assert parse(line + b"x") == in_pieces(line) == Header(len(line), *addresses)


@pytest.mark.parametrize(
    "rest", [b"", b" ", b" TCP4 1.2.3.4 x", b" " + b"\xff" * (MAX_V1 - 16), b" ffff::1 ffff::2 1 2"]
)
def test_unknown_clients(rest: bytes) -> None:
    """UNKNOWN leaves the addresses to the connection, whatever the rest of the line says."""
    line = b"PROXY UNKNOWN" + rest + b"\r\n"
    assert parse(line + b"x") == in_pieces(line) == Header(len(line))


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY \r\n",
        b"PROXY TCP4\r\n",
        b"PROXY UNKNOWNX\r\n",
        b"PROXY UNKNOWN a\rb\r\n",
        b"PROXY tcp4 1.1.1.1 2.2.2.2 1 2\r\n",
        b"PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n",
        b"PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
        b"PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1 99999999\r\n",
        b"PROXY TCP4 01.1.1.1 2.2.2.2 1 2\r\n",
        b"PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n",
        b"PROXY TCP4 256.1.1.1 2.2.2.2 1 2\r\n",
        b"PROXY TCP4 ::1 ::2 1 2\r\n",
        b"PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n",
        b"PROXY TCP6 ::1 1.1.1.1 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        b"PROXY TCP6 1::2::3 ::1 1 2\r\n",
        b"PROXY TCP6 12345::1 ::1 1 2\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\r\n",
        b"PROXY TCP4\t1.1.1.1 2.2.2.2 1 2\r\n",
        b"PROXY UNKNOWN " + b"x" * MAX_V1,
        b"PROXY UNKNOWN " + b"x" * (MAX_V1 - 15) + b"\r\n",
        b"PROXY / HTTP/1.1\r\n",
    ],
)
def test_lines_that_are_refused(line: bytes) -> None:
    """Whatever does not match the grammar of §2.1 exactly ends the connection."""
    assert "PROXY line" in refusal(line)


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n", b"PROXX", b"proxy TCP4", b"PROXY\r\n", b"\r\n\r\nG", b"\n", b"\x16\x03"]
)
def test_other_beginnings(data: bytes) -> None:
    """One byte that fits neither version is an answer; a beginning that fits asks for more."""
    assert parse(data) is in_pieces(data) is Peek.NO
    assert parse(b"") is Peek.NEED_MORE
    for end in range(1, 6):
        assert parse(b"PROXY TCP4"[:end]) is Peek.NEED_MORE
        assert parse(SIGNATURE[:end]) is Peek.NEED_MORE


def test_binary_headers() -> None:
    """Version 2 carries addresses of both families, for streams and datagrams."""
    for family in (0x11, 0x12):
        data = binary(FOUR, family=family)
        assert parse(data + b"\x16") == in_pieces(data) == Header(28, CLIENT, SERVER)
    for family in (0x21, 0x22):
        data = binary(SIX, family=family)
        assert parse(data) == in_pieces(data) == Header(52, ("2001:db8::1", 56324), ("2001:db8::2", 443))
    mapped = b"".join(bytes(10) + b"\xff\xff" + FOUR[at : at + 4] for at in (0, 4)) + FOUR[8:]
    assert parse(binary(mapped, family=0x21)) == Header(52, CLIENT, SERVER)


@pytest.mark.parametrize(
    "data",
    [
        binary(command=0x20, family=0x00),
        binary(b"anything at all", command=0x20, family=0x00),
        binary(FOUR, command=0x20),
        binary(b"", command=0x20, family=0xFF),
        binary(b"", family=0x00),
        binary(b"\x03", family=0x00),
        binary(FOUR, family=0x10),
        binary(b"", family=0x01),
        binary(bytes(216), family=0x31),
        binary(bytes(216) + extra(4, b""), family=0x32),
    ],
)
def test_headers_without_addresses(data: bytes) -> None:
    """LOCAL, unspecified and unix leave the addresses to the connection; what is to be skipped is skipped (§2.2)."""
    assert parse(data + b"GET /") == in_pieces(data) == Header(len(data))


def test_extras() -> None:
    """What a proxy adds is passed over once it is well-formed; a checksum is checked."""
    block = FOUR + extra(4, b"") + extra(2, b"a.example") + extra(0xEA, bytes(300))
    assert parse(binary(block)) == Header(16 + len(block), CLIENT, SERVER)
    blank = binary(block + extra(3, bytes(4)) + extra(5, b"id"))
    at = 16 + len(block) + 3
    data = blank[:at] + crc32c(blank).to_bytes(4) + blank[at + 4 :]
    assert parse(data) == in_pieces(data) == Header(len(data), CLIENT, SERVER)
    assert parse(binary(FOUR + extra(4, bytes(MAX_V2 - 15)))) == Header(16 + MAX_V2, CLIENT, SERVER)
    damaged = bytearray(data)
    damaged[17] ^= 1
    assert refusal(bytes(damaged)) == "a PROXY header with a wrong checksum"
    assert refusal(blank) == "a PROXY header with a wrong checksum"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (binary(FOUR, command=0x11), "a PROXY header of an unknown version or command"),
        (binary(FOUR, command=0x31), "a PROXY header of an unknown version or command"),
        (binary(FOUR, command=0x22), "a PROXY header of an unknown version or command"),
        (binary(FOUR, family=0x41), "a PROXY header of an unknown family or protocol"),
        (binary(FOUR, family=0x13), "a PROXY header of an unknown family or protocol"),
        (binary(length=MAX_V2 + 1), "a PROXY header longer than 4 KB"),
        (binary(command=0x20, length=0xFFFF), "a PROXY header longer than 4 KB"),
        (binary(FOUR[:11]), "a PROXY header too short for its addresses"),
        (binary(FOUR, family=0x21), "a PROXY header too short for its addresses"),
        (binary(bytes(215), family=0x31), "a PROXY header too short for its addresses"),
        (binary(FOUR + b"\x04"), "a PROXY header with a value that goes past its end"),
        (binary(FOUR + b"\x04\0"), "a PROXY header with a value that goes past its end"),
        (binary(FOUR + b"\x04\0\x01"), "a PROXY header with a value that goes past its end"),
        (binary(FOUR + extra(3, b"abc")), "a PROXY header with a malformed checksum"),
    ],
)
def test_binary_headers_that_are_refused(data: bytes, reason: str) -> None:
    """What the specification does not allow, and what is too much, ends the connection."""
    assert refusal(data) == reason


def test_two_checksums() -> None:
    """A checksum can hold only one time; the second one is a mistake."""
    blank = binary(FOUR + extra(3, bytes(4)) + extra(3, b"abcd"))
    data = blank[:31] + crc32c(blank).to_bytes(4) + blank[35:]
    assert refusal(data) == "a PROXY header with a malformed checksum"


def test_writing() -> None:
    """Both versions are written as the specification shows them."""
    assert encode_v1(CLIENT, SERVER) == b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"
    assert encode_v2(CLIENT, SERVER) == binary(FOUR)
    six = ("2001:db8::1", 56324), ("2001:DB8:0::2", 443)
    assert encode_v1(*six) == b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n"
    assert encode_v2(*six) == binary(SIX, family=0x21)


def test_writing_of_mixed_families() -> None:
    """An IPv4 client of an IPv6 address is written as IPv6; two that are IPv4 inside are written as IPv4."""
    mixed = ("1.2.3.4", 5), ("2001:db8::2", 443)
    assert encode_v1(*mixed) == b"PROXY TCP6 ::ffff:1.2.3.4 2001:db8::2 5 443\r\n"
    assert parse(encode_v2(*mixed)) == Header(52, *mixed)
    assert encode_v1(("::ffff:1.2.3.4", 5), ("127.0.0.1", 6)) == b"PROXY TCP4 1.2.3.4 127.0.0.1 5 6\r\n"
    assert encode_v1(("fe80::1%eth0", 5), ("fe80::2%3", 6)) == b"PROXY TCP6 fe80::1 fe80::2 5 6\r\n"


def test_writing_without_addresses() -> None:
    """Unix sockets and probes have no addresses: UNKNOWN, LOCAL."""
    for source, destination in ((None, None), (CLIENT, None), (None, SERVER)):
        assert encode_v1(source, destination) == b"PROXY UNKNOWN\r\n"
        assert encode_v2(source, destination) == SIGNATURE + b"\x20\0\0\0"


@pytest.mark.parametrize("host", ["", "a.example", "1.2.3", "::g", "1.2.3.4\r\nX"])
def test_what_is_no_address_is_not_written(host: str) -> None:
    """A header is never made of text that nobody has checked."""
    for encode in (encode_v1, encode_v2):
        with pytest.raises(ValueError, match=r"address|null"):
            encode((host, 1), SERVER)


ADDRESSES = st.tuples(st.ip_addresses().map(str), st.integers(0, 65535))


def plain(address: Address) -> Address:
    """IPv4 inside of IPv6 as IPv4."""
    mapped = getattr(ip_address(address[0]), "ipv4_mapped", None)
    return (str(mapped) if mapped else address[0], address[1])


def same_hosts(one: Address, other: Address) -> bool:
    """Whether both are the same place, however written."""
    return ip_address(one[0]) == ip_address(other[0]) and one[1] == other[1]


@given(ADDRESSES, ADDRESSES, st.binary(max_size=20))
def test_what_is_written_is_read(source: Address, destination: Address, more: bytes) -> None:
    """Every pair of addresses survives both versions."""
    for data in (encode_v1(source, destination), encode_v2(source, destination)):
        answer = parse(data + more)
        assert isinstance(answer, Header)
        assert answer.length == len(data)
        assert answer.source is not None
        assert answer.destination is not None
        assert same_hosts(answer.source, plain(source))
        assert same_hosts(answer.destination, plain(destination))


SEEDS = [
    *LINES,
    b"PROXY UNKNOWN\r\n",
    binary(FOUR),
    binary(SIX + extra(3, bytes(4)), family=0x21),
    binary(b"x" * 300, 0x20),
]


@given(st.one_of(st.sampled_from(SEEDS), st.binary(max_size=200).map(lambda block: binary(FOUR + block))),
       st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3), st.integers(0, 500))  # fmt: skip
def test_damaged_headers(seed: bytes, changes: list[tuple[int, int]], length: int) -> None:
    """Any bytes get an answer, and the same one however they are split."""
    data = bytearray(seed[:length])
    for at, value in changes:
        if data:
            data[at % len(data)] = value
    answer = parse(data)
    assert isinstance(answer, Header | Refused | Peek)
    assert in_pieces(bytes(data)) == answer


@given(
    st.binary(max_size=120),
    st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ", SIGNATURE, SIGNATURE + b"\x21"]),
)
def test_any_bytes(data: bytes, beginning: bytes) -> None:
    """Garbage behind a good beginning gets an answer, the same at every split."""
    assert in_pieces(beginning + data) == parse(beginning + data)
