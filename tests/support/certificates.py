"""Certificates for tests, with whatever names and fields are wanted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import NameOID

from tests.support.tokens import private_key

OIDS = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "SN": NameOID.SERIAL_NUMBER,
    "DC": NameOID.DOMAIN_COMPONENT,
    "E": NameOID.EMAIL_ADDRESS,
}
START, END = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2046, 1, 2, 3, 4, 5, tzinfo=UTC)
"""1767323045 and 2398475045 seconds since the epoch."""


def name(text: str) -> x509.Name:
    """``C=FR,CN=a`` as a distinguished name, in that order; a ``+`` in a value is a comma."""
    parts = [part.split("=", 1) for part in text.split(",") if part]
    return x509.Name([x509.NameAttribute(OIDS[kind], value.replace("+", ",")) for kind, value in parts])


@cache
def certificate(
    subject: str = "CN=device-7",
    issuer: str = "CN=authority",
    sans: tuple[x509.GeneralName, ...] = (),
    serial: int = 4711,
    kind: str = "P-256",
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> x509.Certificate:
    """One that is signed with its own key, whoever the issuer is said to be."""
    key = private_key(kind)
    builder = x509.CertificateBuilder(name(issuer), name(subject), key.public_key(), serial, START, END)
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    for extension, critical in more:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, None if kind.startswith("Ed") else hashes.SHA256())


def der(*args: Any, **kwargs: Any) -> bytes:
    """The same as clients show it."""
    return certificate(*args, **kwargs).public_bytes(Encoding.DER)


def pem(*args: Any, **kwargs: Any) -> bytes:
    """The same as files hold it."""
    return certificate(*args, **kwargs).public_bytes(Encoding.PEM)


def dns(names: Iterable[str]) -> tuple[x509.GeneralName, ...]:
    """Alternative names."""
    return tuple(x509.DNSName(one) for one in names)


def encrypted_key(kind: str, form: PrivateFormat) -> bytes:
    """A private key behind a passphrase."""
    found = private_key(kind).private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"secret"))
    assert isinstance(found, bytes)
    return found


def old_key(kind: str) -> bytes:
    """A private key as older programs write it."""
    found = private_key(kind).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert isinstance(found, bytes)
    return found
