"""Lists of users."""

from __future__ import annotations

import pytest

from a3sgw.options import OptionError
from a3sgw.passwords.hashes import Hash, plain
from a3sgw.passwords.users import Users, read_user, read_users

SHA = "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="
"""Of "test"."""


def test_a_file() -> None:
    """Comments and empty lines are nothing."""
    found = read_users(f"# people\n\nanna:{SHA}\r\n  jörg:{SHA}  \n".encode())
    assert list(found) == ["anna", "jörg"]
    assert found["jörg"].check(b"test")
    assert read_users(b"") == {}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("ben", "line 2: not name:hash"),
        (f":{SHA}", 'line 2: "" cannot be a user name'),
        ("ben:secret", "line 2: a plain password"),
        (f"ben:{SHA}:more", "line 2: a hash that is broken"),
        (f"anna:{SHA}", 'line 2: "anna" once more'),
        ("a:x\nb:x\nc:x\nd:x", "line 4: a plain password (and 1 more)"),
    ],
)
def test_mistakes_in_a_file(line: str, complaint: str) -> None:
    """Each with its line, and without the password."""
    with pytest.raises(OptionError) as caught:
        read_users(f"anna:{SHA}\n{line}\n".encode())
    assert complaint in str(caught.value)
    assert "secret" not in str(caught.value)


def test_names() -> None:
    """No control characters: they could not be sent."""
    for name in ("a\x01b", "a\x7f"):
        with pytest.raises(OptionError, match="cannot be a user name"):
            read_user(f"{name}:{SHA}")


def test_strangers_cost_as_much() -> None:
    """Somebody unknown is checked like the slowest user, in vain."""
    quick, slow = plain("a"), Hash(lambda _: True, 0.2)
    users = Users({"anna": quick, "jörg": slow})
    assert users.find(b"anna") == (quick, True)
    assert users.find("jörg".encode()) == (slow, True)
    assert users.find(b"nobody") == (slow, False)
    assert len(users) == 2
    assert Users({}).find(b"anna") == (None, False)
