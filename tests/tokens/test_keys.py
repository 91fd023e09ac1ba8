"""Keys: who may have signed with which algorithm."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest

from a3sgw.options import OptionError
from a3sgw.tokens.keys import MOST_KEYS, PUBLIC, SECRET, KeySet, from_jwks, from_pem, from_secret
from a3sgw.tokens.parse import TokenError, parse
from tests.support.tokens import (
    ALGORITHM,
    encoded,
    forged,
    jwk,
    key_set,
    private_key,
    private_pem,
    public_pem,
    signed,
    token,
)
from tests.support.tokens import SECRET as SHARED

HMAC = parse(token(key=SHARED))


@pytest.mark.parametrize("algorithm", SECRET)
def test_secrets(algorithm: str) -> None:
    """Whoever knows the secret can sign, in the ways that are allowed."""
    made = parse(token(algorithm=algorithm))
    assert from_secret(SHARED, SECRET).verifies(made) is True
    assert from_secret(SHARED[::-1], SECRET).verifies(made) is False
    others = [name for name in SECRET if name != algorithm]
    assert from_secret(SHARED, others).verifies(made) is None


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [*ALGORITHM.items(), ("RSA", "RS384"), ("RSA", "RS512"), ("RSA", "PS256"), ("RSA", "PS384"), ("RSA", "PS512")],
)
def test_public_keys(kind: str, algorithm: str) -> None:
    """Each kind for its algorithms, from either form."""
    made = parse(token(key=kind, algorithm=algorithm))
    other = "P-256" if kind == "RSA" else "RSA"
    for keys in (from_pem(public_pem(kind), PUBLIC), from_jwks(key_set(jwk(kind)), PUBLIC)):
        assert keys
        assert keys.verifies(made) is True
        assert keys.verifies(parse(token(key=other))) is None
        spoiled = made.signature[:-1] + bytes([made.signature[-1] ^ 1])
        assert keys.verifies(parse(made.signed + b"." + encoded(spoiled))) is False
    assert from_pem(public_pem(f"{kind} 2"), PUBLIC).verifies(made) is False


@pytest.mark.parametrize(("kind", "good"), [("Ed25519", True), ("Ed448", None), ("RSA", None)])
def test_ed25519(kind: str, good: bool | None) -> None:
    """The newer name of an algorithm (RFC 9864), which is for one curve and not for another."""
    made = parse(signed({"alg": "Ed25519"}, {"sub": "anna"}, kind))
    for keys in (from_pem(public_pem(kind), PUBLIC), from_jwks(key_set(jwk(kind)), PUBLIC)):
        assert keys.verifies(made) is good
    if good:
        assert from_jwks(key_set(jwk(kind, alg="Ed25519")), PUBLIC).verifies(made) is True
        assert from_pem(public_pem(kind), ("Ed25519",)).verifies(parse(token(key=kind))) is None


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "none ", "", "hs256", "HS256\0", "RS256\n", "ES256K"])
@pytest.mark.parametrize("kind", ["", "RSA", "P-256"])
def test_no_algorithm(alg: str, kind: str) -> None:
    """In no spelling: names are what they are, and none is none of them."""
    keys = from_pem(public_pem(kind), PUBLIC) if kind else from_secret(SHARED, SECRET)
    assert keys.verifies(parse(forged({"alg": alg}, {"sub": "root"}))) is None
    with pytest.raises(TokenError):
        parse(encoded({"alg": alg}) + b"." + encoded({"sub": "root"}) + b".")


@pytest.mark.parametrize("kind", ["RSA", "P-256", "Ed25519"])
@pytest.mark.parametrize("algorithm", SECRET)
def test_a_public_key_is_no_secret(kind: str, algorithm: str) -> None:
    """Key confusion: whoever signs with the public key as a secret has signed with nothing we would ask for."""
    for secret in (public_pem(kind), public_pem(kind).strip(), json.dumps(jwk(kind)).encode()):
        header = {"alg": "HS256"}
        made = parse(signed(header, {"sub": "root"}, secret.decode()))
        for keys in (from_pem(public_pem(kind), PUBLIC), from_jwks(key_set(jwk(kind)), PUBLIC)):
            assert keys.verifies(made) is None
        with pytest.raises(OptionError, match="no secret"):
            from_secret(secret.decode(), (algorithm,))


@pytest.mark.parametrize("secret", ["", " ", "\n", "\t \n"])
def test_a_blank_secret(secret: str) -> None:
    """Everybody knows that one."""
    with pytest.raises(OptionError, match="blank"):
        from_secret(secret, SECRET)


@pytest.mark.parametrize(
    "signature", [bytes(64), bytes(32) + b"\1" * 32, b"\1" * 32 + bytes(32), bytes(8), bytes(96), b"\xff" * 64, b"0"]
)
@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "Ed25519", "RSA"])
def test_null_signatures(kind: str, signature: bytes) -> None:
    """Psychic signatures (CVE-2022-21449): r and s of zero, or of the wrong size, sign nothing."""
    made = parse(forged({"alg": ALGORITHM[kind]}, {"sub": "root"}, signature))
    assert from_pem(public_pem(kind), PUBLIC).verifies(made) is False


def test_der_signatures() -> None:
    """An ECDSA signature has one form, the short one (RFC 7518 §3.4)."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    text = encoded({"alg": "ES256"}) + b"." + encoded({"sub": "root"})
    der = private_key("P-256").sign(text, ECDSA(hashes.SHA256()))
    assert from_pem(public_pem("P-256"), PUBLIC).verifies(parse(text + b"." + encoded(der))) is False


