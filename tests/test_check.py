"""What compiling finds out about a loaded configuration."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

from a3sgw.check import check, errors
from a3sgw.config.load import Loaded, Loader
from a3sgw.diagnostic import Diagnostic
from a3sgw.tls.pairs import pair_of
from tests.support.tls import Authority


def load(routers: str, more: str = "") -> Loaded:
    text = 'entrypoints "web" { address = ":80" }\n' + routers + more
    text += 'services "s" {\n  load_balancer { servers { url = "http://127.0.0.1:1" } }\n}\n'
    loaded = Loader().load_text(text, "t.hcl")
    assert loaded.config is not None, loaded.diagnostics
    return loaded


def router(name: str, rule: str, more: str = "") -> str:
    return f'routers "{name}" {{\n  rule    = "{rule}"\n  service = "s"\n{more}}}\n'


def places(found: list[Diagnostic]) -> list[str]:
    return [str(one.place) for one in found]


def test_nothing_to_say() -> None:
    """A sound configuration has no findings."""
    assert check(load(router("a", "Host(`a.example`)"))) == []
    assert errors(load(router("a", "Host(`a.example`)"))) == []


def test_nothing_loaded() -> None:
    """What could not be loaded has been reported already."""
    loaded = Loader().load_text("entrypoints {", "t.hcl")
    assert loaded.config is None
    assert check(loaded) == []
    assert errors(loaded) == []


def test_all_rules_at_once() -> None:
    """Each broken rule is an error that points into its text, before any warning."""
    found = check(load(router("a", "Hots(`a`)") + router("b", "Host(`a`) && ") + router("c", "Path(`x`)")))
    assert [one.severity for one in found] == ["error"] * 3
    assert places(found) == ["t.hcl:3:14", "t.hcl:7:24", "t.hcl:11:19"]
    assert found[0].help == "Did you mean Host?"


def test_certificates_and_rules_together(tmp_path: Path) -> None:
    """Errors of every kind are collected in one go."""
    service = 'services "tls" {\n  load_balancer {\n    servers { url = "https://127.0.0.1:1" }\n'
    service += f'    tls {{ ca_file = "{tmp_path}/no.pem" }}\n  }}\n}}\n'
    found = check(load(router("a", "Hots(`a`)"), service))
    assert {str(one.place).split(":")[1] for one in found} == {"3", "9"}
    assert any("authorities" in one.summary for one in found)


def test_ties_are_warned_about() -> None:
    """Two routers of one priority that could both match: the first wins, and the second is named."""
    found = check(load(router("first", "Path(`/aa`)") + router("second", "Path(`/aa`)")))
    (tie,) = [one for one in found if one.code == "priority"]
    assert tie.severity == "warning"
    assert tie.place is not None
    assert tie.place.line == 7
    assert '"first" wins' in tie.help


def test_ties_of_connections() -> None:
    """Two TCP routers of one priority that could both match are told as well."""
    more = 'entrypoints "more" {\n  address = ":81"\n  protocol = "tcp"\n}\n'
    more += 'services "t" {\n  load_balancer { servers { url = "tcp://127.0.0.1:1" } }\n}\n'
    tcp = (router("first", "HostSNI(`*`)") + router("second", "HostSNI(`*`)")).replace('"s"', '"t"')
    (tie,) = check(load(router("web", "Path(`/`)") + tcp, more))
    assert (tie.code, tie.severity, str(tie.place)) == ("priority", "warning", "t.hcl:11:13")
    assert tie.summary.startswith('"second" and "first"')


def test_ties_across_entrypoints_are_none() -> None:
    """Routers that never meet cannot tie."""
    more = 'entrypoints "other" { address = ":81" }\n'
    first = router("first", "Path(`/aa`)", '  entrypoints = ["web"]\n')
    second = router("second", "Path(`/aa`)", '  entrypoints = ["other"]\n')
    assert check(load(first + second, more)) == []


def test_lints_have_places() -> None:
    """A rule that rarely means what it says gets a warning inside its text."""
    found = check(load(router("a", "PathPrefix(`/api`)")))
    assert [(one.severity, one.code) for one in found] == [("note", "rule")]
    assert places(found) == ["t.hcl:3:25"]


def test_errors_name_what_is_not_supported() -> None:
    """Only what keeps a configuration from being used, so no lints and ties."""
    loaded = load(router("a", "PathPrefix(`/api`)"), "providers {\n  docker {}\n}\n")
    assert [one.code for one in errors(loaded)] == ["unsupported"]
    assert [one.severity for one in errors(load(router("a", "Hots(`a`)")))] == ["error"]


def test_rules_beside_other_mistakes() -> None:
    """A configuration that cannot be used for other reasons has its rules checked all the same, TCP rules as such."""
    text = 'entrypoints "web" { adress = ":80" }\n' + router("a", "Hots(`a`)") + router("b", "HostSNI(`*`)")
    loaded = Loader().load_text(text, "t.hcl")
    assert loaded.config is None
    found = check(loaded)
    assert [one.summary for one in found] == ["unknown matcher Hots"]
    assert found[0].place is not None
    assert (found[0].place.line, found[0].severity) == (3, "error")


def chained(*kinds: str, chain: str = "") -> str:
    """A router through middlewares of these kinds, called after them."""
    options = {
        "ip-allow": 'allowed_ips = ["10.0.0.0/8"]',
        "rate-limit": "rate = 1",
        "circuit-breaker": "",
        "headers": 'request_headers = { "X-A" = "b" }',
        "jwt": 'value = "0123456789abcdef0123456789abcdef"',
        "chain": f"middlewares = [{chain}]",
    }
    blocks = [f'middlewares "{kind}" {{\n  type = "{kind}"\n  {text}\n}}\n' for kind, text in options.items() if text]
    names = ", ".join(f'"{kind}"' for kind in kinds)
    breaker = 'middlewares "circuit-breaker" { type = "circuit-breaker" }\n'
    return router("a", "Path(`/`)", f"  middlewares = [{names}]\n") + "".join(blocks) + breaker


def test_an_unusual_order() -> None:
    """Whoever stands before others that should have their say first is told which, and what is usual."""
    usual = chained("ip-allow", "jwt", "headers", "rate-limit", "circuit-breaker", chain='"headers"')
    assert check(load(usual)) == []
    unusual = ("rate-limit", "headers", "ip-allow", "circuit-breaker", "jwt")
    found = check(load(chained(*unusual, chain='"headers"')))
    assert [one.summary for one in found] == [
        '"ip-allow" (addresses) comes after "rate-limit" (limits)',
        '"jwt" (authentication) comes after "circuit-breaker" (breakers and retries)',
    ]
    assert {one.severity for one in found} == {"warning"}
    assert {one.help for one in found} == {"the usual order is addresses, authentication, limits, breakers and retries"}
    assert places(found) == ["t.hcl:5:43", "t.hcl:5:74"]


@pytest.mark.parametrize(
    ("written", "warned"),
    [
        ([], 0),
        (["rate-limit", "body-limit"], 0),
        (["body-limit", "rate-limit"], 0),
        (["retry", "body-limit"], 1),
        (["headers", "retry"], 0),
        (["rate-limit", "headers", "jwt", "ip-allow"], 2),
    ],
)
def test_orders(written: list[str], warned: int) -> None:
    """What belongs to the same step may stand either way, and what belongs to none anywhere."""
    more = 'middlewares "body-limit" {\n  type = "body-limit"\n  max_body_bytes = 1\n}\n'
    more += 'middlewares "retry" { type = "retry" }\n'
    assert len(check(load(chained(*written, chain='"headers"') + more))) == warned


def test_an_unusual_order_within_a_chain() -> None:
    """It is told where the router names the chain."""
    found = check(load(chained("chain", chain='"rate-limit", "ip-allow"')))
    assert [one.summary for one in found] == ['"ip-allow" (addresses) comes after "rate-limit" (limits)']
    assert places(found) == ["t.hcl:5:18"]


def test_a_middleware_that_runs_twice() -> None:
    """A limit that counts each request twice is half a limit: it is told who else has it."""
    more = 'middlewares "two" {\n  type = "chain"\n  middlewares = ["chain"]\n}\n'
    written = chained("rate-limit", "chain", chain='"rate-limit", "headers"')
    found = check(load(written.replace('["rate-limit", "chain"]', '["rate-limit", "chain", "two"]') + more))
    assert [one.summary for one in found] == [
        '"rate-limit" runs twice: "rate-limit" has it as well',
        '"rate-limit" runs twice: "rate-limit" has it as well',
        '"headers" runs twice: "chain" has it as well',
    ]
    assert {one.severity for one in found} == {"warning"}


def test_certificates(tmp_path: Path) -> None:
    """Names of routers without a certificate are told, and certificates that soon end or have ended."""
    files = Authority(tmp_path).issue("a.example", "*.b.example")
    text = f"""
