"""Client hellos, whole, in pieces, and what only looks like one."""

from __future__ import annotations

import socket
import ssl
import subprocess

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.peek import Peek, Refused
from a3sgw.tls.client_hello import MAX_HELLO, MAX_RECORDS, ClientHello, Hello, HelloReader, read_client_hello
from tests.support.hello import (
    browser_hello,
    extension,
    hello,
    host_names,
    message,
    protocols,
    real_hello,
    records,
    vector,
    versions,
)

NAMED = hello(host_names(b"a.example"), protocols(b"h2"), versions(0x0304))


def in_pieces(data: bytes, sizes: list[int]) -> Hello:
    """What one reader says in the end, given `data` piece by piece."""
    reader = HelloReader()
    buffer = bytearray()
    answer = reader.read(buffer)
    for size in [*sizes, len(data)]:
        if answer is not Peek.NEED_MORE:
            break
        buffer += data[len(buffer) : len(buffer) + size]
        answer = reader.read(buffer)
    return answer


def test_a_real_hello() -> None:
    """Name, protocols and versions are those that the client was made with."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    assert read_client_hello(real_hello(context, "API.Example.com")) == ClientHello(
        "api.example.com", ("h2", "http/1.1"), (0x0304, 0x0303)
    )


def test_real_hellos_of_many_settings() -> None:
    """Whatever a client is set to, its hello is read."""
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.options |= ssl.OP_NO_TICKET
    assert read_client_hello(real_hello(old)) == ClientHello("api.example.com", (), (0x0303,))
    new = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    new.minimum_version = ssl.TLSVersion.TLSv1_3
    new.set_alpn_protocols(["x" * 255, "y"])
    assert read_client_hello(real_hello(new)) == ClientHello("api.example.com", ("x" * 255, "y"), (0x0304,))
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nobody.set_ciphers("ECDHE+AESGCM")
    assert read_client_hello(real_hello(nobody, None)) == ClientHello("", (), (0x0304, 0x0303))
    label = "a" * 63
    long = f"{label}.{label}.{label}.example"
    assert read_client_hello(real_hello(server_name=long)) == ClientHello(long, (), (0x0304, 0x0303))


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_hello_of_openssl(version: str) -> None:
    """What another program of the library's family sends is read, too."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        command = [
            "openssl",
            "s_client",
            "-connect",
            address,
            "-servername",
            "Db.Example",
            "-alpn",
            "postgresql",
            version,
        ]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as client:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(20)
                reader, data = HelloReader(), bytearray()
                while (answer := reader.read(data)) is Peek.NEED_MORE:
                    data += connection.recv(100)
            client.wait(20)
    number = {"-tls1_2": 0x0303, "-tls1_3": 0x0304}[version]
    assert answer == ClientHello("db.example", ("postgresql",), (number,))


def test_a_browser_s_hello() -> None:
    """GREASE in every list, an outer ECH name and a hello larger than a packet are read; ECH shows its outer name."""
    data = browser_hello()
    assert len(data) > 1700
    expected = ClientHello("www.example.com", ("\xba\xba", "h2", "http/1.1"), (0x0304, 0x0303))
    assert read_client_hello(records(data)) == expected
    assert read_client_hello(records(data, size=1)) == expected
    assert in_pieces(records(data, size=7), [1] * 20000) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 40, 16384])
def test_every_fragment(size: int) -> None:
    """Cut after any byte, in records of any size, the answer comes with the last byte and is the same."""
    data = records(NAMED, size)
    assert in_pieces(data, [1] * len(data)) == ClientHello("a.example", ("h2",), (0x0304,))
    for end in range(len(data)):
        assert read_client_hello(data[:end]) is Peek.NEED_MORE, end


def test_bytes_behind_the_hello() -> None:
    """Early data, another record or nonsense after the hello do not change what it says."""
    expected = ClientHello("a.example", ("h2",), (0x0304,))
    for more in (b"\x17\x03\x03\x00\x01x", b"\x14\x03\x03\x00\x01\x01", b"garbage", bytes(70000)):
        assert read_client_hello(records(NAMED) + more) == expected
    assert read_client_hello(records(NAMED + message(b"", 20))) == expected


def test_hellos_without_extensions() -> None:
    """Clients before TLS 1.3 may have none; the old field says what they speak."""
    assert read_client_hello(records(hello(version=0x0301))) == ClientHello("", (), (0x0301,))
    assert read_client_hello(records(hello(block=b"\0\0"))) == ClientHello("", (), (0x0303,))


def test_unknown_extensions() -> None:
    """What nobody has defined is passed over, also twice."""
    data = hello(extension(4660, b"x"), extension(4660, b""), host_names(b"a.example"), extension(65535, bytes(3000)))
    assert read_client_hello(records(data)) == ClientHello("a.example", (), (0x0303,))


@pytest.mark.parametrize("one", [host_names(b"a.example"), protocols(b"h2"), versions(0x0304)])
def test_extensions_that_are_there_twice(one: bytes) -> None:
    """Of two, one reader takes the first and another the last: refused."""
    answer = read_client_hello(records(hello(one, one)))
    assert answer == Refused("an extension of the client hello is there twice", 47)


