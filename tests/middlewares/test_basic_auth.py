"""basic-auth: only who knows a password gets through, and nobody chooses who he is."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Awaitable
from pathlib import Path
from threading import Event
from typing import Any

import bcrypt
import pytest

from a3sgw import load_config
from a3sgw.errors import ClientError, ConfigError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.basic_auth import BasicAuth, Options
from a3sgw.options import OptionError
from a3sgw.passwords.hashes import Hash
from a3sgw.passwords.users import Users
from a3sgw.tasks import spawn
from tests.support.gateway import config, stage

SHA = "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="
"""Of "test"."""
OTHER = "{SHA}0JQeaNqPOBUf+Gph/Fn3xc+fyqI="
"""Of "other"."""
APR1 = "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
BCRYPT = bcrypt.hashpw(b"x" * 72, b"$2b$04$l0tAhsvt5hoiZEmLsdDvfO").decode()
CHALLENGE = ((b"WWW-Authenticate", b'Basic realm="a3sgw", charset="UTF-8"'),)


def basic_auth(directory: Path = Path(), **options: Any) -> BasicAuth:
    """A middleware with these options, by default with one user."""
    if not options.keys() & {"username", "users", "users_file"}:
        options["users"] = [f"anna:{SHA}"]
    made = BasicAuth(Options.model_validate(options))
    made.attach(Context("auth", directory))
    return made


def bearing(credential: bytes | None, *lines: bytes) -> Request:
    """A request of who says this, which is user:password."""
    request = Request()
    own = (b"Authorization: Basic " + b64encode(credential),) if credential is not None else ()
    request.headers = Headers(b"".join(line + b"\r\n" for line in (*own, *lines)))
    return request


async def ask(middleware: BasicAuth, request: Request) -> int:
    """200, or the status of the refusal."""
    try:
        result = middleware.request(request)
        if isinstance(result, Awaitable):
            await result
    except ClientError as error:
        return error.status if error.status != 401 or error.fields == CHALLENGE else 0
    return 200


@pytest.mark.parametrize(("options", "remembered"), [({}, True), ({"cache_ttl": 0}, False), ({"cache_size": 0}, False)])
async def test_what_is_remembered(options: dict[str, Any], remembered: bool) -> None:
    """A password that was right need not be waited for again, unless nothing is to be remembered."""
    middleware = basic_auth(users=[f"anna:{BCRYPT}"], **options)
    first = middleware.request(bearing(b"anna:" + b"x" * 72))
    assert first is not None
    await first
    again = middleware.request(bearing(b"anna:" + b"x" * 72))
    assert (again is None) == remembered
    if again is not None:
        await again
    await middleware.close()


async def test_one_user() -> None:
    """By name and password, as configurations always had it."""
    middleware = basic_auth(username="anna", password="geheim")
    assert await ask(middleware, bearing(b"anna:geheim")) == 200
    for wrong in (b"anna:Geheim", b"anna:", b"anna", b":geheim", b"", b"ben:geheim", b"anna:geheim:", b"Anna:geheim"):
        assert await ask(middleware, bearing(wrong)) == 401
    assert await ask(middleware, bearing(None)) == 401


async def test_users() -> None:
    """All kinds of hashes side by side."""
    middleware = basic_auth(users=[f"anna:{SHA}", f"test:{APR1}", f"ben:{BCRYPT}"], username="carl", password="a:b")
    assert await ask(middleware, bearing(b"anna:test")) == 200
    assert await ask(middleware, bearing(b"ben:" + b"x" * 72)) == 200
    assert await ask(middleware, bearing(b"carl:a:b")) == 200
    assert await ask(middleware, bearing(b"test:test")) == 200
    assert await ask(middleware, bearing(b"test:x")) == 401
    await middleware.close()


async def test_passwords_that_bcrypt_would_cut() -> None:
    """Over 72 bytes is refused: what is equal up to there would do."""
    middleware = basic_auth(users=[f"ben:{BCRYPT}"])
    assert await ask(middleware, bearing(b"ben:" + b"x" * 73)) == 401
    assert await ask(middleware, bearing(b"nobody:" + b"x" * 73)) == 401
    assert await ask(basic_auth(), bearing(b"anna:" + b"x" * 5000)) == 401
    await middleware.close()


@pytest.mark.parametrize(
    "line",
    [
        b"Authorization: Basic",
        b"Authorization: Basic ",
        b"Authorization: Basic YW5uYTp0ZXN0=",
        b"Authorization: Basic YW5uYTp0ZXN0 x",
        b"Authorization: Basic YW5u YTp0ZXN0",
        b"Authorization: Basic ****",
        b"Authorization: YW5uYTp0ZXN0",
        b"Authorization: Bearer YW5uYTp0ZXN0",
        b"Proxy-Authorization: Basic YW5uYTp0ZXN0",
        b"Authorization: Basic " + b64encode(b"anna:te\0st"),
        b"Authorization: Basic " + b64encode(b"anna:test\n"),
        b"Authorization: Basic YW5uYTp0ZXN0\r\nAuthorization: Basic YW5uYTp0ZXN0",
    ],
)
async def test_what_cannot_be_read(line: bytes) -> None:
    """401, and no crash."""
    assert await ask(basic_auth(), bearing(None, line)) == 401


@pytest.mark.parametrize("scheme", [b"Basic", b"basic", b"BASIC "])
async def test_the_scheme(scheme: bytes) -> None:
    """In any case of letters (RFC 9110 §11.1)."""
    assert await ask(basic_auth(), bearing(None, b"Authorization: %b YW5uYTp0ZXN0" % scheme)) == 200


async def test_control_characters() -> None:
    """They cannot be part of a password (RFC 7617 §2): what reads them differently would see another one."""
    middleware = basic_auth(username="anna", password="te\tst")
    assert await ask(middleware, bearing(b"anna:te\tst")) == 401


async def test_umlauts() -> None:
    """UTF-8 as we ask for it, and Latin-1 as some send it; the endpoint gets the one name."""
    middleware = basic_auth(username="jörg", password="größe", header_field="X-User")
    for encoding in ("utf-8", "latin-1"):
        request = bearing("jörg:größe".encode(encoding))
        assert await ask(middleware, request) == 200
        assert request.headers.get(b"x-user") == "jörg".encode()
        assert request.facts == {"identity": "jörg"}


async def test_who_it_is() -> None:
    """The endpoint is told, never by the client; also where nobody is let in."""
    middleware = basic_auth(header_field="X-User", remove_header=True)
    request = bearing(b"anna:test", b"X-User: root", b"x_user: root", b"X: 1")
    assert await ask(middleware, request) == 200
    assert list(request.headers) == [(b"X", b"1"), (b"X-User", b"anna")]
    assert middleware.sets_fields == {b"X-User"}
    for credential in (None, b"anna:wrong", b"nonsense"):
        request = bearing(credential, b"X-User: root", b"x_user: root")
        assert await ask(middleware, request) == 401
        assert (request.headers.get(b"x-user"), request.headers.get(b"x_user"), request.facts) == (None, None, None)
    kept = bearing(b"anna:test")
    assert await ask(basic_auth(), kept) == 200
    assert b"authorization" in kept.headers


class Slow:
    """A hash of "right" whose checks wait for `go`."""

    def __init__(self, middleware: BasicAuth) -> None:
        self.go = Event()
        self.count = 0
        middleware._users = Users({"anna": Hash(self._check, 1.0)})

    def _check(self, password: bytes) -> bool:
        self.count += 1
        assert self.go.wait(5)
        return password == b"right"


async def test_slow_hashes_wait_elsewhere() -> None:
    """The loop goes on; each credential is checked once, known ones at once, and who comes too late gets 503."""
    middleware = basic_auth(max_waiting=2)
    slow = Slow(middleware)
    tasks = [spawn(ask(middleware, bearing(b"anna:right")), "ask") for _ in range(3)]
    tasks.append(spawn(ask(middleware, bearing(b"anna:wrong")), "ask"))
    await asyncio.sleep(0)
    third = middleware.request(bearing(b"anna:third"))
    assert third is not None
    with pytest.raises(ClientError) as caught:
        await third
    assert (caught.value.status, caught.value.fields) == (503, ((b"Retry-After", b"1"),))
    slow.go.set()
    assert await asyncio.gather(*tasks) == [200, 200, 200, 401]
    assert middleware.request(bearing(b"anna:right")) is None
    with pytest.raises(ClientError, match="basic-auth: a wrong password"):
        middleware.request(bearing(b"anna:wrong"))
    assert slow.count == 2
    assert await ask(middleware, bearing(b"nobody:right")) == 401
    assert slow.count == 3
    await middleware.close()


async def test_a_file_that_changes(tmp_path: Path) -> None:
    """Who is taken out of it does not pass any more, however lately he did."""
    file = tmp_path / "users"
    file.write_text(f"anna:{APR1}\nben:{OTHER}\n")
    middleware = basic_auth(tmp_path, users_file="users", users=[f"ben:{APR1}"])
    assert await ask(middleware, bearing(b"anna:test")) == 200
    assert await ask(middleware, bearing(b"ben:test")) == 200
    assert await ask(middleware, bearing(b"ben:other")) == 401
    await middleware.open()
    (watched,) = middleware.files
    assert watched is not None
    file.write_text(f"carl:{SHA}\n")
    await watched.look()
    assert [await ask(middleware, bearing(b"%b:test" % name)) for name in (b"anna", b"ben", b"carl")] == [401, 200, 200]
    file.write_text("carl:test\nanna:test\n")
    await watched.look()
    assert await ask(middleware, bearing(b"carl:test")) == 200
    await middleware.close()


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    """Missing, empty, or wrong."""
    with pytest.raises(OptionError, match="cannot read"):
        basic_auth(tmp_path, users_file="missing")
    (tmp_path / "empty").write_text("# nobody yet\n")
    with pytest.raises(OptionError, match="there is no user in it"):
        basic_auth(tmp_path, users_file="empty")
    basic_auth(tmp_path, users_file="empty", username="anna", password="a")
    (tmp_path / "wrong").write_text(f"anna:{SHA}\nben:secret\n")
    with pytest.raises(OptionError, match="line 2: a plain password"):
        basic_auth(tmp_path, users_file="wrong")


async def test_over_the_wire() -> None:
    """A slow hash once, then from memory; the log knows who it was."""
    block = f"""
    middlewares "auth" {{
      type         = "basic-auth"
      users        = ["ben:{BCRYPT}"]
      realm        = "the shop"
      header_field = "X-User"
    }}
    """
    async with stage(router='middlewares = ["auth"]', more=block) as on:
        line = b"Authorization: Basic " + b64encode(b"ben:" + b"x" * 72)
        for _ in range(2):
            seen = await on.forwarded(b"GET / HTTP/1.1\r\nHost: a\r\nX-User: root\r\n%b\r\n\r\n" % line)
            assert seen.all(b"x-user") == [b"ben"]
        await on.client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await on.client.message()
        assert answer.status == 401
        assert answer.get(b"www-authenticate") == b'Basic realm="the shop", charset="UTF-8"'
    assert [record.get("identity") for record in on.records] == ["ben", "ben", None]
    assert [record["status"] for record in on.records] == [200, 200, 401]


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("", "nobody could pass"),
        ('username = "anna"', "there is no password"),
        ('password = "verysecret"', "there is no username"),
        ('username = "an:na"\npassword = "verysecret"', "cannot be a user name"),
        ('users = ["anna:verysecret"]', "user 1: a plain password"),
        (f'users = ["anna:{SHA}", "anna:{SHA}"]', 'user 2: "anna" once more'),
        (f'username = "anna"\npassword = "verysecret"\nusers = ["anna:{SHA}"]', '"anna" once more'),
        (f'users = ["anna:{SHA}"]\nheader_field = "Host"', "cannot say who a client is"),
        (f'users = ["anna:{SHA}"]\nheader_field = "authorization"', "has the password already"),
        (f'users = ["anna:{SHA}"]\nrealm = "a\\"b"', "realm"),
        (f'users = ["anna:{SHA}"]\nkeys = []', "keys"),
        ('users = ["anna:$2b$31$1LKDX.x6scQ66Ev/c6ToyOKfypz9KHX4I83PVPpwmCz.e2mBKP7l6"]', "bcrypt with cost 31"),
    ],
)
def test_options_are_checked(option: str, complaint: str) -> None:
    """What cannot work is refused at load, and no message gives a password away."""
    with pytest.raises(ConfigError, match=re.escape(complaint)) as caught:
        load_config(config("http://o:1", more=f'middlewares "auth" {{\n type = "basic-auth"\n {option}\n}}'))
    for found in caught.value.diagnostics:
        assert "verysecret" not in f"{found.summary} {found.help}"
