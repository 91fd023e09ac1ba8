"""Lists of networks in files."""

from __future__ import annotations

import pytest

from a3sgw.http.network_file import networks, reader
from a3sgw.networks import NetworkSet, parse_range
from a3sgw.options import OptionError


def test_lines() -> None:
    """One network in each; comments, blank lines and any line end are fine."""
    content = b"# office\n10.0.0.0/8\r\n\n  2001:db8::1   # gate\n192.0.2.77/24\n"
    assert networks(content) == list(map(parse_range, ("10.0.0.0/8", "2001:db8::1", "192.0.2.0/24")))
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


def test_a_change() -> None:
    """All networks count, those listed elsewhere too; an empty file counts only where that is meant."""
    for may_be_empty, listed in ((False, []), (True, []), (False, NetworkSet(["::1"]).networks)):
        read = reader(listed, may_be_empty=may_be_empty)
        assert "10.1.1.1" in read(b"10.0.0.0/8")
        if may_be_empty or listed:
            empty = read(b"# nothing\n")
            assert ("10.1.1.1" in empty, "::1" in empty) == (False, bool(listed))
        else:
            with pytest.raises(OptionError):
                read(b"# nothing\n")