entrypoints "web" {{
  address = ":443"
  tls {{
    cert_file = "{files.cert}"
    key_file  = "{files.key}"
  }}
}}
routers "a" {{
  rule    = "Host(`a.example`) || Host(`x.b.example`) || Host(`*.b.example`)"
  service = "s"
}}
routers "c" {{
  rule    = "Host(`c.example`) && Path(`/`)"
  service = "s"
}}
services "s" {{
  load_balancer {{ servers = [{{ url = "http://127.0.0.1:1" }}] }}
}}
"""
    loaded = Loader(environment={}).load_text(text, "gateway.hcl", tmp_path)
    found = [one for one in check(loaded) if one.code == "certificate"]
    assert [(one.severity, one.summary) for one in found] == [("warning", '"web" has no certificate for c.example')]
    leaf = pair_of(files.cert.read_bytes()).facts.not_after
    for days, said in ((10, "expires in 10 days"), (-1, "has expired")):
        with patch("time.time", lambda days=days: leaf - days * 86400 - 60):
            (first, *_) = [one for one in check(loaded) if one.code == "certificate"]
        assert said in first.summary


def test_cipher_suites() -> None:
    """What is weak is warned about, on entrypoints and routers; what OpenSSL does not know is an error."""

    def told(entrypoint: str, of_router: str = '"ECDHE-RSA-AES256-GCM-SHA384"') -> list[Diagnostic]:
        more = 'entrypoints "secure" {\n  address = ":443"\n  tls {\n    self_signed = true\n'
        more += f"    cipher_suites = [{entrypoint}]\n  }}\n}}\n"
        text = '  entrypoints = ["secure"]\n  tls {\n    cipher_suites = [' + of_router + "]\n  }\n"
        return check(load(router("a", "Host(`a.example`)", text), more))

    assert told('"ECDHE-RSA-AES128-GCM-SHA256"') == []
    found = told('"ECDHE-RSA-AES128-GCM-SHA256", "eNULL@SECLEVEL=0"', '"ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA"')
    assert [(one.severity, one.code, one.place.line if one.place else 0) for one in found] == [
        ("warning", "cipher", 14),
        ("warning", "cipher", 14),
        ("warning", "cipher", 7),
    ]
    assert found[2].summary.endswith(": AES128-SHA")
    for entrypoint, of_router, line in (
        ('"HIGH", "NOPE"', '"HIGH"', 14),
        ('"HIGH"', '"HIGH", "TLS_AES_128_GCM_SHA256"', 7),
    ):
        (error,) = told(entrypoint, of_router)
        assert (error.severity, error.place.line if error.place else 0) == ("error", line)
