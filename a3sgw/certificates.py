"""Certificates and keys: made, read and compared; the only importer of cryptography, which checks no signature here.

That package takes 65 ms to import, so it is imported by those who call, and `prepare` is there for those who will have
to be quick.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cryptography import x509

ALWAYS = ("localhost", "127.0.0.1", "::1")
"""Names that every certificate made here is good for, too."""
_LIFETIME = timedelta(days=365)
_ODD_NAME = "a name in the certificate is of a type that names cannot have"
"""The package says TypeError to that, which is for those who make certificates."""
_SKEW = timedelta(hours=1)
"""Clocks that are slow shall not refuse a new certificate."""
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a server's certificate says, as far as it matters for choosing it."""

    names: tuple[str, ...]
    """DNS names, then IP addresses, lower case, in the order written; a common name only where there are no
    alternative names."""
    not_before: float
    """Seconds since the epoch."""
    not_after: float
    key_type: str
    """`rsa`, `ec`, `ed25519`, `ed448` or `dsa`."""


class DistinguishedName(NamedTuple):
    """Parts of a subject or issuer; each may be there several times, in the order written."""

    country: tuple[str, ...] = ()
    province: tuple[str, ...] = ()
    locality: tuple[str, ...] = ()
    organization: tuple[str, ...] = ()
    organizational_unit: tuple[str, ...] = ()
    common_name: tuple[str, ...] = ()
    serial_number: tuple[str, ...] = ()
    domain_component: tuple[str, ...] = ()


class ClientCertificate(NamedTuple):
    """What a client's certificate says. Whether it is true is not known here."""

    subject: DistinguishedName
    issuer: DistinguishedName
    serial_number: int
    not_before: int
    """Seconds since the epoch."""
    not_after: int
    dns_names: tuple[str, ...]
    emails: tuple[str, ...]
    addresses: tuple[str, ...]
    uris: tuple[str, ...]
    fingerprint: str
    """SHA-256 of all of it, as hexadecimal digits."""
    title: str
    """The whole subject as text (RFC 4514): the last part first, ``CN=device-7,O=Example,C=FR``."""
    der: bytes

    @property
    def sans(self) -> tuple[str, ...]:
        """Alternative names of all kinds."""
        return self.dns_names + self.emails + self.addresses + self.uris

    @property
    def identity(self) -> str:
        """The common name; where there is none, or more than one, the first alternative name; or nothing."""
        if len(self.subject.common_name) == 1:
            return self.subject.common_name[0]
        return next(iter(self.sans), "")


def prepare() -> None:
    """Import what reading takes, so that the first request need not."""
    for module in ("cryptography.x509", "cryptography.hazmat.primitives.serialization"):
        import_module(module)


# Servers...


def self_signed(names: Sequence[str]) -> tuple[bytes, bytes]:
    """A certificate that nobody trusts, and its key, both PEM: ECDSA P-256, for `names` and those in `ALWAYS`.

    Valid for 365 days. Names are DNS names (A-labels, ``*.`` allowed) and IP addresses; ValueError for others.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ec.generate_private_key(ec.SECP256R1())
    title = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a3sgw, signed by itself")])
    start = datetime.now(UTC) - _SKEW
    builder = x509.CertificateBuilder(
        title, title, key.public_key(), x509.random_serial_number(), start, start + _LIFETIME
    )
    alternatives = [_general_name(name) for name in dict.fromkeys([*(_plain(one) for one in names), *ALWAYS])]
    builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    # For signatures, and nothing else of the eight things a key could be used for.
    builder = builder.add_extension(x509.KeyUsage(True, *[False] * 8), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    return (
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def can_name(name: str) -> bool:
    """Whether a certificate can hold this name: rules may ask for some that nobody can have (RFC 1035 §2.3.4)."""
    try:
        _general_name(_plain(name))
    except ValueError:
        return False
    return len(name) < 254


def facts_of(pem: bytes) -> CertificateFacts:
    """The first certificate of a PEM file, which is the server's own; ValueError says why there is none."""
    certificate = _leaf(pem)
    alternatives = _alternatives(certificate)
    if alternatives is None:
        names: Iterable[str] = _subject(certificate).common_name
    else:
        names = (*alternatives.dns, *alternatives.addresses)
    return CertificateFacts(
        tuple(dict.fromkeys(_plain(name) for name in names)),
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
        _key_type(_public_key(certificate)),
    )


