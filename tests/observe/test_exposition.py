"""The Prometheus text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import a3sgw
from a3sgw.observe.exposition import CONTENT_TYPE, WorkerFigures, render
from a3sgw.observe.metrics import Metrics
from tests.support.done import done

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


def lines(metrics: Metrics) -> list[str]:
    """The sample lines, without the process's own."""
    text = render(metrics, "1.2.3").decode()
    return [line for line in text.splitlines() if line.startswith("a3sgw_")]


def test_route_counters_appear_at_three_levels() -> None:
    """One request is counted for its entrypoint, its router and its service, by method and code class."""
    metrics = Metrics()
    metrics.route("web", "api", "backend").observe(done(b"GET", 204, 0.02, 3, 5))
    metrics.route("web", "shop", "backend").observe(done(b"POST", 503, 20.0, 30, 50))
    found = lines(metrics)
    assert 'a3sgw_entrypoint_requests_total{code="2xx",entrypoint="web",method="GET"} 1.0' in found
    assert 'a3sgw_entrypoint_requests_total{code="5xx",entrypoint="web",method="POST"} 1.0' in found
    assert 'a3sgw_router_requests_total{code="5xx",method="POST",router="shop"} 1.0' in found
    assert 'a3sgw_service_requests_total{code="2xx",method="GET",service="backend"} 1.0' in found
    assert 'a3sgw_service_requests_bytes_total{service="backend"} 33.0' in found
    assert 'a3sgw_service_responses_bytes_total{service="backend"} 55.0' in found


def test_histogram_is_cumulative() -> None:
    """Buckets count everything up to their bound, and +Inf, count and sum hold all."""
    metrics = Metrics()
    route = metrics.route("web", "api", "backend")
    for seconds in (0.001, 0.02, 20.0):
        route.observe(done(b"GET", 200, seconds, 0, 0))
    found = lines(metrics)
    name = "a3sgw_router_request_duration_seconds"
    assert f'{name}_bucket{{le="0.005",router="api"}} 1.0' in found
    assert f'{name}_bucket{{le="0.025",router="api"}} 2.0' in found
    assert f'{name}_bucket{{le="10.0",router="api"}} 2.0' in found
    assert f'{name}_bucket{{le="+Inf",router="api"}} 3.0' in found
    assert f'{name}_count{{router="api"}} 3.0' in found
    assert f'{name}_sum{{router="api"}} 20.021' in found


def test_unmatched_requests_have_empty_names() -> None:
    """Requests that no route matched are counted under the empty router of their entrypoint."""
    metrics = Metrics()
    metrics.route("web").observe(done(b"BREW", 404, 0.001, 0, 0))
    found = lines(metrics)
    assert 'a3sgw_router_requests_total{code="4xx",method="other",router=""} 1.0' in found
    assert 'a3sgw_entrypoint_requests_total{code="4xx",entrypoint="web",method="other"} 1.0' in found


def test_routes_without_requests_take_no_line() -> None:
    """Ten thousand idle routes do not make every scrape ten thousand times longer."""
    metrics = Metrics()
    for number in range(1000):
        metrics.route("web", f"r{number}", "s")
    assert not [line for line in lines(metrics) if "_router_" in line]


def test_state() -> None:
    """Connections, reloads, lost log lines and the version are there."""
    metrics = Metrics()
    metrics.entrypoint("web").opened()
    metrics.entrypoint("web").refuse("limit")
    metrics.reloaded(True, 1000.0)
    metrics.reloaded(False, 2000.0)
    metrics.lose(4)
    found = lines(metrics)
    for line in (
        'a3sgw_open_connections{entrypoint="web"} 1.0',
        'a3sgw_connections_accepted_total{entrypoint="web"} 1.0',
        'a3sgw_connections_refused_total{entrypoint="web",reason="limit"} 1.0',
        'a3sgw_config_reloads_total{result="success"} 1.0',
        'a3sgw_config_reloads_total{result="failure"} 1.0',
        "a3sgw_config_last_reload_success 0.0",
        "a3sgw_config_last_reload_success_timestamp_seconds 1000.0",
        "a3sgw_access_log_lost_lines_total 4.0",
        'a3sgw_build_info{version="1.2.3"} 1.0',
    ):
        assert line in found


