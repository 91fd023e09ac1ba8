"""Names of header fields as options: any field, or one that tells endpoints who a client is."""

from __future__ import annotations

import re
from typing import Annotated

from a3sgw.options import AfterValidator, FrozenMap, OptionError, StringMap, ValueKind

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESERVED = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


def is_reserved(name: bytes) -> bool:
    """Whether a field frames or routes messages, so that nobody's word about it may be taken over."""
    return name.lower().replace(b"_", b"-").decode("latin-1") in _RESERVED


def _one_word(name: str) -> str:
    if name and not _NAME.fullmatch(name):
        raise OptionError(f'"{name}" is not one word', "use letters, digits and hyphens")
    return name


def _settable(name: str) -> str:
    if not _NAME.fullmatch(name) or name.lower().replace("_", "-") in _RESERVED:
        raise OptionError(f'"{name}" cannot say who a client is', "name identity fields such as X-User-Id")
    return name


def _all_settable(fields: FrozenMap) -> FrozenMap:
    for name in fields:
        _settable(name)
    return fields


FieldName = Annotated[str, AfterValidator(_one_word), ValueKind("string")]
"""A header name, or another single word such as a scheme; may be empty."""
IdentityField = Annotated[str, AfterValidator(lambda name: name and _settable(name)), ValueKind("string")]
"""A field that is set for the endpoint, and removed from what the client sends; may be empty."""
IdentityFields = Annotated[StringMap, AfterValidator(_all_settable)]
"""Such fields, each with what it gets."""
