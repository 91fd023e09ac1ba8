"""The TLS options of one handshake, and the context that OpenSSL needs for them."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from a3sgw.config.entrypoint import ClientAuth, Tls
from a3sgw.config.router import RouterTls
from a3sgw.options import OptionError, shown
from a3sgw.tls.ciphers import unknown
from a3sgw.tls.openssl import accept_any_certificate, keep_no_sessions, set_groups

_CIPHERS = ":".join(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)
"""Those of TLS 1.2 with forward secrecy and authenticated encryption: Mozilla's "intermediate" without DHE."""
_GROUPS = ("X25519MLKEM768:X25519:P-256:P-384", "X25519:P-256:P-384")
_MISMATCH = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
"""The last is what OpenSSL says of a key whose type is another than the certificate's."""
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
SPOKEN = frozenset({"http/1.1"})
"""Protocols over TLS that the gateway itself speaks."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Equal options are equal profiles."""

    min_version: str
    max_version: str | None
    cipher_suites: tuple[str, ...]
    alpn: tuple[str, ...]
    session_tickets: bool
    client_mode: str = "none"
    authorities: str = ""
    """PEM of those who may sign client certificates."""

    def __repr__(self) -> str:
        return f"<Profile [TLS {self.min_version}, client certificates: {self.client_mode}]>"

    @property
    def verifies(self) -> bool:
        """Whether a certificate that a client shows has been checked."""
        return self.client_mode in ("verify-if-given", "require-and-verify")


def profile_of(options: Tls, directory: Path, router: RouterTls | None = None, *, http: bool = True) -> Profile:
    """The options of an entrypoint, changed by those of a router; OptionError for authorities that cannot be read
    and for cipher suites that OpenSSL does not know.

    With `http` only protocols are offered that the gateway speaks; a TCP endpoint may speak any, so they are offered
    only where they are named.
    """
    given = router or RouterTls()
    alpn = given.alpn or options.alpn
    if http:
        alpn = tuple(one for one in alpn if one in SPOKEN)
    elif not given.alpn and "alpn" not in options.model_fields_set:
        alpn = ()
    auth = given.client_auth or options.client_auth or ClientAuth(mode="none")
    verifies = auth.mode in ("verify-if-given", "require-and-verify")
    if verifies and not auth.ca_files:
        help = "name the authorities in ca_files, or use request or require, which believe any certificate"
        raise OptionError(f'client_auth with mode "{auth.mode}" has no ca_files', help, "client_auth")
    oldest, newest = given.min_version or options.min_version, given.max_version or options.max_version
    if newest is not None and newest < oldest:
        summary = f"no TLS version is at least {oldest} and at most {newest}"
        raise OptionError(summary, "raise max_version, or lower min_version", "max_version")
    suites = given.cipher_suites or options.cipher_suites
    if lost := unknown(suites):
        help = "write OpenSSL's names, such as ECDHE-RSA-AES128-GCM-SHA256"
        if lost[0].startswith("TLS_"):
            help += "; those of TLS 1.3 are always offered"
        raise OptionError(f"OpenSSL does not know the cipher suite {shown(lost[0])}", help, "cipher_suites")
    return Profile(
        oldest,
        newest,
        suites,
        alpn,
        options.session_tickets,
        auth.mode,
        "\n".join(_read(directory / name) for name in auth.ca_files) if verifies else "",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise OptionError(f"cannot read {path}: {reason}", "name a PEM file with certificates", "client_auth") from None


def context_of(profile: Profile, *pems: bytes) -> ssl.SSLContext:
    """A server's context; each of `pems` holds a chain and its key, no two keys of the same type.

    OptionError, whose key says which option, for what OpenSSL refuses.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[profile.min_version]
    if profile.max_version is not None:
        context.maximum_version = _VERSIONS[profile.max_version]
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION
    if not profile.session_tickets:
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    try:
        context.set_ciphers(":".join(profile.cipher_suites) or _CIPHERS)
    except ssl.SSLError:
        help = "write OpenSSL's names, such as ECDHE-RSA-AES128-GCM-SHA256"
        raise OptionError("OpenSSL knows none of these cipher suites", help, "cipher_suites") from None
    set_groups(context, *_GROUPS)
    keep_no_sessions(context)
    if profile.alpn:
        context.set_alpn_protocols(list(profile.alpn))
    _ask_for_certificates(context, profile)
    for pem in pems:
        _load(context, pem)
    return context


def _ask_for_certificates(context: ssl.SSLContext, profile: Profile) -> None:
    mode = profile.client_mode
    if mode == "none":
        return
    context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("require") else ssl.CERT_OPTIONAL
    if profile.verifies:
        try:
            context.load_verify_locations(cadata=profile.authorities)
        except ssl.SSLError as error:
            problem = f"OpenSSL cannot read the authorities: {error.reason or error}"
            raise OptionError(problem, "ca_files are PEM files with certificates", "client_auth") from None
    elif not accept_any_certificate(context):
        help = "use verify-if-given or require-and-verify, with ca_files"
        raise OptionError(f'this Python cannot do mode "{mode}"', help, "client_auth")


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    """The ssl module reads certificates from files only; this one is in memory and has no name."""

    def password() -> str:
        raise OptionError("the private key is encrypted", "decrypt it, e.g. with openssl pkey", "key_file")

    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=password)
    except ssl.SSLError as error:
        if error.reason in _MISMATCH:
            raise OptionError("the key does not belong to the certificate", "", "key_file") from None
        raise OptionError(f"OpenSSL cannot use it: {error.reason or error}", "", "cert_file") from None
    finally:
        os.close(descriptor)