@pytest.mark.parametrize(
    "more",
    [
        {"jwk": jwk("RSA 2", "k1")},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"x5t": "abc"},
        {"jwk": jwk("RSA 2", "k1"), "jku": "https://evil.example/jwks", "kid": "k1"},
    ],
)
def test_keys_that_a_token_brings(more: Mapping[str, Any]) -> None:
    """Are not looked at: it was signed by one of ours or by nobody."""
    header = {"alg": "RS256", "kid": "k1", **more}
    keys = from_jwks(key_set(jwk("RSA", "k1")), PUBLIC)
    assert keys.verifies(parse(signed(header, {"sub": "root"}, "RSA 2"))) is False
    assert keys.verifies(parse(signed(header, {"sub": "anna"}, "RSA"))) is True


@pytest.mark.parametrize(
    "kid",
    ["../../../dev/null", "/dev/null", "' UNION SELECT 'x", "x\0", "| whoami", "http://evil.example/k", "K1", "", "é"],
)
def test_names_that_are_more_than_names(kid: str) -> None:
    """A kid is looked up among known names and nowhere else."""
    keys = from_jwks(key_set(jwk("RSA", "k1")), PUBLIC)
    assert keys.verifies(parse(signed({"alg": "RS256", "kid": kid}, {"sub": "root"}, "RSA 2"))) is None
    assert keys.verifies(parse(signed({"alg": "HS256", "kid": kid}, {"sub": "root"}, "x"))) is None


def test_names() -> None:
    """By name if both have one; a token without may have any key, a key without may have any token."""
    keys = from_jwks(key_set(jwk("RSA", "one"), jwk("RSA 2", "two"), jwk("P-256")), PUBLIC)
    assert keys.verifies(parse(token(key="RSA", kid="one"))) is True
    assert keys.verifies(parse(token(key="RSA", kid="two"))) is False
    assert keys.verifies(parse(token(key="RSA", kid="three"))) is None
    assert keys.verifies(parse(token(key="RSA 2"))) is True
    assert keys.verifies(parse(token(key="RSA 3"))) is False
    assert keys.verifies(parse(token(key="P-256", kid="three"))) is True
    assert keys.verifies(parse(token(key="Ed25519"))) is None
    assert repr(keys) == "<KeySet ['one', 'two'] ['ES256']>"


def test_the_same_name_twice() -> None:
    """Both are tried: a set in the middle of a change may have them."""
    keys = from_jwks(key_set(jwk("RSA", "k"), jwk("RSA 2", "k"), jwk("P-256", "k")), PUBLIC)
    assert [keys.verifies(parse(token(key=kind, kid="k"))) for kind in ("RSA", "RSA 2", "P-256")] == [True] * 3


