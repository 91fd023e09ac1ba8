"""Certificates with their keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3sgw.certificates import CertificateFacts
from a3sgw.options import OptionError
from a3sgw.tls.pairs import Pair, Source, grouped, pair_of
from tests.support.tls import Authority


def pair(names: str, key_type: str = "ec") -> Pair:
    """One for these names."""
    return Pair(names.encode(), CertificateFacts(tuple(names.split()), 0, 0, key_type))


def test_keys_of_other_types_stand_together() -> None:
    """For the same names a client may choose among keys of different types; otherwise the first certificate wins."""
    a, b, c, d = pair("a b"), pair("b a", "rsa"), pair("a b"), pair("b c")
    found = grouped([a, b, c, d])
    assert found.groups == ((a, b), (d,))
    assert [found.by_name.find(name) for name in "abcd"] == [(a, b), (a, b), (d,), None]


def test_reading(tmp_path: Path) -> None:
    """Both files are read; which option is wrong is told."""
    files = Authority(tmp_path).issue("a.example")
    assert pair_of(Source(files.cert, files.key).read()).facts.names == ("a.example",)
    for source, key in (
        (Source(tmp_path / "no", files.key), "cert_file"),
        (Source(files.cert, tmp_path / "no"), "key_file"),
    ):
        with pytest.raises(OptionError, match="cannot read") as raised:
            source.read()
        assert raised.value.key == key
    with pytest.raises(OptionError):
        pair_of(files.key.read_bytes())
    (tmp_path / "large").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(OptionError, match="more than"):
        Source(tmp_path / "large", files.key).read()
