"""Scopes: what a credential may be used for, as operators list them."""

from __future__ import annotations

import re
from typing import Annotated

from a3sgw.options import AfterValidator, OptionError, shown

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def check_scope(text: str) -> str:
    """One scope (RFC 6749 §3.3); OptionError."""
    if not _SCOPE.fullmatch(text):
        raise OptionError(f"{shown(text)} is not a scope", "write each one by itself: no spaces, no quotes")
    return text


Scopes = tuple[Annotated[str, AfterValidator(check_scope)], ...]
