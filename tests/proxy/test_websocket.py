"""Where frames end, however they come in pieces."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.proxy.websocket import Frames


def frame(opcode: int, length: int, masked: bool, long: int = 0) -> bytes:
    """One frame of zeros; `long` asks for a longer form of the length than it needs (2 or 8 bytes)."""
    mask = 0x80 if masked else 0
    if length > 65535 or long == 8:
        head = struct.pack("!BBQ", opcode | 0x80, 127 | mask, length)
    elif length > 125 or long == 2:
        head = struct.pack("!BBH", opcode | 0x80, 126 | mask, length)
    else:
        head = struct.pack("!BB", opcode | 0x80, length | mask)
    return head + bytes(4 if masked else 0) + bytes(length)


FRAMES = st.builds(
    frame, st.sampled_from([0, 1, 2, 9, 10]), st.sampled_from([0, 1, 5, 125, 126, 300, 65536]), st.booleans()
)


@given(st.lists(FRAMES, min_size=1, max_size=5), st.lists(st.integers(1, 70000), max_size=12), st.data())
def test_ends_are_known_wherever_the_pieces_end(frames: list[bytes], sizes: list[int], data: st.DataObject) -> None:
    """After each piece: whether it was the end of a frame."""
    ends = {0}
    for one in frames:
        ends.add(max(ends) + len(one))
    whole = b"".join(frames)
    seen = Frames()
    at = 0
    for size in [*sizes, len(whole)]:
        piece = whole[at : at + size]
        seen.feed(piece)
        at += len(piece)
        assert seen.at_boundary == (at in ends)
    assert not seen.closed


@pytest.mark.parametrize("long", [0, 2, 8])
@pytest.mark.parametrize("masked", [False, True])
def test_byte_by_byte(masked: bool, long: int) -> None:
    """Headers may come in any number of pieces."""
    whole = frame(2, 70, masked, long) + frame(8, 2, masked)
    first = len(frame(2, 70, masked, long))
    seen = Frames()
    for at in range(len(whole)):
        seen.feed(whole[at : at + 1])
        assert seen.at_boundary == (at + 1 in (first, len(whole)))
    assert seen.closed


def test_a_close_frame_is_seen() -> None:
    """Also behind others in one piece; a byte of data that looks like one is none."""
    seen = Frames()
    seen.feed(b"\x82\x02\x88\x02" + frame(9, 0, False))
    assert not seen.closed
    seen.feed(frame(1, 3, False) + b"\x88")
    assert not seen.closed
    seen.feed(b"\x00")
    assert seen.closed
    assert seen.at_boundary
