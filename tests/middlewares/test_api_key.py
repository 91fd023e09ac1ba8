"""api-key: only who brings a key gets through, and nobody chooses who he is."""

from __future__ import annotations

import logging
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from a3sgw import load_config
from a3sgw.errors import ClientError, ConfigError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
from a3sgw.middlewares.api_key import ApiKey, Options
from a3sgw.middlewares.base import Context
from a3sgw.options import OptionError
from tests.support.gateway import config, stage

HASH = sha256(b"hashed").hexdigest()
ANNA = {"key": "of-anna", "identity": "anna", "scopes": ["read"], "metadata": {"plan": "gold"}}


def api_key(directory: Path = Path(), **options: Any) -> ApiKey:
    """A middleware with these options, by default with one key."""
    if not options.keys() & {"keys", "clients", "keys_file"}:
        options["keys"] = ["secret"]
    made = ApiKey(Options.model_validate(options))
    made.attach(Context("key", directory))
    return made


def bearing(*lines: bytes, query: bytes = b"") -> Request:
    """A request with these field lines and this query."""
    request = Request()
    request.headers = Headers(b"".join(line + b"\r\n" for line in lines))
    request.query = query
    request.raw_target = request.target = b"/?" + query if query else b"/"
    return request


def refused(middleware: ApiKey, request: Request) -> ClientError:
    """The refusal of this request."""
    with pytest.raises(ClientError) as caught:
        middleware.request(request)
    return caught.value


def test_plain_keys() -> None:
    """As configurations always had them: in X-API-Key, or another header."""
    api_key(keys=["one", f"sha256:{HASH}"]).request(bearing(b"x-api-key: hashed"))
    api_key(keys=["one", "two"], header="X-Key").request(bearing(b"X-Key: two"))
    for line in (b"X-API-Key: three", b"X-API-Key:", b"X: one", b"X-API-Key: sha256:" + HASH.encode()):
        error = refused(api_key(keys=["one", f"sha256:{HASH}"]), bearing(line))
        assert (error.status, error.fields) == (401, ((b"WWW-Authenticate", b'ApiKey realm="a3sgw"'),))
        assert b"three" not in error.reason.encode()


def test_other_places() -> None:
    """Behind a scheme, in the query, in a cookie; only there."""
    bearer = api_key(header="Authorization", scheme="Bearer", realm="the shop")
    bearer.request(bearing(b"Authorization: bearer secret"))
    error = refused(bearer, bearing(b"Authorization: secret"))
    assert error.fields == ((b"WWW-Authenticate", b'Bearer realm="the shop"'),)
    everywhere = api_key(query="key", cookie="key")
    everywhere.request(bearing(query=b"a=1&key=secret"))
    everywhere.request(bearing(b"Cookie: a=1; key=secret"))
    everywhere.request(bearing(b"X-API-Key: secret", b"Cookie: key=secret"))
    assert refused(api_key(), bearing(b"Cookie: X-API-Key=secret", query=b"X-API-Key=secret")).status == 401
    assert refused(api_key(header="", query="key"), bearing(b"X-API-Key: secret")).reason == "api-key: no key"


@pytest.mark.parametrize(
    "lines",
    [
        (b"X-API-Key: secret", b"X-API-Key: secret"),
        (b"X-API-Key: secret", b"x_api_key: secret"),
        (b"X-API-Key: secret", b"Cookie: key=other"),
        (b"Cookie: key=secret; key=other",),
    ],
)
def test_several_keys(lines: tuple[bytes, ...]) -> None:
    """The endpoint might look at another one."""
    assert "several" in refused(api_key(cookie="key"), bearing(*lines)).reason


