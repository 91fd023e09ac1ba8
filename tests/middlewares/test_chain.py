"""chain: one name for several middlewares."""

from __future__ import annotations

import pytest

from a3sgw.config.load import Loader
from tests.support.gateway import stage

FIELD = 'middlewares "{0}" {{\n type = "headers"\n request_headers = {{ "X-{0}" = "yes" }}\n}}\n'
CHAIN = 'middlewares "{}" {{\n type = "chain"\n middlewares = [{}]\n}}\n'


async def test_its_parts_run_in_order(recorders: list[str]) -> None:
    """Where it stands, also those of chains within it, for routers and entrypoints; each time it is named."""
    more = "".join(f'middlewares "{name}" {{\n type = "recorder"\n name = "{name}"\n}}\n' for name in "abcd")
    more += CHAIN.format("inner", '"b", "c"') + CHAIN.format("outer", '"inner", "d"')
    async with stage(router='middlewares = ["a", "outer", "c"]', entrypoint='middlewares = ["inner"]', more=more) as on:
        recorders.clear()
        await on.forwarded(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert [note for note in recorders if note.endswith(".request")] == [
            f"{name}.request" for name in ("b", "c", "a", "b", "c", "d", "c")
        ]


@pytest.mark.parametrize(
    ("chains", "found"),
    [
        ({"a": '"a"'}, ["the chain goes round in a circle: a → a"]),
        (
            {"a": '"b"', "b": '"x", "c"', "c": '"a"'},
            [
                "the chain goes round in a circle: a → b → c → a",
                "the chain goes round in a circle: b → c → a → b",
                "the chain goes round in a circle: c → a → b → c",
            ],
        ),
        ({"a": '"b", "b"', "b": '"x"'}, []),
        ({"a": '"xx"'}, ['unknown middleware "xx"']),
        ({"a": ""}, ["middlewares needs at least 1"]),
    ],
)
def test_what_it_may_name(chains: dict[str, str], found: list[str]) -> None:
    """Middlewares that exist, and never itself, however far around."""
    text = "".join(CHAIN.format(*one) for one in chains.items()) + FIELD.format("x")
    loaded = Loader().load_text(text, "t.hcl")
    assert [one.summary for one in loaded.diagnostics if one.severity == "error"] == found