def public_key(block: bytes) -> Any:
    """The key of one PEM block, a public key or a certificate, as an object of that package; else ValueError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if _CERTIFICATE.match(block):
        return _public_key(_leaf(block))
    try:
        return load_pem_public_key(block)
    except UnsupportedAlgorithm:
        raise ValueError("an unknown kind of key") from None


# Clients...


def client_certificate(der: bytes) -> ClientCertificate:
    """What a certificate says that a client has shown; ValueError when it cannot be read."""
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(der)
        alternatives = _alternatives(certificate) or _Alternatives()
        return ClientCertificate(
            _name(certificate.subject),
            _name(certificate.issuer),
            certificate.serial_number,
            int(certificate.not_valid_before_utc.timestamp()),
            int(certificate.not_valid_after_utc.timestamp()),
            alternatives.dns,
            alternatives.emails,
            alternatives.addresses,
            alternatives.uris,
            hashlib.sha256(der).hexdigest(),
            certificate.subject.rfc4514_string(),
            der,
        )
    except x509.InvalidVersion:
        raise ValueError("a certificate of an unknown version") from None
    except TypeError:
        raise ValueError(_ODD_NAME) from None


# Both...


class _Alternatives(NamedTuple):
    dns: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()


def _leaf(pem: bytes) -> x509.Certificate:
    from cryptography import x509

    found = _CERTIFICATE.search(pem)
    if found is None:
        raise ValueError("there is no certificate in it")
    try:
        return x509.load_pem_x509_certificate(found[0])
    except (ValueError, x509.InvalidVersion):
        raise ValueError("the certificate cannot be read") from None


def _alternatives(certificate: x509.Certificate) -> _Alternatives | None:
    """Alternative names; None where there is no such extension. ValueError for malformed ones, of any kind."""
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return None
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError, TypeError):
        raise ValueError("the certificate has a malformed extension") from None
    names = extension.value
    return _Alternatives(
        tuple(names.get_values_for_type(x509.DNSName)),
        tuple(names.get_values_for_type(x509.RFC822Name)),
        tuple(_unmapped(one) for one in names.get_values_for_type(x509.IPAddress)),
        tuple(names.get_values_for_type(x509.UniformResourceIdentifier)),
    )


def _subject(certificate: x509.Certificate) -> DistinguishedName:
    try:
        return _name(certificate.subject)
    except TypeError:
        raise ValueError(_ODD_NAME) from None


def _name(name: x509.Name) -> DistinguishedName:
    from cryptography.x509 import NameOID

    kinds = (
        *(NameOID.COUNTRY_NAME, NameOID.STATE_OR_PROVINCE_NAME, NameOID.LOCALITY_NAME, NameOID.ORGANIZATION_NAME),
        *(NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.COMMON_NAME, NameOID.SERIAL_NUMBER, NameOID.DOMAIN_COMPONENT),
    )
    found: dict[object, list[str]] = {kind: [] for kind in kinds}
    for attribute in name:
        values = found.get(attribute.oid)
        if values is not None and isinstance(attribute.value, str):
            values.append(attribute.value)
    return DistinguishedName(*[tuple(found[kind]) for kind in kinds])


def _public_key(certificate: x509.Certificate) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("the certificate has an unknown kind of key") from None


def _key_type(key: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

    kinds = {
        "rsa": rsa.RSAPublicKey,
        "ec": ec.EllipticCurvePublicKey,
        "ed25519": ed25519.Ed25519PublicKey,
        "ed448": ed448.Ed448PublicKey,
        "dsa": dsa.DSAPublicKey,
    }
    return next((name for name, kind in kinds.items() if isinstance(key, kind)), type(key).__name__)


def _general_name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    if not re.fullmatch(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", name):
        raise ValueError(f"{name!r} is not a host name or IP address")
    return x509.DNSName(name)


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


def _unmapped(address: Any) -> str:
    return str(getattr(address, "ipv4_mapped", None) or address)
