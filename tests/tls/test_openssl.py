"""What is said to OpenSSL itself has an effect that a handshake shows."""

from __future__ import annotations

import gc
import ssl
import sys

import pytest
import trustme

from a3sgw.tls.openssl import TICKET_KEY_BYTES, accept_any_certificate, keep_no_sessions, set_groups, set_ticket_key

CA = trustme.CA()
CERT = CA.issue_cert("a.example")


def server() -> ssl.SSLContext:
    """A context with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CERT.configure_cert(context)
    return context


def client() -> ssl.SSLContext:
    """A context that believes it."""
    context = ssl.create_default_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    CA.configure_trust(context)
    return context


def meet(server: ssl.SSLContext, client: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLObject:
    """A whole handshake in memory; the client's side of it."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = server.wrap_bio(to_server, to_client, server_side=True)
    here = client.wrap_bio(to_client, to_server, server_hostname="a.example", session=session)
    left = [here, there]
    for _ in range(10):
        for side in list(left):
            try:
                side.do_handshake()
                left.remove(side)
            except ssl.SSLWantReadError:
                pass
        if not left:
            return here
    raise AssertionError("no handshake")


def test_groups() -> None:
    """The first list that OpenSSL knows is taken; where there is none, nothing is changed and that is told."""
    context = server()
    assert set_groups(context, "no-such-group", "P-384")
    assert not set_groups(context, "no-such-group")
    only = client()
    only.set_ecdh_curve("prime256v1")
    with pytest.raises(ssl.SSLError):
        meet(context, only)


def test_ticket_keys() -> None:
    """Two contexts with the same key understand each other's tickets; with others they do not."""
    one, two, other = server(), server(), server()
    for context in (one, two):
        assert set_ticket_key(context, b"k" * TICKET_KEY_BYTES)
    assert set_ticket_key(other, b"o" * TICKET_KEY_BYTES)
    for context in (one, two, other):
        keep_no_sessions(context)
    who = client()
    session = meet(one, who).session
    assert [meet(context, who, session).session_reused for context in (one, two, other)] == [True, True, False]


def test_any_certificate() -> None:
    """A certificate that nobody has signed is taken, and collections of garbage take nothing away."""
    context = server()
    context.verify_mode = ssl.CERT_REQUIRED
    assert accept_any_certificate(context)
    gc.collect()
    strange = client()
    trustme.CA().issue_cert("me@a.example").configure_cert(strange)
    meet(context, strange)
    with pytest.raises(ssl.SSLError):
        meet(context, client())  # none at all is still refused


def test_no_python_in_a_handshake() -> None:
    """The function that accepts is not Python: it is called where no exception could be handled."""
    context, strange = server(), client()
    context.verify_mode = ssl.CERT_REQUIRED
    accept_any_certificate(context)
    trustme.CA().issue_cert("me@a.example").configure_cert(strange)
    files: set[str] = set()
    sys.setprofile(lambda frame, event, what: files.add(frame.f_code.co_filename) if event == "call" else None)
    try:
        meet(context, strange)
    finally:
        sys.setprofile(None)
    assert __file__ in files
    assert not [one for one in files if one.endswith(("ctypes/__init__.py", "a3sgw/tls/openssl.py"))]
