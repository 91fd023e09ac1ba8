"""What wrk is told, and what it says."""

from __future__ import annotations

import pytest

from benchmarks.load import Load, LoadError, parse, script
from benchmarks.profiles import PROFILES

OUTPUT = """Running 2s test @ http://127.0.0.1:1
  1 threads and 64 connections
Requests/sec:  50000.00

result: {"requests":100000,"microseconds":2000000,"failed":1,"rejected":2,"p50":1010,"p99":1920,"p999":3000,"max":9000}
"""


def test_parse() -> None:
    """The result line is found among what wrk prints itself."""
    seen = parse(OUTPUT)
    assert seen == Load(100000, 2000000, 1, 2, 1010, 1920, 3000, 9000)
    assert seen.per_second == 50000


@pytest.mark.parametrize("output", ["", "unable to connect to 127.0.0.1:1 Connection refused\n"])
def test_no_result(output: str) -> None:
    """Without a result line the output is the error."""
    with pytest.raises(LoadError, match="no result in"):
        parse(output)


def test_script_of_every_profile() -> None:
    """Each profile's script sets its path and prints the line that `parse` reads."""
    assert PROFILES
    for profile in PROFILES.values():
        text = script(profile)
        assert f'wrk.path = "{profile.path}"' in text
        assert '\'\\nresult: {"requests":%d' in text


def test_script_details() -> None:
    """Host, headers and body are what the profile says."""
    assert 'wrk.headers["Host"] = "host-5.example"' in script(PROFILES["routes10"])
    assert 'wrk.body = string.rep("x", 1048576)' in script(PROFILES["upload1m"])
    browser = script(PROFILES["browser"])
    assert browser.count("wrk.headers[") == 11


def test_browser_is_about_900_bytes() -> None:
    """The browser profile is as large as its name in the table promises."""
    size = sum(len(f"{name}: {value}\r\n") for name, value in PROFILES["browser"].headers.items())
    assert 800 < size + len("GET / HTTP/1.1\r\nHost: 127.0.0.1:12345\r\n\r\n") < 1000
