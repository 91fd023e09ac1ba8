"""Names of header fields as options."""

from __future__ import annotations

import pytest

from a3sgw.http.field_names import FieldName, IdentityField, IdentityFields, is_reserved
from a3sgw.options import BaseOptions, Field, ValidationError


class Named(BaseOptions):
    """One option of each type."""

    any: FieldName = ""
    one: IdentityField = ""
    several: IdentityFields = Field(default_factory=dict)


@pytest.mark.parametrize("name", ["X-User", "x_user", "Authorization", "X-Forwarded-User"])
def test_names_that_can_say_who_it_is(name: str) -> None:
    """What frames no message."""
    made = Named.model_validate({"any": name, "one": name, "several": {name: "sub"}})
    assert (made.any, made.one, made.several) == (name, name, {name: "sub"})
    assert hash(made)


@pytest.mark.parametrize("name", ["Host", "content-length", "Content_Length", "Transfer-Encoding", "a b", "a:", "ä"])
def test_names_that_cannot(name: str) -> None:
    """What frames or routes, and what is no name."""
    for key, value in (("one", name), ("several", {"X-User": "sub", name: "sub"})):
        with pytest.raises(ValidationError, match="cannot say who a client is"):
            Named.model_validate({key: value})
    assert is_reserved(name.encode()) == (name.isascii() and name.replace("-", "").replace("_", "").isalpha())


def test_nothing_is_a_choice() -> None:
    """An empty name switches the option off, but is none in a map."""
    assert Named.model_validate({"any": "", "one": ""}) == Named()
    with pytest.raises(ValidationError, match="not one word"):
        Named.model_validate({"any": "two words"})
    with pytest.raises(ValidationError, match="cannot say"):
        Named.model_validate({"several": {"": "sub"}})
