"""jwt: only who brings a valid token gets through, and nobody chooses who he is."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import time
from typing import Any, get_args

import pytest

from a3sgw import Gateway, load_config
from a3sgw.errors import ClientError, ConfigError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.jwt import Algorithm, Jwt, Options
from a3sgw.options import ValidationError
from a3sgw.tasks import spawn
from a3sgw.tokens.keys import PUBLIC, KeySet
from a3sgw.tokens.keys import SECRET as SECRETS
from a3sgw.tokens.parse import Token
from a3sgw.tokens.remote import RemoteKeys
from a3sgw.tokens.source import Source
from tests.support.gateway import Stage, config, stage
from tests.support.jwks_server import JwksServer
from tests.support.live import until
from tests.support.tokens import (
    ALGORITHM,
    SECRET,
    encoded,
    forged,
    jwk,
    key_set,
    public_pem,
    signed,
    token,
)
from tests.support.wire import Message

NOT_GOOD = b'Bearer realm="a3sgw", error="invalid_token"'


def jwt(**options: Any) -> Jwt:
    """A middleware with these options, by default with the secret."""
    if not options.keys() & {"value", "public_key_file", "jwks_file", "jwks_url", "oidc_discovery_url"}:
        options["value"] = SECRET
    made = Jwt(Options.model_validate(options))
    made.attach(Context("jwt"))
    return made


def bearing(text: bytes | None, *lines: bytes) -> Request:
    """A request with this token."""
    request = Request()
    own = (b"Authorization: Bearer " + text,) if text is not None else ()
    request.headers = Headers(b"".join(line + b"\r\n" for line in (*own, *lines)))
    return request


def refusal(middleware: Jwt, request: Request) -> tuple[int, bytes, str]:
    """Status, challenge and reason; status 0 for a request that passes."""
    try:
        assert middleware.request(request) is None
    except ClientError as error:
        ((name, value),) = error.fields
        assert name == b"WWW-Authenticate"
        return error.status, value, error.reason
    return 0, b"", ""


def status(middleware: Jwt, text: bytes) -> int:
    """0 when a request with this token passes."""
    return refusal(middleware, bearing(text))[0]


# Who passes...


def test_a_good_token() -> None:
    """Passes, and says who it is."""
    request = bearing(token({"scope": "read write"}))
    assert jwt().request(request) is None
    assert request.facts is not None
    assert request.facts["identity"] == "anna"
    assert request.facts["scopes"] == ("read", "write")
    assert request.facts["claims"]["sub"] == "anna"


@pytest.mark.parametrize("kind", ALGORITHM)
def test_public_keys(kind: str, tmp_path: Path) -> None:
    """From a file, whatever the token calls its key."""
    (tmp_path / "key.pem").write_bytes(public_pem(kind))
    middleware = jwt(public_key_file=str(tmp_path / "key.pem"))
    assert status(middleware, token(key=kind)) == 0
    assert status(middleware, token(key=kind, kid="whatever")) == 0
    assert status(middleware, token(key=f"{kind} 2")) == 401


@pytest.mark.parametrize(
    ("algorithms", "algorithm", "expected"),
    [
        ([], "HS256", 0),
        ([], "HS384", 401),
        ([], "HS512", 401),
        (["HS512"], "HS512", 0),
        (["HS512"], "HS256", 401),
        (["HS256", "HS384"], "HS384", 0),
    ],
)
def test_algorithms(algorithms: list[str], algorithm: str, expected: int) -> None:
    """HS256 for a secret, or those that are named."""
    assert status(jwt(algorithms=algorithms), token(algorithm=algorithm)) == expected


@pytest.mark.parametrize("identity", ["sub", "user.email", "none"])
def test_identity(identity: str) -> None:
    """Of the claim that is named for it; empty when there is none."""
    request = bearing(token({"user": {"email": "a@x"}}))
    jwt(identity_claim=identity).request(request)
    assert request.facts is not None
    assert request.facts["identity"] == {"sub": "anna", "user.email": "a@x", "none": ""}[identity]


# Who does not...


def attacks() -> dict[str, bytes]:
    """Every published one that needs no more than a token, against a gateway that has an RSA key with the name k1."""
    pem, root = public_pem("RSA").decode(), {"sub": "root", "exp": int(time()) + 600}
    good = token(key="RSA", kid="k1")
    head, payload, signature = good.split(b".")
    rs256 = {"alg": "RS256", "kid": "k1", "typ": "JWT"}
    found = {f"alg {alg!r}": forged({"alg": alg}, root) for alg in ("none", "None", "NONE", "nOnE", "", "none\0")}
    found |= {f"{name} unsigned": text.rsplit(b".", 1)[0] + b"." for name, text in found.items()}
    found |= {
        "confusion": signed({"alg": "HS256", "kid": "k1"}, root, pem),
        "confusion, stripped": signed({"alg": "HS256", "kid": "k1"}, root, pem.strip()),
        "confusion, jwk": signed({"alg": "HS256", "kid": "k1"}, root, json.dumps(jwk("RSA", "k1"))),
        "confusion, said otherwise": signed({"alg": "HS256"}, root, pem).replace(
            encoded({"alg": "HS256"}), encoded({"alg": "RS256"})
        ),
        "blank secret": signed({"alg": "HS256"}, root, " "),
        "no signature": head + b"." + payload + b".",
        "no signature, no dot": head + b"." + payload,
        "another payload": head + b"." + encoded(root) + b"." + signature,
        "another header": encoded({**rs256, "x": 1}) + b"." + payload + b"." + signature,
        "null signature": forged({"alg": "ES256", "kid": "k1"}, root, bytes(64)),
        "null signature, rsa": forged(rs256, root, bytes(256)),
        "embedded key": signed({**rs256, "jwk": jwk("RSA 2")}, root, "RSA 2"),
        "embedded key, no name": signed({"alg": "RS256", "jwk": jwk("RSA 2")}, root, "RSA 2"),
        "jku": signed({**rs256, "jku": "http://127.0.0.1:1/jwks"}, root, "RSA 2"),
        "x5u": signed({**rs256, "x5u": "http://127.0.0.1:1/cert"}, root, "RSA 2"),
        "x5c": signed({**rs256, "x5c": ["MIIB"]}, root, "RSA 2"),
        "file as name": signed({"alg": "HS256", "kid": "../../dev/null"}, root, "\0"),
        "query as name": signed({"alg": "HS256", "kid": "x' UNION SELECT 'k"}, root, "k"),
        "command as name": signed({**rs256, "kid": "k1|id"}, root, "RSA 2"),
        "list of algorithms": forged({"alg": ["none", "RS256"]}, root),
        "critical": signed({**rs256, "crit": ["x"], "x": 1}, root, "RSA"),
        "unencoded": signed({**rs256, "crit": ["b64"], "b64": False}, root, "RSA"),
        "nested": signed({**rs256, "cty": "JWT"}, good, "RSA"),
        "twice": signed(b'{"alg":"RS256","kid":"k1","alg":"none"}', root, "RSA"),
        "claims twice": signed(rs256, b'{"exp":99999999999,"sub":"anna","sub":"root"}', "RSA"),
        "expiry twice": signed(rs256, b'{"exp":1,"exp":99999999999}', "RSA"),
        "header is a list": signed(b'["RS256"]', root, "RSA"),
        "claims are a list": signed(rs256, b'[{"sub":"root"}]', "RSA"),
        "padded": good + b"=",
        "spaces": head + b". " + payload + b"." + signature,
        "encrypted": good + b".AAAA.AAAA",
        "in quotes": b'"' + good + b'"',
        "two": good + b"," + good,
    }
    return found


@pytest.mark.parametrize("source", ["public_key_file", "jwks_file", "value"])
def test_attacks(source: str, tmp_path: Path) -> None:
    """All are refused with the same words, and the good token beside them passes."""
    content = {"public_key_file": public_pem("RSA"), "jwks_file": key_set(jwk("RSA", "k1")), "value": b""}[source]
    (tmp_path / "keys").write_bytes(content)
    middleware = jwt(**{source: SECRET if source == "value" else str(tmp_path / "keys")})
    assert status(middleware, token(kid="k1", key=SECRET if source == "value" else "RSA")) == 0
    found = attacks()
    assert len(found) >= 40
    passed = {name for name, text in found.items() if refusal(middleware, bearing(text))[:2] != (401, NOT_GOOD)}
    assert not passed


@pytest.mark.parametrize(
    "claims", [{"exp": 1}, {"exp": None}, {"nbf": 99999999999}, {"iat": 99999999999}, {"exp": "99999999999"}]
)
def test_time(claims: dict[str, Any]) -> None:
    """Neither too late nor too early, and not for ever."""
    assert refusal(jwt(), bearing(signed({"alg": "HS256"}, {"exp": 99999999999, **claims})))[:2] == (401, NOT_GOOD)


def test_time_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is remembered expires like every other, a leeway later."""
    middleware = jwt(leeway="10s")
    now = time()
    text = token({"exp": int(now) + 5})
    for later, expected in ((0, 0), (14, 0), (15.1, 401), (100, 401)):
        monkeypatch.setattr(middleware, "clock", partial(float, now + later))
        assert status(middleware, text) == expected


