"""Let only clients with one of the given keys through, and tell endpoints who they are."""

from __future__ import annotations

from collections.abc import Callable
from time import time

from a3sgw.api_keys import ApiKey as Known
from a3sgw.api_keys import ApiKeys, digest_of, make_key, parse_time, read_keys
from a3sgw.errors import ClientError
from a3sgw.http.credential import CredentialError, Places, check_places
from a3sgw.http.field_names import FieldName, IdentityFields
from a3sgw.http.message import Request
from a3sgw.http.placeholders import for_field
from a3sgw.middlewares.base import Context, Middleware, RefusingOptions, Stage
from a3sgw.options import (
    BaseOptions,
    Field,
    OptionError,
    Secret,
    Several,
    StringMap,
    field_validator,
    model_validator,
    reveal,
)
from a3sgw.scopes import Scopes


class Client(BaseOptions):
    """Whose a key is."""

    key: Secret
    """The key: plain, or `sha256:` and the 64 digits that `printf %s "$KEY" | sha256sum` prints. Hashes protect long
    random keys; a short one can be guessed from its hash."""

    identity: str = ""
    """Who it is, for the access log, later middlewares and `forward_headers`."""

    scopes: Scopes = ()
    """What the key may be used for."""

    expires: str = ""
    """When it stops being good: `2030-01-31` (as that day begins) or `2030-01-31T12:00:00Z`, in UTC. Empty: never."""

    metadata: StringMap = Field(default_factory=dict)
    """Anything else that `forward_headers` may tell the endpoint, by name."""

    @field_validator("key")
    @classmethod
    def _usable(cls, key: str) -> str:
        digest_of(reveal(key))
        return key

    @field_validator("expires")
    @classmethod
    def _time(cls, expires: str) -> str:
        if expires:
            parse_time(expires)
        return expires

    def made(self) -> Known:
        """Ready to be compared with."""
        return make_key(reveal(self.key), self.identity, self.scopes, self.expires, self.metadata)


class Options(RefusingOptions):
    """Options of `api-key`: the keys, where clients put them, and what is told of who they are."""

    header: FieldName = "X-API-Key"
    """Header field with the key; empty for none. A request with several of them is refused."""

    scheme: FieldName = ""
    """Word in front of the key in that field, such as `Bearer`, in any case of letters; empty for none."""

    query: str = ""
    """Query parameter with the key, if that is allowed; logs show it as REDACTED."""

    cookie: str = ""
    """Cookie with the key, if that is allowed. Different keys in several places are refused."""

    keys: tuple[Secret, ...] = ()
    """Keys that may pass, of which nothing else is known: plain, or `sha256:` and the hash."""

    clients: Several[Client] = ()
    """Keys of which more is known."""

    keys_file: str = ""
    """File with more keys, read again when it changes; one that cannot be used leaves the last good one in force. In
    each line is a key, plain or as `sha256:` and its hash, and what is known of it:
    `sha256:9f86d0… identity=anna scopes=read,write expires=2030-01-31 plan="very large"`. All but the key may be left
    out, other names than these three are metadata, and lines that begin with `#` are comments."""

    scopes: Scopes = ()
    """Scopes that a key must have, all of them; else 403. A key without scopes has none."""

    strip_key: bool = False
    """Take the key out of the request before the endpoint sees it."""

    forward_headers: IdentityFields = Field(default_factory=dict)
    """Header fields for the endpoint, by name, each with what it gets: `identity`, `scopes` (separated by spaces) or a
    name in `metadata`. The client's own copies are always removed, in every spelling; what is not known of a key is
    left out."""

    realm: str = Field("a3sgw", pattern=r"^[ !#-\[\]-~]+$")
    """What a refused client is told it needs a key for."""

    @field_validator("keys")
    @classmethod
    def _usable(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            digest_of(reveal(key))
        return keys

    @model_validator(mode="after")
    def _fits_together(self) -> Options:
        if not (self.keys or self.clients or self.keys_file):
            raise OptionError("nobody could pass", "give keys, clients or a keys_file", "keys")
        check_places("key", self.header, self.query, self.cookie, "forward_headers", self.forward_headers)
        try:
            ApiKeys(self.listed())
        except OptionError as error:
            raise OptionError(str(error), error.help, "clients" if self.clients else "keys") from None
        return self

    def listed(self) -> tuple[Known, ...]:
        """The keys that stand in the configuration."""
        return (*(Known(digest_of(reveal(key))) for key in self.keys), *(client.made() for client in self.clients))


class ApiKey(Middleware[Options]):
    """401 for no key, an unknown one, one that has expired, and several; 403 for one without the scopes.

    The 401 names the scheme `ApiKey`, or the `scheme` that goes in front of the key: HTTP wants one there (RFC 9110
    §15.5.2), and browsers, which do not know it, ask nobody for a password. Later middlewares find the facts
    `identity`, `scopes` and `api_key`, which is the metadata (not to be changed).
    Measured: 3.5 µs.
    """

    stage = Stage.AUTHENTICATION

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._places = Places(options.header, options.scheme, options.query, options.cookie, options.strip_key)
        self._own = tuple(name.encode() for name in options.forward_headers)
        self.sets_fields = frozenset(self._own)
        self.conceals = (options.query.encode(),) if options.query else ()
        self._forwarded = tuple((name.encode(), _piece(what)) for name, what in options.forward_headers.items())
        self._scopes = frozenset(options.scopes)
        self._challenge = ((b"WWW-Authenticate", f'{options.scheme or "ApiKey"} realm="{options.realm}"'.encode()),)
        self._keys = ApiKeys(options.listed())
        self.clock = time

    def attach(self, context: Context) -> None:
        """Read the file, if there is one."""
        super().attach(context)
        if self.options.keys_file:
            self.watch(self.options.keys_file, self._read, "keys_file", self._use)

    def _read(self, content: bytes) -> ApiKeys:
        found = ApiKeys((*self.options.listed(), *read_keys(content)))
        if not found:
            # As it is for a moment while somebody writes it: taking that seriously would lock everybody out.
            raise OptionError("there is no key in it", "write at least one")
        return found

    def _use(self, keys: ApiKeys) -> None:
        self._keys = keys

    def request(self, request: Request) -> None:
        """Refuse without a good key; else tell the endpoint and later middlewares who it is."""
        for name in self._own:
            request.headers.remove(name)
        try:
            text = self._places.take(request)
        except CredentialError as error:
            raise ClientError(401, f"api-key: {error}", self._challenge) from None
        if not text:
            raise ClientError(401, "api-key: no key", self._challenge)
        key = self._keys.find(text)
        if key is None:
            raise ClientError(401, "api-key: an unknown key", self._challenge)
        self._admit(request, key)

    def _admit(self, request: Request, key: Known) -> None:
        request.learn("identity", key.identity)
        if self.clock() >= key.expires:
            raise ClientError(401, "api-key: the key has expired", self._challenge)
        request.learn("scopes", key.scopes)
        request.learn("api_key", key.metadata)
        for name, piece in self._forwarded:
            if value := for_field(piece(key).encode()):
                request.headers.add(name, value)
        if not self._scopes.issubset(key.scopes):
            raise ClientError(403, "api-key: the key lacks scopes")


def _piece(what: str) -> Callable[[Known], str]:
    """What a field gets of a key."""
    if what == "identity":
        return lambda key: key.identity
    if what == "scopes":
        return lambda key: " ".join(key.scopes)
    return lambda key: key.metadata.get(what, "")
