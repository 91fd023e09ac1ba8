"""PEM files: public keys and certificates, and nothing else."""

from __future__ import annotations

import pytest

from a3sgw.options import OptionError
from a3sgw.tokens.keys import PUBLIC, from_pem
from a3sgw.tokens.parse import parse
from a3sgw.tokens.pem import public_keys
from tests.support.tokens import certificate_pem, private_pem, public_pem, token


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "Ed25519"])
def test_certificates(kind: str) -> None:
    """Their keys, whether they have expired or not: they are only an envelope."""
    assert from_pem(certificate_pem(kind), PUBLIC).verifies(parse(token(key=kind))) is True


def test_several() -> None:
    """All keys of a file count, so that a new one can be there before it is used."""
    content = b"# old\n" + public_pem("RSA") + b"\n# new\n" + certificate_pem("RSA 2") + public_pem("P-256")
    keys = from_pem(content, PUBLIC)
    assert [keys.verifies(parse(token(key=kind))) for kind in ("RSA", "RSA 2", "P-256")] == [True] * 3


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no PEM block"),
        (b"secret", "no PEM block"),
        (public_pem("RSA")[:100], "no PEM block"),
        (private_pem("RSA"), "private key"),
        (public_pem("RSA") + private_pem("P-256"), "private key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "cannot read this public key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "cannot read this certificate"),
        (public_pem("RSA").replace(b"\n", b"!", 2), "cannot read|no PEM"),
    ],
    ids=lambda value: None if isinstance(value, str) else "content",
)
def test_what_is_none(content: bytes, complaint: str) -> None:
    """Each says what it is."""
    with pytest.raises(OptionError, match=complaint):
        public_keys(content)