@pytest.mark.parametrize(
    ("options", "claims", "expected"),
    [
        ({"issuer": "https://a"}, {"iss": "https://a"}, 0),
        ({"issuer": "https://a"}, {"iss": "https://b"}, 401),
        ({"issuer": ["https://a", "https://b"]}, {"iss": "https://b"}, 0),
        ({"issuer": "https://a"}, {}, 401),
        ({"audience": "api"}, {"aud": "api"}, 0),
        ({"audience": ["api", "web"]}, {"aud": ["x", "web"]}, 0),
        ({"audience": "api"}, {"aud": ["x"]}, 401),
        ({"required_claims": ["tenant.id"]}, {"tenant": {"id": 1}}, 0),
        ({"required_claims": ["tenant.id"]}, {"tenant": {}}, 401),
        ({"permissions": ["p"], "permissions_claim": "grants.api"}, {"grants": {"api": ["p"]}}, 0),
        ({"permissions": ["p"], "permissions_claim": "grants.api"}, {"permissions": ["p"]}, 403),
        ({"roles": ["r"], "roles_claim": "groups"}, {"groups": ["q", "r"]}, 0),
        ({"require_expiry": False}, {"exp": None}, 0),
        ({"token_types": ["at+jwt"]}, {}, 401),
        ({"token_types": ["JWT"]}, {}, 0),
        ({"max_token_bytes": 100}, {}, 401),
    ],
)
def test_demands(options: dict[str, Any], claims: dict[str, Any], expected: int) -> None:
    """Each option does what it says."""
    assert status(jwt(**options), token(claims)) == expected


