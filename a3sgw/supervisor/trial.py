"""A new configuration is tried by one worker before the others are asked: what kills a worker kills one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from a3sgw.control.edition import Edition
from a3sgw.errors import ConfigError, GatewayError
from a3sgw.supervisor.member import NEWS, Member

_TRIES = 2
"""Another one is asked when the first was ended by somebody else, which says nothing about a configuration."""

Somebody = Callable[[], Awaitable[list[Member]]]
"""Those that serve now, at least one; GatewayError without any."""
Prepare = Callable[[Member], Awaitable[None]]
"""ConfigError when the worker cannot use it, GatewayError when it has ended."""


async def tried(edition: Edition, somebody: Somebody, prepare: Prepare) -> list[Member]:
    """Those that have prepared it; when it cannot be used ConfigError or GatewayError, and all have forgotten it.

    One is the first. Of the others, asked together, those that end meanwhile are replaced and do not decide.
    """
    asked = [await _first(edition, somebody, prepare)]
    try:
        asked += [one for one in await somebody() if one is not asked[0]]
        outcomes = await asyncio.gather(*map(prepare, asked[1:]), return_exceptions=True)
        failed = [one for one in outcomes if isinstance(one, BaseException)]
        bugs = [one for one in failed if not isinstance(one, GatewayError)]
        for error in bugs or [one for one in failed if isinstance(one, ConfigError)]:
            raise error
    except BaseException:
        for member in asked:
            member.abandon(edition)
        raise
    return [member for member, failure in zip(asked, (None, *outcomes), strict=True) if failure is None]


async def _first(edition: Edition, somebody: Somebody, prepare: Prepare) -> Member:
    for turn in range(1, _TRIES + 1):
        member = max(await somebody(), key=lambda one: one.heard_at)  # rather not one that hangs already
        try:
            await prepare(member)
        except BaseException as error:
            member.abandon(edition)
            if isinstance(error, ConfigError) or not isinstance(error, GatewayError):
                raise
            await asyncio.sleep(NEWS)
            if turn == _TRIES or not member.victim:
                raise GatewayError(f"worker {member.place}, which was to try it, has gone: {member.end}") from None
        else:
            return member
    raise AssertionError("unreachable")
