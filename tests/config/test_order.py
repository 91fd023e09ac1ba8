"""The order of a chain: address checks, authentication, limits, breaker and retries."""

import pytest

from a3sgw.config.load import Loader

KINDS = {
    "ip": 'type = "ip-allow"\n allowed_ips = ["::1"]',
    "key": 'type = "api-key"\n keys = ["k"]',
    "rate": 'type = "rate-limit"\n rate = 1',
    "body": 'type = "body-limit"\n max_body_bytes = 1',
    "retry": 'type = "retry"',
    "headers": 'type = "headers"',
}


@pytest.mark.parametrize(
    ("chain", "warned"),
    [
        ([], None),
        (["ip", "key", "rate", "retry"], None),
        (["rate", "body"], None),
        (["body", "rate"], None),
        (["ip", "headers", "key"], None),
        (["key", "ip"], "ip"),
        (["rate", "headers", "key", "ip"], "key"),
        (["retry", "body"], "body"),
    ],
)
def test_order(chain: list[str], warned: str | None) -> None:
    """The first middleware that comes too late is named, at its place in the list."""
    text = 'entrypoints "web" { address = ":80" }\nservices "s" {\n load_balancer { servers { url = "a:1" } }\n}\n'
    text += "".join(f'middlewares "{name}" {{\n {body}\n}}\n' for name, body in KINDS.items())
    names = ", ".join(f'"{name}"' for name in chain)
    text += f'routers "r" {{\n rule = "Path(`/`)"\n service = "s"\n middlewares = [{names}]\n}}\n'
    loaded = Loader(environment={}).load_text(text)
    assert loaded.config is not None
    found = [
        loaded.document.line(one.place)[one.place.column :].split('"')[0] for one in loaded.diagnostics if one.place
    ]
    assert found == ([warned] if warned else [])
    assert all(one.severity == "warning" for one in loaded.diagnostics)
