"""Hashes of passwords: which are understood, and which are refused."""

from __future__ import annotations

import sys

import bcrypt
import pytest

from a3sgw.options import OptionError
from a3sgw.passwords.hashes import MOST_COST, parse_hash, plain

BCRYPT = bcrypt.hashpw("geheim ü".encode(), b"$2b$04$l0tAhsvt5hoiZEmLsdDvfO").decode()


@pytest.mark.parametrize(
    ("text", "slow"),
    [
        (BCRYPT, True),
        (BCRYPT.replace("$2b$", "$2y$"), True),
        (BCRYPT.replace("$2b$", "$2a$"), True),
        ("{SHA}WhMGAVGaXSnTlPgiWNMimc0onNs=", False),
        ("$apr1$abcdefgh$CXvq4rFfJqZRd2S/QcPJF0", True),
        ("$1$ab$/tklFd6v28Y6CZSrPza861", True),
        ("$5$salt$CGPBaP33HEoST1GpjFtDmcBZxNqEv3nrUbZtZj5/TO5", True),
        (
            "$6$rounds=1000$salt$"
            "OBcq.ybyN27AdbB1bbk0Hx44JUp4jGp1wWFQCuuYUd9DV8XDdZ3gL98qixT7A1fhRffBWHaWMEylz.maFS02o0",
            True,
        ),
    ],
)
def test_hashes(text: str, slow: bool) -> None:
    """The password passes, another does not, and what takes long says so."""
    made = parse_hash(text)
    assert made.check("geheim ü".encode())
    for wrong in (b"", b"geheim", "geheim ü ".encode(), text.encode()):
        assert not made.check(wrong[:72])
    assert made.slow is slow
    assert text not in repr(made)


def test_a_plain_password() -> None:
    """Written down by the operator."""
    made = plain("geheim ü")
    assert made.check("geheim ü".encode())
    assert not made.check(b"geheim")
    assert not made.slow
    assert "geheim" not in repr(made)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("geheim", "a plain password"),
        ("", "a plain password"),
        ("abJnggxhB/yWI", "DES"),
        ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "argon2"),
        (BCRYPT[:-1], "broken"),
        (BCRYPT.replace("$2b$", "$2x$"), "broken"),
        (BCRYPT[:28] + "a" + BCRYPT[29:], "broken"),
        (BCRYPT.replace("$04$", "$31$"), "cost 31"),
        (BCRYPT.replace("$04$", f"${MOST_COST + 1}$"), "cost 15"),
        (BCRYPT.replace("$04$", "$03$"), "cost 3"),
        ("{SSHA}r6sg+TASVbEOo9Cp0fp0Wb4Y7ek=", "unknown kind"),
        ("{SHA}r6sg", "broken"),
        ("$apr1$abcdefghi$EQJrvFl7GjCa9OEbTWqbf1", "broken"),
        ("$6$salt$" + "a" * 43, "broken"),
        ("$5$rounds=999999999$salt$" + "a" * 43, "999999999 rounds"),
        ("$5$rounds=10$salt$" + "a" * 43, "10 rounds"),
    ],
)
def test_what_is_refused(text: str, complaint: str) -> None:
    """What protects nothing, what would hang a thread, and what cannot be read; no message repeats it."""
    with pytest.raises(OptionError, match=complaint) as caught:
        parse_hash(text)
    assert not text or text not in f"{caught.value} {caught.value.help}"


def test_without_bcrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its own hashes need it, and the operator is told what to install."""
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    with pytest.raises(OptionError, match="bcrypt is not installed") as caught:
        parse_hash(BCRYPT)
    assert "a3sgw[auth]" in caught.value.help
    assert parse_hash("{SHA}WhMGAVGaXSnTlPgiWNMimc0onNs=")
