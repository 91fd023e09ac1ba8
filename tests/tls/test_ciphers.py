"""Cipher suites by name."""

from __future__ import annotations

import pytest

from a3sgw.tls.ciphers import lowered, unknown, weak


@pytest.mark.parametrize(
    ("suites", "found"),
    [
        ("ECDHE-RSA-AES128-GCM-SHA256 HIGH !aNULL -SHA +kRSA @STRENGTH DEFAULT@SECLEVEL=1 ECDHE+AESGCM:kRSA", ()),
        ("HIGH NOPE TLS_AES_128_GCM_SHA256", ("NOPE", "TLS_AES_128_GCM_SHA256")),
        ("HIGH:NOPE !NOPE", ("NOPE", "!NOPE")),
    ],
)
def test_unknown(suites: str, found: tuple[str, ...]) -> None:
    """Names that OpenSSL would leave out silently, also inside of its own lists; its words are known."""
    assert unknown(tuple(suites.split())) == found


@pytest.mark.parametrize(
    ("suites", "one"),
    [
        ("ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-CHACHA20-POLY1305 DHE-RSA-AES128-GCM-SHA256", ""),
        ("ECDHE+AESGCM", ""),
        ("AES128-GCM-SHA256", "AES128-GCM-SHA256"),
        ("ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES128-SHA"),
        ("eNULL", "NULL-SHA256"),
        ("ADH-AES128-GCM-SHA256", "ADH-AES128-GCM-SHA256"),
        ("ALL !aNULL", "AES256-SHA"),
        ("ALL !SHA !SHA256 !SHA384 !kRSA !PSK !SRP !aNULL !CAMELLIA !ARIA !AESCCM8 !AESCCM", ""),
        ("PSK-AES128-GCM-SHA256", "PSK-AES128-GCM-SHA256"),
        ("!aNULL", ""),
    ],
)
def test_weak(suites: str, one: str) -> None:
    """Whatever is in effect without forward secrecy, authenticated encryption or an authenticated server."""
    found = weak(tuple(suites.split()))
    assert one in found if one else found == ()


def test_lowered() -> None:
    """Level 0 takes keys of any strength."""
    assert lowered(("HIGH", "ALL@SECLEVEL=0"))
    assert not lowered(("HIGH", "ALL@SECLEVEL=2"))
