"""Host and path: what is routed on, what the endpoint gets, and that both are the same resource."""

from __future__ import annotations

import pytest

from tests.support.gateway import gateway, stage
from tests.support.origin import Origin

END = b" HTTP/1.1\r\nHost: a.example\r\n\r\n"


def two_routes(origin: Origin, rule: str, router: str = "", entrypoint: str = "", more: str = "") -> str:
    """Requests that match `rule` get as far as the origin; all others find nothing."""
    return f"""
    shutdown_timeout_secs = 1
    entrypoints "web" {{
      address = "127.0.0.1:0"
      {entrypoint}
    }}
    routers "one" {{
      rule    = "{rule}"
      service = "origin"
      {router}
    }}
    services "origin" {{
      load_balancer {{ servers = [{{ url = "{origin.url}" }}] }}
    }}
    {more}
    """


async def statuses(rule: str, *requests: bytes, entrypoint: str = "") -> list[int]:
    """What each request gets where only `rule` leads anywhere."""
    async with Origin() as origin, gateway(two_routes(origin, rule, entrypoint=entrypoint)) as running:
        origin.always()
        return [(await running.ask(request)).status for request in requests]


# The method...


@pytest.mark.parametrize("target", [b"a.example:443", b"a.example", b"/", b"http://a.example/"])
async def test_connect_is_not_offered(target: bytes) -> None:
    """T-7: CONNECT gets 501 and the end of the connection, whatever its target."""
    async with stage() as on:
        await on.client.send(b"CONNECT " + target + b" HTTP/1.1\r\nHost: a.example:443\r\n\r\nearly bytes")
        answer = await on.client.message()
        assert answer.status in ((501,) if target == b"a.example:443" else (400, 501))
        assert await on.client.rest() == b""
        assert on.origin.wires == []


async def test_unknown_methods_go_on() -> None:
    """T-7: the set of methods is open (RFC 9110 §16.1); their case is kept."""
    async with stage() as on:
        assert (await on.forwarded(b"BREW /pot" + END)).method == b"BREW"
        assert (await on.forwarded(b"get /" + END)).method == b"get"


# The host...


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example\r\nHost : b.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example\r\nHost_: b.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example b.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example,b.example,\xff\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: user@a.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example/path\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.example:http\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
        b"GET http:/// HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET http://user@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET a.example HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET ?q HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: a.example\r\n\r\n",
    ],
)
async def test_a_request_without_one_clear_host_is_refused(head: bytes) -> None:
    """T-10: no Host, two of them, or one that is no host is 400; the origin hears nothing."""
    async with stage() as on:
        await on.client.send(head)
        assert (await on.client.message()).status == 400
        assert on.origin.wires == []


async def test_the_authority_of_an_absolute_target_wins() -> None:
    """T-10: routing, Host and X-Forwarded-Host all use it, and the endpoint gets origin-form (RFC 9112 §3.2.2)."""
    async with stage(rule="Host(`b.example`)") as on:
        seen = await on.forwarded(b"GET http://B.example:81/p?q HTTP/1.1\r\nX: 1\r\nHost: a.example\r\nY: 2\r\n\r\n")
        assert seen.line == b"GET /p?q HTTP/1.1"
        assert (seen.get(b"host"), seen.get(b"x-forwarded-host")) == (b"B.example:81", b"B.example:81")
        assert (seen.get(b"x"), seen.get(b"y")) == (b"1", b"2")
        seen = await on.forwarded(b"GET HTTPS://b.example HTTP/1.1\r\nHost: b.example\r\n\r\n")
        assert (seen.line, seen.get(b"x-forwarded-proto")) == (b"GET / HTTP/1.1", b"http")
        seen = await on.forwarded(b"GET http://b.example?a=/../b HTTP/1.1\r\nHost: b.example\r\n\r\n")
        assert seen.line == b"GET /?a=/../b HTTP/1.1"


async def test_options_for_the_server_itself() -> None:
    """T-10: `OPTIONS *` goes on as such where a route wants it, other methods may not ask for `*`."""
    async with stage(rule="Host(`a.example`)") as on:
        assert (await on.forwarded(b"OPTIONS *" + END)).target == b"*"


async def test_http_1_0_needs_no_host() -> None:
    """T-10: an HTTP/1.0 request without Host is fine where no rule asks for one."""
    async with stage() as on:
        await on.client.send(b"GET /old HTTP/1.0\r\n\r\n")
        there = await on.origin.accept()
        seen = await there.message()
        assert seen.line == b"GET /old HTTP/1.1"
        assert seen.get(b"host"), "an HTTP/1.1 request has a Host"


