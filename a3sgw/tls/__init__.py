"""TLS as the gateway meets it: what a client says before the handshake."""
