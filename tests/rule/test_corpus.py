"""Every example of the rule language does what it says."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from a3sgw.patterns import HAS_RE2
from a3sgw.routing.index import Entry, Index
from a3sgw.routing.ties import ties
from a3sgw.rule.compile import compile_node, compile_rule
from a3sgw.rule.domains import domains
from a3sgw.rule.errors import RuleError
from a3sgw.rule.lint import lint
from a3sgw.rule.parse import parse
from a3sgw.rule.priority import default_priority
from a3sgw.rule.tcp_matchers import TCP
from tests.rule import corpus


def test_there_are_many() -> None:
    """The corpus is a specification, not a sample."""
    count = Counter({kind: len(corpus.cases(kind)) for kind in ("valid", "invalid", "priority", "domains", "tcp")})
    assert count.total() >= 200


@pytest.mark.parametrize("case", corpus.cases("valid"), ids=corpus.name)
def test_valid(case: Any) -> None:
    """A valid rule matches exactly the requests it should, directly and through the index, and warns as it should."""
    node = parse(case["rule"])
    holds = compile_rule(node)
    index = Index([Entry(node, holds, 0, 0, "found")])
    assert case.get("match") or case.get("miss")
    for example in case.get("match", []):
        for matched in (holds, index.match):
            request = corpus.request(example)
            assert matched(request), example
            if isinstance(example, dict) and "captures" in example:
                assert request.captures == example["captures"]
    for example in case.get("miss", []):
        for matched in (holds, index.match):
            request = corpus.request(example)
            assert not matched(request), example
            assert request.captures is None
    if "lint" in case:
        assert [warning.summary for warning in lint(node)] == case["lint"]


@pytest.mark.parametrize("case", corpus.cases("invalid"), ids=corpus.name)
def test_invalid(case: Any) -> None:
    """An invalid rule is refused with the message, the place and the help that the example shows."""
    with pytest.raises(RuleError) as refused:
        compile_rule(parse(case["rule"]))
    if HAS_RE2 or case.get("engine") != "re2":  # the other engine says it in other words, and as early
        check(case, refused.value)


def check(case: Any, error: RuleError) -> None:
    if "starts" in case:
        assert error.summary.startswith(case["starts"])
    else:
        assert error.summary == case["error"]
    assert error.offset + 1 == case["column"]
    assert error.length == case.get("length", error.length)
    assert error.help == case.get("help", error.help)
    assert error.help.endswith((".", "?"))


@pytest.mark.parametrize("case", corpus.cases("priority"), ids=corpus.name)
def test_priority(case: Any) -> None:
    """Of several routes the right one wins, and routes that only order decides between are reported."""
    entries = []
    for order, route in enumerate(case["routes"]):
        node = parse(route["rule"])
        priority = route.get("priority", 0) or default_priority(route["rule"])
        entries.append(Entry(node, compile_rule(node), priority, order, route["name"]))
    assert (Index(entries).match(corpus.request(case["request"])) or "") == case["winner"]
    names = [route["name"] for route in case["routes"]]
    assert [[names[a], names[b]] for a, b in ties(entries)] == case.get("ties", [])


@pytest.mark.parametrize("case", corpus.cases("domains"), ids=corpus.name)
def test_domains(case: Any) -> None:
    """The hosts a rule names."""
    assert domains(parse(case["rule"])) == case["domains"]


@pytest.mark.parametrize("case", corpus.cases("tcp"), ids=corpus.name)
def test_tcp(case: Any) -> None:
    """A TCP rule matches exactly the connections it should, or is refused as it should."""
    if "error" in case:
        with pytest.raises(RuleError) as refused:
            compile_node(parse(case["rule"], TCP), TCP)
        check(case, refused.value)
        return
    holds = compile_node(parse(case["rule"], TCP), TCP)
    for expected, examples in ((True, case.get("match", [])), (False, case.get("miss", []))):
        for example in examples:
            found = SimpleNamespace(
                sni=example.get("sni", ""), alpn=tuple(example.get("alpn", ())), peer_ip=example.get("peer", "")
            )
            assert holds(found) is expected, example
