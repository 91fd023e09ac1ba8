"""Choosing among weighted candidates by a hash."""

from __future__ import annotations

from collections import Counter

import pytest

from a3sgw.balancers.rendezvous import Rendezvous, hashed

SHARES = {"a": 1.0, "b": 2.0, "c": 0.5}


def candidates(*names: str) -> Rendezvous[str]:
    """Some of those in `SHARES`."""
    return Rendezvous([(name, SHARES[name], hashed(name.encode())) for name in names])


def test_hashes_are_the_same_everywhere() -> None:
    """In every process and after a restart."""
    assert hashed(b"http://10.0.0.1:8080") == 0xE49C9B13967452E9


def test_shares_are_exact() -> None:
    """100,000 keys by share, within 3 %."""
    among = candidates("a", "b", "c")
    found = Counter(among.best(hashed(b"%d" % number)) for number in range(100_000))
    assert [found[name] * 3.5 / 100_000 for name in SHARES] == pytest.approx(list(SHARES.values()), rel=0.03)


def test_one_that_goes_moves_only_its_keys() -> None:
    """To whoever was second for them."""
    among, without = candidates("a", "b", "c"), candidates("a", "c")
    for number in range(1000):
        first, second, _ = among.ranked(key := hashed(b"%d" % number))
        assert first == among.best(key)
        assert without.best(key) == (second if first == "b" else first)