def test_who_it_is() -> None:
    """Facts for later middlewares, fields for the endpoint, and none that the client has chosen."""
    fields = {"X-User": "identity", "X-Scopes": "scopes", "X-Plan": "plan", "X-Team": "team"}
    middleware = api_key(clients=[ANNA, {"key": "other"}], forward_headers=fields)
    own = (b"X-User: root", b"x_scopes: all", b"X-Team: admins", b"X-PLAN: free")
    request = bearing(b"X-API-Key: of-anna", *own, b"X-Other: 1")
    middleware.request(request)
    assert list(request.headers) == [
        (b"X-API-Key", b"of-anna"),
        (b"X-Other", b"1"),
        (b"X-User", b"anna"),
        (b"X-Scopes", b"read"),
        (b"X-Plan", b"gold"),
    ]
    assert request.facts == {"identity": "anna", "scopes": ("read",), "api_key": {"plan": "gold"}}
    unnamed = bearing(b"X-API-Key: other", *own)
    middleware.request(unnamed)
    assert list(unnamed.headers) == [(b"X-API-Key", b"other")]
    assert middleware.sets_fields == {b"X-User", b"X-Scopes", b"X-Plan", b"X-Team"}


def test_a_refused_request_has_no_identity() -> None:
    """Not even where refusals are only observed."""
    middleware = api_key(forward_headers={"X-User": "identity"}, cookie="c")
    for lines in ((), (b"X-API-Key: wrong",), (b"X-API-Key: a", b"X-API-Key: b")):
        request = bearing(b"X-User: root", b"X_User: root", *lines)
        refused(middleware, request)
        assert not request.facts
        assert not [value for _, value in request.headers if value == b"root"]


def test_scopes() -> None:
    """All that are demanded, or 403."""
    middleware = api_key(clients=[ANNA, {"key": "both", "scopes": ["write", "read"]}], keys=["bare"], scopes=["read"])
    middleware.request(bearing(b"X-API-Key: of-anna"))
    middleware.request(bearing(b"X-API-Key: both"))
    assert (error := refused(middleware, bearing(b"X-API-Key: bare"))).status == 403
    assert not error.fields
    both = api_key(clients=[ANNA], scopes=["read", "write"])
    assert refused(both, bearing(b"X-API-Key: of-anna")).status == 403


def test_expiry() -> None:
    """Looked at with each request; the log still says whose key it was."""
    middleware = api_key(clients=[{**ANNA, "expires": "1970-01-02"}])
    middleware.clock = lambda: 86399.9
    middleware.request(bearing(b"X-API-Key: of-anna"))
    middleware.clock = lambda: 86400.0
    request = bearing(b"X-API-Key: of-anna")
    assert refused(middleware, request).reason == "api-key: the key has expired"
    assert request.facts == {"identity": "anna"}


def test_stripping() -> None:
    """If asked, endpoints do not see the key; logs never do."""
    for strip in (False, True):
        middleware = api_key(query="key", cookie="key", strip_key=strip)
        request = bearing(b"X-API-Key: secret", b"Cookie: a=1; key=secret", query=b"a=1&key=secret")
        middleware.request(request)
        seen = request.headers.encode() + request.target
        assert (b"secret" in seen) is not strip
        assert request.shown_target == b"/?a=1&key=REDACTED"
        assert middleware.conceals == (b"key",)