def test_no_token() -> None:
    """Says what is needed, and no error: nobody has made one (RFC 6750 §3.1)."""
    for request in (bearing(None), bearing(None, b"Authorization: Basic YTpi")):
        assert refusal(jwt(realm="staff"), request) == (401, b'Bearer realm="staff"', "no token")


def test_several_tokens() -> None:
    """None of them can be believed."""
    good = token()
    assert refusal(jwt(), bearing(good, b"Authorization: Bearer " + good))[:2] == (401, NOT_GOOD)
    request = bearing(good, b"Cookie: t=" + token({"sub": "root"}))
    assert refusal(jwt(cookie="t"), request)[:2] == (401, NOT_GOOD)


@pytest.mark.parametrize(
    ("options", "scope"),
    [
        ({"scopes": ["read", "write"]}, b', scope="read write"'),
        ({"roles": ["admin"]}, b""),
        ({"permissions": ["p"]}, b""),
        ({"roles": ["admin"], "roles_claim": "realm_access.roles"}, b""),
        ({"scopes": ["read"], "scope_claims": "scp"}, b', scope="read"'),
    ],
)
def test_missing_rights(options: dict[str, Any], scope: bytes) -> None:
    """403 with what is needed, also for a token that is remembered; it is known who it was."""
    middleware = jwt(**options)
    for _ in range(2):
        request = bearing(token({"scope": "read", "roles": ["user"]}))
        challenge = b'Bearer realm="a3sgw", error="insufficient_scope"' + scope
        assert refusal(middleware, request)[:2] == (403, challenge)
        assert request.facts is not None
        assert request.facts["identity"] == "anna"
    claims = {
        "scope": "write read",
        "scp": ["read"],
        "roles": "user admin",
        "permissions": ["p"],
        "realm_access": {"roles": ["admin"]},
    }
    assert status(middleware, token(claims)) == 0


