"""Answers the gateway makes itself, and what the access log says about every exchange."""

from __future__ import annotations

import json

import pytest

from tests.support.gateway import config, gateway, stage
from tests.support.origin import OK

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (GET + b"\r\n", 404),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
)
async def test_a_refusal_is_short_and_names_the_request(request_: bytes, status: int) -> None:
    """Status, phrase and request id as text: nothing about rules, endpoints or versions."""
    async with stage(rule="Host(`nowhere.example`)") as on:
        await on.client.send(request_)
        answer = await on.client.message()
        assert answer.status in (status, 400)
        identity = answer.get(b"x-request-id")
        assert identity is not None
        assert answer.body.splitlines()[1:] == [b"request id: " + identity]
        assert answer.body.startswith(b"%d " % answer.status)
        assert answer.get(b"content-type") == b"text/plain; charset=utf-8"
        assert answer.get(b"date")
        assert answer.get(b"server") is None
    assert [one["request_id"] for one in on.records] == [identity.decode()]


async def test_a_refusal_in_json() -> None:
    """Who accepts JSON gets JSON."""
    async with stage(rule="Host(`nowhere.example`)") as on:
        await on.client.send(GET + b"Accept: application/problem+json, */*\r\n\r\n")
        answer = await on.client.message()
        assert answer.get(b"content-type") == b"application/problem+json"
        assert json.loads(answer.body) == {
            "type": "about:blank",
            "status": 404,
            "title": "Not Found",
            "request_id": (answer.get(b"x-request-id") or b"").decode(),
        }


async def test_a_request_id_of_a_trusted_proxy_cannot_break_json() -> None:
    """Whatever the id holds, the JSON stays JSON."""
    async with stage(rule="Host(`nowhere.example`)", entrypoint='trusted_ips = ["127.0.0.1"]') as on:
        await on.client.send(GET + b'Accept: application/json\r\nX-Request-Id: a"b\\c\xff\r\n\r\n')
        assert json.loads((await on.client.message()).body)["status"] == 404


async def test_a_refusal_of_head_has_no_body() -> None:
    """A HEAD that is refused gets the length of the body it does not get."""
    async with stage(rule="Host(`nowhere.example`)") as on:
        await on.client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + GET + b"\r\n")
        first = await on.client.message(to=b"HEAD")
        second = await on.client.message()
        assert (first.status, second.status) == (404, 404)
        assert first.get(b"content-length") == second.get(b"content-length")


async def test_what_went_wrong_behind_is_not_told() -> None:
    """A failed endpoint is 502 without its address; the log has it."""
    async with gateway(config("http://127.0.0.1:1")) as running:
        answer = await running.ask(GET + b"\r\n")
        assert (answer.status, b"127.0.0.1" in answer.body) == (502, False)
    assert running.records[0]["endpoint"] == "http://127.0.0.1:1"


# The access log...


async def test_the_record_of_a_request() -> None:
    """Every field of a request that went well."""
    async with stage(rule="Host(`a.example`)") as on:
        await on.client.send(b"POST /p?q=1 HTTP/1.1\r\nHost: A.example:80\r\nContent-Length: 4\r\n\r\nbody")
        there = await on.origin.accept()
        seen = await there.message()
        await there.send(OK)
        assert (await on.client.message()).status == 200
    (record,) = on.records
    assert record.pop("time").endswith("Z")
    assert 0 <= record.pop("upstream_ms") <= record.pop("duration_ms") < 5000
    assert record == {
        "request_id": (seen.get(b"x-request-id") or b"").decode(),
        "entrypoint": "web",
        "router": "all",
        "service": "origin",
        "endpoint": on.origin.url,
        "client_ip": "127.0.0.1",
        "peer_ip": "127.0.0.1",
        "method": "POST",
        "host": "A.example:80",
        "path": "/p?q=1",
        "protocol": "HTTP/1.1",
        "status": 200,
        "received": 4,
        "sent": 2,
        "error": "",
        "attempts": 1,
    }


async def test_the_record_of_a_refused_request() -> None:
    """A request that never became one is logged as far as it could be read."""
    async with stage() as on:
        await on.client.send(b"GET /p HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        await on.client.message()
    (record,) = on.records
    assert (record["method"], record["path"], record["status"]) == ("GET", "/p", 400)
    assert (record["router"], record["service"], record["endpoint"], record["attempts"]) == ("", "", "", 0)
    assert record["error"] == "ClientError: more than one Host"
    assert record["request_id"]


async def test_the_record_of_an_aborted_request() -> None:
    """Who leaves is 499, with what was read and written until then."""
    async with stage() as on:
        await on.client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        there = await on.origin.accept()
        await there.head()
        assert await there.read(3) == b"abc"
        on.client.reset()
        await there.end()
    (record,) = on.records
    assert (record["status"], record["received"], record["sent"]) == (499, 3, 0)
    assert (record["error"], record["attempts"]) == ("the client left", 1)


async def test_control_characters_stay_on_their_line() -> None:
    """T-60: whatever a client sends, one exchange is one line of JSON."""
    async with stage() as on:
        await on.client.send(b'GET /\x01"\\ HTTP/1.1\r\nHost: a\r\n\r\n')
        await on.client.message()
    assert len(on.records) == 1
