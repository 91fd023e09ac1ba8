"""Certificates: made, read, compared with keys."""

from __future__ import annotations

import hashlib
import ssl
import tempfile
import warnings
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.certificates import (
    ALWAYS,
    CertificateFacts,
    ClientCertificate,
    DistinguishedName,
    client_certificate,
    facts_of,
    prepare,
    public_key,
    self_signed,
)
from a3sgw.options import OptionError
from a3sgw.tls.profile import Profile, context_of
from tests.support.certificates import certificate, der, dns, encrypted_key, old_key, pem
from tests.support.tokens import private_pem, public_pem

MIXED = (
    x509.DNSName("A.example."),
    x509.RFC822Name("me@a.example"),
    x509.IPAddress(ip_address("10.0.0.1")),
    x509.DNSName("*.a.example"),
    x509.UniformResourceIdentifier("spiffe://a.example/device"),
    x509.IPAddress(ip_address("2001:db8::1")),
    x509.IPAddress(ip_address("::ffff:10.0.0.2")),
    x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
    x509.DirectoryName(x509.Name([])),
)


# Made...


def test_one_signed_by_itself() -> None:
    """It is good for its names and for this machine, for a year at most, for servers alone, and is no authority."""
    made, key = self_signed(["A.example.", "*.b.example", "10.0.0.1", "2001:DB8::1", "a.example"])
    facts = facts_of(made)
    assert set(facts.names) == {"a.example", "*.b.example", "10.0.0.1", "2001:db8::1", *ALWAYS}
    assert len(facts.names) == 7
    assert matches_key(made, key)
    assert facts.key_type == "ec"
    now = datetime.now(UTC).timestamp()
    assert facts.not_before < now < facts.not_after <= facts.not_before + 365 * 86400
    extensions = x509.load_pem_x509_certificate(made).extensions
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_each_is_another() -> None:
    """Serial numbers and keys are never the same."""
    first, second = self_signed([]), self_signed([])
    assert (
        x509.load_pem_x509_certificate(first[0]).serial_number
        != x509.load_pem_x509_certificate(second[0]).serial_number
    )
    assert not matches_key(first[0], second[1])


def test_a_handshake_with_it() -> None:
    """Whoever is told to trust it can speak to it, under its names only."""
    made, key = self_signed(["a.example"])
    assert handshake(made, key, "a.example") == handshake(made, key, "127.0.0.1") == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(made, key, "b.example")


def handshake(made: bytes, key: bytes, server_name: str) -> str | None:
    """The version agreed on between a server with this certificate and a client that trusts it."""

    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(made + key)
        file.flush()
        server_side.load_cert_chain(file.name)
    client_side = ssl.create_default_context(cadata=made.decode())
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(down, up, server_hostname=server_name)
    server = server_side.wrap_bio(up, down, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.version()


@pytest.mark.parametrize(
    "name", ["", "a b", "bücher.example", "http://a", "a/b", "a:80", "[::1]", "*", "a.*.b", "a..b"]
)
def test_names_that_cannot_be(name: str) -> None:
    """A certificate is made for host names and addresses only."""
    with pytest.raises(ValueError, match="is not a host name or IP address"):
        self_signed([name])


# Read...


def test_facts() -> None:
    """Names are DNS names and addresses, lower case, without final dot; the times are seconds since the epoch."""
    expected = ("a.example", "*.a.example", "10.0.0.1", "2001:db8::1", "10.0.0.2")
    assert facts_of(pem("CN=other.example", sans=MIXED)) == CertificateFacts(expected, 1767323045.0, 2398475045.0, "ec")
    assert facts_of(b"# mine\n" + pem("CN=other.example", sans=MIXED) + pem("CN=chain")).names == expected


def test_the_common_name() -> None:
    """It counts only where there are no alternative names at all (RFC 6125 §6.4.4)."""
    assert facts_of(pem("O=x,CN=Old.example.")).names == ("old.example",)
    assert facts_of(pem("CN=old.example", sans=(x509.RFC822Name("me@a.example"),))).names == ()
    assert facts_of(pem("O=x")).names == ()


@pytest.mark.parametrize(
    ("kind", "type_"), [("RSA", "rsa"), ("P-384", "ec"), ("Ed25519", "ed25519"), ("Ed448", "ed448")]
)
def test_types_of_keys(kind: str, type_: str) -> None:
    """So that one of each can be served, and shown."""
    assert facts_of(pem(kind=kind)).key_type == type_


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "there is no certificate in it"),
        (b"\0garbage", "there is no certificate in it"),
        (private_pem("P-256"), "there is no certificate in it"),
        (pem()[:200], "there is no certificate in it"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "the certificate cannot be read"),
        (pem().replace(b"M", b"!", 1), "the certificate cannot be read"),
    ],
    ids=["nothing", "garbage", "a key", "cut", "no DER", "no base64"],
)
def test_what_is_no_certificate(content: bytes, complaint: str) -> None:
    """The reason says what to look at."""
    with pytest.raises(ValueError, match=complaint):
        facts_of(content)


def test_malformed_extensions() -> None:
    """A certificate whose alternative names cannot be read has none that could be trusted."""
    broken = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x03\x82\x05a")
    with pytest.raises(ValueError, match="malformed extension"):
        facts_of(pem(more=((broken, False),)))
    with pytest.raises(ValueError, match="malformed extension"):
        client_certificate(der(more=((broken, False),)))


