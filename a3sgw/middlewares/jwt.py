"""Let only requests with a valid token (JWT) through, and tell endpoints who sends them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from hashlib import sha256
from time import time
from typing import Any, Literal

from a3sgw.errors import ClientError
from a3sgw.http.credential import CredentialError, Places, check_places
from a3sgw.http.field_names import FieldName, IdentityFields
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context, Middleware, RefusingOptions, Stage
from a3sgw.options import (
    Duration,
    Field,
    OptionError,
    Secret,
    Size,
    Texts,
    model_validator,
    reveal,
)
from a3sgw.scopes import Scopes
from a3sgw.tokens.bearer import Bearer, Judge, Remembered
from a3sgw.tokens.claims import Demands
from a3sgw.tokens.keys import PUBLIC, SECRET, KeySet, from_jwks, from_pem, from_secret
from a3sgw.tokens.parse import Token, TokenError, parse
from a3sgw.tokens.remote import RemoteKeys
from a3sgw.tokens.server import KeyServer, check_url
from a3sgw.tokens.source import FileSource, Pace, ServerSource, Source, authorities
from a3sgw.web import HttpClient

_log = logging.getLogger("a3sgw.middlewares.jwt")
_SOURCES = ("value", "public_key_file", "jwks_file", "jwks_url", "oidc_discovery_url")
_SAFE_SECRET = 32
"""Bytes (RFC 7518 §3.2)."""
Algorithm = Literal[
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]


class Options(RefusingOptions):
    """Options of `jwt`: one of the five sources of keys, what a token has to say, and where it is."""

    value: Secret = ""
    """Secret that tokens are signed with (HS256): at least 32 random bytes."""

    public_key_file: str = ""
    """PEM file with public keys or certificates, read again when it changes; the `kid` of tokens is not looked at."""

    jwks_file: str = ""
    """File with a JSON Web Key Set, read again when it changes."""

    jwks_url: str = ""
    """Where the key set is published: https, or http on this machine."""

    oidc_discovery_url: str = ""
    """OpenID provider that says where its key set is: its address, with or without
    `/.well-known/openid-configuration`. It must call itself `issuer`; without that option its own word is taken."""

    algorithms: tuple[Algorithm, ...] = ()
    """Algorithms that may have been used. Default: HS256 for `value`; for public keys RS, PS, ES and EdDSA, as far as
    the key is one for it and its `alg` does not say otherwise. Secrets and public keys never mix."""

    issuer: Texts = ()
    """Who must have issued the token (`iss`), one of several; anybody without it."""

    audience: Texts = ()
    """Whom the token must be for (`aud`), one of several; without it that is not looked at."""

    leeway: Duration = Field(30.0, le=600)
    """By how much clocks may differ where `exp`, `nbf` and `iat` are compared."""

    require_expiry: bool = True
    """Whether a token must have an `exp`; one without it is good for ever."""

    required_claims: tuple[str, ...] = ()
    """Claims that must be there and not empty."""

    token_types: tuple[str, ...] = ()
    """Values of the header's `typ`, such as `at+jwt`, one of which it must have: other tokens of the same issuer, made
    for something else, are refused then (RFC 8725 §3.11)."""

    scopes: Scopes = ()
    """Scopes the token must have, all of them; else 403."""

    roles: tuple[str, ...] = ()
    """Roles of which the token must have one; else 403."""

    permissions: tuple[str, ...] = ()
    """Permissions the token must have, all of them; else 403."""

    scope_claims: Texts = ("scope", "scp", "scopes")
    """Claim with the scopes, as a list or separated by spaces: the first of these that is there."""

    roles_claim: str = "roles"
    """Claim with the roles, in the same forms; `realm_access.roles` goes into others."""

    permissions_claim: str = "permissions"
    """Claim with the permissions, likewise."""

    header: FieldName = "Authorization"
    """Header field with the token; empty for none. A request with several of them is refused."""

    scheme: FieldName = "Bearer"
    """Word in front of the token in that field, in any case of letters; empty for none."""

    query: str = ""
    """Query parameter with the token, if that is allowed; logs show it as REDACTED."""

    cookie: str = ""
    """Cookie with the token, if that is allowed. Different tokens in several places are refused."""

    strip_token: bool = False
    """Take the token out of the request before the endpoint sees it."""

    forward_claims: IdentityFields = Field(default_factory=dict)
    """Header fields for the endpoint, by name, each with the claim it gets: `{ "X-User-Id" = "sub" }`. The client's
    own copies are always removed, in every spelling; a claim that is not there leaves the field out."""

    identity_claim: str = "sub"
    """Claim that says who it is, for the access log and later middlewares."""

    realm: str = Field("a3sgw", pattern=r"^[ !#-\[\]-~]+$")
    """What a refused client is told it needs a token for."""

    max_token_bytes: Size = 16384
    """Size of a token that is looked at; a larger one is refused."""

    cache_size: int = Field(4096, ge=0)
    """Valid tokens that are remembered, until they expire or keys change, so that their signature is checked once."""

    jwks_timeout: Duration = Field(5.0, gt=0)
    """Time for fetching keys."""

    jwks_refresh_interval: Duration = Field(600.0, ge=1)
    """How often keys are fetched anew. When that fails, the last ones stay in force."""

    jwks_min_interval: Duration = Field(2.0, ge=0.1)
    """How often at most they are fetched because a token names one that is not known; such requests wait for it."""

    jwks_insecure: bool = False
    """Fetch keys by plain http also from other machines."""

    jwks_ca_file: str = ""
    """PEM file with the authorities that the key server's certificate may be from, instead of the system's."""

    @model_validator(mode="after")
    def _fits_together(self) -> Options:
        given = self._given()
        if len(given) != 1:
            blank = [f"{name} is blank" for name in _SOURCES if name in self.model_fields_set]
            summary = f"{' and '.join(given)} at once" if given else next(iter(blank), "no key to check tokens with")
            raise OptionError(summary, f"give one of {', '.join(_SOURCES)}", given[1] if given else "")
        source = given[0]
        if source in ("jwks_url", "oidc_discovery_url"):
            check_url(getattr(self, source), self.jwks_insecure, source)
        wrong = sorted(set(self.algorithms) - set(SECRET if source == "value" else PUBLIC))
        if wrong:
            raise OptionError(
                f"{wrong[0]} does not go with {source}", "HS is for value, all others are not", "algorithms"
            )
        check_places("token", self.header, self.query, self.cookie, "forward_claims", self.forward_claims)
        return self

    def _given(self) -> list[str]:
        return [name for name in _SOURCES if reveal(getattr(self, name)).strip()]

    @property
    def source(self) -> str:
        """The one option that says where keys come from."""
        return self._given()[0]


class Jwt(Middleware[Options]):
    """Signatures are checked on the loop, each token once; a request only waits when keys are fetched for it.

    401 says ``error="invalid_token"`` unless there was no token, 403 ``insufficient_scope`` (RFC 6750 §3.1); why
    exactly stands in the access log. While there are no keys yet, or a new one cannot be fetched, it is 503. Later
    middlewares find the facts `claims` (not to be changed), `identity` and `scopes`. Measured: 4 µs for a known
    token, 35 µs to get to know one, and its signature.
    """

    stage = Stage.AUTHENTICATION

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._algorithms = options.algorithms or (SECRET[:1] if options.source == "value" else PUBLIC)
        self._places = Places(options.header, options.scheme, options.query, options.cookie, options.strip_token)
        forwarded = tuple((name.encode(), path) for name, path in options.forward_claims.items())
        self._own = tuple(name for name, _ in forwarded)
        self._judge = Judge(_demands(options), options.token_types, forwarded, options.identity_claim)
        self._remembered = Remembered(options.cache_size)
        self.conceals = (options.query.encode(),) if options.query else ()
        self.sets_fields = frozenset(self._own)
        bearer = f'Bearer realm="{options.realm}"'
        scope = f', scope="{" ".join(options.scopes)}"' if options.scopes else ""
        self._no_token = _challenge(bearer)
        self._bad_token = _challenge(f'{bearer}, error="invalid_token"')
        self._no_right = _challenge(f'{bearer}, error="insufficient_scope"{scope}')
        self._source = Source(KeySet())
        self.clock = time

    def attach(self, context: Context) -> None:
        """Read the keys, or find out that they cannot be read."""
        super().attach(context)
        source = self.options.source
        if source == "value":
            self._source = Source(from_secret(reveal(self.options.value), self._algorithms, "value"))
        elif source in ("public_key_file", "jwks_file"):
            self._source = self._file(getattr(self.options, source), source)
        else:
            self._source = self._server()

    def _file(self, name: str, key: str) -> Source:
        read = from_pem if key == "public_key_file" else from_jwks
        path, allowed, forget = self.context.directory / name, self._algorithms, self._remembered.clear
        return FileSource(path, lambda content: read(content, allowed), key, forget, self.context.count)

    def _server(self) -> Source:
        options = self.options

        def server(client: HttpClient) -> KeyServer:
            return KeyServer(
                client,
                getattr(options, options.source),
                self._algorithms,
                discovery=options.source == "oidc_discovery_url",
                issuers=options.issuer,
                insecure=options.jwks_insecure,
                timeout=options.jwks_timeout,
            )

        file = options.jwks_ca_file
        tls = authorities(self.context.directory / file, "jwks_ca_file") if file else None
        pace = Pace(options.jwks_refresh_interval, options.jwks_min_interval, options.jwks_timeout)
        return ServerSource(server, tls, pace, self._remembered.clear, self.context.count)

    def succeed(self, previous: Middleware[Any]) -> None:
        """Keys of the same server stay in force, so that a reload during its outage refuses nobody."""
        if isinstance(previous, Jwt) and all(
            getattr(self.options, key) == getattr(previous.options, key) for key in _ABOUT_KEYS
        ):
            self._source.adopt(previous._source)

    async def open(self) -> None:
        """Begin to look for new keys."""
        if 0 < len(reveal(self.options.value).encode()) < _SAFE_SECRET:
            about = {"middleware": self.context.name, "bytes": _SAFE_SECRET}
            _log.warning("the secret of a jwt is so short that it can be guessed", extra=about)
        await self._source.open()

    async def close(self) -> None:
        """Look no more."""
        await self._source.close()

    # One request...

    def request(self, request: Request) -> Awaitable[None] | None:
        """Refuse without a good token; else tell the endpoint and later middlewares who it is."""
        for name in self._own:
            request.headers.remove(name)
        try:
            text = self._places.take(request)
            if text is None:
                raise ClientError(401, "no token", self._no_token)
            if len(text) > self.options.max_token_bytes:
                raise TokenError("too large")
            digest = sha256(text).digest()
            known = self._remembered.get(digest, self.clock())
            if known is not None:
                self._admit(request, known)
                return None
            token = parse(text)
            if token.algorithm not in self._algorithms:
                raise TokenError("an algorithm that is not allowed")
            verified = self._source.keys.verifies(token)
            remote = self._source.remote
            if remote is None or not _may_be_new(token, verified, remote):
                self._decide(request, token, digest, bool(verified))
                return None
        except CredentialError as error:
            raise self._refusal(error) from None
        return self._later(request, token, digest, remote)

    async def _later(self, request: Request, token: Token, digest: bytes, remote: RemoteKeys) -> None:
        """Decide when the newest keys are here."""
        verified = await remote.newer(token)
        try:
            self._decide(request, token, digest, verified)
        except TokenError as error:
            raise self._refusal(error) from None

    def _refusal(self, error: CredentialError) -> ClientError:
        return ClientError(401, f"token refused: {error}", self._bad_token)

    def _decide(self, request: Request, token: Token, digest: bytes, verified: bool) -> None:
        if not verified:
            raise TokenError("no key has signed it")
        bearer = self._judge.decide(token, self._source.keys.issuer, self.clock())
        self._remembered.put(digest, bearer)
        self._admit(request, bearer)

    def _admit(self, request: Request, bearer: Bearer) -> None:
        request.learn("claims", bearer.claims)
        request.learn("identity", bearer.identity)
        request.learn("scopes", bearer.scopes)
        for name, value in bearer.fields:
            request.headers.add(name, value)
        if bearer.lacks:
            raise ClientError(403, f"the token lacks {bearer.lacks}", self._no_right)


_ABOUT_KEYS = ("jwks_url", "oidc_discovery_url", "algorithms", "issuer", "jwks_ca_file", "jwks_insecure")


def _may_be_new(token: Token, verified: bool | None, remote: RemoteKeys) -> bool:
    """Whether its key is none of those at hand, nor known not to be published."""
    return not verified and (verified is None or token.kid is None) and not remote.is_absent(token.kid)


def _demands(options: Options) -> Demands:
    return Demands(
        options.issuer,
        options.audience,
        options.required_claims,
        options.require_expiry,
        options.leeway,
        options.scopes,
        options.roles,
        options.permissions,
        options.scope_claims,
        options.roles_claim,
        options.permissions_claim,
    )


def _challenge(text: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"WWW-Authenticate", text.encode()),)
