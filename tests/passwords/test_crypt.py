"""The older hashes, against what other programs make."""

from __future__ import annotations

import pytest

from a3sgw.passwords.crypt import md5_crypt, sha_crypt

LONG = "pässword-Longer than sixteen bytes and more than sixty-four, really so it is".encode()


@pytest.mark.parametrize(
    ("magic", "salt", "password", "expected"),
    [
        (b"$apr1$", b"abcdefgh", b"x", b"82JubPF2dQkt1tVfvLnXS."),
        (b"$apr1$", b"abcdefgh", LONG, b"NY/tLFNkyKvSnp46Xn3U5/"),
        (b"$1$", b"ab", b"x", b"e2KlfqG5YBMTjSz7XF.Eu1"),
        (b"$1$", b"ab", LONG, b"3.kdXbvwXmJZ/gjls6Qs1/"),
    ],
)
def test_md5(magic: bytes, salt: bytes, password: bytes, expected: bytes) -> None:
    """As `openssl passwd` makes them."""
    assert md5_crypt(password, salt, magic) == expected


@pytest.mark.parametrize(
    ("wide", "salt", "rounds", "password", "expected"),
    [
        (False, b"saltsalt", 5000, b"x", b"hcyDOxdIg0p3xyqtpHh/v8Ph.am06tQaovp1KpEklb7"),
        (False, b"saltsalt", 5000, LONG, b"upd9fIrR6rZJo7bJL/vH/q9pOnqhfIBdQzGok0N9Bk0"),
        (False, b"saltstring", 5000, b"Hello world!", b"5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
        (
            True,
            b"saltstring",
            5000,
            b"Hello world!",
            b"svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        ),
        (
            True,
            b"saltsaltsaltsalt",
            5000,
            b"x",
            b"nozu4aSZ9tvfyqr8kV.PwuNYpJaa6RCOb1XRcivY.S4HEWnm/pcZbgbhIR2EeRNbUrMigQuyF/KzM9qzoEvpz0",
        ),
    ],
)
def test_sha(wide: bool, salt: bytes, rounds: int, password: bytes, expected: bytes) -> None:
    """The same."""
    assert sha_crypt(password, salt, rounds, wide) == expected
