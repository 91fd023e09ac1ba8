"""Tell the endpoint which certificate the client has shown, in Traefik's two header fields."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from urllib.parse import quote_plus

from a3sgw.certificates import ClientCertificate, DistinguishedName, client_certificate, prepare
from a3sgw.http.field_changes import Lines, extend
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context, Middleware, Stage
from a3sgw.options import BaseOptions

_CERTIFICATE = b"X-Forwarded-Tls-Client-Cert"
_INFO = b"X-Forwarded-Tls-Client-Cert-Info"
_FIELDS = Lines([_CERTIFICATE, _INFO])
_REMEMBERED = 256
"""Certificates of which the field lines are kept, about 3 KB each."""


class IssuerOptions(BaseOptions):
    """Parts of the issuer's name."""

    country: bool = False
    """`C`, the country."""

    province: bool = False
    """`ST`, the state or province."""

    locality: bool = False
    """`L`, the place."""

    organization: bool = False
    """`O`, the organization."""

    common_name: bool = False
    """`CN`, the common name; the last one, if there are several."""

    serial_number: bool = False
    """`SN`, the serial number of the subject or issuer itself; the last one, if there are several."""

    domain_component: bool = False
    """`DC`, the parts of a domain."""


class SubjectOptions(IssuerOptions):
    """Parts of the subject's name."""

    organizational_unit: bool = False
    """`OU`, the department."""


class InfoOptions(BaseOptions):
    """What is told in `X-Forwarded-Tls-Client-Cert-Info`."""

    subject: SubjectOptions | None = None
    """Whom the certificate is about, as `Subject="C=FR,CN=device-7"`."""

    issuer: IssuerOptions | None = None
    """Who has signed it, as `Issuer="…"`."""

    serial_number: bool = False
    """The certificate's number, as `SerialNumber="4711"`."""

    not_before: bool = False
    """Since when it is valid, as `NB="…"` in seconds since 1970."""

    not_after: bool = False
    """Until when it is valid, as `NA="…"` in seconds since 1970."""

    sans: bool = False
    """Its alternative names, as `SAN="…"`: DNS names, e-mail addresses, IP addresses, URIs."""


class Options(BaseOptions):
    """Options of `pass-tls-client-cert`."""

    pem: bool = False
    """Send the certificate itself in `X-Forwarded-Tls-Client-Cert`: PEM without its first and last line and without
    line ends."""

    info: InfoOptions | None = None
    """Send parts of it in `X-Forwarded-Tls-Client-Cert-Info`, percent-encoded as a query is. Names stand there as the
    certificate has them, quotes and commas included: an endpoint that decides by them takes them only from authorities
    it trusts with that, or reads the certificate itself."""


class PassTlsClientCert(Middleware[Options]):
    """Both fields are the gateway's: whatever a client or a proxy before sent under these names is removed.

    Where the certificate has been verified (`client_auth` with `verify-if-given` or `require-and-verify`), later
    middlewares and the access log find the fact `identity`: its common name, or its first alternative name where there
    is no single common name. One that has not been verified is passed on and says nothing about who it is. Of a chain
    only the client's own certificate is passed on; Traefik passes on all of it.
    """

    stage = Stage.AUTHENTICATION
    sets_fields = frozenset({_CERTIFICATE, _INFO})

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._lines_of = lru_cache(_REMEMBERED)(self._make)

    def attach(self, context: Context) -> None:
        """Import what reading takes now, not in the first request."""
        super().attach(context)
        prepare()

    def request(self, request: Request) -> None:
        """Never refuses: whether a certificate is needed was decided in the handshake, or is up to a rule."""
        lines = b""
        secured = request.secured
        if secured is not None and secured.certificate:
            lines = self._lines_of(secured.certificate)
            identity = secured.identity
            if identity:
                request.learn("identity", identity)
        if not extend(request, _FIELDS, lines):
            headers = request.headers
            headers.remove(b"x-forwarded-tls-client-cert")
            headers.remove(b"x-forwarded-tls-client-cert-info")
            if lines:
                headers.extend(lines)

    def _make(self, der: bytes) -> bytes:
        """The field lines for one certificate; of one that cannot be read there is nothing to tell but itself."""
        lines = b"%b: %b\r\n" % (_CERTIFICATE, b64encode(der)) if self.options.pem else b""
        try:
            text = info_text(client_certificate(der), self.options.info) if self.options.info is not None else ""
        except ValueError:
            return lines
        return lines + b"%b: %b\r\n" % (_INFO, quote_plus(text, safe="").encode()) if text else lines


def info_text(certificate: ClientCertificate, wanted: InfoOptions) -> str:
    """As Traefik writes it, before it is percent-encoded; parts that the certificate does not have are left out."""
    values = (
        ("Subject", _name_text(certificate.subject, wanted.subject)),
        ("Issuer", _name_text(certificate.issuer, wanted.issuer)),
        ("SerialNumber", str(certificate.serial_number) if wanted.serial_number else ""),
        ("NB", str(certificate.not_before) if wanted.not_before else ""),
        ("NA", str(certificate.not_after) if wanted.not_after else ""),
        ("SAN", ",".join(certificate.sans) if wanted.sans else ""),
    )
    return ";".join([f'{name}="{value}"' for name, value in values if value])


def _name_text(name: DistinguishedName, wanted: IssuerOptions | None) -> str:
    if wanted is None:
        return ""
    parts = (
        ("DC", name.domain_component, wanted.domain_component),
        ("C", name.country, wanted.country),
        ("ST", name.province, wanted.province),
        ("L", name.locality, wanted.locality),
        ("O", name.organization, wanted.organization),
        ("OU", name.organizational_unit, isinstance(wanted, SubjectOptions) and wanted.organizational_unit),
        ("SN", name.serial_number[-1:], wanted.serial_number),
        ("CN", name.common_name[-1:], wanted.common_name),
    )
    return ",".join([f"{short}={value}" for short, values, told in parts if told for value in values if value])
