"""The retry budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.machines.budget import HORIZON, RetryBudget

STEPS = st.lists(st.tuples(st.floats(0, 20), st.integers(0, 30), st.integers(0, 30)), max_size=40)


def granted(budget: RetryBudget, now: float, wanted: int = 10_000) -> int:
    """How many of the retries wanted at once may be."""
    return sum(budget.spend(now) for _ in range(wanted))


@pytest.mark.parametrize(("percent", "requests", "retries"), [(20, 1000, 210), (10, 9, 10), (10, 10, 11), (0, 99, 10)])
def test_a_share_of_the_requests(percent: float, requests: int, retries: int) -> None:
    """All at once may be retried what the percentage allows, and the burst."""
    budget = RetryBudget(percent, 0.0)
    for _ in range(requests):
        budget.request(5.0)
    assert granted(budget, 5.0) == retries
    assert granted(budget, 6.0) == 0


def test_some_come_with_time() -> None:
    """Even without requests there is a retry now and then, and after a long pause no more than those of ten seconds."""
    budget = RetryBudget(20, 2.0, burst=0)
    assert granted(budget, 100.0) == 0
    assert granted(budget, 101.0) == 2
    assert granted(budget, 101.4) == 0
    assert granted(budget, 101.5) == 1
    assert granted(budget, 9999.0) == 20


def test_a_good_time_does_not_pay_for_a_storm() -> None:
    """Of an hour of requests without a retry only the last ten seconds count."""
    budget = RetryBudget(20, 0.0, burst=3)
    for second in range(3600):
        for _ in range(10):
            budget.request(second)
    assert granted(budget, 3599.0) == 3 + 20
    budget.request(3600.0)
    assert granted(budget, 3700.0) == 0


@given(st.floats(0, 100), st.floats(0, 5), st.integers(0, 20), STEPS)
def test_the_bound(percent: float, per_second: float, burst: int, steps: list[tuple[float, int, int]]) -> None:
    """Retries are at most the burst, the share and what came with time, from the start and from any later moment."""
    budget = RetryBudget(percent, per_second, burst)
    now = 50.0
    events: list[tuple[float, int, int]] = []
    for pause, requests, wanted in steps:
        now += pause
        for _ in range(requests):
            budget.request(now)
        events.append((now, requests, granted(budget, now, wanted)))
    for start, (begin, _, _) in enumerate(events):
        later = sum(event[2] for event in events[start:])
        # A storm that begins now may also use what the ten seconds before it put in.
        put_in = [event[1] for event in events if event[0] >= begin - HORIZON - 1e-6]
        seconds = now - begin + HORIZON
        assert later <= burst + percent / 100 * sum(put_in) + per_second * seconds + 1e-5
    requests, retries = sum(event[1] for event in events), sum(event[2] for event in events)
    assert retries <= burst + percent / 100 * requests + per_second * (now - 50.0) + 1e-5
