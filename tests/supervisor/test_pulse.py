"""Hung, or only without a processor."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from a3sgw.supervisor.pulse import SILENCE, STARVED, Pulse, processor_seconds

PID = 4711
TICKS = os.sysconf("SC_CLK_TCK")


class Proc:
    """A /proc with one process, whose name is as awkward as a name can be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / str(PID)).mkdir()
        self.be("S", 0.0)

    def be(self, state: str, used: float) -> None:
        """In this state, having used so many seconds, half of them in the kernel."""
        ticks = round(used * TICKS)
        fields = [state, *("0" * 10), str(ticks // 2), str(ticks - ticks // 2), "0", "0"]
        (self.folder / str(PID) / "stat").write_text(f"{PID} (a3sgw: w) R 1) " + " ".join(fields) + "\n")

    def pulse(self) -> Pulse:
        return Pulse(PID, self.folder)


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    """In which a process waits and has used nothing."""
    return Proc(tmp_path)


def look(pulse: Pulse, heard_at: float, start: float, end: float) -> str:
    """The verdict at `end`, after a look in every tenth of a second from `start` on."""
    now = start
    verdict = ""
    while now <= end:
        verdict = pulse.verdict(heard_at, now)
        now = round(now + 0.1, 3)
    return verdict


def test_what_a_process_has_used(proc: Proc) -> None:
    """State and processor time, whatever its name; nothing of one that is not there."""
    proc.be("R", 3.5)
    assert processor_seconds(PID, proc.folder) == ("R", 3.5)
    assert processor_seconds(PID + 1, proc.folder) == ("", 0.0)


def test_of_this_process() -> None:
    """The real thing has the same shape."""
    state, used = processor_seconds(os.getpid())
    assert state == "R"
    assert used > 0
    child = subprocess.Popen(["true"])
    child.wait()
    assert processor_seconds(child.pid) == ("", 0.0)


@pytest.mark.parametrize("state", ["S", "D", "R", "T", "t", "Z"])
def test_it_was_heard_lately(proc: Proc, state: str) -> None:
    """Whatever it does, one that beats is well."""
    pulse = proc.pulse()
    proc.be(state, 50.0)
    for heard_at in (10.0, 10.2, 11.1, 12.0):
        assert pulse.verdict(heard_at, heard_at + SILENCE - 0.01) == ""


@pytest.mark.parametrize(
    ("state", "says"),
    [("S", "it waits"), ("T", "it is stopped"), ("t", "it is being traced"), ("Z", "0.0 s of processor time")],
)
def test_it_will_not_come_back_by_itself(proc: Proc, state: str, says: str) -> None:
    """It waits for something else than a processor, or cannot run."""
    proc.be(state, 7.0)
    verdict = look(proc.pulse(), 10.0, 10.0, 10.0 + SILENCE)
    assert verdict.startswith("no heartbeat for 1.0 s")
    assert says in verdict


def test_it_runs_without_end(proc: Proc) -> None:
    """It has had its processor time, and has said nothing."""
    pulse = proc.pulse()
    proc.be("R", 7.0)
    assert look(pulse, 10.0, 10.0, 10.5) == ""
    proc.be("R", 7.5)
    verdict = look(pulse, 10.0, 10.6, 10.0 + SILENCE)
    assert "it has used 0.5 s of processor time" in verdict


@pytest.mark.parametrize("state", ["R", "D"])
def test_it_gets_no_processor(proc: Proc, state: str) -> None:
    """Ready to run, or waiting for a disk, it is excused; but not for ever."""
    pulse = proc.pulse()
    proc.be(state, 7.0)
    assert look(pulse, 10.0, 10.0, 10.0 + STARVED - 0.1) == ""
    assert "no heartbeat for 10.0 s" in look(pulse, 10.0, 10.0 + STARVED, 10.0 + STARVED)


def test_what_it_used_before_does_not_count(proc: Proc) -> None:
    """Each silence is judged by what was used in it: a busy worker that is starved afterwards is not hung."""
    pulse = proc.pulse()
    for second in range(5):
        proc.be("R", 7.0 + second)
        heard_at = 10.0 + second
        assert look(pulse, heard_at, heard_at, heard_at + 0.9) == ""
    proc.be("R", 11.1)
    assert look(pulse, 14.0, 15.0, 15.5) == ""


def test_it_has_ended(proc: Proc) -> None:
    """That is no reason for patience."""
    pulse = Pulse(PID + 1, proc.folder)
    assert look(pulse, 10.0, 10.0, 11.0).startswith("no heartbeat")
