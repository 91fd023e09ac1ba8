"""Random rules and requests that have a fair chance to meet: small alphabets, and every kind of matcher."""

from __future__ import annotations

from hypothesis import strategies as st

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request
from a3sgw.rule.ast import Match, Node, Not, conjunction, disjunction

HOSTS = ["a.example", "b.example", "x.a.example", "y.a.example", "localhost", "10.0.0.1", ""]
RULE_HOSTS = ["a.example", "b.example", "x.a.example", "*.a.example", "*.example", "*", "A.Example.", "localhost"]
RULE_HOSTS += ["*a.example", "x.*.example", "**.example"]
SEGMENTS = ["", "a", "ab", "b", "v1", "%2F"]


def paths() -> st.SearchStrategy[str]:
    """Short paths over few segments, so that they are often prefixes of each other."""
    return st.lists(st.sampled_from(SEGMENTS), max_size=3).map(lambda segments: "/" + "/".join(segments))


def patterns() -> st.SearchStrategy[str]:
    """PathPatterns with one or two captures."""
    return st.sampled_from(
        ["/:id", "/a/:id", "/{x}/b", "/:x/:y", "/a/*", "/*", "/:x/**", "/a", "/a*", "/v1/{id}/b", "/ab/:id/*"]
    )


def matchers() -> st.SearchStrategy[Match]:
    """One matcher of any kind with values that can occur in `requests`."""
    return st.one_of(
        st.sampled_from(RULE_HOSTS).map(lambda v: Match("Host", (v,))),
        st.sampled_from([r"^[ab]\.", r"example$", "local"]).map(lambda v: Match("HostRegexp", (v,))),
        paths().map(lambda v: Match("Path", (v,))),
        paths().map(lambda v: Match("PathPrefix", (v,))),
        patterns().map(lambda v: Match("PathPattern", (v,))),
        st.sampled_from(["^/a", "b$", "v[0-9]"]).map(lambda v: Match("PathRegexp", (v,))),
        st.sampled_from(["GET", "post"]).map(lambda v: Match("Method", (v,))),
        st.sampled_from(["1", "2"]).map(lambda v: Match("Header", ("X-Version", v))),
        st.sampled_from(["^1", "."]).map(lambda v: Match("HeaderRegexp", ("x-version", v))),
        st.sampled_from([("q",), ("q", "1")]).map(lambda v: Match("Query", v)),
        st.just(Match("QueryRegexp", ("q", "[0-9]"))),
        st.sampled_from(["10.0.0.0/8", "::1"]).map(lambda v: Match("ClientIP", (v,))),
    )


def nodes() -> st.SearchStrategy[Node]:
    """Whole rules as trees, in the normal form that `parse` makes."""
    several = st.integers(2, 4)
    return st.recursive(
        matchers(),
        lambda children: st.one_of(
            children.map(Not),
            several.flatmap(lambda n: st.tuples(*[children] * n)).map(conjunction),
            several.flatmap(lambda n: st.tuples(*[children] * n)).map(disjunction),
        ),
        max_leaves=8,
    )


def routes() -> st.SearchStrategy[Node]:
    """Rules as operators write them: a host, a path, perhaps something more; or any tree."""
    host = st.sampled_from(RULE_HOSTS[:8]).map(lambda v: Match("Host", (v,)))
    place = st.tuples(st.sampled_from(["Path", "PathPrefix"]), paths()).map(lambda v: Match(v[0], (v[1],)))
    more = st.lists(st.one_of(matchers(), nodes()), max_size=1)
    usual = st.tuples(st.lists(host, max_size=1), st.lists(place, max_size=1), more)
    written = usual.map(lambda parts: tuple(node for part in parts for node in part)).filter(bool).map(conjunction)
    return st.one_of(written, written, nodes())


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A request in the form in which it is routed."""
    request = Request()
    request.host = draw(st.sampled_from(HOSTS)).encode()
    request.path = draw(paths()).encode()
    request.method = draw(st.sampled_from([b"GET", b"POST"]))
    request.query = draw(st.sampled_from([b"", b"q", b"q=1", b"q=x&q=1"]))
    request.peer_ip = draw(st.sampled_from(["10.1.2.3", "::1", "192.0.2.1"]))
    request.headers = Headers(draw(st.sampled_from([b"", b"X-Version: 1\r\n", b"x-version: 2\r\n"])))
    return request
