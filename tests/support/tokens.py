"""Tokens for tests: good ones, made by PyJWT, and those an attacker puts together by hand."""

from __future__ import annotations

import datetime
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cache
from time import time
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import get_default_algorithms

SECRET = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"


@cache
def private_key(kind: str) -> Any:
    """One of each kind for all tests; "RSA 2" and so on are others of that kind."""
    match kind.split()[0]:
        case "RSA":
            return rsa.generate_private_key(65537, 2048)
        case "weak":
            return rsa.generate_private_key(65537, 1024)
        case "P-256":
            return ec.generate_private_key(ec.SECP256R1())
        case "P-384":
            return ec.generate_private_key(ec.SECP384R1())
        case "P-521":
            return ec.generate_private_key(ec.SECP521R1())
        case "secp256k1":
            return ec.generate_private_key(ec.SECP256K1())
        case "Ed448":
            return ed448.Ed448PrivateKey.generate()
    return ed25519.Ed25519PrivateKey.generate()


ALGORITHM = {"RSA": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA", "Ed448": "EdDSA"}
"""What tests sign with, by kind of key."""


def public_pem(kind: str) -> bytes:
    """What everybody may know."""
    pem = private_key(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert isinstance(pem, bytes)
    return pem


def private_pem(kind: str) -> bytes:
    """What must stay secret."""
    pem = private_key(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert isinstance(pem, bytes)
    return pem


def certificate_pem(kind: str) -> bytes:
    """Signed by itself; it has expired, which is nobody's business here."""
    key = private_key(kind)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer.example")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + datetime.timedelta(days=1))
    hash_ = None if kind.startswith("Ed") else hashes.SHA256()
    return builder.sign(key, hash_).public_bytes(Encoding.PEM)


def jwk(kind: str, kid: str | None = None, **more: Any) -> dict[str, Any]:
    """A public key as key sets hold it."""
    reader = get_default_algorithms()[ALGORITHM.get(kind.split()[0], "ES256K")]
    found = reader.to_jwk(private_key(kind).public_key(), as_dict=True)
    return {**found, **({"kid": kid} if kid is not None else {}), **more}


def key_set(*keys: Mapping[str, Any]) -> bytes:
    """A JSON Web Key Set."""
    return json.dumps({"keys": keys}).encode()


def token(claims: Mapping[str, Any] | None = None, key: str = SECRET, algorithm: str = "", **header: Any) -> bytes:
    """A good one: of anna, for an hour. `key` is a secret or a kind of key."""
    kind = key.partition(" ")[0]
    private = private_key(key) if kind in ALGORITHM else key
    said = {"sub": "anna", "exp": int(time()) + 3600, **(claims or {})}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, private, algorithm or ALGORITHM.get(kind, "HS256"), header or None).encode()


def encoded(part: bytes | Mapping[str, Any]) -> bytes:
    """base64url; maps as JSON."""
    return urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=")


def forged(header: bytes | Mapping[str, Any], payload: bytes | Mapping[str, Any], signature: bytes = b"x") -> bytes:
    """Whatever header, payload and signature are wanted."""
    return b".".join(map(encoded, (header, payload, signature)))


def signed(header: bytes | Mapping[str, Any], payload: bytes | Mapping[str, Any], key: str = SECRET) -> bytes:
    """The same with a signature that is right for HS256 or, with a kind of key, for its algorithm."""
    kind = key.partition(" ")[0]
    algorithm = get_default_algorithms()[ALGORITHM.get(kind, "HS256")]
    text = encoded(header) + b"." + encoded(payload)
    return text + b"." + encoded(algorithm.sign(text, private_key(key) if kind in ALGORITHM else key.encode()))