def test_reasons_say_nothing_of_the_token() -> None:
    """They go to the log."""
    secret = token().split(b".")[1].decode()
    for text in (token({"exp": 1}), token(key=SECRET[::-1]), token() + b"!", token({"exp": None})):
        reason = refusal(jwt(), bearing(text))[2]
        assert reason.startswith("token refused: ")
        assert secret[:10] not in reason


# What is remembered...


class Counting(KeySet):
    """How often keys are asked."""

    def __init__(self, keys: KeySet) -> None:
        super().__init__()
        self.real = keys
        self.asked = 0

    def verifies(self, token: Token) -> bool | None:
        self.asked += 1
        return self.real.verifies(token)


@pytest.mark.parametrize(("size", "expected"), [(4096, 2), (2, 2), (1, 5), (0, 5)])
def test_remembering(size: int, expected: int) -> None:
    """A signature is checked once, for so many tokens; a bad one every time."""
    middleware = jwt(cache_size=size)
    keys = Counting(middleware._source.keys)
    middleware._source = Source(keys)
    good, other, bad = token(), token({"sub": "otto"}), token(key=SECRET[::-1])
    assert [status(middleware, text) for text in (good, other, good, other, good)] == [0] * 5
    assert keys.asked == expected
    assert [status(middleware, bad) for _ in range(2)] == [401] * 2
    assert keys.asked == expected + 2


async def test_new_keys_forget_old_tokens(tmp_path: Path) -> None:
    """A key that is taken out of the file signs nothing any more, and a new one does."""
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(jwk("RSA", "1")))
    middleware = jwt(jwks_file=str(path))
    old, new = token(key="RSA", kid="1"), token(key="RSA 2", kid="2")
    await middleware.open()
    assert [status(middleware, text) for text in (old, new)] == [0, 401]
    path.write_bytes(key_set(jwk("RSA 2", "2"), jwk("RSA 3", "3")))
    await until(lambda: status(middleware, new) == 0, "read again")
    assert status(middleware, old) == 401
    await middleware.close()


# What the endpoint sees...

FORWARD = 'forward_claims = { "X-User-Id" = "sub", "X-Tenant" = "tenant.id", "X-None" = "none" }'


def block(options: str = "", name: str = "auth") -> str:
    """A middleware with a secret, unless another source of keys is among the options."""
    source = "" if re.search("_url|_file", options) else f'value = "{SECRET}"'
    return f'middlewares "{name}" {{\n type = "jwt"\n {source}\n {options}\n}}'


@asynccontextmanager
async def guarded(options: str = "", entrypoint: str = "", more: str = "") -> AsyncIterator[Stage]:
    """A stage whose router wants tokens."""
    router = 'middlewares = ["auth"]'
    async with stage(router=router, more=f"{block(options)}\n{more}", entrypoint=entrypoint) as on:
        yield on


def get(text: bytes | None, *lines: bytes, target: bytes = b"/p") -> bytes:
    """A request with this token."""
    own = (b"Authorization: Bearer " + text,) if text is not None else ()
    return b"\r\n".join((b"GET " + target + b" HTTP/1.1", b"Host: a.example", *own, *lines, b"", b""))


async def test_forwarded_claims() -> None:
    """The endpoint learns who it is; a claim that is not there leaves its field out."""
    async with guarded(FORWARD) as on:
        for _ in range(2):
            seen = await on.forwarded(get(token({"tenant": {"id": 7}})))
            assert (seen.get(b"x-user-id"), seen.get(b"x-tenant"), seen.get(b"x-none")) == (b"anna", b"7", None)
            assert seen.get(b"authorization") is not None
    assert on.records[0]["status"] == 200