def test_process_metrics_and_format() -> None:
    """Memory and file descriptors of the process are shown, and the content type names the format."""
    text = render(Metrics()).decode()
    assert "\nprocess_resident_memory_bytes " in text
    assert "\nprocess_open_fds " in text
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")


def test_names_are_escaped() -> None:
    """A quote in a name does not break the format."""
    metrics = Metrics()
    metrics.route("web", 'a"b\\c\nd', "s").observe(done(b"GET", 200, 0.1, 0, 0))
    assert 'a3sgw_router_requests_total{code="2xx",method="GET",router="a\\"b\\\\c\\nd"} 1.0' in lines(metrics)


def test_no_worker_serves() -> None:
    """That is when an alert has to find the number: it is 0, and not absent."""
    found = render(Metrics(), "1.2.3", [], {"died": 2}).decode().splitlines()
    assert "a3sgw_workers 0.0" in found
    assert not [line for line in found if line.startswith("a3sgw_worker_")]


def test_a_program_without_workers() -> None:
    """Says nothing about them: a gateway inside another program is one process."""
    assert "a3sgw_worker" not in render(Metrics()).decode()


def test_every_metric_is_documented() -> None:
    """docs/metrics.md names exactly the metrics that exist."""
    metrics = Metrics()
    metrics.route("web", "api", "backend").observe(done(b"GET", 200, 0.1, 0, 0))
    metrics.entrypoint("web").refuse("limit")
    text = render(metrics, "", [WorkerFigures("0", 1, 2.5, 4096, 12)], {"died": 1}).decode()
    exist = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE a3sgw_")}
    documented = set(re.findall(r"^\| `(a3sgw_\w+)`", DOCUMENT.read_text(), re.MULTILINE))
    assert exist
    assert documented == exist


def test_workers() -> None:
    """What each worker process uses, and how many had to be replaced and why."""
    figures = [WorkerFigures("0", 3, 2.5, 4096, 12), WorkerFigures("1", 4, 0.5, 8192, 13)]
    text = render(Metrics(), "", figures, {"hung": 2}).decode()
    for line in (
        "a3sgw_workers 2.0",
        'a3sgw_worker_connections{worker="1"} 4.0',
        'a3sgw_worker_cpu_seconds_total{worker="0"} 2.5',
        'a3sgw_worker_resident_memory_bytes{worker="1"} 8192.0',
        'a3sgw_worker_open_fds{worker="0"} 12.0',
        'a3sgw_workers_replaced_total{reason="hung"} 2.0',
    ):
        assert f"\n{line}\n" in text


def test_the_shared_table() -> None:
    """What happened at the shared table is added up over processes."""
    mine, total = Metrics(lambda: {"evicted": 2, "crowded": 0}), Metrics()
    total.merge(mine.snapshot())
    total.merge(mine.snapshot())
    text = render(total).decode()
    assert '\na3sgw_shared_table_events_total{event="evicted"} 4.0\n' in text
    assert '\na3sgw_shared_table_events_total{event="crowded"} 0.0\n' in text


# Services and endpoints...

WELL = {"url": "http://10.0.0.7:80", "health": "healthy", "draining": False, "weight": 3, "in_flight": 2}
ILL = {
    "url": "unix:/run/b.sock",
    "health": "unhealthy",
    "draining": True,
    "weight": 0,
    "in_flight": 0,
    "ejected_until": 1000.0,
    "circuit_breaker": "half-open",
}


def shown(**known: object) -> set[str]:
    """The sample lines of a gateway with these endpoints or breakers."""
    text = render(Metrics(), **known).decode()  # type: ignore[arg-type] # by name
    return {line for line in text.splitlines() if line.startswith(("a3sgw_endpoint_", "a3sgw_circuit_breaker"))}


