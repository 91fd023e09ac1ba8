"""Fetches a key set over HTTP, from an address or from the one that an OpenID provider names."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from a3sgw.errors import GatewayError
from a3sgw.options import OptionError, shown
from a3sgw.tokens.keys import KeySet, from_jwks
from a3sgw.web import HttpClient

LARGEST = 1 << 20
"""Bytes of an answer."""
_VISIBLE = re.compile(r"[!-~]+")
WELL_KNOWN = "/.well-known/openid-configuration"


class Unusable(GatewayError):
    """The server gave an answer that is no key set."""


class KeyServer:
    """`url` is the key set's or, for `discovery`, the provider's: then the provider says where its keys are.

    The provider must call itself one of the `issuers`, if there are any (OpenID Connect Discovery §4.3); then its own
    word is what tokens have to say, too.
    """

    def __init__(
        self,
        client: HttpClient,
        url: str,
        allowed: Collection[str],
        *,
        discovery: bool = False,
        issuers: Collection[str] = (),
        insecure: bool = False,
        timeout: float,
    ) -> None:
        self._client = client
        self._url = url if not discovery or url.endswith(WELL_KNOWN) else url.rstrip("/") + WELL_KNOWN
        self._allowed = allowed
        self._discovery = discovery
        self._issuers = issuers
        self._insecure = insecure
        self._timeout = timeout

    async def fetch(self) -> KeySet:
        """The keys as they are now; GatewayError or ValueError says why there are none."""
        if not self._discovery:
            return from_jwks(await self._get(self._url), self._allowed)
        try:
            document = json.loads(await self._get(self._url))
        except (ValueError, RecursionError):
            raise Unusable(f"{self._url} gave no JSON") from None
        where, issuer = (document.get(key) if isinstance(document, dict) else None for key in ("jwks_uri", "issuer"))
        if not isinstance(where, str) or not isinstance(issuer, str) or not issuer:
            raise Unusable(f"{self._url} names no issuer and jwks_uri")
        if self._issuers and issuer not in self._issuers:
            raise Unusable(f"{self._url} is of another issuer than the one configured")
        check_url(where, self._insecure)
        return from_jwks(await self._get(where), self._allowed, issuer)

    async def _get(self, url: str) -> bytes:
        fields = (("Accept", "application/json"), ("User-Agent", "a3sgw"))
        answer = await self._client.request("GET", url, fields, timeout=self._timeout, max_bytes=LARGEST)
        if answer.status != 200:
            raise Unusable(f"{url} answered {answer.status}")
        return answer.body


def check_url(url: str, insecure: bool = False, key: str = "") -> str:
    """`url` itself; OptionError unless it is https, or http on this machine, or `insecure` is allowed."""
    try:
        parts = urlsplit(url if _VISIBLE.fullmatch(url) else "")
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise OptionError(f"{shown(url)} is no address of the web", "write https://host/path", key)
    if parts.username or parts.password:
        raise OptionError("an address with a password in it", "public keys need none", key)
    if parts.scheme == "http" and not insecure and not _is_here(parts.hostname or ""):
        raise OptionError(
            "keys that come over http can be exchanged on their way",
            "use https, or set jwks_insecure = true for a network you trust",
            key,
        )
    return url


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
