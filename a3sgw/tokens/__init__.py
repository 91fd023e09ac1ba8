"""Signed tokens (JWT, RFC 7519): how they are read, with which keys they are checked, and what they have to say."""
