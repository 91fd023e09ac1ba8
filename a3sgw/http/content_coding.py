"""Which content coding a client wants (RFC 9110 §12.5.3), and which media types are meant by a list of them."""

from __future__ import annotations

from collections.abc import Iterable

from a3sgw.http.qualities import qualities
from a3sgw.options import OptionError

IDENTITY = b""
"""As it is."""


def preferred_coding(accept: bytes, offered: tuple[bytes, ...], for_any: bytes = IDENTITY) -> bytes:
    """The coding of `offered` that an Accept-Encoding value likes best, or IDENTITY, which is never refused.

    Equal weights: one that is named before one that ``*`` stands for, then the order of `offered`; of those that ``*``
    stands for, `for_any` comes first. A coding has to be liked at least as well as a named ``identity``.
    """
    wanted = dict(reversed(qualities(accept)))
    if b"x-gzip" in wanted:  # RFC 9110 §8.4.1.3: the same
        wanted.setdefault(b"gzip", wanted[b"x-gzip"])
    least = wanted.get(b"identity", 0.0)
    weights = {coding: wanted.get(coding, wanted.get(b"*", 0.0)) for coding in offered}
    return max(
        (coding for coding in offered if weights[coding] > 0 and weights[coding] >= least),
        key=lambda coding: (weights[coding], coding in wanted, coding == for_any and coding not in wanted),
        default=IDENTITY,
    )


class MediaTypes:
    """Media types as operators list them: ``text/html``, ``image/*``, ``application/json; charset=utf-8``.

    Parameters that are listed have to be there with that value, in any order and case; others do not matter. Raises
    OptionError for what is none.
    """

    __slots__ = ("_entries",)

    def __init__(self, listed: Iterable[str]) -> None:
        entries: dict[bytes, list[frozenset[tuple[bytes, bytes]]]] = {}
        for text in listed:
            media_type, parameters = parse_media_type(text.encode())
            if media_type.count(b"/") != 1 or media_type[:1] == b"/" or media_type[-1:] == b"/":
                raise OptionError(f'"{text}" is not a media type', 'write "text/html" or "image/*"')
            entries.setdefault(media_type, []).append(parameters)
        self._entries = entries

    def __contains__(self, content_type: bytes) -> bool:
        media_type, parameters = parse_media_type(content_type)
        family = media_type.partition(b"/")[0] + b"/*"
        for key in (media_type, family, b"*/*"):
            if any(needed <= parameters for needed in self._entries.get(key, ())):
                return True
        return False


def parse_media_type(value: bytes) -> tuple[bytes, frozenset[tuple[bytes, bytes]]]:
    """A Content-Type value → type and parameters, in lower case."""
    media_type, *rest = value.lower().split(b";")
    pairs = (one.partition(b"=") for one in rest if one.strip())
    parameters = frozenset((name.strip(), text.strip().strip(b'"')) for name, _, text in pairs)
    return media_type.strip(), parameters
