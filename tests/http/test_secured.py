"""What is known of a TLS connection."""

from __future__ import annotations

import pytest

from a3sgw import certificates
from a3sgw.http import secured
from a3sgw.http.secured import Secured
from tests.support.certificates import der, dns

SHOWN = der("CN=device-7", sans=dns(["a.example"]))


def test_a_verified_certificate() -> None:
    """It says who the client is."""
    found = Secured(None, certificate=SHOWN, verified=True)
    assert found.client is not None
    assert found.known is found.client
    assert found.client.der == SHOWN
    assert found.identity == "device-7"


def test_one_that_is_not_verified() -> None:
    """It can be looked at and is not believed."""
    found = Secured(None, certificate=SHOWN)
    assert found.client is not None
    assert (found.known, found.identity) == (None, "")


@pytest.mark.parametrize("shown", [b"", b"garbage", SHOWN[:-1]], ids=["none", "garbage", "half"])
def test_no_certificate(shown: bytes) -> None:
    """None, and one that cannot be read, are the same; also where certificates are verified if there are any."""
    found = Secured(None, certificate=shown, verified=True)
    assert (found.client, found.known, found.identity) == (None, None, "")


@pytest.mark.parametrize("shown", [SHOWN, b"garbage", b""], ids=["good", "garbage", "none"])
def test_it_is_read_once(shown: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many requests of the connection ask, and not before the first of them."""
    calls: list[bytes] = []

    def counted(der: bytes) -> certificates.ClientCertificate:
        calls.append(der)
        return certificates.client_certificate(der)

    monkeypatch.setattr(secured, "client_certificate", counted)
    found = Secured(None, certificate=shown, verified=True)
    assert not calls
    assert found.client is found.client is found.known
    assert calls == [shown] * bool(shown)


def test_repr() -> None:
    """Whom it was for, and how safe it is."""
    assert repr(Secured(None, "a.example", "TLSv1.3", "AES")) == "<Secured [a.example, TLSv1.3 AES]>"
    assert repr(Secured(None)) == "<Secured [no name,  ]>"
