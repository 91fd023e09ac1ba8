"""Lines of several real processes to one output."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.observe.lines import Lines, pieces

WORKERS = 4
WRITE = """
import random, sys
from pathlib import Path
from a3sgw.observe.writer import Writer
name, count, longest, target = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
writer = Writer(Path(target) if target != "stdout" else target)
random.seed(name)
lines = []
for number in range(count):
    size = random.randint(200, longest)
    lines.append(b"%s %d %d %s\\n" % (name.encode(), number, size, name.encode() * size))
    if len(lines) == 256 or number == count - 1:
        while not writer.put(b"".join(lines), len(lines)):
            writer.flush(1)
        lines.clear()
while not writer.close(1):
    pass
sys.exit(writer.lost)
"""


def start(name: str, count: int, longest: int, target: str, output: int | None = None) -> subprocess.Popen[bytes]:
    """A process that writes `count` lines of 200 to `longest` bytes; each says whose it is and how long."""
    return subprocess.Popen([sys.executable, "-c", WRITE, name, str(count), str(longest), target], stdout=output)


def intact(lines: Iterator[bytes]) -> Counter[bytes]:
    """How many lines there are of each worker; in order, and every one as it was written."""
    seen: Counter[bytes] = Counter()
    for line in lines:
        name, number, size, fill = line.rstrip(b"\n").split(b" ")
        assert fill == name * int(size)
        assert int(number) == seen[name], "lost or out of order"
        seen[name] += 1
    return seen


def pipe() -> tuple[int, int]:
    """What a shell or a container runtime gives."""
    return os.pipe()


def stream() -> tuple[int, int]:
    """What systemd gives."""
    one, other = socket.socketpair()
    return one.detach(), other.detach()


@pytest.mark.parametrize("make", [pipe, stream])
@pytest.mark.parametrize(("count", "longest"), [(20_000, 3_000), (500, 60_000)], ids=["many", "long"])
def test_lines_of_many_processes_stay_whole(make: Callable[[], tuple[int, int]], count: int, longest: int) -> None:
    """Every line arrives once, in its process's order, with nothing in between, however long it is."""
    reading, writing = make()
    processes = [start(name, count, longest, "stdout", writing) for name in "abcd"[:WORKERS]]
    os.close(writing)
    with os.fdopen(reading, "rb") as lines:
        seen = intact(iter(lines))
    assert [process.wait(10) for process in processes] == [0] * WORKERS
    assert seen == {name.encode(): count for name in "abcd"[:WORKERS]}


def test_lines_in_one_file_stay_whole(tmp_path: Path) -> None:
    """The same where each process has opened the file itself."""
    log = tmp_path / "log"
    processes = [start(name, 5_000, 3_000, str(log)) for name in "abcd"[:WORKERS]]
    assert [process.wait(30) for process in processes] == [0] * WORKERS
    with log.open("rb") as lines:
        assert intact(iter(lines)) == {name.encode(): 5_000 for name in "abcd"[:WORKERS]}


def test_half_a_line_is_taken_back(tmp_path: Path) -> None:
    """When the file can grow no more, it ends with a whole line, so the next one of anybody stands by itself."""
    log = tmp_path / "log"
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10_050, 10_050))\n" + WRITE
    full = subprocess.run([sys.executable, "-c", code, "a", "512", "200", str(log)], capture_output=True, check=False)
    assert full.returncode == 512 % 256
    assert full.stderr.count(b"cannot write to") == 1
    kept = log.read_bytes().splitlines(keepends=True)
    assert kept
    assert all(line.endswith(b"a\n") and len(line.split(b" ")[3]) == 201 for line in kept)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    Lines(descriptor, own=True).write(b"next\n")
    os.close(descriptor)
    assert log.read_bytes().splitlines(keepends=True) == [*kept, b"next\n"]


def test_a_stuck_process_stops_nobody() -> None:
    """Whoever holds the lock and does not go on costs the others a moment, once, and no line."""
    reading, writing = os.pipe()
    hold = f"import fcntl, sys; fcntl.lockf({writing}, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[writing]
    ) as stuck:
        assert stuck.stdout is not None
        assert stuck.stdout.readline() == b"held\n"
        lines = Lines(writing, own=False)
        for _ in range(100):
            lines.write(b"on we go\n")
        assert os.read(reading, 65536) == b"on we go\n" * 100
        stuck.kill()
    lines.write(b"and on\n")
    assert os.read(reading, 65536) == b"and on\n"
    os.close(reading)
    os.close(writing)


def test_a_killed_process_leaves_whole_lines() -> None:
    """A worker that is killed while nobody reads has written whole lines or nothing of a line."""
    reading, writing = os.pipe()
    process = start("a", 5_000, 3_000, "stdout", writing)
    while not _is_full(writing):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    other = start("b", 100, 300, "stdout", writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as lines:
        seen = intact(iter(lines))
    assert other.wait(10) == 0
    assert seen[b"a"] > 0
    assert seen[b"b"] == 100


def _is_full(writing: int) -> bool:
    return not select.select([], [writing], [], 0)[1]


@given(st.lists(st.integers(0, 9000), max_size=20), st.booleans())
def test_pieces_are_whole_lines(sizes: list[int], ended: bool) -> None:
    """No byte is lost; a piece ends with a line, and is longer than a pipe takes at once only if its line is."""
    chunk = b"".join(b"x" * size + b"\n" for size in sizes) + (b"" if ended else b"rest")
    parts = [bytes(piece) for piece in pieces(chunk)]
    assert b"".join(parts) == chunk
    assert all(part.endswith(b"\n") for part in parts[:-1])
    assert all(len(part) <= 4096 or part.count(b"\n") <= 1 for part in parts)
