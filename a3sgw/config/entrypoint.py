"""What an operator can say about an entrypoint."""

from __future__ import annotations

from typing import Annotated, Literal

from a3sgw.options import (
    Address,
    AfterValidator,
    BaseOptions,
    Duration,
    Field,
    Network,
    OptionError,
    Secret,
    Several,
    Size,
    ValueKind,
    model_validator,
    shown,
)

TlsVersion = Literal["1.2", "1.3"]


def _protocol(value: str) -> str:
    if not (value.isascii() and 0 < len(value) < 256):
        raise OptionError(f"{shown(value)} is no name of a protocol", "write 1 to 255 ASCII characters, e.g. h2")
    return value


Protocols = tuple[Annotated[str, AfterValidator(_protocol), ValueKind("string")], ...]
"""As they are offered by ALPN: RFC 7301 §3.1 has one byte for the length of each."""


class CertificateFiles(BaseOptions):
    """One certificate with its key."""

    cert_file: str
    """PEM file with the certificate and its chain."""

    key_file: str
    """PEM file with the private key."""


class ClientAuth(BaseOptions):
    """Certificates asked of clients."""

    ca_files: tuple[str, ...] = ()
    """PEM files with the authorities that may sign client certificates."""

    mode: Literal["none", "request", "require", "verify-if-given", "require-and-verify"] = "require-and-verify"
    """What a client has to show; `request` and `require` believe any certificate."""

    @model_validator(mode="after")
    def _checks_what_it_is_given(self) -> ClientAuth:
        if self.ca_files and self.mode in ("request", "require"):
            verifying = "verify-if-given" if self.mode == "request" else "require-and-verify"
            summary = f'mode "{self.mode}" believes any certificate, whatever ca_files says'
            raise OptionError(summary, f'write mode = "{verifying}", or remove ca_files', "mode")
        return self


class AcmeDns(BaseOptions):
    """How a DNS challenge is answered."""

    provider: str
    """Who serves the zone, for example `rfc2136`, `cloudflare` or `exec`."""

    server: str = ""
    """Name server or API address."""

    zone: str = ""
    """Zone to write to; empty finds it by asking."""

    key_name: str = ""
    """Name of the TSIG key."""

    key_algorithm: str = "hmac-sha256"
    """Algorithm of the TSIG key."""

    key_secret: Secret = ""
    """Secret of the TSIG key."""

    api_token: Secret = ""
    """Token for the provider's API."""

    command: str = ""
    """Program that sets and removes records, for the provider `exec`."""

    propagation_timeout: Duration = 120.0
    """How long a record may take to appear."""


class Tls(BaseOptions):
    """TLS on an entrypoint."""

    cert_file: str = ""
    """PEM file with the certificate and its chain."""

    key_file: str = ""
    """PEM file with the private key."""

    certificates: Several[CertificateFiles] = ()
    """More certificates, chosen by the name the client asks for."""

    min_version: TlsVersion = "1.2"
    """Oldest TLS version that is spoken."""

    max_version: TlsVersion | None = None
    """Newest TLS version that is spoken."""

    cipher_suites: tuple[str, ...] = ()
    """OpenSSL names of the TLS 1.2 cipher suites; empty means the library's choice."""

    alpn: Protocols = ("h2", "http/1.1")
    """Protocols offered, best first: HTTP offers those of them that the gateway speaks, so far `http/1.1`; TCP routers
    offer what is written here."""

    sni_strict: bool = False
    """Refuse clients that ask for a name without a certificate."""

    client_auth: ClientAuth | None = None
    """Certificates asked of clients."""

    self_signed: bool = False
    """Make up a certificate that nobody trusts, for development; it is used for names that have no other."""

    session_tickets: bool = True
    """Let clients that come back skip half of the handshake."""

    handshake_timeout: Duration = Field(10.0, gt=0)
    """Time for a handshake, from the connection's first byte on."""

    max_handshakes: int = Field(1000, ge=1)
    """Handshakes at once in each worker; further connections are closed."""

    acme: bool = False
    """Obtain certificates automatically."""

    acme_email: str = ""
    """Contact address given to the authority."""

    acme_domains: tuple[str, ...] = ()
    """Names to obtain certificates for; empty means those of the Host rules."""

    acme_staging: bool = False
    """Use the authority's staging service."""

    acme_storage_path: str = "/etc/gateway/acme"
    """Directory for account and certificates."""

    acme_server: str = ""
    """Directory URL of the authority; empty means Let's Encrypt."""

    acme_challenge: Literal["http-01", "tls-alpn-01", "dns-01"] = "http-01"
    """How the names are proved."""

    acme_dns: AcmeDns | None = None
    """How a DNS challenge is answered."""

    @model_validator(mode="after")
    def _has_a_certificate(self) -> Tls:
        if bool(self.cert_file) != bool(self.key_file):
            missing, given = ("key_file", "cert_file") if self.cert_file else ("cert_file", "key_file")
            raise OptionError(f"{given} is set without {missing}", f"write {missing} as well", key=given)
        if not (self.cert_file or self.certificates or self.acme or self.self_signed):
            help = "set cert_file and key_file, certificates, acme = true or, for development, self_signed = true"
            raise OptionError("tls has no certificate", help)
        if self.acme_challenge == "dns-01" and self.acme and self.acme_dns is None:
            raise OptionError("dns-01 needs acme_dns", "add acme_dns { provider = … }", key="acme_challenge")
        return self


