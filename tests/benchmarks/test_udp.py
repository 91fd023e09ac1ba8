"""The echo and the load of UDP, without a product between them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.load import LoadError
from benchmarks.process import StartError
from benchmarks.products import PRODUCTS
from benchmarks.products.base import Setup
from benchmarks.udp import free_udp_port, run, start_echo, wait_until_it_echoes


def test_echoes_are_counted(tmp_path: Path) -> None:
    """All clients hear what they have sent, again and again."""
    cpus = os.sched_getaffinity(0)
    echo, port = start_echo(tmp_path / "echo", cpus)
    try:
        count, seconds = run(port, 0.3, cpus)
    finally:
        echo.stop()
    assert count > 64
    assert 0.3 <= seconds < 5


def test_nobody_is_there() -> None:
    """Then there is nothing to count, and a product counts as not started."""
    port = free_udp_port()
    assert run(port, 0.1, os.sched_getaffinity(0))[0] == 0
    with pytest.raises(StartError, match="no echo"):
        wait_until_it_echoes(port, 0.1)
    with pytest.raises(LoadError, match="no result"):
        run(-1, 0.1, os.sched_getaffinity(0))


def test_who_speaks_it(tmp_path: Path) -> None:
    """Their configurations name both ports, and say that it is UDP."""
    speaking = [name for name, kind in PRODUCTS.items() if "udp" in kind.speaks]
    assert speaking == ["nginx", "a3sgw"]
    for name in speaking:
        directory = tmp_path / name
        directory.mkdir()
        PRODUCTS[name](directory, Setup(8080, 9000, protocol="udp")).write()
        text = "\n".join(file.read_text() for file in directory.iterdir())
        assert ":8080" in text
        assert ":9000" in text
        assert "udp" in text
