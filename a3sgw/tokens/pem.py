"""Public keys in PEM files, also those inside certificates."""

from __future__ import annotations

import re
from typing import Any

from a3sgw.certificates import public_key
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
    if b"PRIVATE" in kind:
        raise OptionError("this is a private key", "name the file with the public one; the private one stays secret")
    try:
        return public_key(block)
    except ValueError:
        raise OptionError(f"cannot read this {kind.decode().lower()}", _HELP) from None
