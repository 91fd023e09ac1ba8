"""Only what has changed travels, and makes the new configuration of the old one."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw import load_config
from a3sgw.config.entrypoint import Entrypoint
from a3sgw.config.model import AccessLog, Config, MiddlewareConfig
from a3sgw.config.router import Router
from a3sgw.config.service import Service
from a3sgw.control.edition import SECTIONS, Draft, Edition
from a3sgw.control.messages import Items, Order, decode, encode
from a3sgw.middlewares.strip_prefix import Options
from tests.support.live import hcl


def entrypoint(variant: int) -> Entrypoint:
    """One of a few that differ."""
    return Entrypoint.model_validate({"address": f"127.0.0.1:{variant}"})


def router(variant: int) -> Router:
    """One of a few that differ."""
    return Router.model_validate({"rule": f"PathPrefix(`/{variant}`)", "service": "s"})


def service(variant: int) -> Service:
    """One of a few that differ."""
    return Service.model_validate({"load_balancer": {"servers": [{"url": "http://127.0.0.1:1", "weight": variant}]}})


def middleware(variant: int) -> MiddlewareConfig:
    """One of a few that differ."""
    return MiddlewareConfig(kind="strip-prefix", options=Options(prefixes=(f"/{variant}",)))


MAKE: dict[str, Any] = {
    "entrypoints": entrypoint,
    "routers": router,
    "services": service,
    "middlewares": middleware,
}
_VARIANTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 3), max_size=8)
"""Names in any order, each with a variant."""


def config(variants: dict[str, dict[str, int]], log: str = "") -> Config:
    """Sections by name, items by name, variants by number; `log` stands for everything that is in no section."""
    made = {section: {name: MAKE[section](one) for name, one in items.items()} for section, items in variants.items()}
    return Config().model_copy(update={"access_log": AccessLog(file=log), **made})


CONFIGS = st.builds(config, st.fixed_dictionaries(dict.fromkeys(SECTIONS, _VARIANTS)), st.sampled_from(["", "a", "b"]))


def transfer(edition: Edition, before: Config | None) -> tuple[list[Items | Order], Config]:
    """What travels, as bytes, and what comes of it at the other end."""
    changes = []
    draft = Draft(before, edition.generation)
    for change in edition.changes(before):
        arrived = decode("down", encode(change))
        assert isinstance(arrived, Items | Order)
        assert arrived.generation == draft.generation == edition.generation
        changes.append(arrived)
        draft.add(arrived)
    return changes, draft.finish(edition.rest())


def same(one: Config, other: Config) -> bool:
    """Equal, and in the same order, which decides between routers of one priority."""
    return one == other and all(list(getattr(one, name)) == list(getattr(other, name)) for name in SECTIONS)


@given(CONFIGS, CONFIGS)
def test_any_configuration_from_any_other(before: Config, after: Config) -> None:
    """Whatever was added, removed, changed or moved, the other end has exactly the new one; the old one is untouched,
    for it serves until then."""
    kept = pickle.dumps(before)
    _, made = transfer(Edition(2, after), before)
    assert same(made, after)
    assert pickle.dumps(before) == kept


@given(CONFIGS)
def test_the_first(after: Config) -> None:
    """A worker that starts knows nothing."""
    _, made = transfer(Edition(1, after), None)
    assert same(made, after)


@given(CONFIGS, CONFIGS)
def test_nothing_is_sent_that_is_known(before: Config, after: Config) -> None:
    """Items travel once, if they are new or changed; names travel once, if they are others or in another order."""
    changes, _ = transfer(Edition(2, after), before)
    for section in SECTIONS:
        old, new = getattr(before, section), getattr(after, section)
        items = [one for one in changes if isinstance(one, Items) and one.section == section]
        sent = [name for one in items for name in pickle.loads(one.items)]
        assert sent == [name for name in new if old.get(name) != new[name]]
        orders = [one for one in changes if isinstance(one, Order) and one.section == section]
        names = [name for one in orders for name in one.names]
        assert names == ([] if list(old) == list(new) else list(new))
        assert bool(orders) == (list(old) != list(new))


@given(CONFIGS)
def test_nothing_has_changed(one: Config) -> None:
    """Then nothing but the rest travels, and without the sections: it would grow with every router."""
    again: Config = pickle.loads(pickle.dumps(one))
    changes, _ = transfer(Edition(2, again), one)
    assert changes == []
    rest: Config = pickle.loads(Edition(2, again).rest())
    assert all(getattr(rest, section) == {} for section in SECTIONS)


@pytest.mark.parametrize("count", [49, 50, 51, 1234])
def test_small_pieces(count: int) -> None:
    """At most 50 items and 500 names each, so that taking one does not hold up a request."""
    after = config({"routers": {f"r{number}": 1 for number in range(count)}})
    changes, made = transfer(Edition(1, after), None)
    assert same(made, after)
    items = [len(pickle.loads(one.items)) for one in changes if isinstance(one, Items)]
    orders = [len(one.names) for one in changes if isinstance(one, Order)]
    assert sum(items) == sum(orders) == count
    assert max(items) <= 50
    assert max(orders) <= 500
    assert len(items) == -(-count // 50)


def test_what_has_not_changed_stays_the_same_object() -> None:
    """Then compiling knows at a glance that nothing has to be done."""
    before = config({"routers": {"a": 1, "b": 1}})
    _, made = transfer(Edition(2, config({"routers": {"b": 2, "a": 1}})), before)
    assert made.routers["a"] is before.routers["a"]
    assert list(made.routers) == ["b", "a"]


def test_a_real_configuration() -> None:
    """One that was read from a file arrives as it is."""
    more = 'workers = 3\ndrain_timeout = "5s"\n'
    after = load_config(hcl("http://127.0.0.1:1", more=more))
    _, made = transfer(Edition(1, after), None)
    assert same(made, after)
