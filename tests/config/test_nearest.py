"""Suggestions: the nearest name, or the few there are, or nothing."""

import pytest

from a3sgw.config.nearest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("name", "known", "help"),
    [
        ("backnd", ["backend", "front"], 'did you mean "backend"?'),
        ("zzz", ["backend", "front"], "use one of: backend, front"),
        ("zzz", [f"name{index}" for index in range(20)], ""),
        ("zzz", [], "there are no services yet"),
        ("x" * 10_000, ["a"], "use one of: a"),
    ],
)
def test_help(name: str, known: list[str], help: str) -> None:
    """A sentence of help fits what is known."""
    assert did_you_mean(name, known, "services") == help


def test_nearest_of_nothing() -> None:
    """Without anything alike there is no guess."""
    assert nearest("abc", ["xyz"]) == ""
