"""Places: of values, keys, blocks, and characters in texts; nearest where nothing was written."""

import pytest

from a3sgw.config.document import Document, join_path
from a3sgw.config.load import Loader

TEXT = """\
entrypoints "web" { address = ":80" }
services "s" {
  load_balancer {
    servers = [{ url = "http://a:1" }, { "url" = "http://b:2", weight = 2 }]
  }
  revisions {
    name = "v1"
    traffic_percent = 50
    servers { url = "c:1" }
  }
  revisions {
    name = "v2"
    traffic_percent = 50
    servers { url = "c:2" }
    servers { url = "c:3" }
  }
}
workers = 1
"""


@pytest.fixture(scope="module")
def document() -> Document:
    return Loader(environment={}).load_text(TEXT, "t.hcl").document


@pytest.mark.parametrize(
    ("path", "place", "key_place"),
    [
        (("workers",), "t.hcl:18:11", "t.hcl:18:1"),
        (("entrypoints", "web"), "t.hcl:1:1", "t.hcl:1:1"),
        (("entrypoints", "web", "address"), "t.hcl:1:31", "t.hcl:1:21"),
        (("entrypoints", "web", "tls", "cert_file"), "t.hcl:1:1", "t.hcl:1:1"),
        (("services", "s", "load_balancer", "servers", 1), "t.hcl:4:40", "t.hcl:4:40"),
        (("services", "s", "load_balancer", "servers", 1, "weight"), "t.hcl:4:73", "t.hcl:4:64"),
        (("services", "s", "revisions", 1, "name"), "t.hcl:12:12", "t.hcl:12:5"),
        (("services", "s", "revisions", 1, "servers", 1, "url"), "t.hcl:15:21", "t.hcl:15:15"),
        (("services", "s", "revisions", 0, "servers", 0, "url"), "t.hcl:9:21", "t.hcl:9:15"),
        (("services", "t"), "t.hcl", "t.hcl"),
    ],
)
def test_place(document: Document, path: tuple[str | int, ...], place: str, key_place: str) -> None:
    """A path leads to its value, or with `key` to its key."""
    assert str(document.place(path)) == place
    assert str(document.place(path, key=True)) == key_place


def test_inside_a_text(document: Document) -> None:
    """An offset counts characters of the value."""
    place = document.place(("services", "s", "load_balancer", "servers", 0, "url"), 7, 1)
    assert document.line(place)[place.column - 1 : place.end_column - 1] == "a"


def test_written(document: Document) -> None:
    """Only what stands in the file counts as written."""
    assert document.written(("services", "s", "revisions", 0, "name"))
    assert not document.written(("services", "s", "revisions", 0, "strategy"))


def test_join_path() -> None:
    """A path reads like an expression."""
    assert join_path(("services", "a", "servers", 0, "url")) == "services.a.servers[0].url"
