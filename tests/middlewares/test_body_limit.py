"""body-limit: bodies that are too large are refused, declared or not."""

from __future__ import annotations

import pytest

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.body_limit import BodyLimit, Options
from a3sgw.options import ValidationError
from tests.support.gateway import stage

LIMIT = 'middlewares "limit" {\n type = "body-limit"\n max_body_bytes = 10\n}'
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\n"


def with_length(length: int | None) -> Request:
    """A request with this declared length."""
    request = Request()
    request.content_length = length
    return request


def test_a_declared_length() -> None:
    """Exactly the limit passes, one more is 413 and no filter is needed for either."""
    limit = BodyLimit(Options(max_body_bytes=10))
    for length in (0, 10):
        limit.request(with_length(length))
        assert limit.request_body(with_length(length)) is None
    with pytest.raises(ClientError) as caught:
        limit.request(with_length(11))
    assert caught.value.status == 413


def test_an_undeclared_length() -> None:
    """A chunked body is counted over all its pieces, and passes unchanged."""
    limit = BodyLimit(Options(max_body_bytes=10))
    limit.request(with_length(None))
    counter = limit.request_body(with_length(None))
    assert counter is not None
    assert counter.keeps_length
    assert counter.feed(b"12345") + counter.feed(b"67890") + counter.flush() == b"1234567890"
    with pytest.raises(ClientError) as caught:
        counter.feed(b"1")
    assert caught.value.status == 413


@pytest.mark.parametrize(("written", "size"), [("1KB", 1024), ("1KiB", 1024), (5, 5), ("0", 0)])
def test_sizes(written: object, size: int) -> None:
    """Sizes as operators write them; a KB is 1024 bytes, as in nginx."""
    assert Options.model_validate({"max_body_bytes": written}).max_body_bytes == size


@pytest.mark.parametrize(
    "options", [{}, {"max_body_bytes": -1}, {"max_body_bytes": "much"}, {"max_body_bytes": 1, "x": 2}]
)
def test_options_are_checked(options: dict[str, object]) -> None:
    """Missing, negative, no size, or unknown."""
    with pytest.raises(ValidationError):
        Options.model_validate(options)


async def test_on_the_wire() -> None:
    """Refused before the endpoint is asked when the length is declared."""
    async with stage(router='middlewares = ["limit"]', more=LIMIT) as on:
        seen = await on.forwarded(POST + b"Content-Length: 10\r\n\r\n1234567890")
        assert seen.body == b"1234567890"
        seen = await on.forwarded(POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n")
        assert seen.body == b"1234567890"
        await on.client.send(POST + b"Content-Length: 11\r\n\r\n12345678901")
        assert (await on.client.message()).status == 413
        assert len(on.origin.wires) == 1


@pytest.mark.parametrize(("mode", "status", "event"), [("enforce", 413, "refused"), ("observe", 200, "would_block")])
async def test_what_is_counted(mode: str, status: int, event: str) -> None:
    """A body that turns out to be too long is one refusal, or one that would have been."""
    more = LIMIT.replace("type", f'mode = "{mode}"\n type', 1)
    async with stage(router='middlewares = ["limit"]', more=more) as on:
        on.origin.always()
        await on.client.send(POST + b"Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n")
        assert (await on.client.message()).status == status
        assert on.running.gateway.metrics().totals()["middlewares"] == {"limit": {event: 1}}
