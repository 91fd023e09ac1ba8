"""One script on a real Redis, which is stopped, killed and restarted."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from a3sgw.options import OptionError
from a3sgw.redis_client import Question, RedisScript, RedisUnavailable
from tests.support.live import until
from tests.support.redis import Redis

SCRIPT = "return redis.call('INCRBY', KEYS[1], ARGV[1])"
PROBE = Question("probe", ("1",))
ONE = Question("a", ("1",))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Redis]:
    """A Redis."""
    async with Redis(tmp_path) as one:
        yield one


@asynccontextmanager
async def script(url: str, timeout: float = 5.0) -> AsyncIterator[RedisScript]:
    """The script on this Redis."""
    one = RedisScript(url, SCRIPT, timeout, PROBE)
    await one.open()
    try:
        yield one
    finally:
        await one.close()


async def why(one: RedisScript, question: Question = ONE) -> str:
    """Why there is no answer."""
    with pytest.raises(RedisUnavailable) as caught:
        await one.ask(question)
    return str(caught.value)


async def test_answers(server: Redis) -> None:
    """Each gets its own, in order, over one connection, however many ask at once."""
    async with script(server.url) as one, script(f"unix://{server.socket}?db=0") as other:
        assert await asyncio.gather(*[one.ask(ONE) for _ in range(1300)]) == list(range(1, 1301))
        assert await other.ask(Question("b", ("7",))) == 7
        assert await server.connections() == 2

    async def alone() -> bool:
        return await server.connections() == 0

    await until(alone, "the connections are closed")


async def test_flushed_scripts(server: Redis) -> None:
    """Those that Redis does not know any more are sent again; nothing is counted twice."""
    async with script(server.url) as one:
        assert await one.ask(ONE) == 1
        assert await server.call("SCRIPT", "FLUSH") == "+OK"
        assert await asyncio.gather(*[one.ask(ONE) for _ in range(3)]) == [2, 3, 4]


async def test_an_error_about_one_question(server: Redis) -> None:
    """Is that one's; all others are answered, and it stays available."""
    async with script(server.url) as one:
        assert await server.call("SADD", "set", 1) == ":1"
        answers = await asyncio.gather(
            one.ask(ONE), one.ask(Question("set", ("1",))), one.ask(ONE), return_exceptions=True
        )
        assert (answers[0], answers[2]) == (1, 2)
        assert isinstance(answers[1], RedisUnavailable)
        assert one.available


async def test_a_closed_connection(server: Redis) -> None:
    """Is opened again at the next question, which is answered."""
    async with script(server.url) as one:
        assert await one.ask(ONE) == 1
        assert await server.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") == ":1"
        assert await one.ask(ONE) == 2


async def test_a_server_that_is_silent(server: Redis) -> None:
    """Who waits is told after the timeout, who comes then at once; it comes back by itself."""
    loop = asyncio.get_running_loop()
    async with script(server.url, 0.1) as one:
        server.send(signal.SIGSTOP)
        start = loop.time()
        waiting = [one.ask(ONE) for _ in range(3)]
        for answer in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(answer, RedisUnavailable)
        assert 0.09 < loop.time() - start < 2
        assert not one.available
        with pytest.raises(RedisUnavailable, match="Timeout"):
            one.ask(ONE)
        server.send(signal.SIGCONT)
        await until(lambda: one.available, "it is available")
        assert await one.ask(Question("b", ("1",))) == 1


async def test_who_comes_while_others_wait(server: Redis) -> None:
    """Waits no longer than the timeout either: one failure is everybody's."""
    async with script(server.url, 0.2) as one:
        server.send(signal.SIGSTOP)
        first = one.ask(ONE)
        done, _ = await asyncio.wait([first], timeout=0.1)
        assert not done
        second = one.ask(ONE)
        await asyncio.wait([first])
        await asyncio.sleep(0)
        assert second.done()
        assert isinstance(first.exception(), RedisUnavailable)
        assert isinstance(second.exception(), RedisUnavailable)
        server.send(signal.SIGCONT)


async def test_a_killed_server(server: Redis, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for it, the log says so once, and it is found again."""
    async with script(server.url) as one:
        assert await one.ask(ONE) == 1
        await server.kill()
        assert "Connect" in await why(one)
        with pytest.raises(RedisUnavailable):
            one.ask(ONE)
        await server.start()
        await until(lambda: one.available, "it is available")
        assert await one.ask(ONE) == 1
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert errors[0] == "redis does not answer"
    assert len(errors) <= 2


async def test_a_server_that_is_not_there_yet(tmp_path: Path) -> None:
    """Opening does not fail and takes no longer than the timeout; it is found when it comes."""
    server = Redis(tmp_path)
    async with script(server.url, 0.1) as one:
        with pytest.raises(RedisUnavailable):
            one.ask(ONE)
        async with server:
            await until(lambda: one.available, "it is available")
            assert await one.ask(ONE) == 1


async def test_a_replica(server: Redis) -> None:
    """A server that may not be written to is as good as none; the probe finds when it may."""
    async with script(server.url) as one:
        assert await server.call("REPLICAOF", "127.0.0.1", 1) == "+OK"
        assert "ReadOnly" in await why(one)
        assert not one.available
        assert await server.call("REPLICAOF", "NO", "ONE") == "+OK"
        await until(lambda: one.available, "it is available")


async def test_passwords(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The right one is let in; the wrong one is told why, and neither is in any log."""
    async with Redis(tmp_path, password="correct-horse") as server:
        async with script(server.url) as one:
            assert await one.ask(ONE) == 1
        async with script(server.url.replace("correct", "wrong")) as one:
            with pytest.raises(RedisUnavailable, match="invalid username-password"):
                one.ask(ONE)
    assert "horse" not in caplog.text


async def test_tls(tmp_path: Path) -> None:
    """The server is who the authority says; with another authority it is as good as none."""
    async with Redis(tmp_path, authority=trustme.CA()) as server:
        async with script(server.url) as one:
            assert await one.ask(ONE) == 1
        trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        async with script(server.url) as one:
            with pytest.raises(RedisUnavailable, match="certificate"):
                one.ask(ONE)


async def test_who_leaves_and_who_closes(server: Redis) -> None:
    """One who does not want the answer any more disturbs nobody; closing tells who waits."""
    async with script(server.url) as one:
        answers = [one.ask(ONE) for _ in range(3)]
        answers[1].cancel()
        assert [await answers[0], await answers[2]] == [1, 3]
        server.send(signal.SIGSTOP)
        last = one.ask(ONE)
    assert isinstance(last.exception(), RedisUnavailable)
    with pytest.raises(RedisUnavailable, match="closed"):
        one.ask(ONE)
    server.send(signal.SIGCONT)


async def test_no_more_wait_than_there_is_room_for(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are told at once."""
    monkeypatch.setattr("a3sgw.redis_client._MOST_WAITING", 2)
    async with script(server.url) as one:
        answers = [one.ask(ONE) for _ in range(2)]
        with pytest.raises(RedisUnavailable, match="too many"):
            one.ask(ONE)
        assert await asyncio.gather(*answers) == [1, 2]


@pytest.mark.parametrize(
    "url", ["", "localhost:6379", "http://:secret@host", "redis://:secret@host:port", "redis://:secret@host?nothing=1"]
)
def test_urls_are_checked(url: str) -> None:
    """And what is wrong with one does not tell what is in it, nor where it is written."""
    with pytest.raises(OptionError) as caught:
        RedisScript(url, SCRIPT, 1.0, PROBE)
    assert caught.value.key == ""
    assert "secret" not in f"{caught.value} {caught.value.help} {caught.value.__cause__}"
