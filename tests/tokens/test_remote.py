"""Keys that change elsewhere: no valid token is refused because of it, and nobody makes us ask too often."""

from __future__ import annotations

import asyncio
import logging
from asyncio import Future
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from a3sgw.errors import ClientError, GatewayError
from a3sgw.tasks import spawn
from a3sgw.tokens import remote
from a3sgw.tokens.keys import PUBLIC, KeySet, from_jwks
from a3sgw.tokens.parse import Token, parse
from a3sgw.tokens.remote import RemoteKeys
from tests.support.live import until
from tests.support.tokens import jwk, key_set, token


def keys(*names: str) -> KeySet:
    """RSA keys with these names; the name is the kind, too."""
    return from_jwks(key_set(*(jwk(f"RSA {name}", name) for name in names)), PUBLIC)


def by(name: str | None, key: str = "") -> Token:
    """Signed by the key of that name."""
    header = {} if name is None else {"kid": name}
    return parse(token(None, f"RSA {key or name}", "", **header))


class Publisher:
    """Whom keys are fetched from: each fetch waits until it is answered, unless there is an `answer` for all."""

    def __init__(self, answer: KeySet | Exception | None = None) -> None:
        self.answer = answer
        self.fetches: list[Future[KeySet]] = []
        self.changes = 0
        self.words: list[str] = []

    async def fetch(self) -> KeySet:
        asked: Future[KeySet] = asyncio.get_running_loop().create_future()
        self.fetches.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if self.answer is not None else await asked

    def changed(self) -> None:
        self.changes += 1

    @asynccontextmanager
    async def open(
        self, every: float = 600, interval: float = 0.05, timeout: float = 5, patience: float = 5
    ) -> AsyncIterator[RemoteKeys]:
        """Keys fetched from here."""
        made = RemoteKeys(
            self.fetch, every=every, interval=interval, timeout=timeout, changed=self.changed, count=self.words.append
        )
        await made.open(patience)
        try:
            yield made
        finally:
            await made.close()


async def test_the_first_keys() -> None:
    """Are there when it is open."""
    here = Publisher(keys("1"))
    async with here.open() as found:
        assert found.keys.verifies(by("1"))
        assert (here.changes, here.words, repr(found)) == (1, ["keys_fetched"], "<RemoteKeys [good] <KeySet ['1'] []>>")


async def test_a_server_that_hangs() -> None:
    """It is not waited for longer than that; who comes meanwhile waits, and passes when keys are there."""
    here = Publisher()
    async with here.open(patience=0.01) as found:
        assert not found.keys
        waiting = [spawn(found.newer(by("1")), "request") for _ in range(20)]
        await asyncio.sleep(0)
        here.fetches[0].set_result(keys("1"))
        assert await asyncio.gather(*waiting) == [True] * 20
        assert len(here.fetches) == 1


async def test_a_server_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    """Without keys nobody can be judged: 503 and when to come back; it is asked again, and then all is well."""
    here = Publisher(GatewayError("refused"))
    async with here.open(interval=0.05) as found:
        with pytest.raises(ClientError) as caught:
            await found.newer(by("1"))
        assert (caught.value.status, caught.value.fields) == (503, ((b"Retry-After", b"1"),))
        await until(lambda: len(here.fetches) >= 3, "asked again")
        here.answer = keys("1")
        await until(lambda: found.keys, "keys are there")
    assert [one.levelno for one in caplog.records] == [logging.WARNING], "the same reason is said once"
    assert here.words[:2] == ["keys_failed", "keys_failed"]


async def test_a_server_that_fails_later(caplog: pytest.LogCaptureFixture) -> None:
    """Its last keys stay in force; about a name that is not among them nobody can say anything."""
    here = Publisher(keys("1"))
    async with here.open(every=0.05) as found:
        for answer in (GatewayError("500"), ValueError("no JSON"), GatewayError("500")):
            here.answer = answer
            here.words.clear()
            await until(lambda: here.words.count("keys_failed") >= 2, "it has failed")
            assert found.keys.verifies(by("1"))
            with pytest.raises(ClientError, match="503"):
                await found.newer(by("2"))
            assert not found.is_absent("2")
        assert here.changes == 1
    assert len(caplog.records) == 3


async def test_rotation() -> None:
    """A hundred requests with a new key are one fetch, and all pass."""
    here = Publisher(keys("1"))
    async with here.open() as found:
        here.answer = keys("1", "2")
        assert await asyncio.gather(*(found.newer(by("2")) for _ in range(100))) == [True] * 100
        assert (len(here.fetches), here.changes) == (2, 2)
        assert found.keys.verifies(by("1"))


