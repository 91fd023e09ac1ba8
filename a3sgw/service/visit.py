"""How what is no request gets an endpoint: a TCP connection, or a UDP session.

It goes down to a service and on to one of its endpoints like a request: split, failed over, limited, judged. There are
two differences: nothing of it is copied to a mirror, and it never waits for a place: where all are taken it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from a3sgw.errors import NoEndpoint, Overloaded, UpstreamError
from a3sgw.http.message import Request, Response
from a3sgw.plan import MOST_REDISPATCHES, Plan
from a3sgw.service.choice import Choice, choose
from a3sgw.service.guards import BreakerNode
from a3sgw.service.node import Hold, Leaf, Node
from a3sgw.service.service import Service
from a3sgw.upstream.endpoint import Endpoint


class Visit:
    """The `Journey` of one connection or session: `next` until one is `reached`, in the end `over`.

    Between two calls of `next` comes `not_reached`; `over` may come at any time and exactly counts once.
    """

    is_copy = True
    """So no mirror marks it."""
    repeatable = 0
    again_on: frozenset[int] = frozenset()

    def __init__(self, node: Node, plans: Mapping[Leaf, Plan], request: Request, importance: int = 1) -> None:
        """`plans` as those of the route; of the `request` only the addresses of peer and client have to be true."""
        self.request = request
        self.tried: tuple[Endpoint, ...] = ()
        self.avoid: tuple[Leaf, ...] = ()
        self.holds: dict[Hold, int] = {}
        self.chosen: dict[object, object] = {}
        self.fields: list[tuple[bytes, bytes]] = []
        self.choice: Choice | None = None
        """The endpoint it is at, or on its way to."""
        self.attempts = 0
        """Endpoints asked so far."""
        self.service: Service | None = None
        """The one that was asked last."""
        self._node = node
        self._plans = plans
        self._importance = importance
        self._error: UpstreamError | None = None
        """Why the last endpoint was not reached."""
        self._judged = False
        self._over = False

    def __repr__(self) -> str:
        return f"<Visit [{self.request.client_ip} → {self.choice.endpoint.url if self.choice else 'nobody'}]>"

    @property
    def importance(self) -> int:
        """0 low, 1 normal, 2 high."""
        return self._importance

    @property
    def plan(self) -> Plan:
        """How the service that was asked last forwards, on this route."""
        service = self.service
        if service is None:
            return Plan()
        return self._plans.get(service) or service.plan

    # Asking...

    def next(self) -> Choice | UpstreamError:
        """An endpoint that has not been tried, counted in; or why there is none, which ends the search."""
        if self._error is not None and self.attempts >= MOST_REDISPATCHES:
            return self._error
        if self.service is None:
            found = self._resolve()
            if isinstance(found, UpstreamError):
                return found
            self._use(found)
        while True:
            service = self.service
            if service is None:
                raise AssertionError("unreachable: one has been found")
            choice = choose(service, self.request, self.tried)
            if isinstance(choice, Choice):
                if self._error is not None:
                    service.traits.count("redispatches")
                self.choice = choice
                self.attempts += 1
                return choice
            error = self._nobody(service, full=choice is not None)
            self.avoid = (*self.avoid, service)
            found = self._resolve()
            if not isinstance(found, Service) or found in self.avoid:
                return error
            self._use(found)
            self.tried = ()

    def _resolve(self) -> Service | UpstreamError:
        found = self._node.resolve(self)
        if isinstance(found, Service):
            return found
        if isinstance(found, UpstreamError):
            return found
        if isinstance(found, Response):  # a fallback made for HTTP, which nobody here would understand
            return Overloaded("the circuit breaker of the service is open", 1)
        return NoEndpoint("no endpoint can be used")

    def _nobody(self, service: Service, *, full: bool) -> UpstreamError:
        if full:
            service.traits.count("queue_full")
            return Overloaded("all endpoints have as many connections as they may", 1)
        return self._error or service.nobody()

    def _use(self, service: Service | None) -> None:
        if self.service is not None:
            self.service.users -= 1
        if service is not None:
            service.users += 1
            self.service = service

    # Telling...

    def reached(self) -> None:
        """The endpoint is there: what the balance goes by where time counts."""
        if self.choice is not None:
            self.choice.answered(False)

    def answered(self) -> None:
        """The first that the endpoint says, which speaks for it; more calls change nothing. What breaks later is told
        to nobody: streams last for hours, and a breaker that tries an endpoint cannot wait for their end."""
        choice = self.choice
        if choice is None or self._judged:
            return
        if choice.seconds is None:
            choice.answered(False)
        self._judged = True
        choice.judge(False)
        for hold in [one for one in self.holds if isinstance(one, BreakerNode)]:
            hold.settle(self.holds.pop(hold), False, choice.seconds or 0.0)

    def not_reached(self, error: UpstreamError) -> None:
        """Nobody is there; nothing was sent, so `next` may find another."""
        choice = self.choice
        if choice is None:
            return
        self._error = error
        self._judged = False
        self.tried = (*self.tried, choice.endpoint)
        choice.judge(True)
        self._leave()

    def put_back(self) -> None:
        """The endpoint was not even asked, which is our fault; `next` may find it again."""
        if self.choice is not None:
            self.attempts -= 1
            self._leave()

    def over(self, failed: bool | None) -> None:
        """It has ended; more calls change nothing. `failed` when the endpoint broke off, or was never found, None when
        its end says nothing of the endpoint."""
        if self._over:
            return
        self._over = True
        choice = self.choice
        if choice is not None and failed is not None and not self._judged:
            choice.judge(failed)
        seconds = (choice.seconds or 0.0) if choice is not None else 0.0
        self._leave()
        self._use(None)
        if not self.attempts or self._judged:
            failed = None if not self.attempts else False
        for hold, token in self.holds.items():
            hold.settle(token, failed, seconds)
        self.holds = {}

    def settle(self, mark: int) -> None:
        """Those that have let it pass after the first `mark` see it go to somebody else."""
        for hold in list(self.holds)[mark:]:
            hold.settle(self.holds.pop(hold), True, 0.0)

    def _leave(self) -> None:
        choice, self.choice = self.choice, None
        if choice is not None:
            choice.endpoint.in_flight -= 1
            choice.over()
