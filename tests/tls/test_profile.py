"""TLS options of one handshake."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3sgw.config.entrypoint import Tls
from a3sgw.config.router import RouterTls
from a3sgw.options import OptionError
from a3sgw.tls.profile import Profile, context_of, profile_of
from tests.support.tls import Authority


def tls(**options: object) -> Tls:
    """Options of an entrypoint."""
    return Tls.model_validate({"self_signed": True, **options})


def test_a_router_changes_what_it_names(tmp_path: Path) -> None:
    """What a router says takes the place of what its entrypoint says; the rest stays."""
    entrypoint = tls(min_version="1.2", cipher_suites=["ECDHE-RSA-AES128-GCM-SHA256"])
    plain = profile_of(entrypoint, tmp_path)
    other = profile_of(entrypoint, tmp_path, RouterTls.model_validate({"min_version": "1.3"}))
    assert (plain.min_version, other.min_version) == ("1.2", "1.3")
    assert plain.cipher_suites == other.cipher_suites == ("ECDHE-RSA-AES128-GCM-SHA256",)
    assert plain == profile_of(entrypoint, tmp_path, RouterTls.model_validate({}))


@pytest.mark.parametrize(
    ("given", "http", "offered"),
    [({}, True, ("http/1.1",)), ({}, False, ()), ({"alpn": ["h2"]}, True, ()), ({"alpn": ["h2"]}, False, ("h2",))],
)
def test_protocols(tmp_path: Path, given: dict[str, object], http: bool, offered: tuple[str, ...]) -> None:
    """HTTP offers what the gateway speaks, TCP what is written."""
    assert profile_of(tls(**given), tmp_path, http=http).alpn == offered


def test_authorities(tmp_path: Path) -> None:
    """They are needed to verify, have to be readable, and their content counts, not their name."""
    with pytest.raises(OptionError, match="has no ca_files"):
        profile_of(tls(client_auth={}), tmp_path)
    with pytest.raises(OptionError, match=r"cannot read .*nowhere\.pem"):
        profile_of(tls(client_auth={"ca_files": ["nowhere.pem"]}), tmp_path)
    (tmp_path / "a.pem").write_text("one")
    (tmp_path / "b.pem").write_text("one")
    a, b = (profile_of(tls(client_auth={"ca_files": [name]}), tmp_path) for name in ("a.pem", "b.pem"))
    assert a == b
    with pytest.raises(OptionError, match="cannot read the authorities"):
        context_of(a)


def test_versions_have_to_fit(tmp_path: Path) -> None:
    """What is said in two places may leave no version at all."""
    newest = RouterTls.model_validate({"max_version": "1.2"})
    with pytest.raises(OptionError, match=r"no TLS version is at least 1\.3 and at most 1\.2"):
        profile_of(tls(min_version="1.3"), tmp_path, newest)


def test_context(tmp_path: Path) -> None:
    """Ciphers OpenSSL does not know are named; so are keys that do not belong to their certificate."""
    with pytest.raises(OptionError, match="none of these cipher suites"):
        context_of(Profile("1.2", None, ("ROT13",), (), True))
    authority = Authority(tmp_path)
    one, two = authority.issue("a.example"), authority.issue("b.example")
    usual = Profile("1.2", None, (), (), True)
    context_of(usual, one.cert.read_bytes() + one.key.read_bytes())
    with pytest.raises(OptionError, match="does not belong") as raised:
        context_of(usual, one.cert.read_bytes() + two.key.read_bytes())
    assert raised.value.key == "key_file"
    with pytest.raises(OptionError, match="cannot use it"):
        context_of(usual, b"nothing")