def test_endpoints() -> None:
    """Health is a series per state, so that a change of state is a change of values and not of series."""
    here = '{endpoint="http://10.0.0.7:80",service="api@v1"'
    assert shown(endpoints={"api@v1": [WELL]}) == {
        f'a3sgw_endpoint_health{here},state="healthy"}} 1.0',
        f'a3sgw_endpoint_health{here},state="degraded"}} 0.0',
        f'a3sgw_endpoint_health{here},state="unhealthy"}} 0.0',
        f"a3sgw_endpoint_ejected{here}}} 0.0",
        f"a3sgw_endpoint_draining{here}}} 0.0",
        f"a3sgw_endpoint_weight{here}}} 3.0",
        f"a3sgw_endpoint_requests_in_flight{here}}} 2.0",
    }


def test_an_endpoint_that_is_out() -> None:
    """Every reason shows, and so does its circuit breaker."""
    here = '{endpoint="unix:/run/b.sock",service="api"'
    assert shown(endpoints={"api": [ILL]}) == {
        f'a3sgw_endpoint_health{here},state="healthy"}} 0.0',
        f'a3sgw_endpoint_health{here},state="degraded"}} 0.0',
        f'a3sgw_endpoint_health{here},state="unhealthy"}} 1.0',
        f"a3sgw_endpoint_ejected{here}}} 1.0",
        f"a3sgw_endpoint_draining{here}}} 1.0",
        f"a3sgw_endpoint_weight{here}}} 0.0",
        f"a3sgw_endpoint_requests_in_flight{here}}} 0.0",
        f'a3sgw_circuit_breaker{here},state="closed"}} 0.0',
        f'a3sgw_circuit_breaker{here},state="half-open"}} 1.0',
        f'a3sgw_circuit_breaker{here},state="open"}} 0.0',
    }


def test_the_breaker_of_a_service() -> None:
    """Its endpoint is empty."""
    here = 'a3sgw_circuit_breaker{endpoint="",service="api",state='
    assert shown(breakers={"api": "open"}) == {
        f'{here}"closed"}} 0.0',
        f'{here}"half-open"}} 0.0',
        f'{here}"open"}} 1.0',
    }


def test_events_of_services() -> None:
    """What happened at services is added up over processes, by what."""
    mine, total = Metrics(), Metrics()
    mine.service("api").count("retries")
    mine.service("api@v2").count("ejections")
    total.merge(mine.snapshot())
    total.merge(mine.snapshot())
    found = lines(total)
    assert 'a3sgw_service_events_total{event="retries",service="api"} 2.0' in found
    assert 'a3sgw_service_events_total{event="ejections",service="api@v2"} 2.0' in found


OF_MIDDLEWARES = ("middlewares/*.py", "tokens/*.py", "passwords/*.py", "routing/*.py", "proxy/doors.py")


def counted(*patterns: str) -> Iterator[str]:
    """The words in the code that things are counted by: every text given to something called `count`, in full."""
    root = Path(a3sgw.__file__).parent
    for path in (path for pattern in patterns for path in root.glob(pattern)):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("count", "_count"):
                texts = (one.value for given in node.args for one in ast.walk(given) if isinstance(one, ast.Constant))
                yield from (text for text in texts if isinstance(text, str) and re.fullmatch("[a-z_]{4,}", text))
        yield from re.findall(r'"(mirror(?:ed|_[a-z_]+))"', path.read_text())  # some are looked up in a table
    yield from ("breaker_closed", "breaker_half_open", "breaker_open")  # put together from the state


def documented(section: str) -> set[str]:
    """The words in the first column of a table."""
    text = DOCUMENT.read_text().partition(f"## {section}")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}


def test_every_event_is_documented() -> None:
    """docs/metrics.md has a row for exactly the events that services count."""
    words = set(counted("service/*.py", "proxy/[!d]*.py")) - {"breaker_"}
    assert len(words) > 20
    assert documented("Events of services") == words


def test_every_event_of_middlewares_is_documented() -> None:
    """The same for those of middlewares."""
    words = set(counted(*OF_MIDDLEWARES)) - {"breaker_", "enforce"} | {"answered"}
    assert len(words) > 10
    assert documented("Events of middlewares") == words
