"""What the gateway knows of a connection that came with TLS."""

from __future__ import annotations

from a3sgw.certificates import ClientCertificate, client_certificate


class Secured:
    """One per connection, made when the handshake is done; requests point to it."""

    __slots__ = ("_client", "alpn", "certificate", "cipher", "profile", "server_name", "verified", "version")

    def __init__(
        self,
        profile: object,
        server_name: str = "",
        version: str = "",
        cipher: str = "",
        alpn: str = "",
        certificate: bytes = b"",
        verified: bool = False,
    ) -> None:
        self.profile = profile
        """The options the handshake was made with; compared by identity."""
        self.server_name = server_name
        """The name the client asked for, lower case, without a final dot; empty without SNI."""
        self.version = version
        """``TLSv1.2`` or ``TLSv1.3``."""
        self.cipher = cipher
        """OpenSSL's name of the cipher suite."""
        self.alpn = alpn
        """The protocol agreed on; empty when there was none."""
        self.certificate = certificate
        """The client's certificate (DER), empty when it showed none."""
        self.verified = verified
        """Whether one of the authorities has signed it."""
        self._client: ClientCertificate | bool = bool(certificate)

    @property
    def client(self) -> ClientCertificate | None:
        """What the client's certificate says, whether verified or not; read once. None without one, and for one that
        cannot be read."""
        found = self._client
        if found is True:
            try:
                found = client_certificate(self.certificate)
            except ValueError:
                found = False
            self._client = found
        return found if isinstance(found, ClientCertificate) else None

    @property
    def known(self) -> ClientCertificate | None:
        """The same, only where it has been verified: who decides by it asks for this one."""
        return self.client if self.verified else None

    @property
    def identity(self) -> str:
        """Who the client is, as a verified certificate says; else nothing."""
        known = self.known
        return known.identity if known is not None else ""

    def __repr__(self) -> str:
        return f"<Secured [{self.server_name or 'no name'}, {self.version} {self.cipher}]>"
