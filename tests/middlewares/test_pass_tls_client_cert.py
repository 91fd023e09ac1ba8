"""pass-tls-client-cert: endpoints are told what a client has shown, and never what it only says."""

from __future__ import annotations

import re
from base64 import b64encode
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote_plus

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from a3sgw import load_config
from a3sgw.certificates import ClientCertificate, client_certificate
from a3sgw.errors import ConfigError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
from a3sgw.http.secured import Secured
from a3sgw.middlewares import pass_tls_client_cert
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.pass_tls_client_cert import InfoOptions, Options, PassTlsClientCert, info_text
from tests.support.certificates import der, dns
from tests.support.gateway import config, stage

PARTS = ("country", "province", "locality", "organization", "common_name", "serial_number", "domain_component")
ALL = {
    "subject": dict.fromkeys((*PARTS, "organizational_unit"), True),
    "issuer": dict.fromkeys(PARTS, True),
    **dict.fromkeys(("serial_number", "not_before", "not_after", "sans"), True),
}
NAME = (
    "DC=org,DC=cheese,O=Cheese,O=Cheese 2,OU=Section,OU=Section 2,CN=*.cheese.org,CN=*.cheese.com,C=FR,C=US,L=LYON,ST=A"
)
SANS = (
    x509.UniformResourceIdentifier("spiffe://cheese.org/a"),
    x509.IPAddress(ip_address("10.0.1.0")),
    x509.RFC822Name("test@cheese.org"),
    *dns(["*.cheese.org", "*.cheese.net"]),
)
CERTIFICATE, INFO = b"x-forwarded-tls-client-cert", b"x-forwarded-tls-client-cert-info"
SPOOFED = (
    b"X-Forwarded-Tls-Client-Cert: mine\r\nx-forwarded-tls-client-cert: mine\r\nX_Forwarded_Tls_Client_Cert: mine\r\n"
    b"X-Forwarded-TLS-Client-Cert-Info: mine\r\nA: 1\r\n"
)


def told(options: Options, secured: Secured | None, lines: bytes = b"", parsed: bool = False) -> Request:
    """The request that an endpoint gets."""
    request = Request()
    request.head = b"GET / HTTP/1.1\r\nHost: a.example\r\n" + lines
    if parsed:
        assert request.headers.get(b"host")
    request.secured = secured
    middleware = PassTlsClientCert(options)
    middleware.attach(Context())
    middleware.request(request)
    return request


def info(**options: Any) -> Options:
    """Options with this `info`."""
    return Options.model_validate({"info": options})


def test_everything() -> None:
    """All parts stand in Traefik's order, each as often as it is there, and are percent-encoded together."""
    shown = der(NAME, "O=Issuing,SN=3,SN=4,CN=CA", SANS, 4711)
    request = told(info(**ALL), Secured(None, certificate=shown))
    value = request.headers.get(INFO)
    assert value is not None
    assert unquote_plus(value.decode()) == (
        'Subject="DC=org,DC=cheese,C=FR,C=US,ST=A,L=LYON,O=Cheese,O=Cheese 2,OU=Section,OU=Section 2,CN=*.cheese.com";'
        'Issuer="O=Issuing,SN=4,CN=CA";SerialNumber="4711";NB="1767323045";NA="2398475045";'
        'SAN="*.cheese.org,*.cheese.net,test@cheese.org,10.0.1.0,spiffe://cheese.org/a"'
    )
    assert value.startswith(
        b"Subject%3D%22DC%3Dorg%2CDC%3Dcheese%2CC%3DFR%2CC%3DUS%2CST%3DA%2CL%3DLYON%2CO%3DCheese%2CO%3DC"
    )
    assert b"O%3DCheese+2%2COU%3DSection%2C" in value
    assert b"CN%3D%2A.cheese.com%22%3BIssuer" in value
    assert request.headers.get(CERTIFICATE) is None


def test_some() -> None:
    """Only what is asked for, and of that only what is there."""
    shown = der(NAME, "C=FR,C=US,CN=CA")
    options = InfoOptions.model_validate(
        {
            "subject": {"organization": True, "serial_number": True},
            "issuer": {"country": True},
            "not_after": True,
            "sans": True,
        }
    )
    assert info_text(client_certificate(shown), options) == (
        'Subject="O=Cheese,O=Cheese 2";Issuer="C=FR,C=US";NA="2398475045"'
    )


def test_the_certificate_itself() -> None:
    """As PEM in one line, so that an endpoint can read it for itself."""
    shown = der("CN=a")
    request = told(Options(pem=True), Secured(None, certificate=shown, verified=True))
    assert request.headers.get(CERTIFICATE) == b64encode(shown)
    assert request.headers.get(INFO) is None


@pytest.mark.parametrize("options", [Options(), info(), info(subject={}), info(sans=True)])
def test_nothing_to_tell(options: Options) -> None:
    """Then there is no field, rather than an empty one."""
    assert told(options, Secured(None, certificate=der("CN=a"))).head == b"GET / HTTP/1.1\r\nHost: a.example\r\n"


