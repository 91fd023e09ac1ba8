"""Accept-Encoding and lists of media types."""

from __future__ import annotations

import pytest

from a3sgw.http.content_coding import MediaTypes, parse_media_type, preferred_coding
from a3sgw.options import OptionError

OURS = (b"br", b"zstd", b"gzip")


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (b"gzip", b"gzip"),
        (b"GZip", b"gzip"),
        (b"x-gzip", b"gzip"),
        (b"gzip, deflate, br, zstd", b"br"),
        (b"gzip;q=1.0, br;q=0.8, zstd;q=0.7", b"gzip"),
        (b"zstd;q=0.9, br;q=0.8, gzip;q=0.6", b"zstd"),
        (b"br;q=1.0, gzip;q=1.0, zstd;q=1.0", b"br"),
        (b"br; q=0.5 , zstd ;q=0.501", b"zstd"),
        (b"compress;q=1.0, gzip;q=0.5", b"gzip"),
        (b"compress, gzip, identity;q=0", b"gzip"),
        (b"br;q=0.8, identity;q=1.0", b""),
        (b"br;q=0.8, identity;q=0.8", b"br"),
        (b"gzip, *;q=0", b"gzip"),
        (b"identity;q=0.5, *;q=0.4", b""),
        (b"*", b"br"),
        (b"*;q=0.1", b"br"),
        (b"gzip, *", b"gzip"),
        (b"gzip;q=0.5, *", b"br"),
        (b"br;q=0, *", b"zstd"),
        (b"br;q=0, gzip;q=0, zstd;q=0", b""),
        (b"*;q=0", b""),
        (b"identity", b""),
        (b"identity;q=0", b""),
        (b"", b""),
        (b" , ,", b""),
        (b"nonsense", b""),
        (b"gzip;q=0.000", b""),
        (b"gzip;q=0, gzip", b""),
    ],
)
def test_what_a_client_likes_best(accept: bytes, coding: bytes) -> None:
    """By weight, then by name, then in our order; a coding of weight 0 never, and as it is whenever nothing fits."""
    assert preferred_coding(accept, OURS) == coding


def test_a_star_may_mean_another_one() -> None:
    """The first of those it stands for is the operator's choice."""
    assert preferred_coding(b"*", OURS, b"gzip") == b"gzip"
    assert preferred_coding(b"zstd, *", OURS, b"gzip") == b"zstd"
    assert preferred_coding(b"zstd;q=0.5, *", OURS, b"gzip") == b"gzip"
    assert preferred_coding(b"br, gzip", OURS, b"gzip") == b"br"
    assert preferred_coding(b"gzip;q=0, *", OURS, b"gzip") == b"br"


@pytest.mark.parametrize(
    ("listed", "content_type", "found"),
    [
        ("application/json", b"application/json", True),
        ("application/json", b"Application/JSON; charset=utf-8", True),
        ("application/json", b"text/xml", False),
        ("application/json", b"application/json-seq", False),
        ("application/json; charset=utf-8", b"application/json;charset=UTF-8", True),
        ("application/json;     charset=utf-8", b'application/json; a=b; charset="utf-8"', True),
        ("application/json; charset=utf-8", b"application/json; charset=ascii", False),
        ("application/json; charset=utf-8", b"application/json", False),
        ("image/*", b"image/png", True),
        ("image/*", b"imagine/png", False),
        ("*/*", b"image/png", True),
        ("text/html", b"", False),
        ("text/html", b";", False),
    ],
)
def test_media_types(listed: str, content_type: bytes, found: bool) -> None:
    """Families, any case; parameters that are listed have to be there."""
    assert (content_type in MediaTypes([listed])) is found
    assert (content_type in MediaTypes(["a/b", listed, "c/*"])) is found


@pytest.mark.parametrize("listed", ["", "html", "/html", "text/", "a/b/c", "; charset=utf-8"])
def test_what_is_no_media_type(listed: str) -> None:
    """It is refused at load."""
    with pytest.raises(OptionError):
        MediaTypes([listed])


def test_a_content_type_has_two_parts() -> None:
    """Type and parameters, in lower case and without quotes."""
    assert parse_media_type(b'Text/HTML ; Charset="UTF-8";') == (b"text/html", frozenset({(b"charset", b"utf-8")}))
