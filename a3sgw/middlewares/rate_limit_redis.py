"""So many requests per second from each source, counted in Redis by all gateways that share it."""

from __future__ import annotations

from collections.abc import Awaitable
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

from a3sgw.errors import ClientError
from a3sgw.http.message import Request, Response
from a3sgw.http.quota import Quota, RateOptions, show
from a3sgw.http.source import source
from a3sgw.middlewares.base import Context, Middleware, RefusingOptions, Stage
from a3sgw.options import Duration, Field, OptionError, Secret, reveal

if TYPE_CHECKING:
    from a3sgw.redis_client import RedisScript

_SCRIPT = """
-- The generic cell rate algorithm, as for limits in shared memory: the time of the next turn of a steady stream.
-- In microseconds since 2025, so that a double holds their fractions; by the clock of Redis, which all share.
local time = redis.call('TIME')
local now = (time[1] - 1735689600) * 1000000 + time[2]
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
local turn = tonumber(redis.call('GET', KEYS[1]) or now) or now
if now - turn >= interval then turn = now end
local spare = now + tolerance - turn
if spare < 0 and -spare <= interval then return string.format('%.3f', spare) end
if spare < 0 then
  -- Further ahead than this rate can have led to: another rate did, or the clock was set back.
  turn, spare = now + tolerance + interval, -interval
else
  turn = turn + interval
end
local life = math.min(math.ceil((turn + interval - now) / 1000), 1e15)
redis.call('SET', KEYS[1], string.format('%.3f', turn), 'PX', string.format('%.0f', math.max(life, 1)))
return string.format('%.3f', spare)
"""
"""KEYS: the source. ARGV: interval and tolerance in microseconds. Returns what SharedTable.measure does, in those."""


class Options(RateOptions, RefusingOptions):
    """Options of `rate-limit-redis`."""

    redis_url: Secret
    """The Redis (or Valkey) that counts, version 5 or later: `redis://:password@host:6379/0`, `rediss://…` for TLS
    (with `?ssl_ca_certs=/path/ca.pem` for an authority of your own), `unix:///run/redis.sock?db=0`. One server: the
    nodes of a cluster and sentinels are not asked where the data is."""

    prefix: str = Field("a3sgw:", max_length=128)
    """Begins all its keys, before the name of the middleware; gateways that have both in common count together."""

    on_error: Literal["deny", "allow"] = "deny"
    """What happens to requests while Redis does not answer: `deny` refuses them with 503, so that nobody gets rid of
    a limit by overloading its Redis; `allow` lets them pass without a limit, so that a limit is never the reason for
    an outage."""

    timeout: Duration = Field(0.5, gt=0, le=60)
    """Time for an answer. After one failure nobody waits any more until Redis has answered in the background."""


class RateLimitRedis(Middleware[Options]):
    """The same as `rate-limit`, over all gateways, by the clock of Redis.

    Each worker asks each Redis on one connection, for all limits with the same `timeout`, and all that is asked at a
    time together. Keys are hashes of what a source is, and
    vanish when its burst is whole again. When Redis forgets (a restart, FLUSHALL), everybody begins anew.
    """

    stage = Stage.LIMITS
    _redis: RedisScript

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._quota = Quota(options)
        self._arguments = (repr(self._quota.interval * 1e6), repr(self._quota.tolerance * 1e6))
        self._denies = options.on_error == "deny"

    def attach(self, context: Context) -> None:
        """Sources go by the name, so a reload that changes a number keeps them. OptionError without redis-py."""
        super().attach(context)
        try:
            from a3sgw.redis_client import Question, RedisScript, RedisUnavailable
        except ImportError:
            raise OptionError("rate-limit-redis needs a package", "pip install 'a3sgw[redis]'", "type") from None
        self._question, self._unavailable = Question, RedisUnavailable
        self._source = source(self.options, b"")
        self._key = f"{self.options.prefix}{context.name}:"
        probe = Question(f"{self._key}probe", self._arguments)
        url, timeout = reveal(self.options.redis_url), self.options.timeout
        self._redis = RedisScript(url, _SCRIPT, timeout, probe)
        self._place = ("redis", url, timeout)

    async def open(self) -> None:
        """Connect, or use the connection of another limit; a Redis that is not there is no reason not to serve."""
        self._redis, first = self.context.shared.take(self._place, self._redis)
        if first:
            await self._redis.open()

    async def close(self) -> None:
        """Disconnect, when nobody else uses it."""
        if self.context.shared.give(self._place):
            await self._redis.close()

    def request(self, request: Request) -> Awaitable[None] | None:
        """Ask; while there is nobody to ask, decide without waiting."""
        if self._redis.available:
            return self._ask(request)
        self._unanswered("redis is not available")
        return None

    async def _ask(self, request: Request) -> None:
        digest = blake2b(self._source(request), digest_size=16).hexdigest()
        try:
            spare = float(await self._redis.ask(self._question(self._key + digest, self._arguments)))
        except self._unavailable as error:
            self._unanswered(str(error))
        else:
            self._quota.judge(request, spare / 1e6)

    def _unanswered(self, why: str) -> None:
        self.context.count("unanswered")
        if self._denies:
            raise ClientError(503, f"rate-limit-redis: {why}")

    def response(self, request: Request, response: Response) -> None:
        """Tell what is left."""
        show(request, response)