class Http2(BaseOptions):
    """Limits of HTTP/2."""

    enabled: bool = True
    """Offer HTTP/2."""

    max_concurrent_streams: int = Field(250, ge=1, le=65536)
    """Requests open at once on one connection."""

    max_header_list_size: Size = 65536
    """Bytes of all header fields of one request, decoded."""


class Redirect(BaseOptions):
    """Send every request of an entrypoint to another one."""

    to: str
    """Name of an entrypoint, or a port such as `:8443`."""

    scheme: Literal["http", "https"] = "https"
    """Scheme of the new address."""

    permanent: bool = True
    """308/301 instead of 307/302."""

    @property
    def port(self) -> int:
        """The port that is written; 0 when it is the name of an entrypoint."""
        text = self.to.removeprefix(":")
        return int(text) if text.isascii() and text.isdigit() else 0

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Redirect:
        text = self.to.removeprefix(":")
        number = text.isascii() and text.isdigit()
        if (number or self.to.startswith(":")) and not (number and len(text) < 6 and 0 < int(text) < 65536):
            help = "write a port from 1 to 65535, e.g. :443, or the name of an entrypoint"
            raise OptionError(f"{shown(self.to)} is no port that a client could be sent to", help, "to")
        return self


class Entrypoint(BaseOptions):
    """A listening socket and the protocol spoken on it."""

    address: Address
    """`host:port`, `:port`, `[::1]:port` or `unix:/run/x.sock`."""

    protocol: Literal["http", "tcp", "udp"] = "http"
    """What is spoken here."""

    tls: Tls | None = None
    """TLS, ended here."""

    max_connections: int = Field(0, ge=0)
    """Connections open at once; 0 means no limit. More are closed, on plain HTTP after a 503."""

    tcp_allowed_ips: tuple[Network, ...] = ()
    """Networks that may connect to a TCP entrypoint; empty means all."""

    udp_session_timeout_secs: Duration = 30.0
    """UDP: how long a session is kept on which nothing comes, either way; 0 means as long as there is room."""

    udp_max_sessions: int = Field(10000, ge=1)
    """UDP: sessions open at once, in each worker; the one that has been silent for longest makes room for a new one."""

    read_header_timeout: Duration = 10.0
    """Time for the whole head of a request."""

    idle_timeout: Duration = 120.0
    """Time between two requests on a kept connection."""

    body_idle_timeout: Duration = 60.0
    """Time between two pieces of a body; never applied to upgraded streams."""

    max_header_bytes: Size = 65536
    """Size of a request's head; more is answered with 431."""

    max_headers: int = Field(200, ge=1)
    """Number of a request's header fields; more is answered with 431."""

    trusted_ips: tuple[Network, ...] = ()
    """Networks whose X-Forwarded-* fields and PROXY headers are believed."""

    proxy_protocol: bool = False
    """Read the PROXY header (v1 or v2) that peers in `trusted_ips` may send. From others it is no header: HTTP and TLS
    refuse it; TCP routers without TLS hand it on, as they do all bytes."""

    proxy_protocol_required: bool = False
    """Close connections that do not begin with a PROXY header."""

    http2: Http2 | None = None
    """Limits of HTTP/2."""

    redirect: Redirect | None = None
    """Send every request to another entrypoint."""

    middlewares: tuple[str, ...] = ()
    """Middlewares of every router here, before the router's own."""

    request_id: bool = True
    """Give every request an X-Request-Id."""

    merge_slashes: bool = True
    """Treat `//` in a path as `/`, when matching and towards the endpoint; switch it off for signed S3 paths."""

    underscore_headers: Literal["delete", "keep", "reject"] = "delete"
    """What to do with header names containing `_`, which WSGI and PHP confuse with `-`; reject answers 400."""