@pytest.mark.parametrize(
    "host",
    [b"api.example", b"API.Example", b"api.example:8080", b"api.example.", b"api.example.:80", b"api.example:"],
)
async def test_hosts_are_compared_in_one_spelling(host: bytes) -> None:
    """T-11, T-12: case, port and trailing dot make no difference to rules; the endpoint gets the Host as sent."""
    async with stage(rule="Host(`api.example`)") as on:
        assert (await on.forwarded(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")).get(b"host") == host
    async with stage(rule="Host(`API.example.`)") as on:
        await on.forwarded(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")


async def test_ipv6_hosts() -> None:
    """T-11: an IPv6 literal matches without its brackets and port."""
    async with stage(rule="Host(`2001:db8::1`)") as on:
        seen = await on.forwarded(b"GET / HTTP/1.1\r\nHost: [2001:DB8::1]:8080\r\n\r\n")
        assert (seen.get(b"host"), seen.get(b"x-forwarded-port")) == (b"[2001:DB8::1]:8080", b"8080")


async def test_international_names_travel_as_a_labels() -> None:
    """T-13: a rule names the A-label, which is what clients send."""
    found = await statuses(
        "Host(`xn--bcher-kva.example`)",
        b"GET / HTTP/1.1\r\nHost: XN--BCHER-KVA.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: b\xc3\xbccher.example\r\n\r\n",
    )
    assert found == [200, 400]


async def test_a_wildcard_is_one_label() -> None:
    """T-14: `*.example.com` is neither the apex nor two labels deep; `Host(*)` is every host."""

    def ask(host: bytes) -> bytes:
        return b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"

    hosts = (b"a.example.com", b"A.example.com.:1", b"example.com", b"a.b.example.com", b"aexample.com")
    assert await statuses("Host(`*.example.com`)", *map(ask, hosts)) == [200, 200, 404, 404, 404]
    assert await statuses("Host(`*`)", *map(ask, hosts)) == [200] * 5


# The path...


async def test_a_prefix_is_not_a_path_element() -> None:
    """T-15: PathPrefix compares text, as in Traefik: `/products` matches `/products-for-sale`."""
    targets = (b"/products", b"/products/1", b"/products-for-sale", b"/product", b"/x/products")
    assert await statuses("PathPrefix(`/products`)", *(b"GET " + one + END for one in targets)) == [200] * 3 + [404] * 2


@pytest.mark.parametrize(
    ("target", "matches"),
    [
        (b"/admin/x", True),
        (b"/%61dmin/x", True),
        (b"/admin/%78", True),
        (b"/admin%2Fx", False),
        (b"/admin%2fx", False),
        (b"/a/../admin/x", True),
        (b"/a/%2e%2E/admin/x", True),
        (b"/a/.%2e/admin/x", True),
        (b"/./admin/./x", True),
        (b"//admin/x", True),
        (b"/admin//x", True),
        (b"/admin/x/", False),
        (b"/../../admin/x", True),
        (b"/admin/..%2f..%2fadmin/x", False),
        (b"/Admin/x", False),
        (b"/admin/x;v=1", False),
        (b"/admin%2f..%2f/x", False),
        (b"/admin/x?/../y", True),
    ],
)
async def test_routing_reads_a_path_in_one_way(target: bytes, matches: bool) -> None:
    """T-16, T-17: unreserved characters are decoded before dot segments go; `%2F` is never a slash."""
    assert await statuses("Path(`/admin/x`)", b"GET " + target + END) == [200 if matches else 404]


@pytest.mark.parametrize(
    ("sent", "forwarded"),
    [
        (b"/a%2Fb", b"/a%2Fb"),
        (b"/a%2fb", b"/a%2fb"),
        (b"/%7Euser/%41", b"/%7Euser/%41"),
        (b"/caf%C3%A9", b"/caf%C3%A9"),
        (b"/a%20b+c", b"/a%20b+c"),
        (b"/a;v=1,2/b=c", b"/a;v=1,2/b=c"),
        (b'/[id]/{x}|^`"<>', b'/[id]/{x}|^`"<>'),
        (b"/a/../b", b"/b"),
        (b"/a/%2E%2e/b%2fc", b"/b%2Fc"),
        (b"/a/./b/.", b"/a/b/"),
        (b"/../..", b"/"),
        (b"/a//b", b"/a/b"),
        (b"/..%2f..%2fetc/passwd", b"/..%2f..%2fetc/passwd"),
    ],
)
async def test_the_endpoint_gets_the_path_as_sent(sent: bytes, forwarded: bytes) -> None:
    """T-16, T-17: nothing is decoded or encoded on the way, but dot segments that were resolved stay resolved."""
    async with stage() as on:
        assert (await on.forwarded(b"GET " + sent + END)).target == forwarded
    assert on.records[0]["path"] == sent.decode()


@pytest.mark.parametrize("target", [b"/%", b"/%4", b"/%zz", b"/a%0", b"/%00", b"/a#b", b"/a\\b", b"/a\\..\\b"])
async def test_a_path_that_can_be_read_in_two_ways_is_refused(target: bytes) -> None:
    """T-16: broken triples, NUL, a raw `#` or backslash are 400."""
    async with stage() as on:
        await on.client.send(b"GET " + target + END)
        assert (await on.client.message()).status == 400
        assert on.origin.wires == []


async def test_slashes_are_merged_or_not_per_entrypoint() -> None:
    """T-18: with `merge_slashes = false` the empty segments count and go on, as signed S3 paths need."""
    async with stage(entrypoint="merge_slashes = false", rule="Path(`/a//b`)") as on:
        assert (await on.forwarded(b"GET /a//b" + END)).target == b"/a//b"
        assert (await on.forwarded(b"GET /x/../a//b" + END)).target == b"/a//b"
        await on.client.send(b"GET /a/b" + END)
        assert (await on.client.message()).status == 404


async def test_slashes_are_merged_or_not_per_router() -> None:
    """T-18: a router's switch decides what the endpoint gets, whatever the entrypoint does."""
    async with stage(router="merge_slashes = false") as on:
        assert (await on.forwarded(b"GET /a//b///c/../d" + END)).target == b"/a//b///d"
        assert (await on.forwarded(b"GET http://a.example//x" + END)).target == b"//x"
    async with stage(entrypoint="merge_slashes = false", router="merge_slashes = true") as on:
        assert (await on.forwarded(b"GET /a//b" + END)).target == b"/a/b"


STRIP = 'middlewares "strip" {\n type = "strip-prefix"\n prefixes = ["/api", "/v1/x"]\n}'


@pytest.mark.parametrize(
    ("sent", "forwarded", "prefix"),
    [
        (b"/api/users?q=/api", b"/users?q=/api", b"/api"),
        (b"/api", b"/", b"/api"),
        (b"/api?q", b"/?q", b"/api"),
        (b"/api/", b"/", b"/api"),
        (b"/apix", b"/x", b"/api"),
        (b"/%61pi/a%2Fb", b"/a%2Fb", b"/api"),
        (b"/a%70%69/%7euser", b"/%7euser", b"/api"),
        (b"/api%2Fx", b"/%2Fx", b"/api"),
        (b"/v1/x/y", b"/y", b"/v1/x"),
        (b"/other/api", b"/other/api", None),
        (b"/x/../api/y", b"/y", b"/api"),
        (b"//api//y", b"/y", b"/api"),
    ],
)
async def test_a_prefix_is_stripped(sent: bytes, forwarded: bytes, prefix: bytes | None) -> None:
    """T-19: from the raw path too, however it is encoded; the endpoint learns it from X-Forwarded-Prefix."""
    async with stage(router='middlewares = ["strip"]', more=STRIP) as on:
        seen = await on.forwarded(b"GET " + sent + END)
        assert (seen.target, seen.get(b"x-forwarded-prefix")) == (forwarded, prefix)


@pytest.mark.parametrize("target", [b"/api../x", b"/api..", b"/api./x", b"/api%2e%2e/x", b"/api%2E./x"])
async def test_stripping_must_not_uncover_dot_segments(target: bytes) -> None:
    """T-19: `/api../x` would become `/../x`: 400."""
    async with stage(router='middlewares = ["strip"]', more=STRIP) as on:
        await on.client.send(b"GET " + target + END)
        assert (await on.client.message()).status == 400
        assert on.origin.wires == []


@pytest.mark.parametrize(
    "query",
    [b"?", b"?a=1&a=2&b", b"?a=&=b&&", b"?q=a+b%20c%2B", b"?a;b=1;c", b"?x=%zz&y=%", b"?../..//", b"?a=?b", b"?a=[1]"],
)
async def test_the_query_goes_on_as_sent(query: bytes) -> None:
    """T-20: order, duplicates, empty values, `+`, `;` and broken triples are the endpoint's business."""
    async with stage() as on:
        assert (await on.forwarded(b"GET /p" + query + END)).target == b"/p" + query
        assert (await on.forwarded(b"GET /x/../p" + query + END)).target == b"/p" + query


async def test_raw_bytes_in_a_target_are_encoded() -> None:
    """T-16: UTF-8 sent as it is becomes percent-encoded, as browsers do, for rules and endpoint alike."""
    async with stage(rule="Path(`/caf\xe9`) || Path(`/p`)") as on:
        assert (await on.forwarded(b"GET /caf\xc3\xa9" + END)).target == b"/caf%C3%A9"


async def test_expressions_are_not_anchored() -> None:
    """T-21: as in Traefik, an expression matches anywhere in the value; `validate` warns about it."""
    found = await statuses("PathRegexp(`/v[0-9]`)", b"GET /v1/x" + END, b"GET /x/v2" + END, b"GET /v" + END)
    assert found == [200, 200, 404]


async def test_query_with_one_argument_asks_for_an_empty_value() -> None:
    """T-22: `Query(k)` is not "present"; `validate` warns about it."""
    found = await statuses("Query(`debug`)", b"GET /?debug" + END, b"GET /?debug=" + END, b"GET /?debug=1" + END)
    assert found == [200, 200, 404]
