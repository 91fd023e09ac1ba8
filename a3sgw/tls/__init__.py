"""TLS: what clients say first, which certificate and options they get, and the bytes after that."""
