"""An exchange on a route that asks for more than a balancer: it retries, fails over, waits, and judges endpoints.

Routes that ask for none of it use the plain exchange, so none of this costs them anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic
from typing import cast

from a3sgw.errors import Overloaded, ReadTimeout, UpstreamError
from a3sgw.http.message import Request, Response
from a3sgw.http.response import Incoming
from a3sgw.middlewares.base import BodyFilter
from a3sgw.outcome import FAILURE, has_failed
from a3sgw.plan import MOST_REDISPATCHES, NO_LIMIT, Plan
from a3sgw.proxy.exchange import Exchange
from a3sgw.proxy.filters import Filters
from a3sgw.proxy.keeper import Keeper
from a3sgw.proxy.mirroring import Copy
from a3sgw.proxy.seam import WAITING, Client
from a3sgw.retry_policy import IDEMPOTENT
from a3sgw.routing.route import Care, Route
from a3sgw.service.choice import Busy, Choice, choose, heed
from a3sgw.service.guards import BreakerNode
from a3sgw.service.mirror import MirrorNode
from a3sgw.service.node import Hold, Leaf
from a3sgw.service.places import Waiting
from a3sgw.service.service import Service
from a3sgw.sweeper import NEVER
from a3sgw.upstream.connection import Upstream
from a3sgw.upstream.endpoint import Endpoint
from a3sgw.upstream.seam import Switchable

_log = logging.getLogger("a3sgw.proxy")
_STREAMS = (b"text/event-stream", b"application/grpc")


class Careful(Exchange):
    """Also the `Journey` that the nodes of a service see."""

    avoid: tuple[Leaf, ...] = ()
    is_copy = False
    repeatable = 0
    again_on: frozenset[int] = frozenset()
    deadline = NEVER
    _watched = False
    """Whether the sweeper looks at its deadline."""
    retries = 0
    """How often it was sent again after it may have been sent before."""
    _redispatches = 0
    """How many endpoints could not be reached, in all rounds."""
    queued = 0.0
    """Seconds it has waited for a place at an endpoint."""
    _service: Service | None = None
    _choice: Choice | None = None
    _kept: Keeper | None = None
    _waits: Waiting | None = None
    _pause: asyncio.TimerHandle | None = None
    _mirror: MirrorNode | None = None
    """Who gets a copy, as long as it has not got it."""
    _copy: Copy | None = None
    _back: list[bytes] | None = None
    """Pieces of an answer that is kept back until it is whole."""
    _blame = True
    """Whether the service it goes away from has failed."""
    _incoming: Incoming
    _then: Callable[[], None]

    def __init__(self, client: Client, request: Request, own: bytes, route: Route) -> None:
        super().__init__(client, request, own, route)
        self._care = cast(Care, route.care)
        self.holds: dict[Hold, int] = {}
        self.chosen: dict[object, object] = {}
        self.fields: list[tuple[bytes, bytes]] = []

    @property
    def importance(self) -> int:
        """0 low, 1 normal, 2 high."""
        return self._care.importance

    @property
    def leaf(self) -> str:
        """The service that was asked in the end; empty when none was."""
        return self._service.name if self._service is not None else ""

    # Deciding...

    def begin(self) -> None:
        """Keep the body if it may be needed again, then as always."""
        keeps = max(self._care.keeps, self._care.copies)
        if keeps and self.request.content_length != 0:
            self._kept = Keeper(keeps)
            if not self.route.chain.request_body:
                self._request_filters = Filters((self._kept,))
        super().begin()

    def _body_filters(self) -> Iterator[BodyFilter]:
        yield from super()._body_filters()
        if self._kept is not None:
            yield self._kept

    def _attempt(self) -> None:
        """Go down from what the router names to a service, and on to one of its endpoints."""
        found = self._care.node.resolve(self)
        if isinstance(found, Response):
            self.answer(found)
        elif isinstance(found, UpstreamError):
            self.fail(found)
        elif isinstance(found, Service):
            self._first(found)
            self._use(found)
            self._choose()

    def _first(self, service: Service) -> None:
        """Once for each request: what it is counted in, and how long it may take."""
        plan = self._care.plans.get(service) or service.plan
        if self.chosen and not self.request.upgrade:
            marked = (node for node, choice in self.chosen.items() if choice is True and isinstance(node, MirrorNode))
            self._mirror = next(marked, None)
        if self._mirror is None and self._kept is not None:
            self._kept.lower(self._care.keeps)
        if plan.retries is not None:
            plan.retries.budget.request(monotonic())
        self._limit(plan)

    def _use(self, service: Service | None) -> None:
        """From now on this one is asked; None at the end."""
        if self._service is not None:
            self._service.users -= 1
        if service is not None:
            service.users += 1
            self._service = service
            self.plan = self._care.plans.get(service) or service.plan

    def _limit(self, plan: Plan) -> None:
        """The time that everything may take, if this service limits it."""
        if plan.total_timeout != NO_LIMIT:
            self.deadline = self.started + plan.total_timeout
            self._watched = True
            self._care.sweeper.watch(self)

    def _choose(self) -> None:
        """An endpoint, or a place in the queue, or the end of this service."""
        service = cast(Service, self._service)
        places = service.traits.places
        if places is not None and places.has_waiting:
            self._queue(service, Busy())
        else:
            self._take_up(service, choose(service, self.request, self.tried))

    def _take_up(self, service: Service, choice: Choice | Busy | None) -> None:
        if isinstance(choice, Choice):
            self._go(choice)
        elif choice is not None:
            self._queue(service, choice)
        else:
            self._nobody(service.nobody())

    def _go(self, choice: Choice) -> None:
        self._choice = choice
        endpoint = choice.endpoint
        self.endpoint = endpoint
        traits = choice.service.traits
        dresses = bool(self.fields) or traits.drain_header or (traits.sticky is not None and not choice.bound)
        self.takes_whole = not (dresses or self.request.te)
        self.only_reads = self.takes_whole and not self.route.chain.responds
        self.attempts += 1
        self._counted = True
        origin = endpoint.pool.take() if self.request.method == b"GET" else endpoint.pool.take_live()
        if origin is None:
            self._connect(endpoint)
        else:
            self._connected(origin, endpoint)

    def _nobody(self, error: UpstreamError) -> None:
        """Nobody of this service can be asked: what stands before it may know another."""
        found = self._next_service() if self._can_repeat(self.repeatable) else None
        if isinstance(found, Service):
            self._enter(found)
        elif isinstance(found, Response):
            self.answer(found)
        else:
            self.fail(error)

    def _next_service(self) -> Service | Response | None:
        """What stands before the service is asked again, without it."""
        self.avoid = (*self.avoid, cast(Service, self._service))
        found = self._care.node.resolve(self)
        if isinstance(found, Response):
            return found
        return found if isinstance(found, Service) and found not in self.avoid else None

    def _enter(self, service: Service) -> None:
        """Go on with another service, as if it had been the first."""
        before = self.plan
        self._use(service)
        if self.plan.pass_host_header and not before.pass_host_header and self.request.authority:
            self.request.headers.set(b"Host", self.request.authority)
        self._limit(self.plan)
        self.tried = ()
        self._replay()
        self._choose()

    # Waiting...

    def _queue(self, service: Service, busy: Busy) -> None:
        places = service.traits.places
        self.tried = ()  # after a wait any endpoint is better than none, and nobody is held up behind it
        if places is not None:
            self._waits = places.wait(busy.endpoint, self._take_place, self._too_late)
        if self._waits is None:
            service.traits.count("queue_full")
            self._nobody(Overloaded("all endpoints have as many requests as they may, and so has the queue", 1))
            return
        service.traits.count("queued")
        if not self.request_ended:
            self._client.hold(WAITING)

    def _take_place(self) -> bool:
        """It is this request's turn, if there is a place it can use."""
        choice = choose(cast(Service, self._service), self.request, self.tried)
        if isinstance(choice, Busy):
            return False
        self._leave_queue()
        self._take_up(cast(Service, self._service), choice)
        return True

    def _too_late(self) -> None:
        self._leave_queue()
        service = cast(Service, self._service)
        service.traits.count("queue_timeouts")
        self._nobody(Overloaded("no endpoint had a place within queue_timeout", 1))

    def _leave_queue(self) -> None:
        waits, self._waits = self._waits, None
        if waits is not None:
            self.queued += monotonic() - waits.began
            places = cast(Service, self._service).traits.places
            if places is not None:
                places.leave(waits)

    # Sending...

    def _send(self, origin: Upstream, endpoint: Endpoint) -> None:
        super()._send(origin, endpoint)
        if self._mirror is not None and self.request_ended:
            self._send_copy(self._mirror)

    def on_request_end(self, trailers: bytes) -> None:
        """The request's body is whole; so it can be copied."""
        super().on_request_end(trailers)
        if self._mirror is not None and self._origin is not None:
            self._send_copy(self._mirror)

    def _send_copy(self, mirror: MirrorNode) -> None:
        """Now that the endpoint has everything."""
        self._mirror = None
        kept = self._kept
        if kept is not None and not kept.holds(mirror.options.max_body_bytes):
            mirror.count("mirror_too_large")
            return
        self._copy = Copy.send(mirror, self.request, self._own, kept.pieces if kept is not None else None)

    # Failing, and asking again...

    def _not_reached(self, endpoint: Endpoint, error: UpstreamError) -> None:
        """Nothing was sent, so the next endpoint can have it at once; only a second round is a retry."""
        self._judge(True)
        self._leave()
        self.tried = (*self.tried, endpoint)
        service = cast(Service, self._service)
        _log.warning("endpoint not reached", extra={"endpoint": endpoint.url, "why": error.reason})
        self._redispatches += 1
        choice = choose(service, self.request, self.tried) if self._may_redispatch() else None
        if isinstance(choice, Choice):
            service.traits.count("redispatches")
            self._go(choice)
        elif choice is not None:
            self._queue(service, choice)
        elif self._may_retry(self._mends):
            self._retry()
        else:
            self._nobody(error)

    def _may_redispatch(self) -> bool:
        return self._redispatches < MOST_REDISPATCHES and super()._may_redispatch()

    def _may_ask_anew(self) -> bool:
        if self.request.method not in IDEMPOTENT or not self._can_repeat(self._care.keeps):
            return False
        self._replay()
        return True

    def _broken(self, error: UpstreamError, stale: bool) -> None:
        """It was sent, and there is no whole answer. A kept connection that was closed just then is nobody's fault."""
        if not stale:
            self._judge(True)
        self._leave()
        self._back = None
        if self.status or self._held is not None:
            self.fail(error)
            return
        self.tried = (*self.tried, cast(Endpoint, self.endpoint))
        if self._may_retry(self._mends and self.request.method in IDEMPOTENT):
            self._retry()
        elif self.request.method in IDEMPOTENT:
            self._nobody(error)
        else:
            self.fail(error)

    def _another(self, status: int) -> bool:
        """Whether an answer with this status is not for the client: then `_then` goes on, once the endpoint is left."""
        policy = self.plan.retries
        retried = policy is not None and status in policy.statuses
        if not retried and status not in self.again_on:
            return False
        if retried and self._may_retry(True):
            self.tried = (*self.tried, cast(Endpoint, self.endpoint))
            self._then = self._retry
            return True
        self._blame = status >= FAILURE
        found = self._next_service() if status in self.again_on and self._can_repeat(self.repeatable) else None
        if isinstance(found, Service):
            self._then = partial(self._enter, found)
            return True
        self.again_on = frozenset()
        return False

    def _can_repeat(self, limit: int) -> bool:
        """Whether all that has come of the request is there to be sent again, or for the first time."""
        if self._pending is not None:
            return True
        if self._kept is not None:
            return self._kept.holds(limit)
        return self.request.content_length == 0 or not self.received

    @property
    def _mends(self) -> bool:
        """Whether retries are for failures without an answer too."""
        policy = self.plan.retries
        return policy is not None and policy.on_network_errors

    def _may_retry(self, harmless: bool) -> bool:
        """Whether one more retry is allowed; it is paid for from the budget."""
        policy = self.plan.retries
        if policy is None or not harmless or self.retries >= policy.max_retries:
            return False
        if monotonic() - self.started >= policy.timeout:
            return False
        if not self._can_repeat(policy.max_body_bytes):
            return False
        service = cast(Service, self._service)
        if not policy.budget.spend(monotonic()):
            service.traits.count("retries_over_budget")
            return False
        service.traits.count("retries")
        return True

    def _retry(self) -> None:
        policy = self.plan.retries
        self.retries += 1
        self._replay()
        pause = policy.pause(self.retries) if policy is not None else 0.0
        if policy is not None and policy.count_header:
            self.request.headers.set(b"X-Retry-Count", b"%d" % self.retries)
        if pause:
            if not self.request_ended:
                self._client.hold(WAITING)
            self._pause = asyncio.get_running_loop().call_later(pause, self._go_on)
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Another endpoint than before, or, when all have had their turn, any."""
        service = cast(Service, self._service)
        choice = choose(service, self.request, self.tried)
        if choice is None:
            self.tried = ()
            choice = choose(service, self.request, ())
        self._take_up(service, choice)

    def _replay(self) -> None:
        """Have the next endpoint get the body from its beginning."""
        if self._kept is not None and self._pending is None and (self.received or self.request_ended):
            self._pending = list(self._kept.pieces)

    # Receiving...

    def on_whole(self, incoming: Incoming, body: bytes) -> None:
        """An answer in one piece."""
        self._origin = None
        failed = incoming.status >= FAILURE
        cast(Choice, self._choice).answered(failed)
        self._judge(failed)
        another = self._another(incoming.status)
        self._leave()
        if another:
            self._then()
            return
        self.upstream_seconds = monotonic() - self.started
        if self._copy is not None:
            self._copy.main_head(incoming)
            self._copy.main_body(body)
        self._deliver(incoming, body)

    def on_head(self, incoming: Incoming, more: bool) -> None:
        """An answer begins."""
        choice = cast(Choice, self._choice)
        choice.answered(incoming.status >= FAILURE)
        if self._another(incoming.status):
            choice.judge(choice.failed)
            self._abandon()
            self._then()
            return
        if self._is_held_back(incoming):
            self._back = []
            self._incoming = incoming
        else:
            self._pass_on(incoming, more)

    def _is_held_back(self, incoming: Incoming) -> bool:
        """Whether it is short, and may be asked for again if it breaks off."""
        policy = self.plan.retries
        if policy is None or not policy.on_network_errors or not 0 < incoming.length <= policy.max_held_bytes:
            return False
        return self.request.method in IDEMPOTENT and not self.route.chain.response_waits

    def _pass_on(self, incoming: Incoming, more: bool) -> None:
        """The head goes to the client, with what is to be added."""
        self._dress(incoming)
        if self.deadline != NEVER and not self.plan.total_timeout_for_streams and _is_stream(incoming):
            self.deadline = NEVER
        if self._copy is not None:
            self._copy.main_head(incoming)
        super().on_head(incoming, more)

    def _dress(self, incoming: Incoming) -> None:
        choice = cast(Choice, self._choice)
        traits = choice.service.traits
        if traits.drain_header:
            heed(choice, incoming)
        if traits.sticky is not None and not choice.bound:
            self.fields.append(traits.sticky.field(choice.endpoint))
        for name, value in self.fields:
            incoming.headers.add(name, value)

    def on_switch(self, origin: Switchable, incoming: Incoming, rest: bytes) -> bool:
        """With that it has answered, and is judged by it: what comes then may take days."""
        if not self._has_asked(incoming):
            return False
        choice = cast(Choice, self._choice)
        choice.answered(False)
        choice.judge(False)
        for hold in [one for one in self.holds if isinstance(one, BreakerNode)]:
            hold.settle(self.holds.pop(hold), False, monotonic() - self.started)
        self._dress(incoming)
        self.deadline = NEVER  # the tunnel has a limit of its own
        return super().on_switch(origin, incoming, rest)

    def on_body(self, data: bytes) -> None:
        """A piece of the answer."""
        if self._back is not None:
            self._back.append(data)
            return
        if self._copy is not None and self._held is None and not self.finished:
            self._copy.main_body(data)
        super().on_body(data)

    def on_last(self, data: bytes) -> None:
        """The last piece."""
        self.on_body(data)

    def on_end(self, trailers: bytes) -> None:
        """The answer is whole."""
        if self._choice is not None and self._held is None:
            self._choice.judge(self._choice.failed)
        back, self._back = self._back, None
        if back is not None:
            self._pass_on(self._incoming, True)
            if self.response is None or self.finished:
                return
            self.on_body(b"".join(back))
        if not self.finished:
            super().on_end(trailers)

    def _dismiss(self) -> None:
        """The answer has been judged by its head."""
        if self._choice is not None:
            self._choice.judge(self._choice.failed)
        super()._dismiss()

    def overdue(self) -> None:
        """The sweeper's call: `total_timeout` is over."""
        self.deadline = NEVER
        if not self.finished:
            self._judge(True)
            self.fail(ReadTimeout("the request took longer than total_timeout"))

    # Ending...

    def _judge(self, failed: bool) -> None:
        if self._choice is not None:
            self._choice.judge(failed)

    def _leave(self) -> None:
        super()._leave()
        choice, self._choice = self._choice, None
        if choice is not None:
            choice.over()

    def settle(self, mark: int) -> None:
        """Those that have let it pass after the first `mark` see it go to somebody else."""
        for hold in list(self.holds)[mark:]:
            hold.settle(self.holds.pop(hold), self._blame, 0.0)

    def finish(self) -> None:
        """Give back what it still has, then as always."""
        if self._pause is not None:
            self._pause.cancel()
        self._leave_queue()
        self._leave()
        if self._watched:
            self._care.sweeper.forget(self)
        self._use(None)
        failed = has_failed(self) if self.holds else None
        for hold, token in self.holds.items():
            hold.settle(token, failed, self.upstream_seconds)
        if self._copy is not None:
            self._copy.main(self.status, monotonic() - self.started, self.error)
        super().finish()


def _is_stream(response: Response) -> bool:
    return (response.headers.get(b"content-type") or b"").lower().startswith(_STREAMS)