@pytest.mark.parametrize("line", [b"X-User-Id: root", b"x-user-id: root", b"X_User_Id: root", b"x-NONE: root"])
@pytest.mark.parametrize("underscores", ["delete", "keep"])
@pytest.mark.parametrize("mode", ["enforce", "observe"])
async def test_nobody_can_choose_an_identity(line: bytes, underscores: str, mode: str) -> None:
    """T-6: the client's own copies are removed in every spelling, even where nobody is refused."""
    entrypoint = f'underscore_headers = "{underscores}"'
    async with guarded(f'{FORWARD}\nmode = "{mode}"', entrypoint=entrypoint) as on:
        for text in (token(), None, b"bad") if mode == "observe" else (token(),):
            seen = await on.forwarded(get(text, line))
            assert b"root" not in [value for _, value in seen.fields]
            assert seen.get(b"x-user-id") == (b"anna" if text and text != b"bad" else None)


@pytest.mark.parametrize("strip", [True, False])
async def test_stripping(strip: bool) -> None:
    """The token goes, and nothing else; logs never show one that was in the query."""
    text = token()
    option = f'query = "t"\ncookie = "t"\nstrip_token = {str(strip).lower()}'
    async with guarded(option) as on:
        seen = await on.forwarded(get(text, b"Cookie: a=1; t=" + text, target=b"/p?a=%20&t=" + text + b"&b"))
        assert (text in seen.target, text in b"".join(value for _, value in seen.fields)) == (not strip, not strip)
        assert seen.target.replace(b"&t=" + text, b"") == b"/p?a=%20&b"
        assert (seen.get(b"cookie") or b"").startswith(b"a=1")
        await on.client.send(get(None, target=b"/q?t=" + token({"exp": 1})))
        assert (await on.client.message()).status == 401
    assert [one["path"] for one in on.records] == ["/p?a=%20&t=REDACTED&b", "/q?t=REDACTED"]


async def test_on_the_wire() -> None:
    """401 and 403 as RFC 6750 has them, without a word about why; that is for the log."""
    async with guarded('scopes = ["read"]') as on:
        answers: list[Message] = []
        for text in (None, token({"exp": 1, "iss": "hidden"}), token({"scope": "write"})):
            await on.client.send(get(text))
            answers.append(await on.client.message())
        assert [one.status for one in answers] == [401, 401, 403]
        assert [one.get(b"www-authenticate") for one in answers] == [
            b'Bearer realm="a3sgw"',
            NOT_GOOD,
            b'Bearer realm="a3sgw", error="insufficient_scope", scope="read"',
        ]
        assert not [one for one in answers if b"expired" in one.body or b"scope" in one.body]
        assert on.origin.wires == []
    errors = [one["error"] for one in on.records]
    assert errors == [
        "ClientError: no token",
        "ClientError: token refused: expired",
        "ClientError: the token lacks scopes",
    ]


async def test_observing() -> None:
    """Nobody is refused; who would have been passes without an identity, or with the one that was found."""
    async with guarded(f'{FORWARD}\nscopes = ["read"]\nmode = "observe"') as on:
        assert (await on.forwarded(get(None))).get(b"x-user-id") is None
        assert (await on.forwarded(get(token({"exp": 1})))).get(b"x-user-id") is None
        assert (await on.forwarded(get(token()))).get(b"x-user-id") == b"anna"
        assert (await on.forwarded(get(token({"scope": "read"})))).get(b"x-user-id") == b"anna"
    assert [one["status"] for one in on.records] == [200] * 4


# Keys that somebody else publishes...


def published(server: JwksServer, more: str = "") -> str:
    """Options for keys from this server."""
    return f'jwks_url = "{server.jwks_uri}"\njwks_min_interval = "100ms"\n{more}'


async def ask(on: Stage, text: bytes | None, target: bytes = b"/p") -> int:
    """The status of the answer, on a connection of its own."""
    return (await on.running.ask(get(text, target=target))).status


