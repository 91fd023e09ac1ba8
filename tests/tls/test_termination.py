"""Which certificate and options a client gets."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from a3sgw.config.entrypoint import Tls
from a3sgw.options import OptionError
from a3sgw.tls.load import Needs, sources
from a3sgw.tls.profile import Profile
from a3sgw.tls.termination import (
    NO_APPLICATION_PROTOCOL,
    UNRECOGNIZED_NAME,
    PlacedError,
    Termination,
    alert,
)
from tests.support.tls import Authority, Files

USUAL = Profile("1.2", None, (), ("http/1.1",), True)
STRICT = Profile("1.3", None, (), ("http/1.1",), True)


def made(tmp_path: Path, *files: Files, by_name: dict[str, Profile] | None = None, **options: object) -> Termination:
    """One with these certificates, the first of which is the default."""
    listed = [{"cert_file": one.cert.name, "key_file": one.key.name} for one in files]
    tls = Tls.model_validate({**listed[0], "certificates": listed[1:], **options})
    return Needs(tls, tmp_path, USUAL, by_name or {}, (), ()).make(b"seed")


def test_choosing(tmp_path: Path) -> None:
    """Each name has its context, the same at every question; who asks for none, or for another, gets the first."""
    authority = Authority(tmp_path)
    found = made(tmp_path, authority.issue("a.example"), authority.issue("*.b.example"))
    a, b = (found.choose(name, USUAL, ()) for name in ("a.example", "x.b.example"))
    assert isinstance(a, ssl.SSLContext)
    assert isinstance(b, ssl.SSLContext)
    assert a is not b
    assert [found.choose(name, USUAL, ()) for name in ("", "c.example", "a.example")] == [a, a, a]
    assert [pair.facts.names for pair in found.pairs] == [("a.example",), ("*.b.example",)]


def test_alerts(tmp_path: Path) -> None:
    """Strict names and protocols that do not fit are refused with an alert of their own."""
    found = made(tmp_path, Authority(tmp_path).issue("a.example"), sni_strict=True)
    assert found.choose("b.example", USUAL, ()) == UNRECOGNIZED_NAME
    assert found.choose("", USUAL, ()) == UNRECOGNIZED_NAME
    assert found.choose("a.example", USUAL, ("h2",)) == NO_APPLICATION_PROTOCOL
    assert isinstance(found.choose("a.example", USUAL, ("h2", "http/1.1")), ssl.SSLContext)
    assert alert(UNRECOGNIZED_NAME) == bytes.fromhex("15030300020270")


def test_profiles(tmp_path: Path) -> None:
    """A name with options of its own has contexts of its own."""
    found = made(tmp_path, Authority(tmp_path).issue("a.example", "b.example"), by_name={"b.example": STRICT})
    assert found.differs
    assert [found.profile_for(name) for name in ("a.example", "b.example")] == [USUAL, STRICT]
    assert found.choose("b.example", STRICT, ()) is not found.choose("b.example", USUAL, ())


@pytest.mark.parametrize("wrong", ["cert_file", "key_file"])
def test_where_it_is_wrong(tmp_path: Path, wrong: str) -> None:
    """The option is named, in lists too."""
    files = Authority(tmp_path).issue("a.example")
    good = {"cert_file": files.cert.name, "key_file": files.key.name}
    tls = Tls.model_validate({**good, "certificates": [good, {**good, wrong: "nowhere.pem"}]})
    with pytest.raises(PlacedError) as raised:
        Needs(tls, tmp_path, USUAL, {}, (), ()).make(b"")
    assert raised.value.path == ("certificates", 1, wrong)
    assert len(list(sources(tls, tmp_path))) == 3


async def test_files_that_change(tmp_path: Path) -> None:
    """All are taken over together, or none: while key and certificate do not belong together, what was there stays."""
    authority = Authority(tmp_path)
    files = authority.issue("a.example")
    found = made(tmp_path, files)
    first = found.choose("a.example", USUAL, ())
    await found.look()
    assert found.choose("a.example", USUAL, ()) is first
    other = authority.issue("a.example", "b.example", stem="other")
    files.cert.write_bytes(other.cert.read_bytes())
    await found.look()
    assert found.choose("a.example", USUAL, ()) is first
    files.key.write_bytes(other.key.read_bytes())
    await found.look()
    second = found.choose("b.example", USUAL, ())
    assert second is not first
    files.cert.unlink()
    await found.look()
    assert found.choose("b.example", USUAL, ()) is second


def test_ciphers_are_checked_at_load(tmp_path: Path) -> None:
    """What OpenSSL refuses is found before anybody connects."""
    files = Authority(tmp_path).issue("a.example")
    tls = Tls.model_validate({"cert_file": files.cert.name, "key_file": files.key.name})
    with pytest.raises(OptionError, match="cipher suites"):
        Needs(tls, tmp_path, Profile("1.2", None, ("ROT13",), (), True), {}, (), ()).make(b"")