@pytest.mark.parametrize(
    "first", [b"G", b"\x00", b"\x15", b"\x17", b"\xff", b"\x81", b"\x16\x02", b"\x16\x04", b"\x16\0"]
)
def test_not_tls(first: bytes) -> None:
    """One wrong byte is enough, whatever comes after it."""
    assert read_client_hello(first) is Peek.NO
    assert read_client_hello(first + bytes(100)) is Peek.NO
    assert read_client_hello(first[:-1]) is Peek.NEED_MORE


def test_ssl_2() -> None:
    """A hello in the form of SSL 2.0 is refused, also when it offers newer versions; other bytes like it are no TLS."""
    for version in (b"\x00\x02", b"\x03\x00", b"\x03\x03"):
        data = b"\x80\x2e\x01" + version + bytes(43)
        assert isinstance(read_client_hello(data), Refused)
        assert isinstance(in_pieces(data, [1] * 10), Refused)
        assert read_client_hello(data[:3]) is Peek.NEED_MORE
    assert read_client_hello(b"\x80\x2e\x04") is Peek.NO
    assert read_client_hello(b"\x80\x2e\x01\x07") is Peek.NO


def refusal(data: bytes) -> tuple[str, int]:
    """Reason and alert; the same byte by byte."""
    answer = read_client_hello(data)
    assert isinstance(answer, Refused), answer
    assert in_pieces(data, [1] * len(data)) == answer
    return answer


def test_records_that_are_refused() -> None:
    """Empty and too long records, and other kinds inside of the hello, are refused with the alert of RFC 8446 §6.2."""
    half = NAMED[:20]
    assert refusal(b"\x16\x03\x01\0\0") == ("an empty record", 10)
    assert refusal(records(half) + b"\x16\x03\x01\0\0") == ("an empty record", 10)
    assert refusal(b"\x16\x03\x01\x40\x01") == ("a record longer than 16 KB", 22)
    for between in (b"\x17\x03\x03\0\x01", b"\x15\x03\x01\0\x02", b"\x16\x02\x01\0\x01"):
        assert refusal(records(half) + between) == ("another record inside the client hello", 10)


def test_messages_that_are_refused() -> None:
    """Other handshake messages and hellos of more than 16 KB are refused as soon as they show."""
    assert refusal(records(message(b"x", 2))) == ("a handshake that does not begin with a client hello", 10)
    largest = hello(extension(4660, bytes(MAX_HELLO - len(hello(extension(4660, b""))) + 4)))
    assert len(largest) == MAX_HELLO + 4
    assert isinstance(read_client_hello(records(largest)), ClientHello)
    assert refusal(records(b"\x01" + (MAX_HELLO + 1).to_bytes(3))) == ("a client hello longer than 16 KB", 47)
    long = records(hello(extension(4660, bytes(12000))), size=1)
    assert len(long) > MAX_RECORDS
    assert refusal(long) == ("the client hello takes more than 64 KB of records", 22)
    assert in_pieces(long, [MAX_RECORDS]) is not Peek.NEED_MORE


MALFORMED = {
    "empty": message(b""),
    "cut in the random": message(bytes(20)),
    "no compression": hello(compression=b""),
    "session id too long": hello(session=bytes(33)),
    "no cipher": hello(ciphers=()),
    "half a cipher": message(b"\x03\x03" + bytes(32) + b"\0" + b"\0\x03\x13\x01\x13" + b"\x01\0"),
    "extensions too short": hello(block=b"\0\x05\0"),
    "bytes behind the extensions": hello(block=b"\0\0x"),
    "half an extension": hello(block=b"\0\x03\0\0\0"),
    "server name without a list": hello(extension(0, b"")),
    "server name with an empty list": hello(extension(0, b"\0\0")),
    "empty server name": hello(host_names(b"")),
    "server name with bytes behind": hello(extension(0, b"\0\x04\0\0\x01a" + b"x")),
    "server name cut off": hello(extension(0, b"\0\x05\0\0\x09ab")),
    "alpn without a list": hello(extension(16, b"")),
    "empty alpn list": hello(protocols()),
    "empty protocol": hello(protocols(b"h2", b"")),
    "alpn with bytes behind": hello(extension(16, b"\0\x02\x01x" + b"y")),
    "no version": hello(versions()),
    "half a version": hello(extension(43, b"\x03\x03\x04\x03")),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=list(MALFORMED))
def test_malformed_hellos(data: bytes) -> None:
    """What OpenSSL could not read either is refused here."""
    assert refusal(records(data)) == ("a malformed client hello", 50)


NAMES = {
    b"example.com": "example.com",
    b"EXAMPLE.com.": "example.com",
    b"my_host.example": "my_host.example",
    b"xn--bcher-kva.example": "xn--bcher-kva.example",
    b"localhost": "localhost",
    b"a" * 63: "a" * 63,
    b".".join([b"a" * 49] * 5) + b".ab": ".".join(["a" * 49] * 5) + ".ab",
    b"127.0.0.1": "127.0.0.1",
    b"127.1": "127.1",
    b"::1": "::1",
    b"2001:DB8::1": "2001:db8::1",
    b"::ffff:10.0.0.1": "::ffff:10.0.0.1",
}