@pytest.mark.parametrize(
    ("more", "used"),
    [
        ({}, True),
        ({"use": "sig"}, True),
        ({"use": "enc"}, False),
        ({"key_ops": ["verify"]}, True),
        ({"key_ops": ["encrypt"]}, False),
        ({"key_ops": "verify"}, False),
        ({"alg": "RS256"}, True),
        ({"alg": "RS512"}, False),
        ({"alg": "RSA-OAEP"}, False),
        ({"alg": "HS256"}, False),
        ({"kty": "oct", "k": "c2VjcmV0"}, False),
        ({"kty": ["RSA"]}, False),
        ({"kty": "rsa"}, False),
        ({"n": None}, False),
        ({"n": "!"}, False),
        ({"e": 3}, False),
    ],
)
def test_what_a_key_is_for(more: Mapping[str, Any], used: bool) -> None:
    """A key that encrypts, is a secret, says another algorithm or cannot be read is none of ours."""
    keys = from_jwks(key_set(jwk("RSA", "k", **more), jwk("P-256", "other")), PUBLIC)
    assert keys.verifies(parse(token(key="RSA", kid="k"))) is (True if used else None)


def test_private_keys_in_a_set() -> None:
    """Somebody published too much; only the public half is used."""
    number = encoded(private_key("RSA").private_numbers().d.to_bytes(256, "big")).decode()
    keys = from_jwks(key_set(jwk("RSA", "k", d=number, p="x")), PUBLIC)
    assert keys.verifies(parse(token(key="RSA", kid="k"))) is True


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [1, null, []]}',
        b"\xff",
        b"[" * 9000,
        key_set({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}),
        key_set(jwk("secp256k1")),
        key_set(jwk("RSA", use="enc")),
    ],
    ids=lambda content: "content",
)
def test_sets_without_keys(content: bytes) -> None:
    """Nothing to check with is a mistake of whoever publishes it, not a set that refuses everybody."""
    with pytest.raises(OptionError):
        from_jwks(content, PUBLIC)


def test_very_large_sets() -> None:
    """So many keys are read, and few are tried for a token that names none."""
    many = [jwk("RSA 2", f"k{number}") for number in range(MOST_KEYS)]
    keys = from_jwks(key_set(*many, jwk("RSA", "last")), PUBLIC)
    assert keys.verifies(parse(token(key="RSA 2", kid="k99"))) is True
    assert keys.verifies(parse(token(key="RSA", kid="last"))) is None
    assert from_jwks(key_set(*many[:10], jwk("RSA")), PUBLIC).verifies(parse(token(key="RSA"))) is False


def test_weak_keys() -> None:
    """RSA below 2048 bits can be broken."""
    with pytest.raises(OptionError):
        from_pem(public_pem("weak"), PUBLIC)


def test_allowed_algorithms() -> None:
    """A key is used for what is allowed; a file must be good for that."""
    keys = from_pem(public_pem("RSA"), ("PS256", "ES256"))
    assert keys.verifies(parse(token(key="RSA", algorithm="PS256"))) is True
    assert keys.verifies(parse(token(key="RSA", algorithm="RS256"))) is None
    with pytest.raises(OptionError, match="none of ES256"):
        from_pem(public_pem("RSA"), ("ES256",))
    with pytest.raises(OptionError, match="private key"):
        from_pem(private_pem("RSA"), PUBLIC)


def test_no_keys() -> None:
    """Nobody has signed anything."""
    assert not KeySet()
    assert KeySet().verifies(HMAC) is None


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "jwt.algorithms", None)
    makers: list[Callable[[], KeySet]] = [
        lambda: from_secret(SHARED, SECRET),
        lambda: from_pem(public_pem("RSA"), PUBLIC),
        lambda: from_jwks(key_set(), PUBLIC),
    ]
    for make in makers:
        with pytest.raises(OptionError, match="PyJWT is not installed") as caught:
            make()
        assert "a3sgw[auth]" in caught.value.help


def test_without_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyJWT alone would do without all public keys."""
    monkeypatch.setattr(jwt.algorithms, "has_crypto", False)
    with pytest.raises(OptionError, match="cryptography is not installed"):
        from_secret(SHARED, SECRET)
