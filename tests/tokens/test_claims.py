"""What is demanded of a token."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from a3sgw.tokens.claims import Demands, words
from a3sgw.tokens.parse import TokenError

NOW = 1_000_000.0


def holds(claims: dict[str, Any], issuer: str = "", now: float = NOW, **demands: Any) -> bool:
    """Whether these claims satisfy these demands."""
    try:
        Demands(**{"expiry": False, **demands}).check(claims, issuer, now)
    except TokenError:
        return False
    return True


@pytest.mark.parametrize(
    ("claims", "leeway", "good"),
    [
        ({"exp": NOW + 1}, 0, True),
        ({"exp": NOW + 0.5}, 0, True),
        ({"exp": NOW}, 0, False),
        ({"exp": NOW - 1}, 0, False),
        ({"exp": NOW - 29}, 30, True),
        ({"exp": NOW - 30}, 30, False),
        ({"nbf": NOW}, 0, True),
        ({"nbf": NOW + 1}, 0, False),
        ({"nbf": NOW + 30}, 30, True),
        ({"nbf": NOW + 31}, 30, False),
        ({"iat": NOW}, 0, True),
        ({"iat": NOW + 31}, 30, False),
        ({"nbf": NOW - 1, "iat": NOW + 1}, 0, False),
        ({"exp": 0}, 0, False),
        ({"exp": -1}, 30, False),
    ],
)
def test_times(claims: dict[str, Any], leeway: float, good: bool) -> None:
    """`exp`, `nbf` and `iat`, give or take the leeway."""
    assert holds(claims, leeway=leeway) is good


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["1000001", True, None, [1000001], {}, 1e300, inf, 10**400, -(10**400), "soon"])
def test_times_are_numbers(name: str, value: object) -> None:
    """What is no number of seconds is no time, whichever way it would be in favour of the token."""
    assert not holds({name: value})


def test_expiry() -> None:
    """A token that never expires has to be allowed; until when it holds is known."""
    demands = Demands(leeway=30)
    assert demands.check({"exp": NOW + 5}, "", NOW) == NOW + 35
    with pytest.raises(TokenError, match="no exp"):
        demands.check({}, "", NOW)
    assert Demands(expiry=False).check({}, "", NOW) == inf


@pytest.mark.parametrize(
    ("issuers", "published_by", "iss", "good"),
    [
        (("https://a",), "", "https://a", True),
        (("https://a",), "", "https://a/", False),
        (("https://a",), "", "HTTPS://A", False),
        (("https://a", "https://b"), "", "https://b", True),
        (("https://a",), "https://b", "https://b", False),
        ((), "https://b", "https://b", True),
        ((), "https://b", "https://a", False),
        ((), "", "https://c", True),
        (("https://a",), "", ["https://a"], False),
        (("https://a",), "", {"https://a": 1}, False),
        (("https://a",), "", None, False),
        (("1",), "", 1, False),
    ],
)
def test_issuers(issuers: tuple[str, ...], published_by: str, iss: object, good: bool) -> None:
    """Exactly one of those configured, or else whoever published the keys."""
    assert holds({"iss": iss}, published_by, issuers=issuers) is good


@pytest.mark.parametrize(
    ("audiences", "aud", "good"),
    [
        (("api",), "api", True),
        (("api",), ["web", "api"], True),
        (("api", "web"), "web", True),
        (("api",), "web", False),
        (("api",), "api2", False),
        (("api",), ["ap", "i"], False),
        (("api",), [], False),
        (("api",), {"api": 1}, False),
        (("api",), [["api"]], False),
        (("api",), None, False),
        (("api",), "web api", False),
        ((), "whatever", True),
    ],
)
def test_audiences(audiences: tuple[str, ...], aud: object, good: bool) -> None:
    """A text or a list, on both sides; one in common is enough."""
    assert holds({"aud": aud}, audiences=audiences) is good
    assert holds({}, audiences=audiences) is (not audiences)


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"sub": "x", "a": {"b": 0}}, True),
        ({"sub": "x", "a.b": False}, True),
        ({"sub": "", "a": {"b": 1}}, False),
        ({"a": {"b": 1}}, False),
        ({"sub": "x", "a": {"b": None}}, False),
        ({"sub": "x", "a": {"b": []}}, False),
        ({"sub": "x", "a": "b"}, False),
    ],
)
def test_required_claims(claims: dict[str, Any], good: bool) -> None:
    """They are there and say something; zero and false do."""
    assert holds(claims, required=("sub", "a.b")) is good


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({}, ()),
        ({"scope": "read write"}, ("read", "write")),
        ({"scope": "  read  "}, ("read",)),
        ({"scp": ["read", "write"]}, ("read", "write")),
        ({"scopes": ["read", 1, None, ["x"]]}, ("read",)),
        ({"scope": "a", "scp": ["b"]}, ("a",)),
        ({"scope": {"read": True}}, ()),
        ({"scope": ["read write"]}, ("read write",)),
    ],
)
def test_scopes_of(claims: dict[str, Any], scopes: tuple[str, ...]) -> None:
    """In one text or a list, under one of several names."""
    assert Demands().scopes_of(claims) == scopes


@pytest.mark.parametrize(
    ("claims", "lacks"),
    [
        ({"scope": "read write x", "realm": {"roles": ["b"]}, "permissions": "p q"}, ""),
        ({"scope": "read", "realm": {"roles": ["b"]}, "permissions": "p q"}, "scopes"),
        ({"scope": "read:all write", "realm": {"roles": ["b"]}, "permissions": "p q"}, "scopes"),
        ({"scope": "read write", "realm": {"roles": ["c"]}, "permissions": "p q"}, "roles"),
        ({"scope": "read write", "roles": ["a"], "permissions": "p q"}, "roles"),
        ({"scope": "read write", "realm": {"roles": ["a"]}, "permissions": ["p"]}, "permissions"),
        ({"scope": "read write", "realm": {"roles": ["a"]}}, "permissions"),
    ],
)
def test_rights(claims: dict[str, Any], lacks: str) -> None:
    """All scopes, one role, all permissions."""
    demands = Demands(scopes=("read", "write"), roles=("a", "b"), permissions=("p", "q"), roles_claim="realm.roles")
    assert demands.lacks(claims, demands.scopes_of(claims)) == lacks


def test_words() -> None:
    """Of anything but texts and lists there are none."""
    assert [words(one) for one in (None, 1, True, {"a": 1}, "", " ")] == [()] * 6
