"""The configurations written for the products."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.products import PRODUCTS
from benchmarks.products.base import Setup
from benchmarks.profiles import PROFILES


def written(name: str, directory: Path, routes: int = 0, workers: int = 1) -> str:
    """All configuration text that product `name` writes."""
    directory.mkdir(exist_ok=True)
    PRODUCTS[name](directory, Setup(8080, 9000, routes, workers)).write()
    return "\n".join(file.read_text() for file in sorted(directory.iterdir()))


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_product_proxies_port_to_backend(name: str, tmp_path: Path) -> None:
    """Each configuration names the port it listens on and the backend."""
    text = written(name, tmp_path)
    assert ":8080" in text
    assert ":9000" in text


@pytest.mark.parametrize("name", [name for name, product in PRODUCTS.items() if product.can_route])
def test_routes(name: str, tmp_path: Path) -> None:
    """A configuration with routes has each host once."""
    text = written(name, tmp_path, routes=20)
    for index in range(20):
        assert text.count(f"host-{index}.example") == 1


def test_workers(tmp_path: Path) -> None:
    """Whoever can have several workers is told how many."""
    assert [name for name, product in PRODUCTS.items() if product.can_spread] == ["a3sgw"]
    assert "workers = 1\n" in written("a3sgw", tmp_path / "one")
    assert "workers = 2\n" in written("a3sgw", tmp_path / "two", workers=2)


def test_profile_names_its_contenders() -> None:
    """A product is measured once, or once for each number of workers."""
    assert PROFILES["header1"].contenders("a3sgw") == {"a3sgw": 1}
    assert PROFILES["workers"].contenders("a3sgw") == {"a3sgw ×1": 1, "a3sgw ×2": 2}


def test_a3sgw_changes_with_every_writing(tmp_path: Path) -> None:
    """A reload that changes nothing would measure nothing."""
    product = PRODUCTS["a3sgw"](tmp_path, Setup(8080, 9000, 10))
    product.write()
    first = (tmp_path / "gateway.hcl").read_text()
    product.write()
    assert (tmp_path / "gateway.hcl").read_text() != first
