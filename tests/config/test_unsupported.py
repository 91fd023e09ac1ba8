"""What does not run yet is named with its place; defaults do not count."""

import pytest

from a3sgw.config.load import Loader
from a3sgw.config.unsupported import unsupported

WEB = 'entrypoints "web" { address = ":80" }\n'


def found(text: str) -> list[str]:
    loaded = Loader(environment={}).load_text(text, "t.hcl")
    assert loaded.errors == ()
    return [f"{one.place} {one.summary}" for one in unsupported(loaded)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'entrypoints "x" {\n address = ":1"\n tls {\n acme = true\n }\n}',
            "t.hcl:4:9 not supported yet: entrypoints.x.tls.acme",
        ),
        (
            'entrypoints "x" {\n address = ":1"\n http2 {\n max_concurrent_streams = 5\n }\n}',
            "t.hcl:3:2 not supported yet: entrypoints.x.http2",
        ),
        (
            'services "x" {\n revisions {\n name = "a"\n traffic_percent = 100\n servers { url = "h2c://a:1" }\n }\n}',
            "t.hcl:5:18 not supported yet: services.x.revisions[0].servers[0].url = h2c://a:1",
        ),
        (
            'services "x" {\n load_balancer {\n servers { url = "h2c://a" }\n }\n}',
            "t.hcl:3:18 not supported yet: services.x.load_balancer.servers[0].url = h2c://a:80",
        ),
        (
            'services "x" {\n load_balancer { servers { url = "a:1" } }\n scaling {}\n}',
            "t.hcl:3:2 not supported yet: services.x.scaling",
        ),
        ("providers {\n docker {}\n}", "t.hcl:2:2 not supported yet: providers.docker"),
    ],
)
def test_found(text: str, expected: str) -> None:
    """Each thing is reported once, where it was written."""
    assert found(text) == [expected]


def test_what_runs_is_not_reported() -> None:
    """Everything this version runs, and defaults written out, pass."""
    text = (
        'entrypoints "web" {\n address = ":80"\n max_connections = 5\n proxy_protocol = false\n protocol = "http"\n}\n'
    )
    text += 'services "s" {\n load_balancer {\n servers { url = "https://a" }\n servers { url = "unix:/a" }\n'
    text += ' strategy = "weighted"\n }\n}\n'
    assert found(text + 'workers = "auto"\nproviders { file { watch = true } }') == []
    assert found(WEB + "workers = 4") == []