@pytest.mark.parametrize(("sent", "read"), NAMES.items())
def test_names(sent: bytes, read: str) -> None:
    """Names lose case and final dot; addresses, which must not be sent (RFC 6066 §3), are kept."""
    assert read_client_hello(records(hello(host_names(sent)))) == ClientHello(read, (), (0x0303,))


@pytest.mark.parametrize(
    "sent",
    [
        b".", b"..", b".a", b"a..b", b"a..", b"a\0b", b"a.example\0", b"b\xc3\xbccher.example", b"*.example.com",
        b"a b", b"a:80", b"[::]", b"http://a", b"a/b", b"a\n", b"a" * 64, b"a." * 127 + b"a", b"a" * 5000, b"user@host",
    ],
)  # fmt: skip
def test_names_that_are_refused(sent: bytes) -> None:
    """What is no host name is refused: it must not be compared with names of certificates and rules."""
    assert refusal(records(hello(host_names(sent)))) == ("a server name that is no host name", 112)


def test_several_names() -> None:
    """Two host names are refused, entries of other types passed over."""
    assert refusal(records(hello(host_names(b"a.example", b"b.example")))) == ("more than one server name", 47)
    assert read_client_hello(records(hello(host_names(b"\xff", kind=7)))) == ClientHello("", (), (0x0303,))
    both = b"\x07" + vector(2, b"other") + b"\0" + vector(2, b"a.example")
    assert read_client_hello(records(hello(extension(0, vector(2, both))))) == ClientHello("a.example", (), (0x0303,))


def test_one_byte_at_a_time_is_not_quadratic() -> None:
    """A hello that trickles is looked at once per record, not once per byte from its beginning."""
    data = bytearray(records(hello(extension(4660, bytes(10000))), size=1))
    looks = 0

    class Counted(bytearray):
        def __getitem__(self, index: object) -> int:  # type: ignore[override]  # counts what is looked at
            nonlocal looks
            looks += 1
            return bytearray.__getitem__(self, index)  # type: ignore[call-overload,no-any-return]

    reader, buffer = HelloReader(), Counted()
    for byte in data:
        buffer.append(byte)
        answer = reader.read(buffer)
    assert isinstance(answer, ClientHello)
    assert 0 < looks < 12 * len(data)


SEEDS = [
    records(NAMED),
    records(browser_hello(), 900),
    real_hello(),
    b"\x80\x2e\x01\x03\x01" + bytes(40),
    b"GET / HTTP/1.1",
]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
       st.lists(st.integers(1, 600), max_size=40), st.integers(0, 3000))  # fmt: skip
def test_damaged_hellos(seed: bytes, changes: list[tuple[int, int]], sizes: list[int], length: int) -> None:
    """With any bytes changed and any end there is an answer, and it does not depend on how the bytes were split."""
    data = bytearray(seed[:length])
    for at, value in changes:
        if data:
            data[at % len(data)] = value
    answer = read_client_hello(data)
    assert isinstance(answer, ClientHello | Refused | Peek)
    assert in_pieces(bytes(data), sizes) == answer
    assert in_pieces(bytes(data), [1] * len(data)) == answer


@given(st.binary(max_size=300), st.lists(st.integers(1, 30), max_size=20), st.booleans())
def test_any_bytes(data: bytes, sizes: list[int], framed: bool) -> None:
    """Any bytes, bare or as a record that begins like a hello, get the same answer however they are split."""
    data = records(message(data), 64) if framed else data
    assert in_pieces(data, sizes) == read_client_hello(data)


AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("a.example")


def openssl_reads(data: bytes) -> str | None:
    """The name that OpenSSL finds in a hello; None where it finds none or refuses."""
    found: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CERTIFICATE.configure_cert(context)
    context.sni_callback = lambda connection, name, context: found.append(name)
    incoming = ssl.MemoryBIO()
    incoming.write(data)
    server = context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
    try:
        server.do_handshake()
    except ssl.SSLError:
        pass
    return found[0] if found else None


@given(st.sampled_from([real_hello(server_name="a.example"), records(NAMED, 100)]),
       st.lists(st.tuples(st.integers(0, 520), st.integers(0, 127)), max_size=3))  # fmt: skip
def test_openssl_reads_the_same_name(seed: bytes, changes: list[tuple[int, int]]) -> None:
    """Where OpenSSL finds a name, it is the one found here, or the hello is refused here: never another one."""
    data = bytearray(seed)
    for at, value in changes:
        data[at % len(data)] = value
    name = openssl_reads(bytes(data))
    if name is not None:
        answer = read_client_hello(data)
        assert isinstance(answer, Refused) or (
            isinstance(answer, ClientHello) and answer.server_name == name.lower().removesuffix(".")
        )
