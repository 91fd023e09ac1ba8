"""What a good token means, and how long that is remembered."""

from __future__ import annotations

import pytest

from a3sgw.tokens.bearer import Bearer, Judge, Remembered
from a3sgw.tokens.claims import Demands
from a3sgw.tokens.parse import TokenError, parse
from tests.support.tokens import signed, token

NOW = 1000.0


def test_what_it_says() -> None:
    """Its identity, its scopes, and the fields for the endpoint, safe to be sent."""
    forwarded = [(b"X-User", "sub"), (b"X-Groups", "realm.groups"), (b"X-None", "none"), (b"X-Bad", "bad")]
    judge = Judge(Demands(leeway=5, scopes=("read",)), (), forwarded, "email")
    claims = {"exp": 2000, "realm": {"groups": ["a", "b"]}, "email": "ä@x", "scope": "read", "bad": "x\r\nY: z"}
    found = judge.decide(parse(token(claims)), "", NOW)
    assert (found.until, found.identity, found.scopes, found.lacks) == (2005, "ä@x", ("read",), "")
    assert found.fields == ((b"X-User", b"anna"), (b"X-Groups", b"a,b"), (b"X-Bad", b"x%0D%0AY: z"))
    assert found.claims == {"sub": "anna", **claims}
    assert judge.decide(parse(token({"exp": 2000})), "", NOW).lacks == "scopes"


@pytest.mark.parametrize(
    ("types", "type_", "good"),
    [
        ((), "JWT", True),
        (("at+jwt",), "at+jwt", True),
        (("application/AT+JWT",), "at+jwt", True),
        (("at+jwt",), "application/at+jwt", True),
        (("at+jwt",), "JWT", False),
        (("at+jwt",), None, False),
        (("at+jwt", "JWT"), "jwt", True),
    ],
)
def test_types(types: tuple[str, ...], type_: str | None, good: bool) -> None:
    """A token made for something else is not ours, whoever signed it."""
    header = {"alg": "HS256"} if type_ is None else {"alg": "HS256", "typ": type_}
    judge = Judge(Demands(), types, (), "sub")
    text = parse(signed(header, {"exp": 2000}))
    if good:
        assert judge.decide(text, "", NOW).until == 2000
    else:
        with pytest.raises(TokenError, match="another type"):
            judge.decide(text, "", NOW)


def test_the_issuer_of_the_keys() -> None:
    """Counts when no other is demanded."""
    said = parse(token({"exp": 2000, "iss": "a"}))
    assert Judge(Demands(), (), (), "sub").decide(said, "a", NOW)
    with pytest.raises(TokenError, match="issuer"):
        Judge(Demands(), (), (), "sub").decide(said, "b", NOW)


def bearer(until: float) -> Bearer:
    return Bearer(until, {}, "", (), (), "")


def test_remembering() -> None:
    """Until it expires, and only so many: the oldest is forgotten."""
    kept = Remembered(2)
    for number, until in ((1, 10.0), (2, 20.0), (1, 30.0), (3, 40.0)):
        kept.put(b"%d" % number, bearer(until))
    assert len(kept) == 2
    assert kept.get(b"2", 0) is None
    assert kept.get(b"1", 29.9) == bearer(30.0)
    assert kept.get(b"1", 30.0) is None
    assert kept.get(b"3", 30.0) == bearer(40.0)
    kept.clear()
    assert kept.get(b"3", 30.0) is None


def test_remembering_nothing() -> None:
    """With a size of zero."""
    kept = Remembered(0)
    kept.put(b"1", bearer(10.0))
    assert kept.get(b"1", 0) is None
