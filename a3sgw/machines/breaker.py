"""The circuit breaker: what fails too much is left alone for a while and then tried with few requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, inf

from a3sgw.machines.window import Window

CLOSED = "closed"
OPEN = "open"
HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class BreakerOptions:
    """When a breaker opens and how it closes again; times are in seconds."""

    failure_threshold: int
    """Failures in a row that open it; 0 means that the row does not count."""

    cooldown: float
    """> 0: how long it stays open before it tries."""

    success_threshold: int
    """Successes in half-open that close it."""

    half_open_requests: int = 1
    """Requests that may run at once in half-open."""

    failure_ratio: float | None = None
    """Share of failures within `window` that opens it, from 0 to 1; none means that the share does not count."""

    latency_quantile: float | None = None
    """Which latency must not exceed `latency_above`, from 0 to 1; none means that latency does not count."""

    latency_above: float = inf
    """Seconds; an answer that takes longer is slow."""

    window: float = 10.0
    """> 0: how far share and latency look back."""

    min_requests: int = 1
    """Outcomes within `window` below which share and latency say nothing."""


class Breaker:
    """One breaker. `changed` is called with the new state whenever its own requests changed it, last of all.

    While closed, `admit` costs 0.05 µs and `outcome` 0.1 µs, each condition over the window 0.1 µs more.
    """

    __slots__ = (
        "_cooldown_over",
        "_failures",
        "_options",
        "_outstanding",
        "_probes_over",
        "_round",
        "_row",
        "_since",
        "_slow",
        "_successes",
        "changed",
        "state",
    )

    def __init__(self, options: BreakerOptions, changed: Callable[[str], None] | None = None) -> None:
        self.state = CLOSED
        """CLOSED, OPEN or HALF_OPEN."""
        self.changed = changed or _nobody
        self._options = options
        self._failures = None if options.failure_ratio is None else Window(options.window)
        # A quantile exceeds a limit when too many values do: two counts say it exactly, without a histogram.
        self._slow = None if options.latency_quantile is None else Window(options.window)
        self._row = 0
        # Every admission carries the number of its round. A round ends when the state changes or probes are given up.
        self._round = 1
        self._since = 1  # the round in which the present state began: what was admitted before says nothing now
        # Only in open and half-open
        self._cooldown_over = 0.0
        self._probes_over = 0.0  # from when all that is outstanding has been so for a cooldown
        self._outstanding = 0
        self._successes = 0

    # Asking...

    def admit(self, now: float) -> int:
        """A token > 0 for a request that may go on, for `outcome` or `forget`, once; 0 for one that may not."""
        if self.state is CLOSED:
            return self._round
        return self._probe(now)

    def retry_after(self, now: float) -> float:
        """Seconds until a request is admitted, if no probe ends before; 0.0 when it is now."""
        if self.state is OPEN:
            return max(0.0, self._cooldown_over - now)
        if self.state is HALF_OPEN and self._outstanding >= self._options.half_open_requests:
            return max(0.0, self._probes_over - now)
        return 0.0

    # Telling...

    def outcome(self, token: int, now: float, failed: bool, seconds: float | None = None) -> None:
        """How an admitted request ended, and how many seconds it took if it has an answer whose time counts.

        What was admitted in an earlier state is ignored. In half-open a slow answer is a failure where latency counts.
        """
        if token < self._since:
            return
        slow = self._slow is not None and seconds is not None and seconds > self._options.latency_above
        if self.state is HALF_OPEN:
            self._probed(token, now, failed or slow)
            return
        if self._failures is not None:
            self._failures.add(now, failed)
        if self._slow is not None and seconds is not None:
            self._slow.add(now, slow)
        self._row = self._row + 1 if failed else 0
        if (failed or slow) and self._broken(now):
            self._open(now)
            self.changed(OPEN)

    def forget(self, token: int) -> None:
        """An admitted request went another way and says nothing about this one's health."""
        if self.state is HALF_OPEN and token == self._round and self._outstanding:
            self._outstanding -= 1

    def adopt(self, now: float, state: str) -> None:
        """Another process found this state; `changed` is not called. ValueError if there is no such state.

        Open starts the cooldown from now. Half-open means that another process is trying, so an open breaker leaves
        that to it for one more cooldown; the others go on as they are.
        """
        if state == CLOSED:
            if self.state is not CLOSED:
                self._close()
        elif state == OPEN or (state == HALF_OPEN and self.state is OPEN):
            self._open(now)
        elif state != HALF_OPEN:
            raise ValueError(f"no state of a breaker: {state!r}")

    # Changing...

    def _probe(self, now: float) -> int:
        if self.state is OPEN:
            if now < self._cooldown_over:
                return 0
            self._enter(HALF_OPEN)
            self._admitted(now)
            token = self._round
            self.changed(HALF_OPEN)
            return token
        if self._outstanding >= self._options.half_open_requests:
            if now < self._probes_over:
                return 0
            # Streams of hours or lost calls: others may try. Should they end after all, their outcome still counts.
            self._round += 1
            self._outstanding = 0
        self._admitted(now)
        return self._round

    def _admitted(self, now: float) -> None:
        self._outstanding += 1
        self._probes_over = now + self._options.cooldown

    def _probed(self, token: int, now: float, failed: bool) -> None:
        self.forget(token)
        if failed:
            self._open(now)
            self.changed(OPEN)
            return
        self._successes += 1
        if self._successes >= self._options.success_threshold:
            self._close()
            self.changed(CLOSED)

    def _broken(self, now: float) -> bool:
        """Asked after a bad outcome only: a good one makes nothing worse."""
        return 0 < self._options.failure_threshold <= self._row or self._many_failed(now) or self._many_slow(now)

    def _many_failed(self, now: float) -> bool:
        window, ratio = self._failures, self._options.failure_ratio
        if window is None or ratio is None or window.total(now) < self._options.min_requests:
            return False
        return window.ratio(now) >= ratio

    def _many_slow(self, now: float) -> bool:
        window, quantile = self._slow, self._options.latency_quantile
        if window is None or quantile is None or (total := window.total(now)) < self._options.min_requests:
            return False
        return total - window.failures(now) < rank(total, quantile)

    def _open(self, now: float) -> None:
        self._enter(OPEN)
        self._cooldown_over = now + self._options.cooldown

    def _close(self) -> None:
        self._enter(CLOSED)
        self._row = 0
        for window in (self._failures, self._slow):
            if window is not None:
                window.clear()

    def _enter(self, state: str) -> None:
        self.state = state
        self._round += 1
        self._since = self._round
        self._outstanding = 0
        self._successes = 0


def _nobody(state: str) -> None:
    """Nobody wants to know."""


def rank(total: int, q: float) -> int:
    """Which of `total` values in order of size, counted from 1, is the one that a share of `q` does not exceed."""
    return max(1, ceil(q * total - 1e-9))  # 0.55 * 100 is a little more than 55
