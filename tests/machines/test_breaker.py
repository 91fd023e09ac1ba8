"""The breaker: closed, open, half-open."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.machines.breaker import CLOSED, HALF_OPEN, OPEN, Breaker, BreakerOptions, rank

ROW = BreakerOptions(failure_threshold=3, cooldown=10.0, success_threshold=2)


def fail(breaker: Breaker, now: float, times: int = 1) -> None:
    """Requests that are admitted and fail at once."""
    for _ in range(times):
        token = breaker.admit(now)
        assert token > 0
        breaker.outcome(token, now, True, None)


def opened(options: BreakerOptions = ROW, now: float = 100.0) -> Breaker:
    """A breaker that opened at `now`."""
    breaker = Breaker(options)
    breaker.adopt(now, OPEN)
    return breaker


def test_failures_in_a_row_open_it() -> None:
    """The third in a row does, but not if there was a success in between."""
    breaker = Breaker(ROW)
    fail(breaker, 1.0, 2)
    breaker.outcome(breaker.admit(1.0), 1.0, False, 0.1)
    fail(breaker, 1.0, 2)
    assert (breaker.state, breaker.retry_after(1.0)) == (CLOSED, 0.0)
    fail(breaker, 2.0)
    assert breaker.state == OPEN
    assert breaker.admit(11.9) == 0
    assert breaker.retry_after(5.0) == 7.0
    assert breaker.retry_after(50.0) == 0.0


def test_the_row_can_be_switched_off() -> None:
    """With a threshold of 0 no number of failures opens it."""
    breaker = Breaker(replace(ROW, failure_threshold=0))
    fail(breaker, 1.0, 1000)
    assert breaker.state == CLOSED


def test_the_share_opens_it() -> None:
    """Half of the last ones failed, once there are enough to say so; what is older than the window is not counted."""
    breaker = Breaker(replace(ROW, failure_threshold=0, failure_ratio=0.5, window=10.0, min_requests=6))
    fail(breaker, 1.0, 5)
    for _ in range(2):
        breaker.outcome(breaker.admit(20.0), 20.0, False, 0.1)
    fail(breaker, 20.0, 1)
    for _ in range(3):
        breaker.outcome(breaker.admit(20.0), 20.0, False, 0.1)
    fail(breaker, 20.0, 3)
    assert breaker.state == CLOSED
    fail(breaker, 20.0)
    assert breaker.state == OPEN


@pytest.mark.parametrize(
    ("fast", "slow", "state"), [(8, 1, CLOSED), (9, 1, CLOSED), (8, 2, OPEN), (19, 2, CLOSED), (19, 3, OPEN)]
)
def test_slow_answers_open_it(fast: int, slow: int, state: str) -> None:
    """When the 90 % quantile of at least ten is above the limit, and not while it is not."""
    breaker = Breaker(replace(ROW, latency_quantile=0.9, latency_above=1.0, min_requests=10))
    for seconds in [1.0] * fast + [1.1] * slow:
        breaker.outcome(breaker.admit(1.0), 1.0, False, seconds)
    assert breaker.state == state


def test_half_open_and_closed() -> None:
    """After the cooldown one request at a time may try, and two successes close it with a clean slate."""
    breaker = opened(replace(ROW, failure_ratio=0.5, min_requests=2))
    assert breaker.admit(109.9) == 0
    first = breaker.admit(110.0)
    assert (breaker.state, breaker.admit(111.0), breaker.retry_after(111.0)) == (HALF_OPEN, 0, 9.0)
    breaker.outcome(first, 112.0, False, 0.1)
    assert (breaker.state, breaker.retry_after(112.0)) == (HALF_OPEN, 0.0)
    breaker.outcome(breaker.admit(112.0), 112.0, False, 0.1)
    assert breaker.state == CLOSED
    fail(breaker, 113.0)
    assert breaker.state == CLOSED


def test_a_clean_slate() -> None:
    """What opened it is no part of the share once it has closed."""
    breaker = Breaker(replace(ROW, success_threshold=1, failure_ratio=0.5, window=1000.0, min_requests=3))
    fail(breaker, 1.0, 3)
    breaker.outcome(breaker.admit(11.0), 11.0, False, 0.1)
    fail(breaker, 12.0, 2)
    assert breaker.state == CLOSED


@pytest.mark.parametrize(("failed", "seconds"), [(True, None), (False, 5.0)])
def test_one_bad_probe_opens_it_again(failed: bool, seconds: float | None) -> None:
    """A failure or, where latency counts, a slow answer in half-open starts another cooldown."""
    breaker = opened(replace(ROW, latency_quantile=0.5, latency_above=1.0))
    breaker.outcome(breaker.admit(110.0), 111.0, failed, seconds)
    assert (breaker.state, breaker.retry_after(111.0)) == (OPEN, 10.0)


def test_latency_counts_only_if_asked_for() -> None:
    """Without a quantile a slow answer is as good as any."""
    breaker = opened(replace(ROW, success_threshold=1))
    breaker.outcome(breaker.admit(110.0), 170.0, False, 60.0)
    assert breaker.state == CLOSED


@pytest.mark.parametrize("failed", [True, False])
def test_what_was_admitted_before_says_nothing(failed: bool) -> None:
    """Requests from before it opened neither close nor open it, nor make room for probes."""
    breaker = Breaker(replace(ROW, success_threshold=1))
    early = breaker.admit(1.0)
    fail(breaker, 1.0, 3)
    assert breaker.admit(11.0) > 0
    breaker.outcome(early, 12.0, failed, 0.1)
    breaker.forget(early)
    assert breaker.state == HALF_OPEN
    assert breaker.admit(12.0) == 0


def test_a_forgotten_probe_makes_room() -> None:
    """A request that was admitted and went elsewhere gives its place back, and counts for nothing."""
    breaker = opened(replace(ROW, success_threshold=1))
    breaker.forget(breaker.admit(110.0))
    assert breaker.state == HALF_OPEN
    assert breaker.admit(110.0) > 0


def test_a_lost_probe_does_not_block() -> None:
    """After another cooldown others may try; the late outcome counts, but makes room for nobody."""
    breaker = opened()
    lost = breaker.admit(110.0)
    assert breaker.admit(119.9) == 0
    assert breaker.admit(120.0) > 0
    breaker.outcome(lost, 121.0, False, 11.0)
    assert breaker.state == HALF_OPEN
    assert breaker.admit(121.0) == 0


def test_who_is_slower_than_the_cooldown_closes_it_too() -> None:
    """Successes that come after their probe was given up add up."""
    breaker = opened()
    probes = [breaker.admit(110.0 + 10.0 * number) for number in range(2)]
    for number, probe in enumerate(probes):
        breaker.outcome(probe, 125.0 + 10.0 * number, False, 15.0)
    assert breaker.state == CLOSED


def test_transitions_are_reported() -> None:
    """Every change that its own requests made is told once, after it has happened."""
    told: list[tuple[str, str]] = []
    breaker = Breaker(replace(ROW, success_threshold=1))
    breaker.changed = lambda state: told.append((state, breaker.state))
    fail(breaker, 1.0, 3)
    fail(breaker, 11.0)
    breaker.outcome(breaker.admit(21.0), 21.0, False, 0.1)
    assert told == [(state, state) for state in (OPEN, HALF_OPEN, OPEN, HALF_OPEN, CLOSED)]


def test_adopting() -> None:
    """What another process found holds here too and is not told on."""
    told: list[str] = []
    breaker = Breaker(ROW, told.append)
    breaker.adopt(1.0, HALF_OPEN)
    assert breaker.state == CLOSED
    fail(breaker, 1.0, 2)
    breaker.adopt(1.0, CLOSED)
    breaker.adopt(2.0, OPEN)
    assert (breaker.state, breaker.retry_after(2.0)) == (OPEN, 10.0)
    breaker.adopt(7.0, OPEN)
    assert breaker.retry_after(7.0) == 10.0
    breaker.adopt(8.0, CLOSED)
    fail(breaker, 8.0, 2)
    assert breaker.state == CLOSED
    assert not told
    with pytest.raises(ValueError, match="ajar"):
        breaker.adopt(9.0, "ajar")


def test_another_process_tries() -> None:
    """An open breaker leaves the trying to who began it, but not for longer than a cooldown."""
    breaker = opened()
    breaker.adopt(109.0, HALF_OPEN)
    assert breaker.admit(118.9) == 0
    assert breaker.admit(119.0) > 0
    breaker.adopt(120.0, HALF_OPEN)
    assert breaker.state == HALF_OPEN


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.sampled_from(["admit", "good", "bad", "forget"]), st.floats(0, 4)), max_size=80),
)
def test_never_more_probes_than_allowed(allowed: int, steps: list[tuple[str, float]]) -> None:
    """In half-open no more requests run than may, those older than a cooldown aside, in whatever order."""
    breaker = opened(BreakerOptions(1, 10.0, 4, half_open_requests=allowed), now=0.0)
    now = 0.0
    running: list[tuple[float, int]] = []
    for what, pause in steps:
        now += pause
        if what == "admit":
            if token := breaker.admit(now):
                running.append((now, token))
        elif running:
            _, token = running.pop(0)
            if what == "forget":
                breaker.forget(token)
            else:
                breaker.outcome(token, now, what == "bad", 0.1)
        if breaker.state != HALF_OPEN:
            running.clear()
        assert len([at for at, _ in running if at + 10.0 > now]) <= allowed
        assert 0.0 <= breaker.retry_after(now) <= 10.0 + 1e-9


@pytest.mark.parametrize(
    ("total", "q", "expected"), [(10, 0.0, 1), (10, 0.9, 9), (10, 0.91, 10), (100, 0.55, 55), (7, 1.0, 7), (0, 0.5, 1)]
)
def test_ranks(total: int, q: float, expected: int) -> None:
    """The rank is the first whose share suffices, whatever the rounding."""
    assert rank(total, q) == expected
