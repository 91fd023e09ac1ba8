"""The examples under rules/corpus, as values."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
from a3sgw.http.secured import Secured
from tests.support.certificates import der, dns

FOLDER = Path(__file__).parents[2] / "rules" / "corpus"


def cases(kind: str) -> list[Any]:
    """Every example of a kind ("valid", "invalid", "priority", "domains", "tcp") from every file; never none."""
    files = sorted(FOLDER.glob("*.toml"))
    assert files, f"no corpus in {FOLDER}"
    found = [case for file in files for case in tomllib.loads(file.read_text("utf-8")).get(kind, [])]
    assert found, f"no {kind} example in {FOLDER}"
    return found


def name(case: Any) -> str:
    """A test id that shows the rule."""
    return str(case.get("rule", case.get("why", ""))).encode("ascii", "backslashreplace").decode() or "empty"


def request(example: str | dict[str, Any]) -> Request:
    """A request from ``"METHOD host/path?query"`` or a table that spells out what differs from ``GET a/``."""
    table = {"request": example} if isinstance(example, str) else example
    method, _, rest = table.get("request", "GET a/").partition(" ")
    host, slash, target = rest.partition("/")
    path, _, query = (slash + target).partition("?")
    made = Request()
    made.method = table.get("method", method).encode()
    made.host = table.get("host", host).encode()
    made.path = table.get("path", path).encode()
    made.query = query.encode()
    made.peer_ip = table.get("peer", "192.0.2.1")
    made.client_ip = "198.51.100.1"
    if table.keys() & {"tls", "certificate"}:
        made.secured = _secured(table)
    made.headers = Headers("".join(f"{line}\r\n" for line in table.get("headers", [])).encode())
    return made


def _secured(table: dict[str, Any]) -> Secured:
    """The TLS connection of an example; with ``certificate`` (a subject) the client has shown one."""
    shown = b""
    if "certificate" in table:
        shown = der(
            table["certificate"],
            table.get("issuer", "CN=authority"),
            dns(table.get("sans", ())),
            table.get("serial", 1),
        )
    return Secured(None, certificate=shown, verified=table.get("verified", True))
