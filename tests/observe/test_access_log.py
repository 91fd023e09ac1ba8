"""The access log as a whole."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from a3sgw.observe import access_log
from a3sgw.observe.access_log import AccessLog
from a3sgw.observe.metrics import Metrics
from tests.observe.test_record import record


def statuses(path: Path) -> list[str]:
    """The paths that were logged."""
    return [json.loads(line)["path"] for line in path.read_bytes().splitlines()]


async def test_close_writes_everything(tmp_path: Path) -> None:
    """Every record written before `close` is in the file afterwards, in order, across batches."""
    log = AccessLog(tmp_path / "log", lose=Metrics().lose)
    for number in range(1000):
        log.write(record(f"/{number}"))
    await log.close()
    assert statuses(tmp_path / "log") == [f"/{number}" for number in range(1000)]


async def test_a_lone_record_is_written_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record does not wait for a full batch: a timer hands it over, and there is none while nothing is pending."""
    monkeypatch.setattr(access_log, "DELAY", 0.0)
    log = AccessLog(tmp_path / "log", lose=Metrics().lose)
    assert log._timer is None
    log.write(record("/lone"))
    assert log._timer is not None
    async with asyncio.timeout(10):
        while not (tmp_path / "log").read_bytes():
            await asyncio.sleep(0)
    assert log._timer is None
    await log.close()
    assert statuses(tmp_path / "log") == ["/lone"]


async def test_reopen(tmp_path: Path) -> None:
    """Records from before the reopening are in the moved file, later ones in the new file."""
    path, moved = tmp_path / "log", tmp_path / "log.1"
    log = AccessLog(path, lose=Metrics().lose)
    log.write(record("/before"))
    path.rename(moved)
    log.reopen()
    log.write(record("/after"))
    await log.close()
    assert (statuses(moved), statuses(path)) == (["/before"], ["/after"])


async def test_stalled_output_loses_lines_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A pipe nobody reads costs memory up to the queue's limit, then lines, all of them counted; never the loop."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    metrics = Metrics()
    log = AccessLog(pipe, lose=metrics.lose)
    for _ in range(100 * access_log.BATCH):
        log.write(record("/" + "x" * 1000))
    assert metrics.access_log_lost >= 30 * access_log.BATCH
    with monkeypatch.context() as patch:
        patch.setattr(access_log, "CLOSE_TIMEOUT", 0.01)
        await log.close()
    os.close(reader)  # lets the thread end: its writes fail
    await log.close()
    assert metrics.access_log_lost == 100 * access_log.BATCH
    assert "Broken pipe" in capfd.readouterr().err


async def test_failing_output_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that the disk refused are in the metrics when the log is closed."""
    metrics = Metrics()
    log = AccessLog(Path("/dev/full"), lose=metrics.lose)
    for _ in range(access_log.BATCH + 1):
        log.write(record())
    await log.close()
    assert metrics.access_log_lost == access_log.BATCH + 1