def test_names_of_a_wrong_type() -> None:
    """A bit string where a text should be: OpenSSL takes that, so a client may show it."""
    shown = der("CN=abcdefgh", "CN=x")
    assert shown.count(b"\x0c\x08abcdefgh") == 1
    odd = shown.replace(b"\x0c\x08abcdefgh", b"\x03\x08\0bcdefgh")
    with pytest.raises(ValueError, match="of a type that names cannot have"):
        client_certificate(odd)
    with pytest.raises(ValueError, match="of a type that names cannot have"):
        facts_of(ssl.DER_cert_to_PEM_cert(odd).encode())


# Compared...


def matches_key(certificate: bytes, key: bytes) -> bool:
    """Whether a handshake could be made with both; OptionError for what cannot be used at all."""
    try:
        context_of(Profile("1.2", None, (), (), True), certificate + b"\n" + key)
    except OptionError as error:
        if "does not belong" in str(error):
            return False
        raise
    return True


def test_keys() -> None:
    """A key belongs to its certificate in every form of file."""
    for kind in ("RSA", "P-256", "Ed25519"):
        assert matches_key(pem(kind=kind), private_pem(kind))
    assert matches_key(pem(), old_key("P-256"))
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    both = pem() + pem("CN=chain", kind="RSA") + parameters + old_key("P-256")
    assert matches_key(both, b"")
    assert not matches_key(pem(kind="RSA"), private_pem("RSA 2"))
    assert not matches_key(pem(kind="RSA"), private_pem("P-256"))


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        (b"", "cannot use it"),
        (public_pem("RSA"), "cannot use it"),
        (private_pem("RSA")[:300], "cannot use it"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "cannot use it"),
        (encrypted_key("RSA", PrivateFormat.PKCS8), "the private key is encrypted"),
        (encrypted_key("RSA", PrivateFormat.TraditionalOpenSSL), "the private key is encrypted"),
    ],
    ids=["empty", "public", "half", "garbage", "encrypted", "encrypted, old"],
)
def test_keys_that_cannot_be_used(key: bytes, complaint: str) -> None:
    """The reason says what to do about it."""
    with pytest.raises(OptionError, match=complaint):
        matches_key(pem(kind="RSA"), key)


def test_public_keys() -> None:
    """A block is a public key or a certificate, which is only an envelope for one."""
    assert public_key(pem()) == public_key(public_pem("P-256"))
    for block in (b"", private_pem("RSA"), b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"):
        with pytest.raises(ValueError, match=r".+"):
            public_key(block)


# Clients...


def test_a_client_s_certificate() -> None:
    """All that is forwarded about it, in the order written."""
    prepare()
    subject = (
        "DC=org,DC=cheese,O=Cheese,O=Cheese 2,OU=Unit,CN=*.cheese.org,CN=*.cheese.com,C=FR,L=LYON,ST=State,SN=7,E=a@b"
    )
    shown = der(subject, "C=US,CN=CA", MIXED, 1 << 150)
    found = client_certificate(shown)
    assert found == ClientCertificate(
        DistinguishedName(
            ("FR",), ("State",), ("LYON",), ("Cheese", "Cheese 2"), ("Unit",), ("*.cheese.org", "*.cheese.com"), ("7",),
            ("org", "cheese"),
        ),
        DistinguishedName(country=("US",), common_name=("CA",)),
        1 << 150,
        1767323045,
        2398475045,
        ("A.example.", "*.a.example"),
        ("me@a.example",),
        ("10.0.0.1", "2001:db8::1", "10.0.0.2"),
        ("spiffe://a.example/device",),
        hashlib.sha256(shown).hexdigest(),
        "1.2.840.113549.1.9.1=a@b,2.5.4.5=7,ST=State,L=LYON,C=FR,CN=*.cheese.com,CN=*.cheese.org,OU=Unit,O=Cheese 2,"
        "O=Cheese,DC=cheese,DC=org",
        shown,
    )  # fmt: skip
    assert found.sans == found.dns_names + found.emails + found.addresses + found.uris


def test_who_a_client_is() -> None:
    """The one common name; of several, none can be believed, and the first alternative name is taken."""
    assert client_certificate(der("CN=device-7", sans=dns(["a.example"]))).identity == "device-7"
    assert client_certificate(der("O=x", sans=dns(["a.example", "b.example"]))).identity == "a.example"
    assert client_certificate(der("CN=a,CN=b", sans=dns(["c.example"]))).identity == "c.example"
    assert client_certificate(der("CN=a,CN=b")).identity == ""
    assert client_certificate(der("")).identity == ""


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 2000))
def test_damaged_certificates(changes: list[tuple[int, int]], length: int) -> None:
    """Whatever a client shows is read, or ValueError."""
    data = bytearray(
        certificate("C=FR,CN=a", sans=MIXED, more=((x509.OCSPNoCheck(), False),)).public_bytes(Encoding.DER)
    )
    for at, value in changes:
        data[at % len(data)] = value
    for shown in (bytes(data), bytes(data[:length])):
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of the library, about certificates that it will not read any more some day
            try:
                found = client_certificate(shown)
            except ValueError:
                continue
        assert isinstance(found, ClientCertificate)
        assert isinstance(found.identity, str)
