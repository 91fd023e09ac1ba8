"""What the gateway knows of a connection that came with TLS."""

from __future__ import annotations


class Secured:
    """One per connection, made when the handshake is done; requests point to it."""

    __slots__ = ("alpn", "certificate", "cipher", "profile", "server_name", "verified", "version")

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

    def __repr__(self) -> str:
        return f"<Secured [{self.server_name or 'no name'}, {self.version} {self.cipher}]>"
