"""Counters of TCP connections."""

from __future__ import annotations

from a3sgw.observe.metrics import Metrics
from a3sgw.observe.tcp import TcpMetrics


def test_counting() -> None:
    """Open ones are known at once, bytes and seconds at the end; two processes add up."""
    one = TcpMetrics(("web", "db", "s"))
    one.opened()
    one.opened()
    one.over("idle", 2.5, 10, 20)
    one.refused("ConnectError")
    assert (one.open, one.ended, one.seconds) == (1, {"idle": 1, "ConnectError": 1}, 2.5)
    one.add(one.data())
    assert (one.open, one.ended, one.received, one.sent) == (2, {"idle": 2, "ConnectError": 2}, 20, 40)


def test_between_processes() -> None:
    """They go with all other counters, and are forgotten with their router, once nothing is open."""
    mine, yours = Metrics(), Metrics()
    mine.tcp("web", "db", "s").opened()
    yours.merge(mine.snapshot())
    assert yours.tcp("web", "db", "s").open == 1
    mine.forget([])
    assert mine.tcp("web", "db", "s").open == 1
    mine.tcp("web", "db", "s").over("idle", 0, 0, 0)
    mine.forget([])
    assert mine.snapshot()["tcp"] == []
