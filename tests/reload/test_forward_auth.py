"""A question that is being asked while its middleware is replaced gets its answer."""

from __future__ import annotations

from pathlib import Path

from tests.support.live import GET, hcl, live
from tests.support.origin import OK, Origin


async def test_a_running_question_is_answered(tmp_path: Path, origin: Origin) -> None:
    """The request passes as the old configuration says; the next one is asked for by the new one."""
    path = tmp_path / "gateway.hcl"

    def text(auth: Origin, version: str) -> str:
        block = f'middlewares "auth" {{\n  type = "forward-auth"\n  forward_auth_url = "{auth.url}/check"\n}}\n'
        return hcl(origin.url, version, block).replace('["version"]', '["version", "auth"]')

    async with Origin() as old, Origin() as new:
        new.always()
        path.write_text(text(old, "1"))
        async with live(path) as running:
            client = await running.connect()
            await client.send(GET)
            asked = await old.accept()
            assert (await asked.message()).target == b"/check"
            path.write_text(text(new, "2"))
            assert await running.gateway.reload()
            assert await running.version() == "2"
            await asked.send(OK)
            answer = await client.message()
            assert (answer.status, answer.get(b"x-version")) == (200, b"1")


async def test_a_question_ends_with_its_client(tmp_path: Path, origin: Origin) -> None:
    """T-30: nobody waits for the answer any more, so the server that decides need not work on it."""
    path = tmp_path / "gateway.hcl"
    async with Origin() as judge:
        block = f'middlewares "auth" {{\n  type = "forward-auth"\n  forward_auth_url = "{judge.url}/check"\n}}\n'
        path.write_text(hcl(origin.url, "1", block).replace('["version"]', '["version", "auth"]'))
        async with live(path) as running:
            client = await running.connect()
            await client.send(GET)
            asked = await judge.accept()
            await asked.message()
            client.reset()
            assert (await asked.end())[0] == b""
