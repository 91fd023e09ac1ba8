"""Where a probe goes, what it calls the endpoint, and whom it trusts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from a3sgw.config.load_balancer import UpstreamTls
from a3sgw.probes.place import Place, ProbeFailed, Trust, connect, place
from tests.probes.endpoint import Endpoint, check, target


def tls(**options: Any) -> UpstreamTls:
    """As an operator writes it."""
    return UpstreamTls.model_validate(options)


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("http://127.0.0.1:80", {}, Place("127.0.0.1", 80, "", False, "a.example", "a.example")),
        ("https://127.0.0.1:443", {}, Place("127.0.0.1", 443, "", True, "a.example", "a.example")),
        ("http://[::1]:81", {"port": 82}, Place("::1", 82, "", False, "a.example", "a.example:82")),
        ("http://127.0.0.1:80", {"scheme": "https"}, Place("127.0.0.1", 80, "", True, "a.example", "a.example:80")),
        ("https://127.0.0.1:443", {"hostname": "b:1"}, Place("127.0.0.1", 443, "", True, "a.example", "b:1")),
        ("unix:/x", {"port": 82, "scheme": "https"}, Place("", 0, "/x", False, "", "localhost")),
        ("unix:/x", {"hostname": "b"}, Place("", 0, "/x", False, "", "b")),
    ],
)
def test_where_a_probe_goes(url: str, options: dict[str, Any], expected: Place) -> None:
    """To the target's address by the name it was found by, on the port and with the scheme asked for."""
    assert place(target(url, name="" if "unix" in url else "a.example"), check(**options), Trust()) == expected


def test_an_address_is_a_name_too() -> None:
    """With brackets in the Host field, without them for TLS."""
    found = place(target("https://[::1]:8443"), check(), Trust())
    assert (found.authority, found.server_name) == ("[::1]:8443", "::1")


def test_the_server_name_is_the_operators() -> None:
    """For the certificate, not for the Host field."""
    found = place(target("https://127.0.0.1:443"), check(), Trust(tls(server_name="b.example")))
    assert (found.server_name, found.authority) == ("b.example", "127.0.0.1")


def test_contexts_are_made_once(ca_file: Path) -> None:
    """Per protocol, from a file beside the configuration."""
    trust = Trust(tls(ca_file=ca_file.name), ca_file.parent)
    assert trust.context("h2") is trust.context("h2")
    assert trust.context("h2") is not trust.context("http/1.1")


@pytest.mark.parametrize("content", [None, "not PEM"])
def test_authorities_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    """A file that has gone or is broken is a reason like any other."""
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(ProbeFailed, match="the authorities cannot be read"):
        Trust(tls(ca_file="ca.pem"), tmp_path).context("h2")


async def test_failures_to_connect(endpoint: Endpoint, tmp_path: Path) -> None:
    """Nobody there, no socket, no TLS."""
    endpoint.close()
    with pytest.raises(ProbeFailed, match=r"cannot connect: .*[Rr]efused"):
        await connect(place(target(endpoint.url), check(), Trust()))
    with pytest.raises(ProbeFailed, match="cannot connect: No such file"):
        await connect(place(target(f"unix:{tmp_path}/none"), check(), Trust()))
