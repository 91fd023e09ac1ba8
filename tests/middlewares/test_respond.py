"""respond: an answer without an endpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3sgw import Gateway, load_config
from a3sgw.config.load import Loader
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Context
from a3sgw.middlewares.respond import Options, Respond
from a3sgw.options import OptionError, ValidationError
from tests.support.live import dial

TEXT = """
entrypoints "web" { address = "127.0.0.1:0" }
routers "all" {
  rule        = "PathPrefix(`/`)"
  middlewares = ["r"]
}
middlewares "r" {
  type             = "respond"
  status           = 503
  body             = "<h1>back soon</h1>"
  content_type     = "text/html"
  response_headers = { "Retry-After" = "120" }
}
"""


async def test_a_router_without_a_service() -> None:
    """It answers every request, and the connection goes on."""
    gateway = Gateway(load_config(TEXT))
    await gateway.start()
    wire = await dial(gateway.addresses["web"][0])
    for method in (b"GET", b"HEAD", b"GET"):
        await wire.send(method + b" / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        answer = await wire.message(to=method)
        assert (answer.status, answer.get(b"retry-after"), answer.get(b"content-type")) == (503, b"120", b"text/html")
        assert answer.body == (b"" if method == b"HEAD" else b"<h1>back soon</h1>")
    wire.close()
    await gateway.shutdown()


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_has_no_length(status: int) -> None:
    """A 304 would have that of the answer it stands for, which nobody knows (RFC 9110 §8.6)."""
    text = TEXT.replace("503", str(status)).replace("body             = ", "# ").replace("content_type ", "# ")
    gateway = Gateway(load_config(text))
    await gateway.start()
    wire = await dial(gateway.addresses["web"][0])
    for _ in range(2):
        await wire.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        answer = await wire.message()
        assert (answer.status, answer.get(b"content-length")) == (status, None)
    wire.close()
    await gateway.shutdown()


async def test_a_file(tmp_path: Path) -> None:
    """It is found beside the configuration, and what is written to it is answered from then on."""
    (tmp_path / "page").write_text("one")
    middleware = Respond(Options.model_validate({"body_file": "page"}))
    middleware.attach(Context(directory=tmp_path))
    assert middleware.request(Request()).body == b"one"
    (tmp_path / "page").write_text("two!")
    await middleware.files[0].look()
    assert middleware.request(Request()).body == b"two!"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is found out at load."""
    with pytest.raises(OptionError, match="cannot read"):
        Respond(Options.model_validate({"body_file": "none"})).attach(Context(directory=tmp_path))


def test_without_a_body() -> None:
    """There is no Content-Type either."""
    answer = Respond(Options.model_validate({"status": 204})).request(Request())
    assert (answer.status, answer.body, answer.headers.get(b"content-type")) == (204, b"", None)


@pytest.mark.parametrize(
    "options",
    [
        {"status": 100},
        {"status": 600},
        {"body": "a", "body_file": "b"},
        {"body": "a", "status": 204},
        {"content_type": "a\nb"},
        {"response_headers": {"Content-Length": "1"}},
        {"response_headers": {"X A": "1"}},
    ],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    """Nothing that is no answer."""
    with pytest.raises(ValidationError):
        Options.model_validate(options)


@pytest.mark.parametrize(("kind", "missing"), [("respond", []), ("headers", ['"service" is missing'])])
def test_who_can_do_without_a_service(kind: str, missing: list[str]) -> None:
    """A router whose middlewares may let requests pass needs one, also behind chains."""
    text = TEXT.replace('["r"]', '["c"]').split('middlewares "r"')[0]
    text += 'middlewares "c" {\n  type = "chain"\n  middlewares = ["r"]\n}\n'
    text += f'middlewares "r" {{\n  type = "{kind}"\n}}\n'
    loaded = Loader().load_text(text, "t.hcl")
    assert [one.summary for one in loaded.diagnostics if one.severity == "error"] == missing