async def test_an_answer_from_before() -> None:
    """A fetch that was under way when somebody asked may not know the key: the next one counts."""
    here = Publisher()
    async with here.open(patience=0) as found:
        await until(lambda: here.fetches, "the first fetch")
        waiting = spawn(found.newer(by("2")), "request")
        await asyncio.sleep(0)
        here.fetches[0].set_result(keys("1"))
        await until(lambda: len(here.fetches) == 2, "asked again")
        here.fetches[1].set_result(keys("1", "2"))
        assert await waiting is True


async def test_unknown_names() -> None:
    """One fetch per interval, whoever asks for whatever; a name that is not published is known as such meanwhile."""
    here = Publisher(keys("1"))
    async with here.open(interval=0.2) as found:
        start = asyncio.get_running_loop().time()
        strangers = [by(f"x{number}", key="2") for number in range(30)]
        assert await asyncio.gather(*map(found.newer, strangers)) == [False] * 30
        assert len(here.fetches) == 2
        assert asyncio.get_running_loop().time() - start >= 0.19
        assert all(found.is_absent(one.kid) for one in strangers)
        assert not found.is_absent("2")
        here.answer = keys("1", "2")
        assert await asyncio.gather(*(found.newer(by("2")) for _ in range(30))) == [True] * 30
        assert len(here.fetches) == 3
        assert not found.is_absent("x1"), "a new set may have it"


async def test_who_has_asked_is_answered_once() -> None:
    """After that the next fetch is due at its own time, also for those who asked while it was under way."""
    here = Publisher(keys("1"))
    async with here.open() as found:
        here.answer = None
        waiting = [spawn(found.newer(by("2")), "request")]
        await until(lambda: len(here.fetches) == 2, "the keys are fetched")
        waiting += [spawn(found.newer(by("2")), "request") for _ in range(10)]
        await asyncio.sleep(0)
        here.fetches[1].set_result(keys("1", "2"))
        assert await asyncio.gather(*waiting) == [True] * 11
        assert not found._wanted.is_set()


async def test_absence_is_forgotten() -> None:
    """After the interval a name may be asked for again."""
    here = Publisher(keys("1"))
    async with here.open(interval=0.05) as found:
        assert await found.newer(by("2")) is False
        await until(lambda: not found.is_absent("2"), "forgotten")
        here.answer = keys("2")
        assert await found.newer(by("2")) is True


async def test_tokens_without_a_name() -> None:
    """Their key may be new as well."""
    here = Publisher(keys("1"))
    async with here.open() as found:
        here.answer = keys("2")
        assert await found.newer(by(None, key="2")) is True
        assert await found.newer(by(None, key="3")) is False
        assert found.is_absent(None)


async def test_what_is_kept_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of names that are not there, and of those who wait."""
    monkeypatch.setattr(remote, "MOST_ABSENT", 3)
    monkeypatch.setattr(remote, "MOST_WAITING", 5)
    here = Publisher(keys("1"))
    async with here.open() as found:
        answers = await asyncio.gather(
            *(found.newer(by(f"x{number}", key="2")) for number in range(8)), return_exceptions=True
        )
        assert answers[:5] == [False] * 5
        assert all(isinstance(one, ClientError) and one.status == 503 for one in answers[5:])
        assert sum(found.is_absent(f"x{number}") for number in range(8)) == 3
        assert await found.newer(by("1")) is True


async def test_a_fetch_has_its_time() -> None:
    """After it those who wait are told to come back."""
    here = Publisher(keys("1"))
    async with here.open(timeout=0.05) as found:
        here.answer = None
        with pytest.raises(ClientError, match="503"):
            await found.newer(by("2"))
        assert here.words[:2] == ["keys_fetched", "keys_failed"]


async def test_waiting_has_an_end() -> None:
    """Even if nothing comes any more: it was closed meanwhile."""
    here = Publisher(keys("1"))
    async with here.open(interval=0.05, timeout=0.05) as found:
        await found.close()
        with pytest.raises(ClientError, match="no keys in time"):
            await found.newer(by("2"))
        await found.close()


async def test_refreshing() -> None:
    """Every so often; nobody is told when nothing has changed."""
    here = Publisher(keys("1"))
    async with here.open(every=0.05) as found:
        await until(lambda: len(here.fetches) >= 3, "fetched again")
        assert here.changes == 1
        here.answer = keys("2")
        await until(lambda: here.changes == 2, "changed")
        assert found.keys.verifies(by("1")) is None, "a key that is gone is gone"
