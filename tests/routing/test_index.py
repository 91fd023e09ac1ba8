"""The index answers what asking every rule would answer, for less."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a3sgw.http.message import Request
from a3sgw.routing.index import Entry, Index
from a3sgw.rule.ast import Node
from a3sgw.rule.compile import compile_rule
from a3sgw.rule.parse import parse
from a3sgw.rule.priority import default_priority
from tests.rule.strategies import requests, routes


def entry(node: Node, priority: int, order: int) -> Entry[int]:
    return Entry(node, compile_rule(node), priority, order, order)


def index(*rules: str | tuple[str, int]) -> Index[str]:
    """Rules in declaration order, each leading to its own text; a pair sets the priority."""
    entries = []
    for order, rule in enumerate(rules):
        text, priority = rule if isinstance(rule, tuple) else (rule, default_priority(rule))
        node = parse(text)
        entries.append(Entry(node, compile_rule(node), priority, order, text))
    return Index(entries)


def request(host: str = "a.example", path: str = "/", method: str = "GET") -> Request:
    made = Request()
    made.host, made.path, made.method = host.encode(), path.encode(), method.encode()
    return made


def naive(entries: list[Entry[int]], asked: Request) -> int | None:
    """The specification: ask every rule in order of preference."""
    for one in sorted(entries, key=lambda e: (-e.priority, e.order)):
        if one.predicate(asked):
            return one.target
    return None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(routes(), st.integers(-1, 3)), max_size=25), st.lists(requests(), min_size=1, max_size=12))
def test_same_answer_as_a_linear_scan(rules: list[tuple[Node, int]], asked: list[Request]) -> None:
    """Whatever the rules, priorities and requests, the index finds the route and captures that a full scan finds."""
    entries = [entry(node, priority, order) for order, (node, priority) in enumerate(rules)]
    built = Index(entries)
    for one in asked:
        one.captures = None
        expected, captures = naive(entries, one), one.captures
        one.captures = None
        assert built.match(one) == expected
        assert one.captures == captures


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(routes(), st.integers(0, 200)), min_size=40, max_size=90), st.lists(requests(), min_size=3))
def test_same_answer_when_places_share_their_tails(rules: list[tuple[Node, int]], asked: list[Request]) -> None:
    """More candidates than one place may copy are linked and merged, with the same answer."""
    entries = [entry(node, priority, order) for order, (node, priority) in enumerate(rules)]
    built = Index(entries)
    for one in asked:
        assert built.match(one) == naive(entries, one)


def test_priority_then_length_then_order() -> None:
    """A higher priority wins over a longer rule, a longer rule over a shorter, the first declared over its equal."""
    prefixes = index("PathPrefix(`/a`)", "PathPrefix(`/ab`)", ("PathPrefix(`/`)", 5))
    assert prefixes.match(request(path="/abc")) == "PathPrefix(`/ab`)"
    assert index(("PathPrefix(`/`)", 99), "PathPrefix(`/abc`)").match(request(path="/abc")) == "PathPrefix(`/`)"
    assert index("Path(`/x`) ", "Path(`/x`)").match(request(path="/x")) == "Path(`/x`) "
    assert index(("Path(`/x`)", -1), ("Path(`/x`) ", 0)).match(request(path="/x")) == "Path(`/x`) "


def test_empty_index_and_unknown_host() -> None:
    """No rule, no route; a request without a host meets only rules that ask for none."""
    assert index().match(request()) is None
    named = index("Host(`a.example`)", "Host(`*.example`) && Path(`/x`)", "Path(`/only`)")
    assert named.match(request(host="")) is None
    assert named.match(request(host="", path="/only")) == "Path(`/only`)"
    assert index("Host(`*`)").match(request(host="")) == "Host(`*`)"


def test_every_group_that_fits_competes() -> None:
    """Exact host, wildcard host and any host are one contest, decided by priority."""
    exact, wildcard, every = "Host(`x.a`)", "Host(`*.a`)", "PathPrefix(`/`)"
    for winner in (exact, wildcard, every):
        rules = index(*[(rule, 2 if rule == winner else 1) for rule in (every, wildcard, exact)])
        assert rules.match(request(host="x.a")) == winner


def test_longest_prefix_behind_longer_strangers() -> None:
    """The prefix is found although others sort between it and the path."""
    rules = index("PathPrefix(`/a`)", "PathPrefix(`/a/b`)", "PathPrefix(`/a/b/c/d`)", "PathPrefix(`/a-z`)")
    assert rules.match(request(path="/a/b/c/e")) == "PathPrefix(`/a/b`)"
    assert rules.match(request(path="/a.b")) == "PathPrefix(`/a`)"
    assert rules.match(request(path="/b")) is None


def test_captures_of_the_rule_that_wins() -> None:
    """A pattern that matches in a rule that does not leaves no captures behind."""
    rules = index("PathPattern(`/:first/:second`) && Method(`POST`) ", "PathPattern(`/x/{id}`)")
    asked = request(path="/x/7")
    assert rules.match(asked) == "PathPattern(`/x/{id}`)"
    assert asked.captures == {"id": "7"}
    posted = request(path="/x/7", method="POST")
    rules.match(posted)
    assert posted.captures == {"first": "x", "second": "7"}


def test_rule_with_very_many_hosts() -> None:
    """A rule may name more hosts than are filed one by one."""
    rule = " || ".join(f"Host(`h{i}.example`)" for i in range(1200))
    assert index(rule).match(request(host="h1199.example")) == rule


def counting(calls: list[int], predicate: Callable[[Request], bool]) -> Callable[[Request], bool]:
    def counted(asked: Request) -> bool:
        calls.append(1)
        return predicate(asked)

    return counted


@pytest.mark.parametrize("keys", ["Host(`h{}.example`)", "PathPrefix(`/p{}/`)", "Path(`/p{}/x`)", "Host(`*.h{}`)"])
def test_only_rules_that_could_match_are_asked(keys: str) -> None:
    """Among a thousand rules with other hosts or paths, exactly one is asked."""
    calls: list[int] = []
    entries = []
    for number in range(1000):
        node = parse(f"{keys.format(number)} && PathPattern(`/*`)")  # captures: the whole predicate is kept
        entries.append(Entry(node, counting(calls, compile_rule(node)), 0, number, number))
    host = "x.h700" if "*." in keys else "h700.example"
    assert Index(entries).match(request(host=host, path="/p700/x")) == 700
    assert len(calls) == 1


def test_keys_that_decide_cost_no_call() -> None:
    """A rule of host and path alone is not asked at all."""
    calls: list[int] = []
    node = parse("Host(`a.example`) && (PathPrefix(`/v1`) || Path(`/x`))")
    built = Index([Entry(node, counting(calls, compile_rule(node)), 0, 0, "found")])
    assert [built.match(request(path=path)) for path in ("/v1/x", "/x", "/y")] == ["found", "found", None]
    assert calls == []


def test_ten_thousand_conditional_prefixes_below_one_parent() -> None:
    """Places share what lies above them: building ten thousand below five thousand is quick and small."""
    rules = [f"PathPrefix(`/p{i:05}`) && Method(`POST`)" for i in range(5000)]
    rules += [f"Header(`X-Tenant`, `{i:017}`)" for i in range(5000)]
    started = time.process_time()
    built = index(*rules)
    assert time.process_time() - started < 20  # a copy per place would take minutes and gigabytes
    place = built._any.find(b"/p00042/x")
    assert sum(map(len, place.chunks)) == 5001
    assert place.chunks[-1] is built._any.find(b"/p00043/x").chunks[-1]
