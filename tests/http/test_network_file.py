"""Lists of networks in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3sgw.http.network_file import networks, watched
from a3sgw.networks import NetworkSet
from a3sgw.options import OptionError


def test_lines() -> None:
    """One network in each; comments, blank lines and any line end are fine."""
    content = b"# office\n10.0.0.0/8\r\n\n  2001:db8::1   # gate\n192.0.2.77/24\n"
    assert list(map(str, networks(content))) == ["10.0.0.0/8", "2001:db8::1/128", "192.0.2.0/24"]
    assert networks(b"") == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"10.0.0.0/8\n\nx # y\n", "line 3: 'x' is not an address or network"),
        (b"10.0.0.1 10.0.0.2", "line 1: '10.0.0.1 10.0.0.2' is not an address or network"),
        (b"\xff", "line 1: '\ufffd' is not an address or network"),
        (b"a\nb\n", "line 1: 'a' is not an address or network; line 2: 'b' is not an address or network"),
        (b"a\n" * 9, "line 3: 'a' is not an address or network (and 6 more)"),
    ],
)
def test_mistakes(content: bytes, message: str) -> None:
    """Each has its line; of many, the first ones are named."""
    with pytest.raises(OptionError) as caught:
        networks(content)
    assert str(caught.value).endswith(message)


async def test_a_change(tmp_path: Path) -> None:
    """Whoever asked is told of all networks; an empty file counts only where that is meant."""
    file = tmp_path / "networks"
    told: list[object] = []
    failed: list[str] = []
    for may_be_empty, listed in ((False, []), (True, []), (False, NetworkSet(["::1"]).networks)):
        file.write_text("10.0.0.0/8")
        watch = watched(file, listed, "key", told.append, lambda: failed.append("yes"), may_be_empty=may_be_empty)
        assert "10.1.1.1" in watch.value
        file.write_text("# nothing\n")
        await watch.look()
        assert ("10.1.1.1" in watch.value) is (not may_be_empty and not listed)
        assert ("::1" in watch.value) is bool(listed)
    assert (len(told), failed) == (2, ["yes"])


def test_the_key(tmp_path: Path) -> None:
    """A file that cannot be used is about the option that names it."""
    with pytest.raises(OptionError) as caught:
        watched(tmp_path / "missing", [], "allowed_ips_file", lambda _: None, lambda: None)
    assert caught.value.key == "allowed_ips_file"
