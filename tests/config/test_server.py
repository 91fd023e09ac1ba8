"""Server URLs: every scheme of the contract, and help for what is not one."""

import pytest

from a3sgw.config.server import Server, ServerUrl
from a3sgw.options import OptionError, ValidationError


@pytest.mark.parametrize(
    ("text", "url", "shown"),
    [
        ("http://127.0.0.1:8001", ServerUrl("http", "127.0.0.1", 8001), "http://127.0.0.1:8001"),
        ("http://API.example/", ServerUrl("http", "api.example", 80), "http://api.example:80"),
        ("https://api.example", ServerUrl("https", "api.example", 443), "https://api.example:443"),
        ("h2c://a", ServerUrl("h2c", "a", 80), "h2c://a:80"),
        ("grpc://a:5", ServerUrl("h2c", "a", 5), "h2c://a:5"),
        ("tcp://a:5432", ServerUrl("tcp", "a", 5432), "tcp://a:5432"),
        ("udp://[::1]:53", ServerUrl("udp", "::1", 53), "udp://[::1]:53"),
        ("a_b.example:81", ServerUrl("http", "a_b.example", 81), "http://a_b.example:81"),
        ("unix:/run/a.sock", ServerUrl("unix", path="/run/a.sock"), "unix:/run/a.sock"),
        ("unix:///run/a.sock", ServerUrl("unix", path="/run/a.sock"), "unix:/run/a.sock"),
    ],
)
def test_url(text: str, url: ServerUrl, shown: str) -> None:
    """A URL is taken apart once and can be written back."""
    assert Server.model_validate({"url": text}).url == url
    assert str(url) == shown
    assert ServerUrl.parse(shown) == url


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ftp://a:1", "unknown scheme"),
        ("http://a/path", "has a path"),
        ("http://a?x=1", "has a path"),
        ("tcp://a", "has no port"),
        ("host", "has no port"),
        ("http://a:0", "not the address"),
        ("http://a:70000", "not the address"),
        ("http://user@a", "not the address"),
        ("http://a b", "not the address"),
        ("", "not the address"),
        ("unix:", "not the address"),
        ("http://bücher.example", "not ASCII"),
    ],
)
def test_refused(text: str, words: str) -> None:
    """What is not the address of a server says why and what to write."""
    with pytest.raises(OptionError, match=words) as caught:
        ServerUrl.parse(text)
    assert caught.value.help


def test_a_label() -> None:
    """A name that is not ASCII comes with the one to write (as Traefik refuses it)."""
    with pytest.raises(OptionError) as caught:
        ServerUrl.parse("http://bücher.example:80")
    assert caught.value.help == "write its A-label: xn--bcher-kva.example"


def test_weight() -> None:
    """Weights are not negative."""
    with pytest.raises(ValidationError):
        Server.model_validate({"url": "a:1", "weight": -1})
