"""The configurations written for the products."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Literal

import pytest

from benchmarks.certificate import write_certificate
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


@pytest.mark.parametrize(
    ("protocol", "names", "word"),
    [("https", ["nginx", "haproxy", "caddy", "a3sgw"], "/the.pem"), ("tcp", ["nginx", "haproxy", "a3sgw"], ":9000")],
)
def test_who_speaks_it(protocol: Literal["https", "tcp"], names: list[str], word: str, tmp_path: Path) -> None:
    """Their configurations name both ports, and the certificate where there is one; others have no part in it."""
    assert [name for name, kind in PRODUCTS.items() if protocol in kind.speaks] == names
    for name in names:
        directory = tmp_path / name
        directory.mkdir()
        PRODUCTS[name](directory, Setup(8080, 9000, protocol=protocol, certificate=Path("/the.pem"))).write()
        text = "\n".join(file.read_text() for file in directory.iterdir())
        for each in (":8080", ":9000", word):
            assert each in text


def test_certificate(tmp_path: Path) -> None:
    """OpenSSL takes certificate and key from one file, which other users can read."""
    file = write_certificate(tmp_path / "certificate.pem")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file)
    assert file.stat().st_mode & 0o004


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
