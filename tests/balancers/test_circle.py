"""The same order again and again."""

from __future__ import annotations

from a3sgw.balancers.circle import Circle
from tests.balancers.fakes import One, some


def test_waits() -> None:
    """Whoever is next waits least; asking does not change whose turn it is."""
    a, b, c = some(1, 1, 1)
    circle = Circle([a, b, c])
    assert circle.turn() is a
    assert sorted(circle.waits(), key=circle.waits().__getitem__) == [b, c, a]
    assert set(circle.waits().values()) == {1 / 6, 1 / 2, 5 / 6}
    assert circle.turn() is b


def test_nobody() -> None:
    """No endpoint, no turn, no wait."""
    circle: Circle[One] = Circle([])
    assert circle.turn() is None
    assert circle.waits() == {}