async def test_over_the_wire() -> None:
    """Repeated blocks; the log knows who it was, and shows no key."""
    block = """
    middlewares "key" {
      type            = "api-key"
      query           = "key"
      strip_key       = true
      forward_headers = { "X-User" = "identity", "X-Forwarded-Host" = "host" }
      clients {
        key      = "of-anna"
        identity = "anna"
        metadata = { host = "shop.example" }
      }
      clients {
        key      = "of-ben"
        identity = "ben"
      }
    }
    """
    async with stage(router='middlewares = ["key"]', more=block) as on:
        seen = await on.forwarded(b"GET /a?key=of-anna&b=1 HTTP/1.1\r\nHost: a\r\nX-User: root\r\n\r\n")
        assert (seen.target, seen.all(b"x-user")) == (b"/a?b=1", [b"anna"])
        assert seen.all(b"x-forwarded-host") == [b"shop.example"]
        await on.client.send(b"GET /a?key=of-carl HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await on.client.message()
        assert (answer.status, answer.get(b"www-authenticate")) == (401, b'ApiKey realm="a3sgw"')
    assert [record["path"] for record in on.records] == ["/a?key=REDACTED&b=1", "/a?key=REDACTED"]
    assert [record.get("identity") for record in on.records] == ["anna", None]
    assert "of-" not in str(on.records)


async def test_observed() -> None:
    """Who would be refused passes, but not with an identity of his own making."""
    block = """
    middlewares "key" {
      type            = "api-key"
      mode            = "observe"
      keys            = ["secret"]
      forward_headers = { "X-User" = "identity" }
    }
    """
    async with stage(router='middlewares = ["key"]', more=block) as on:
        seen = await on.forwarded(b"GET / HTTP/1.1\r\nHost: a\r\nX-User: root\r\nX-API-Key: wrong\r\n\r\n")
        assert (seen.get(b"x-user"), seen.get(b"x-api-key")) == (None, b"wrong")
    assert on.records[0]["would_block"] == "key: api-key: an unknown key"


async def test_a_file_that_changes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """New keys count, old ones do not; a broken file changes nothing and gives no key away."""
    file = tmp_path / "keys.txt"
    file.write_text(f"# keys\nfirst identity=anna\nsha256:{HASH} identity=ben\n")
    counted: list[str] = []
    middleware = ApiKey(Options.model_validate({"keys_file": "keys.txt", "keys": ["inline"]}))
    middleware.attach(Context("key", tmp_path, count=counted.append))
    for key in (b"first", b"hashed", b"inline"):
        middleware.request(bearing(b"X-API-Key: " + key))
    await middleware.open()
    (watched,) = middleware.files
    assert watched is not None
    file.write_text("second-key identity=anna\n")
    await watched.look()
    middleware.request(bearing(b"X-API-Key: second-key"))
    refused(middleware, bearing(b"X-API-Key: first"))
    with caplog.at_level(logging.ERROR, "a3sgw"):
        file.write_text("second-key identity=anna\nthird-key anna\n")
        await watched.look()
    middleware.request(bearing(b"X-API-Key: second-key"))
    assert "line 2" in str(caplog.records[0].__dict__["why"])
    assert "third-key" not in str(caplog.records[0].__dict__)
    assert counted == ["file_refused"]
    await middleware.close()


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    """Missing, empty, or with a key that stands elsewhere, too."""
    with pytest.raises(OptionError, match="cannot read"):
        api_key(tmp_path, keys_file="missing")
    (tmp_path / "empty").write_text("# none yet\n")
    with pytest.raises(OptionError, match="there is no key in it"):
        api_key(tmp_path, keys_file="empty")
    api_key(tmp_path, keys_file="empty", keys=["secret"])
    (tmp_path / "twice").write_text("secret\n")
    with pytest.raises(OptionError, match="the same key twice"):
        api_key(tmp_path, keys_file="twice", keys=["secret"])


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("", "nobody could pass"),
        ("keys = []", "nobody could pass"),
        ('keys = ["verysecret "]', "a key that nobody can send"),
        ('keys = ["verysecret", "verysecret"]', "the same key twice"),
        ('keys = ["sha256:verysecret"]', "a hash of another length"),
        ('clients { key = "verysecret"\n expires = "soon" }', '"soon" is not a time'),
        ('clients { key = "verysecret"\n scopes = ["a b"] }', '"a b" is not a scope'),
        ('clients { identity = "anna" }', "key"),
        ('keys = ["verysecret"]\nscopes = ["a b"]', '"a b" is not a scope'),
        ('keys = ["verysecret"]\nheader = ""', "a key could be nowhere"),
        ('keys = ["verysecret"]\nheader = "two words"', "not one word"),
        ('keys = ["verysecret"]\nforward_headers = { "x-api-key" = "identity" }', "has the key already"),
        ('keys = ["verysecret"]\nforward_headers = { "Host" = "identity" }', "cannot say who a client is"),
        ('keys = ["verysecret"]\nvalue = 1', "value"),
    ],
)
def test_options_are_checked(option: str, complaint: str) -> None:
    """What cannot work is refused at load, and no message gives a key away."""
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_config(config("http://o:1", more=f'middlewares "key" {{\n type = "api-key"\n {option}\n}}'))
    assert not [found for found in caught.value.diagnostics if "verysecret" in f"{found.summary} {found.help}"]
