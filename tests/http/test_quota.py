"""What clients are told about a rate."""

from __future__ import annotations

import pytest

from a3sgw.errors import ClientError
from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.quota import Quota, RateOptions, show
from a3sgw.options import ValidationError


def quota(**options: object) -> Quota:
    """By these options."""
    return Quota(RateOptions.model_validate(options))


def fields(request: Request, sent: bytes = b"") -> dict[str, str]:
    """The fields of the answer to it, after the endpoint sent these."""
    response = Response(200)
    response.head = b"HTTP/1.1 200 OK\r\n" + sent
    response.received_status = 200
    show(request, response)
    assert len(response.headers) == len({name.lower() for name, _ in response.headers})
    return {name.decode(): value.decode() for name, value in response.headers}


def refusal(one: Quota, spare: float, request: Request | None = None) -> tuple[int, dict[str, str]]:
    """Status and fields."""
    with pytest.raises(ClientError) as caught:
        one.judge(request or Request(), spare)
    return caught.value.status, {name.decode(): value.decode() for name, value in caught.value.fields}


@pytest.mark.parametrize(
    ("rate", "period", "interval"), [(10, "1s", 0.1), (10, "1m", 6.0), (5, 10, 2.0), (1e-311, 1, 31536000.0)]
)
def test_the_period(rate: float, period: object, interval: float) -> None:
    """So many in so much time, evenly; at least one a year."""
    assert quota(rate=rate, period=period).interval == pytest.approx(interval)


def test_the_extremes() -> None:
    """The largest numbers are numbers as well."""
    one = quota(rate=1.7e308, burst=1_000_000_000)
    one.judge(Request(), one.tolerance)
    one = quota(rate=1e-311, burst=1_000_000_000)
    assert refusal(one, -one.interval)[1]["RateLimit-Reset"] == "31536000"


@pytest.mark.parametrize(
    ("spare", "remaining", "reset"),
    [(2.0, "4", "1"), (1.99, "3", "1"), (1.5, "3", "1"), (0.5, "1", "2"), (0.0, "0", "3")],
)
def test_what_is_left(spare: float, remaining: str, reset: str) -> None:
    """How many may come at once now, and when the whole burst may again."""
    request = Request()
    quota(rate=2, burst=5).judge(request, spare)
    assert fields(request) == {"RateLimit-Limit": "5", "RateLimit-Remaining": remaining, "RateLimit-Reset": reset}


@pytest.mark.parametrize(("spare", "retry", "reset"), [(-0.001, "1", "3"), (-0.5, "1", "3"), (-1.001, "2", "4")])
def test_a_refusal(spare: float, retry: str, reset: str) -> None:
    """When to come back, rounded up."""
    told = {"Retry-After": retry, "RateLimit-Limit": "5", "RateLimit-Remaining": "0", "RateLimit-Reset": reset}
    assert refusal(quota(rate=2, burst=5), spare) == (429, told)


def test_names_and_status() -> None:
    """Of the fields, all chosen ones; of the status, any that refuses."""
    request = Request()
    both = quota(rate=1, legacy_headers=True, status=503)
    both.judge(request, 0.0)
    names = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]
    assert list(fields(request)) == [*names, *(f"X-{name}" for name in names)]
    assert refusal(both, -1.0)[0] == 503
    silent = quota(rate=1, headers=False)
    silent.judge(request, 0.0)
    assert fields(request) == {}
    assert refusal(silent, -1.0, request)[1] == {"Retry-After": "1"}
    assert fields(request) == {}


def test_the_tightest_limit_is_told() -> None:
    """Of several, whichever comes first; one that has refused is the tightest."""
    wide, narrow = quota(rate=1, burst=10), quota(rate=1, burst=2)
    for first, second in ((wide, narrow), (narrow, wide)):
        request = Request()
        for one in (first, second):
            one.judge(request, one.tolerance)
        assert fields(request)["RateLimit-Limit"] == "2"
    request = Request()
    refusal(wide, -1.0, request)
    narrow.judge(request, 0.0)
    assert fields(request)["RateLimit-Limit"] == "10"


def test_the_endpoints_own_fields() -> None:
    """Are replaced, in whatever case; so are those of a refusal that an earlier limit sees."""
    request = Request()
    quota(rate=1).judge(request, 0.0)
    assert fields(request, b"ratelimit-limit: 9\r\nA: b\r\n") == {
        "A": "b",
        "RateLimit-Limit": "1",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "1",
    }
    quota(rate=1).judge(request, 0.0)
    response = Response(429, Headers(b"RateLimit-Limit: 1\r\n"))
    show(request, response)
    assert len(response.headers) == 3
    quota(rate=1).judge(request, 0.0)
    response = Response(204)
    show(request, response)
    assert len(response.headers) == 3


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rate": 0},
        {"rate": -1},
        {"rate": 1, "burst": 0},
        {"rate": 1, "burst": 1.5},
        {"rate": 1, "period": 0},
        {"rate": 1, "period": "1 day"},
        {"rate": 1, "status": 200},
        {"rate": 1, "key": "user"},
    ],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    """A rate is needed, and more than nothing has to pass."""
    with pytest.raises(ValidationError):
        RateOptions.model_validate(options)