async def test_rotation() -> None:
    """While keys come and go, a hundred requests pass with one fetch more for each change."""
    async with JwksServer(jwk("RSA", "1")) as server, guarded(published(server)) as on:
        on.origin.always()
        assert await ask(on, token(key="RSA", kid="1")) == 200
        assert server.fetches == 1
        for number in ("2", "3"):
            server.publish(jwk("RSA", "1"), jwk(f"RSA {number}", number))
            new, old = token(key=f"RSA {number}", kid=number), token(key="RSA", kid="1")
            answers = await asyncio.gather(*(ask(on, text) for text in [new, old] * 50))
            assert answers == [200] * 100
            assert server.fetches == int(number)
        assert await ask(on, token(key="RSA 2", kid="2")) == 401, "a key that is gone is gone, cache or not"


async def test_keys_are_fetched_now_and_then() -> None:
    """Also when nobody brings an unknown one: a key that is no longer published is not good for ever."""
    options = 'jwks_refresh_interval = "1s"'
    async with JwksServer(jwk("RSA", "1")) as server, guarded(published(server, options)) as on:
        on.origin.always()
        old = token(key="RSA", kid="1")
        assert await ask(on, old) == 200
        server.publish(jwk("RSA 2", "2"))

        async def refused() -> bool:
            return await ask(on, old) == 401

        fetched = server.fetches
        await until(lambda: server.fetches > fetched, "keys are fetched again")
        await until(refused, "the old key is gone")


async def test_an_outage() -> None:
    """Known keys go on; about an unknown one nobody can be asked: 503, and when to come back."""
    async with JwksServer(jwk("RSA", "1")) as server, guarded(published(server)) as on:
        on.origin.always()
        server.status = 500
        assert await ask(on, token(key="RSA 2", kid="2")) == 503
        assert await ask(on, token({"sub": "otto"}, key="RSA", kid="1")) == 200
        assert await ask(on, token(key="RSA 2", kid="1")) == 401
        answer = await on.running.ask(get(token(key="RSA 2", kid="2")))
        assert (answer.status, answer.get(b"retry-after")) == (503, b"1")
        server.status = 200
        server.publish(jwk("RSA 2", "2"))

        async def recovered() -> bool:
            return await ask(on, token(key="RSA 2", kid="2")) == 200

        await until(recovered, "all is well again")
        assert await ask(on, token({"sub": "otto"}, key="RSA", kid="1")) == 401


async def test_a_server_that_is_not_there() -> None:
    """The configuration loads; who has a token is told to come back, who has none that one is needed."""
    async with JwksServer() as server:
        await server.stop()
        async with guarded(published(server)) as on:
            on.origin.always()
            assert await ask(on, token(key="RSA", kid="1")) == 503
            assert await ask(on, None) == 401
            assert await ask(on, b"bad") == 401
            assert await ask(on, signed({"alg": "none"}, {})) == 401


async def test_a_slow_server_stalls_nobody_else() -> None:
    """Who waits for keys waits alone: tokens with known keys and other routes do not."""
    other = """
    routers "open" {
      rule     = "PathPrefix(`/open`)"
      service  = "origin"
    }
    """
    async with JwksServer(jwk("RSA", "1")) as server, guarded(published(server), more=other) as on:
        on.origin.always()
        server.wait.clear()
        waiting = [spawn(ask(on, token(key="RSA 2", kid="2")), "client") for _ in range(10)]
        await until(lambda: server.fetches == 2, "they wait for keys")
        assert await asyncio.gather(*(ask(on, None, b"/open") for _ in range(20))) == [200] * 20
        known = [token({"sub": f"u{number}"}, "RSA", kid="1") for number in range(20)]
        assert await asyncio.gather(*(ask(on, text) for text in known)) == [200] * 20
        assert not [one for one in waiting if one.done()]
        server.publish(jwk("RSA 2", "2"))
        server.wait.set()
        assert await asyncio.gather(*waiting) == [200] * 10
        assert server.fetches == 2


async def test_names_nobody_has() -> None:
    """Inventing names of keys makes for one fetch per interval, and stops no one with a real one."""
    async with JwksServer(jwk("RSA", "1")) as server, guarded(published(server)) as on:
        on.origin.always()
        good = token(key="RSA", kid="1")
        invented = [token(key="RSA 2", kid=f"x{number}") for number in range(100)]
        start = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(ask(on, text) for one in invented for text in (one, good)))
        assert answers == [401, 200] * 100
        assert server.fetches <= 2 + (asyncio.get_running_loop().time() - start) / 0.1


