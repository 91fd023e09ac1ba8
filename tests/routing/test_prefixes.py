"""Places of paths in a group."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from a3sgw.routing.alternatives import Alternative, PathKey
from a3sgw.routing.prefixes import NOTHING, Candidate, Group

_TEXT = st.text(alphabet="/ab", max_size=6).map(str.encode)


def group(*keys: tuple[str, bytes]) -> Group[int]:
    """Candidates that must be asked, ranked in the order given."""
    filed: list[tuple[Alternative, Candidate[int]]] = []
    for rank, (kind, text) in enumerate(keys):
        key = PathKey("exact", text) if kind == "exact" else PathKey("prefix", text)
        filed.append((Alternative(path=key), (rank, lambda request: False, rank)))
    return Group(filed, ())


@given(st.lists(st.tuples(st.sampled_from(["exact", "prefix"]), _TEXT), max_size=30), _TEXT)
def test_every_candidate_and_no_other(keys: list[tuple[str, bytes]], path: bytes) -> None:
    """The place of a path holds exactly the candidates whose keys fit it, each chunk in order of rank."""
    chunks = group(*keys).find(path).chunks
    expected = [
        rank for rank, (kind, text) in enumerate(keys) if (path == text if kind == "exact" else path.startswith(text))
    ]
    assert sorted(rank for chunk in chunks for rank, _, _ in chunk) == expected
    assert all(list(chunk) == sorted(chunk, key=lambda candidate: candidate[0]) for chunk in chunks)


def test_certain() -> None:
    """A best candidate that needs no asking makes the place certain, and hides all that is behind it."""
    sure: Candidate[str] = (1, None, "sure")
    asked: Candidate[str] = (0, lambda request: False, "asked")
    late: Candidate[str] = (2, None, "late")
    root = Alternative()
    below = Alternative(path=PathKey("prefix", b"/a"))
    assert Group([(root, late), (below, sure)], ()).find(b"/a").chunks == ((sure,),)
    assert Group([(root, late), (below, sure)], ()).find(b"/a").certain == 1
    assert Group([(root, asked), (below, sure)], ()).find(b"/a").chunks == ((asked, sure),)
    assert Group([(root, asked), (below, sure)], ()).find(b"/a").certain == NOTHING


def test_rivals() -> None:
    """Groups beside this one count with their best rank, empty ones not at all."""
    empty: Group[int] = Group([], ())
    rival: Group[int] = Group([(Alternative(), (4, None, 4))], ())
    assert Group([], (empty,)).beside == ()
    assert Group([], (empty, rival)).rival == 4
