"""Load from wrk: one thread, 64 kept connections, results as JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.profiles import Profile

CONNECTIONS = 64

_MARK = "result: "
_DONE = (
    """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\n{mark}{{"requests":%d,"microseconds":%d,"failed":%d,"rejected":%d,"p50":%d,"p99":%d,"p999":%d,"max":%d}}\\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout, e.status,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
end
""".replace("{mark}", _MARK)
    .replace("{{", "{")
    .replace("}}", "}")
)


class LoadError(Exception):
    """The load generator said nothing that can be used."""


@dataclass(frozen=True)
class Load:
    """What wrk saw; latencies in microseconds. `failed` are socket errors, `rejected` answers of 400 and above."""

    requests: int
    microseconds: int
    failed: int
    rejected: int
    p50: int
    p99: int
    p999: int
    max: int

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / (self.microseconds / 1e6)


_VARIED = """\
local count = 0
function request()
  count = count + 1
  wrk.headers["Traceparent"] = string.format("00-%032x-00f067aa0ba902b7-01", count)
  return wrk.format()
end"""


def script(profile: Profile) -> str:
    """The Lua program that makes wrk send `profile`; unless it is varied, the request is built once."""
    lines = [f'wrk.path = "{profile.path}"']
    headers = dict(profile.headers)
    if profile.host:
        headers["Host"] = profile.host
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    if profile.body:
        lines += ['wrk.method = "POST"', f'wrk.body = string.rep("x", {profile.body})']
    if profile.varied:
        lines.append(_VARIED)
    return "\n".join(lines) + _DONE


def parse(output: str) -> Load:
    """The result in wrk's output. Raises `LoadError`."""
    for line in output.splitlines():
        if line.startswith(_MARK):
            return Load(**json.loads(line.removeprefix(_MARK)))
    raise LoadError(f"no result in: {output[-500:]}")


def start(profile: Profile, port: int, seconds: float, directory: Path, cpus: set[int]) -> subprocess.Popen[str]:
    """wrk running against `port`; `finish` waits for it."""
    file = directory / f"{profile.name}.lua"
    file.write_text(script(profile))
    pinned = [found, "--cpu-list", ",".join(map(str, sorted(cpus)))] if (found := shutil.which("taskset")) else []
    command = [*pinned, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"]
    scheme = "https" if profile.protocol == "https" else "http"
    return subprocess.Popen(
        [*command, "-s", str(file), f"{scheme}://127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(running: subprocess.Popen[str]) -> Load:
    """The result of `start`, once it is there. Raises `LoadError`."""
    output, _ = running.communicate()
    return parse(output)


def run(profile: Profile, port: int, seconds: float, directory: Path, cpus: set[int]) -> Load:
    """`start` and `finish`."""
    return finish(start(profile, port, seconds, directory, cpus))
