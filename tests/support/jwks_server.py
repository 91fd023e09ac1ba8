"""A server that publishes keys of tokens, and may be slow, broken, or gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.support.echo import Echo
from tests.support.tokens import key_set
from tests.support.wire import Message


class JwksServer(Echo):
    """Answers /jwks with the keys, and /.well-known/openid-configuration with where they are.

    `wait`, when cleared, holds its answers back; `status` and `body` may replace them.
    """

    def __init__(self, *keys: Mapping[str, Any]) -> None:
        super().__init__("JWKS", answer=self._reply)
        self.keys = keys
        self.issuer = self.url
        self.jwks_uri = f"{self.url}/jwks"
        self.status = 200
        self.body: bytes | None = None

    async def __aenter__(self) -> JwksServer:
        return self

    @property
    def fetches(self) -> int:
        """How often the keys were asked for."""
        return sum(one.target == b"/jwks" for one in self.requests)

    def publish(self, *keys: Mapping[str, Any]) -> None:
        """From now on, these and no others."""
        self.keys = keys

    def _reply(self, request: Message) -> bytes:
        body = self.body
        if body is None:
            document = {"issuer": self.issuer, "jwks_uri": self.jwks_uri}
            body = key_set(*self.keys) if request.target == b"/jwks" else json.dumps(document).encode()
        return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (self.status, len(body), body)
