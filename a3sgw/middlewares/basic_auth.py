"""Let only users with a password through (RFC 7617), and tell endpoints who they are."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Awaitable

from a3sgw.errors import ClientError
from a3sgw.http.credential import CredentialError
from a3sgw.http.field_names import IdentityField
from a3sgw.http.message import Request
from a3sgw.http.placeholders import for_field
from a3sgw.middlewares.base import Context, Middleware, RefusingOptions, Stage
from a3sgw.options import Duration, Field, OptionError, Secret, field_validator, model_validator, reveal
from a3sgw.passwords.checker import Checker, TooManyChecks
from a3sgw.passwords.hashes import Hash, plain
from a3sgw.passwords.users import Users, check_name, read_user, read_users

_BASIC = re.compile(rb"(?i:basic)[ \t]+((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_BUSY = ((b"Retry-After", b"1"),)


class Options(RefusingOptions):
    """Options of `basic-auth`: users, and what is told of them."""

    username: str = ""
    """One user, together with `password`."""

    password: Secret = ""
    """The password of `username`, as it is."""

    users: tuple[Secret, ...] = ()
    """Users as `name:hash`, made by `htpasswd -nB name`: bcrypt up to cost 14, `$apr1$`, `$1$`, `$5$`, `$6$` and
    `{SHA}`. Plain passwords and crypt(3) with DES are refused, for they protect nothing."""

    users_file: str = ""
    """htpasswd file with more of them, read again when it changes; one that cannot be used leaves the last good one in
    force. Users of the other options have precedence. Lines that begin with `#` are comments."""

    realm: str = Field("a3sgw", pattern=r"^[ !#-\[\]-~]+$")
    """What the client is told it needs a password for; browsers ask once for each realm."""

    header_field: IdentityField = ""
    """Header field in which the endpoint gets the user's name; the client's own copies are removed, in every
    spelling."""

    remove_header: bool = False
    """Take the Authorization field out of the request before the endpoint sees it."""

    cache_ttl: Duration = Field(60.0, le=3600)
    """For how long a password that was right need not be checked again, which takes 60 ms and more with bcrypt; wrong
    ones are remembered for 10 s at most. A change of the users ends that. 0 for not at all."""

    cache_size: int = Field(4096, ge=0)
    """Right passwords that are remembered."""

    max_waiting: int = Field(64, ge=1)
    """Passwords that may be under way to be checked; who comes then gets 503 and is told to come back."""

    @field_validator("username")
    @classmethod
    def _name(cls, name: str) -> str:
        return check_name(name) if name else name

    @field_validator("users")
    @classmethod
    def _hashed(cls, users: tuple[str, ...]) -> tuple[str, ...]:
        names = []
        for number, line in enumerate(users, 1):
            try:
                names.append(read_user(reveal(line))[0])
            except OptionError as error:
                raise OptionError(f"user {number}: {error}", error.help) from None
            if names[-1] in names[:-1]:
                raise OptionError(f'user {number}: "{names[-1]}" once more', "keep one of them")
        return users

    @model_validator(mode="after")
    def _fits_together(self) -> Options:
        if bool(self.username) != bool(self.password):
            missing = "password" if self.username else "username"
            raise OptionError(f"there is no {missing}", "username and password go together", missing)
        if not (self.username or self.users or self.users_file):
            raise OptionError("nobody could pass", "give username and password, users or a users_file", "users")
        if self.username in (reveal(line).partition(":")[0] for line in self.users):
            raise OptionError(f'"{self.username}" once more', "keep one of them", "users")
        if self.header_field.lower() == "authorization":
            raise OptionError("that field has the password already", "name another, such as X-User", "header_field")
        return self

    def listed(self) -> dict[str, Hash]:
        """The users that stand in the configuration."""
        found = dict(read_user(reveal(line)) for line in self.users)
        if self.username:
            found[self.username] = plain(reveal(self.password))
        return found


class BasicAuth(Middleware[Options]):
    """401 for no password, a wrong one, and what cannot be read; later middlewares find the fact `identity`.

    Slow hashes are checked on threads of their own, each credential once however many requests bring it; somebody
    unknown costs as much time as a user with the slowest hash. Passwords over 72 bytes are refused where the hash is
    bcrypt, which would not look at the rest. What is not UTF-8 is taken for Latin-1, as older clients send it.
    Measured: 3 µs for a password that is remembered.
    """

    stage = Stage.AUTHENTICATION

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._field = options.header_field.encode()
        if self._field:
            self.sets_fields = frozenset({self._field})
        self._challenge = ((b"WWW-Authenticate", f'Basic realm="{options.realm}", charset="UTF-8"'.encode()),)
        self._checker = Checker(options.cache_ttl, options.cache_size, options.max_waiting)
        self._users = Users({})

    def attach(self, context: Context) -> None:
        """Read the users."""
        super().attach(context)
        if self.options.users_file:
            self.watch(self.options.users_file, self._read, "users_file", self._use)
        else:
            self._users = Users(self.options.listed())

    def _read(self, content: bytes) -> Users:
        found = Users({**read_users(content), **self.options.listed()})
        if not found:
            # As it is for a moment while somebody writes it: taking that seriously would lock everybody out.
            raise OptionError("there is no user in it", "write at least one")
        return found

    def _use(self, users: Users) -> None:
        self._users = users
        self._checker.forget()

    async def close(self) -> None:
        """Check and look no more."""
        await super().close()
        self._checker.close()

    # One request...

    def request(self, request: Request) -> Awaitable[None] | None:
        """Refuse without a right password; else tell the endpoint and later middlewares who it is."""
        if self._field:
            request.headers.remove(self._field)
        headers = request.headers
        line = headers.get(b"authorization")
        if line is None or headers.count(b"authorization") > 1:
            raise self._refusal("no password" if line is None else "several Authorization fields")
        mark = self._checker.mark(line)
        known = self._checker.known(mark)
        if known is None:
            return self._check(request, mark, line)
        self._decide(request, known, bool(known))
        return None

    def _check(self, request: Request, mark: bytes, line: bytes) -> Awaitable[None] | None:
        """Somebody new, or somebody who has not been here for a while."""
        try:
            name, password = _read(line)
        except CredentialError as error:
            raise self._refusal(str(error)) from None
        hash, counts = self._users.find(name)
        if hash is None or len(password) > hash.longest:
            raise self._refusal("a password that is too long")
        user = name.decode()
        if hash.slow:
            return self._later(request, mark, user, password, hash, counts)
        self._decide(request, user, hash.check(password) and counts)
        return None

    def _refusal(self, why: str) -> ClientError:
        return ClientError(401, f"basic-auth: {why}", self._challenge)

    async def _later(self, request: Request, mark: bytes, user: str, password: bytes, hash: Hash, counts: bool) -> None:
        """Decide when it has been checked."""
        try:
            right = await self._checker.check(mark, user, password, hash, counts)
        except TooManyChecks:
            self.context.count("busy")
            raise ClientError(503, "basic-auth: too many passwords to check", _BUSY) from None
        self._decide(request, user, right)

    def _decide(self, request: Request, user: str, right: bool) -> None:
        if not right:
            raise self._refusal("a wrong password, or nobody known")
        if self.options.remove_header:
            request.headers.remove(b"authorization")
        request.learn("identity", user)
        if self._field:
            request.headers.add(self._field, for_field(user.encode()))


def _read(line: bytes) -> tuple[bytes, bytes]:
    """User and password in UTF-8; CredentialError for what is neither (RFC 7617 §2)."""
    found = _BASIC.fullmatch(line)
    if found is None:
        raise CredentialError("not Basic and base64")
    decoded = b64decode(found[1])
    try:
        decoded.decode()
    except UnicodeDecodeError:
        decoded = decoded.decode("latin-1").encode()
    name, colon, password = decoded.partition(b":")
    if not colon or _CONTROL.search(decoded):
        raise CredentialError("not user:password")
    return name, password