class Absent(RemoteKeys):
    """Has just shown that a name is not published."""

    def is_absent(self, kid: str | None) -> bool:
        return True


async def nothing() -> KeySet:
    """Never asked."""
    raise AssertionError


def test_a_name_that_is_known_not_to_exist() -> None:
    """Is refused at once: no task, no fetch."""
    middleware = jwt()
    middleware._source.remote = Absent(nothing, every=1, interval=1, timeout=1)
    middleware._algorithms = ("RS256",)
    assert refusal(middleware, bearing(token(key="RSA", kid="x")))[:2] == (401, NOT_GOOD)


def test_identities_go_first() -> None:
    """Whatever is wrong with a request, it goes on without them where it does."""
    middleware = jwt(forward_claims={"X-User-Id": "sub"})
    for lines in ((), (b"Authorization: a", b"Authorization: b"), (b"Authorization: Bearer bad",)):
        request = bearing(None, b"X-User-Id: root", b"x_user_id: root", *lines)
        assert refusal(middleware, request)[0] == 401
        assert b"root" not in request.headers.encode()


async def test_discovery() -> None:
    """The provider says where its keys are; tokens have to be from it."""
    async with JwksServer(jwk("RSA", "1")) as server, guarded(f'oidc_discovery_url = "{server.url}"') as on:
        on.origin.always()
        assert await ask(on, token({"iss": server.url}, "RSA", kid="1")) == 200
        assert await ask(on, token({"iss": "https://other"}, "RSA", kid="1")) == 401
        assert await ask(on, token(None, "RSA", kid="1")) == 401


async def test_a_reload_keeps_the_keys() -> None:
    """A change elsewhere is no reason to fetch again."""
    async with JwksServer(jwk("RSA", "1")) as server, guarded(published(server)) as on:
        on.origin.always()
        again = config(on.origin.url, router='middlewares = ["auth"]\npriority = 7', more=block(published(server)))
        assert await on.running.gateway.reload(load_config(again))
        assert await ask(on, token(key="RSA", kid="1")) == 200
        assert server.fetches == 1


# Options...


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "no key to check tokens with"),
        ({"value": ""}, "value is blank"),
        ({"value": " \n"}, "value is blank"),
        ({"jwks_url": ""}, "jwks_url is blank"),
        ({"value": SECRET, "jwks_url": "https://a/jwks"}, "value and jwks_url at once"),
        ({"public_key_file": "a", "jwks_file": "b"}, "public_key_file and jwks_file at once"),
        ({"jwks_url": "http://a/jwks"}, "exchanged"),
        ({"oidc_discovery_url": "a"}, "no address"),
        ({"value": SECRET, "algorithms": ["RS256"]}, "RS256 does not go with value"),
        ({"public_key_file": "a", "algorithms": ["RS256", "HS256"]}, "HS256 does not go with public_key_file"),
        ({"jwks_url": "https://a/", "algorithms": ["HS512"]}, "HS512 does not go with jwks_url"),
        ({"value": SECRET, "algorithms": ["none"]}, "algorithms"),
        ({"value": SECRET, "algorithms": ["hs256"]}, "algorithms"),
        ({"value": SECRET, "header": ""}, "nowhere"),
        ({"value": SECRET, "header": "X Y"}, "one word"),
        ({"value": SECRET, "scheme": "Bearer "}, "one word"),
        ({"value": SECRET, "issuer": ""}, "issuer"),
        ({"value": SECRET, "audience": ["a", ""]}, "audience"),
        ({"value": SECRET, "leeway": "1h"}, "leeway"),
        ({"value": SECRET, "scopes": ["a b"]}, "not a scope"),
        ({"value": SECRET, "scopes": ['a"']}, "not a scope"),
        ({"value": SECRET, "realm": 'a"'}, "realm"),
        ({"value": SECRET, "forward_claims": {"Host": "sub"}}, "cannot say who"),
        ({"value": SECRET, "forward_claims": {"Content-Length": "sub"}}, "cannot say who"),
        ({"value": SECRET, "forward_claims": {"X: Y": "sub"}}, "cannot say who"),
        ({"value": SECRET, "forward_claims": {"authorization": "sub"}}, "has the token already"),
        ({"value": SECRET, "cache_size": -1}, "cache_size"),
        ({"value": SECRET, "mode": "off"}, "mode"),
        ({"value": SECRET, "keys": ["x"]}, "keys"),
    ],
)
def test_options_are_checked(options: dict[str, Any], complaint: str) -> None:
    """What cannot work, or only seems to be safe, is refused at load."""
    with pytest.raises(ValidationError, match=re.escape(complaint)):
        Options.model_validate(options)


