"""One access log line."""

from __future__ import annotations

import json
import re
from pathlib import Path

from a3sgw.observe.record import Record, encode

DOCUMENT = Path(__file__).parents[2] / "docs" / "access-log.md"
FIELDS = [
    "time",
    "request_id",
    "entrypoint",
    "router",
    "service",
    "endpoint",
    "client_ip",
    "peer_ip",
    "method",
    "host",
    "path",
    "protocol",
    "status",
    "duration_ms",
    "upstream_ms",
    "received",
    "sent",
    "error",
    "attempts",
]


def record(path: str = "/") -> Record:
    """A record as the request path makes it."""
    return Record(
        "2026-11-21T07:16:33.125Z",
        "id-1",
        "web",
        "api",
        "backend",
        "http://127.0.0.1:8001",
        "10.0.0.1",
        "10.0.0.2",
        "GET",
        "api.example",
        path,
        "HTTP/1.1",
        200,
        1.25,
        1.0,
        0,
        120,
        "",
        1,
    )


def test_line_has_every_field_in_order() -> None:
    """A line is one JSON object with all fields; those that were not recorded are left out."""
    line = encode([record()])
    assert line.endswith(b"}\n")
    assert list(json.loads(line)) == FIELDS


def test_optional_fields() -> None:
    """What only some routes have, and header fields that were recorded, are part of the line, zero and empty or not."""
    one = record()
    one.retries, one.queued_ms, one.answered_by, one.user_agent, one.referer = 2, 0.0, "api@v2", "curl/8", ""
    one.tls_version, one.tls_cipher, one.tls_client_subject = "TLSv1.3", "AES", "CN=a"
    more: dict[str, object] = {"retries": 2, "queued_ms": 0.0, "answered_by": "api@v2"}
    more |= {"tls_version": "TLSv1.3", "tls_cipher": "AES", "tls_client_subject": "CN=a"}
    more |= {"user_agent": "curl/8", "referer": ""}
    line = json.loads(encode([one]))
    assert list(line) == [*FIELDS, *more]
    assert {name: line[name] for name in more} == more


def test_every_byte_survives_and_no_line_is_forged() -> None:
    """All 256 byte values of a path come back from the line, which stays one line without control characters."""
    path = bytes(range(256))
    lines = encode([record(path.decode("latin-1"))] * 2)
    assert lines.count(b"\n") == 2
    assert not [byte for byte in lines.replace(b"\n", b"") if byte < 0x20]
    assert json.loads(lines.splitlines()[0])["path"].encode("latin-1") == path


def test_every_field_is_documented() -> None:
    """docs/access-log.md has a row for every field, in order, and its example is a real line."""
    text = DOCUMENT.read_text()
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == list(Record.__struct_fields__)
    example = next(line for line in text.splitlines() if line.startswith("{"))
    assert list(json.loads(example)) == FIELDS