@pytest.mark.parametrize("parsed", [False, True])
@pytest.mark.parametrize("secured", [None, Secured(None), Secured(None, certificate=der("CN=a"), verified=True)])
def test_a_client_s_own_fields(secured: Secured | None, parsed: bool) -> None:
    """They go in every spelling, whether or not the gateway has something to say; other fields stay."""
    request = told(Options(pem=True, info=InfoOptions(not_after=True)), secured, SPOOFED, parsed)
    fields = [(name.lower(), value) for name, value in request.headers]
    shown = secured is not None and bool(secured.certificate)
    expected = [(CERTIFICATE, b64encode(der("CN=a"))), (INFO, b"NA%3D%222398475045%22")] if shown else []
    assert fields == [(b"host", b"a.example"), (b"a", b"1"), *expected]
    assert b"mine" not in told(Options(), secured, SPOOFED, parsed).headers.encode()


def test_a_request_without_a_head() -> None:
    """One that the gateway itself makes."""
    request = Request()
    request.headers = Headers(SPOOFED)
    PassTlsClientCert(Options(pem=True)).request(request)
    assert list(request.headers) == [(b"A", b"1")]


def test_identity() -> None:
    """A verified certificate says who it is; any other one says nothing that would count."""
    shown = der("CN=device-7", sans=dns(["a.example"]))
    assert told(Options(), Secured(None, certificate=shown, verified=True)).facts == {"identity": "device-7"}
    for secured in (
        None,
        Secured(None, verified=True),
        Secured(None, certificate=shown),
        Secured(None, certificate=b"garbage", verified=True),
        Secured(None, certificate=der(""), verified=True),
    ):
        assert told(Options(), secured).facts is None


def test_a_certificate_that_cannot_be_read() -> None:
    """It is passed on as it is, and nothing is told about it."""
    request = told(Options.model_validate({"pem": True, "info": ALL}), Secured(None, certificate=b"garbage"))
    assert request.headers.get(CERTIFICATE) == b64encode(b"garbage")
    assert request.headers.get(INFO) is None


def test_it_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next requests with the same certificate, also of other connections, cost no reading."""
    calls: list[bytes] = []

    def counted(der: bytes) -> ClientCertificate:
        calls.append(der)
        return client_certificate(der)

    monkeypatch.setattr(pass_tls_client_cert, "client_certificate", counted)
    middleware = PassTlsClientCert(info(**ALL))
    for _ in range(3):
        request = Request()
        request.head = b"GET / HTTP/1.1\r\n"
        request.secured = Secured(None, certificate=der("CN=a"))
        middleware.request(request)
        assert request.headers.get(INFO) is not None
    assert len(calls) == 1


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_name_stays_in_its_line(text: str) -> None:
    """Whatever stands in a certificate, the field is one line of plain characters that says the same."""
    with pytest.MonkeyPatch.context() as patch:
        made = client_certificate(der("CN=a"))
        made = made._replace(subject=made.subject._replace(common_name=(text,)))
        patch.setattr(pass_tls_client_cert, "client_certificate", lambda der: made)
        request = told(info(subject={"common_name": True}), Secured(None, certificate=b"any"))
    line = request.head.partition(b"-Info: ")[2]
    assert re.fullmatch(rb"[A-Za-z0-9%+._~-]+\r\n", line)
    assert unquote_plus(line.decode().rstrip()) == f'Subject="CN={text}"'


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("info { subject { name = true } }", "name"),
        ("info { issuer { organizational_unit = true } }", "organizational_unit"),
        ("info { serial = true }", "serial"),
        ('pem = "yes please"', "pem"),
    ],
)
def test_wrong_options(option: str, complaint: str) -> None:
    """They are refused at load."""
    with pytest.raises(ConfigError, match=complaint):
        load_config(config("http://o:1", more=f'middlewares "tls" {{\n type = "pass-tls-client-cert"\n {option}\n}}'))


async def test_without_tls() -> None:
    """On a plain entrypoint the endpoint gets none of the fields, whoever sends them: also not from a proxy that is
    trusted, which other routes believe."""
    block = 'middlewares "tls" {\n type = "pass-tls-client-cert"\n pem = true\n info { sans = true }\n}'
    request = b"GET / HTTP/1.1\r\nHost: a.example\r\n" + SPOOFED + b"\r\n"
    for entrypoint in ("", 'trusted_ips = ["127.0.0.0/8"]'):
        async with stage(entrypoint=entrypoint, router='middlewares = ["tls"]', more=block) as on:
            seen = await on.forwarded(request)
            assert b"mine" not in [value for _, value in seen.fields]
            assert seen.all(b"x-forwarded-for") == [b"127.0.0.1"]
    async with stage(entrypoint='trusted_ips = ["127.0.0.0/8"]') as on:
        assert (await on.forwarded(request)).all(CERTIFICATE) == [b"mine", b"mine"]
