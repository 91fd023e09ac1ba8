"""Public keys in PEM files, also those inside certificates: the only importer of cryptography."""

from __future__ import annotations

import re
from typing import Any

from a3sgw.options import OptionError

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_HELP = 'a public key begins with "-----BEGIN PUBLIC KEY-----", a certificate with "-----BEGIN CERTIFICATE-----"'


def public_keys(content: bytes) -> list[Any]:
    """Every key of the file, as objects of that library; one at least, or OptionError.

    Private keys are refused: whoever checks signatures has no use for them, and they must not lie around.
    """
    found = [_loaded(block[1], block[0]) for block in _BLOCK.finditer(content)]
    if not found:
        raise OptionError("no PEM block in it", _HELP)
    return found


def _loaded(kind: bytes, block: bytes) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate

    if b"PRIVATE" in kind:
        raise OptionError("this is a private key", "name the file with the public one; the private one stays secret")
    try:
        if kind == b"CERTIFICATE":
            return load_pem_x509_certificate(block).public_key()
        return load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm):
        raise OptionError(f"cannot read this {kind.decode().lower()}", _HELP) from None
