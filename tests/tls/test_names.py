"""Things by server name."""

from __future__ import annotations

import pytest

from a3sgw.tls.names import Names

NAMES = Names([("a.example", 1), ("*.example", 2), ("*.b.example", 3), ("a.example", 4), ("x.b.example", 5)])


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.example", 1),
        ("c.example", 2),
        ("x.b.example", 5),
        ("y.b.example", 3),
        ("y.x.b.example", None),
        ("example", None),
        (".example", None),
        ("", None),
    ],
)
def test_names(name: str, found: int | None) -> None:
    """The name itself comes before a wildcard, which stands for exactly one label; the first of two wins."""
    assert NAMES.find(name) == found


def test_nothing() -> None:
    """Without names nothing is found, and it says so."""
    assert not Names()
    assert Names[int]().find("a") is None