def test_all_algorithms_can_be_named() -> None:
    """Those that there are, and no others."""
    assert get_args(Algorithm) == (*SECRETS, *PUBLIC)


def test_one_source_is_enough() -> None:
    """Blank ones beside it do not count: they come from variables that are not set."""
    options = Options.model_validate({"value": "", "jwks_url": "http://a/jwks", "jwks_insecure": True})
    assert options.source == "jwks_url"
    assert Options.model_validate({"value": SECRET, "issuer": "a"}).issuer == ("a",)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('public_key_file = "none.pem"', "cannot read"),
        ('public_key_file = "secret"', "no PEM block"),
        ('jwks_file = "secret"', "this is not JSON"),
        ('jwks_url = "https://a/"\n jwks_ca_file = "secret"', "cannot use"),
        (f"value = {json.dumps(public_pem('RSA').decode())}", "no secret"),
    ],
    ids=lambda value: value.split(" ", 1)[0],
)
async def test_what_files_say_is_checked(tmp_path: Path, line: str, complaint: str) -> None:
    """At load, with the place of the option; secrets do not show."""
    (tmp_path / "secret").write_text("hidden")
    path = tmp_path / "gateway.hcl"
    path.write_text(config("http://127.0.0.1:1", more=f'middlewares "auth" {{\n type = "jwt"\n {line}\n}}'))
    with pytest.raises(ConfigError, match=complaint) as caught:
        await Gateway(path).start()
    (found,) = caught.value.diagnostics
    assert found.place is not None
    assert path.read_text().splitlines()[found.place.line - 1].split()[0] == line.split("\n")[-1].split()[0]
    assert "hidden" not in str(found)


@pytest.mark.parametrize(("length", "warned"), [(31, 1), (32, 0)])
async def test_short_secrets(length: int, warned: int, caplog: pytest.LogCaptureFixture) -> None:
    """They work, as they always have, with a warning that does not show them."""
    middleware = jwt(value=SECRET[:length])
    await middleware.open()
    await middleware.close()
    assert [one.levelno for one in caplog.records] == [logging.WARNING] * warned
    assert SECRET[:length] not in caplog.text
    assert SECRET[:length] not in repr(middleware)


async def test_other_keys_are_no_short_secrets(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is said of them."""
    (tmp_path / "key.pem").write_bytes(public_pem("RSA"))
    middleware = jwt(public_key_file=str(tmp_path / "key.pem"))
    await middleware.open()
    await middleware.close()
    assert not caplog.records


async def test_keys_outlive_a_reload_that_changes_options() -> None:
    """During an outage of the key server, a gateway with a new option goes on with the keys it has; not with those that
    it would choose otherwise now."""
    async with JwksServer(jwk("RSA", "one")) as server:
        before = jwt(jwks_url=server.jwks_uri)
        await before.open()
        url = server.jwks_uri
    text = token(key="RSA", kid="one")
    assert status(before, text) == 0
    for options, kept in (({"leeway": 1}, True), ({"issuer": "https://another.example"}, False)):
        after = jwt(jwks_url=url, jwks_timeout=0.1, jwks_min_interval=0.1, **options)
        after.succeed(before)
        assert bool(after._source.keys) is kept
        await after.open()
        if kept:
            assert status(after, text) == 0
        await after.close()
    await before.close()
