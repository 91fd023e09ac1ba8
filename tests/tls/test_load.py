"""From options to a termination."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3sgw.config.entrypoint import Tls
from a3sgw.tls.load import Needs, made_up_for
from a3sgw.tls.profile import Profile


def test_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For development a certificate is made up that has the names of the routers; equal needs are equal."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert {"a.example", "localhost", "127.0.0.1"} <= set(made_up_for(["a.example"]).facts.names)
    odd = made_up_for(["a" * 64 + ".example", "a.example", "a..b", "b." * 130 + "example"])
    assert set(odd.facts.names) == set(made_up_for(["a.example"]).facts.names), "what no certificate can hold"
    needs = Needs(
        Tls.model_validate({"self_signed": True}), tmp_path, Profile("1.2", None, (), (), True), {}, (), ("b.example",)
    )
    (pair,) = needs.make(b"").pairs
    assert "b.example" in pair.facts.names
    assert needs == Needs(needs.options, tmp_path, needs.profile, {}, (), ("b.example",))


def test_kept_and_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kept certificate that OpenSSL cannot use, or whose key is lost, is made again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = made_up_for(["a.example"])
    assert made_up_for(["a.example"]).pem == first.pem
    (path,) = (tmp_path / "a3sgw").iterdir()
    for broken in (b"garbage", b"", first.pem.partition(b"-----BEGIN PRIVATE")[0], first.pem.replace(b"A", b"B")):
        path.write_bytes(broken)
        pair = made_up_for(["a.example"])
        assert pair.pem != first.pem
        assert path.read_bytes() == pair.pem
