"""A client of the management API of a gateway that runs: asks for its endpoints, and changes them."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any

from a3sgw.errors import GatewayError
from a3sgw.options import SocketAddress
from a3sgw.web import Answer, HttpClient, WebError

_PATH = "/api/gateway/endpoints"
_TIMEOUT = 10.0
_MAX_BYTES = 64 << 20
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
_OK = 200


class Unreachable(GatewayError):
    """Nobody answers at the address, or somebody who is no gateway."""


class Refused(GatewayError):
    """The gateway does not do it; the text is its own."""


class Management:
    """Talks to the management API at `address`, as an operator writes it; to be used in ``async with``."""

    def __init__(self, address: SocketAddress) -> None:
        self._name = str(address)
        host = _EVERYWHERE.get(address.host, address.host)
        self._base = f"http://{SocketAddress(host, address.port)}" if not address.path else "http://localhost"
        self._client = HttpClient(unix_path=address.path or None)

    async def __aenter__(self) -> Management:
        await self._client.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def endpoints(self) -> dict[str, list[dict[str, Any]]]:
        """What is known of every endpoint now, by service. Unreachable or Refused."""
        found: dict[str, list[dict[str, Any]]] = await self._ask("GET", None)
        return found

    async def change(self, service: str, url: str, **wanted: object) -> dict[str, Any]:
        """Have an endpoint ``draining`` or not, or give it a ``weight`` (None: the configured one); what is known of it
        afterwards. Unreachable or Refused."""
        body = json.dumps({"service": service, "url": url, **wanted}).encode()
        changed: dict[str, Any] = await self._ask("POST", body)
        return changed

    async def _ask(self, method: str, body: bytes | None) -> Any:
        headers = (("Content-Type", "application/json"),) if body is not None else ()
        try:
            answer = await self._client.request(
                method, self._base + _PATH, headers, body, timeout=_TIMEOUT, max_bytes=_MAX_BYTES
            )
        except WebError as error:
            raise Unreachable(f"cannot ask the management API at {self._name}: {error}") from None
        return self._document(answer)

    def _document(self, answer: Answer) -> Any:
        try:
            document = json.loads(answer.body)
            message = document["error"]["message"] if answer.status != _OK else ""
        except (ValueError, KeyError, TypeError):
            said = f"status {answer.status}"
            raise Unreachable(f"what answers at {self._name} is not the management API ({said})") from None
        if message:
            raise Refused(_visible(str(message)))
        return document


def _visible(text: str) -> str:
    """Without control characters: what somebody else says must not steer the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
