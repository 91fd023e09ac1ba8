"""What is known of API keys, and files of them."""

from __future__ import annotations

import time
from hashlib import sha256
from math import inf

import pytest

from a3sgw.api_keys import ApiKey, ApiKeys, digest_of, parse_time, read_keys
from a3sgw.options import OptionError

HASH = sha256(b"secret").hexdigest()


def test_plain_and_hashed() -> None:
    """Both are known by the same digest."""
    assert digest_of("secret") == digest_of(f"sha256:{HASH}") == digest_of(f"sha256:{HASH.upper()}")
    assert digest_of("schlüssel") == sha256("schlüssel".encode()).digest()
    assert HASH not in repr(ApiKeys([ApiKey(digest_of("secret"))]))


@pytest.mark.parametrize("text", ["", " secret", "secret\t", "sec\nret", "sha256:abc", f"sha256:{HASH}0", "sha256:"])
def test_keys_that_cannot_be_brought(text: str) -> None:
    """They are refused, and not repeated in the message."""
    with pytest.raises(OptionError) as caught:
        digest_of(text)
    assert "sec" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_finding() -> None:
    """What came as it is; a hash is not a key."""
    keys = ApiKeys([ApiKey(digest_of("secret"), "anna"), ApiKey(digest_of("other"))])
    found = keys.find(b"secret")
    assert found is not None
    assert found.identity == "anna"
    assert len(keys) == 2
    for wrong in (b"", b"Secret", b"secret ", HASH.encode(), f"sha256:{HASH}".encode(), b"\xff"):
        assert keys.find(wrong) is None


def test_the_same_key_twice() -> None:
    """Whose it is would be a matter of luck."""
    with pytest.raises(OptionError, match="the same key twice") as caught:
        ApiKeys([ApiKey(digest_of("secret"), "anna"), ApiKey(digest_of(f"sha256:{HASH}"))])
    assert caught.value.help == 'it is of nobody by name and of "anna"'


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 86400),
        ("1970-01-01T00:00:10Z", 10),
        ("1970-01-01T01:00:10+01:00", 10),
        ("1970-01-01 00:01", 60),
    ],
)
def test_times(text: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """In UTC, unless they say otherwise, wherever the gateway is."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert parse_time(text) == seconds
    time.tzset()


@pytest.mark.parametrize("text", ["soon", "2030-02-30", "1900000000", "31.1.2030"])
def test_what_is_no_time(text: str) -> None:
    """A date that could be read in two ways least of all."""
    with pytest.raises(OptionError, match="is not a time"):
        parse_time(text)


def test_a_file() -> None:
    """Comments, empty lines, plain and hashed keys, and what is known of each."""
    content = f"""
    # all of them
    secret#1
    sha256:{HASH}  identity=anna scopes=read,write expires=1970-01-02 plan="very large" note=a=b
    k"e y"
    """
    first, second, third = read_keys(content.encode())
    assert first == ApiKey(digest_of("secret#1"))
    assert second == ApiKey(
        digest_of("secret"), "anna", ("read", "write"), 86400, {"plan": "very large", "note": "a=b"}
    )
    assert (third.digest, third.expires) == (digest_of('k"e y"'), inf)
    assert read_keys(b"\r\n# nothing\r\n") == ()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("secret anna", "line 2: word 2 is not name=value"),
        ("secret =anna", "line 2: word 2 is not name=value"),
        ("secret identity=a identity=b", "line 2: identity twice"),
        ("secret expires=soon", 'line 2: "soon" is not a time'),
        ('secret scopes=a,b"c', "line 2: a quotation mark that is not closed"),
        ("secret scopes=a,b\\c", 'line 2: "b\\c" is not a scope'),
        ("sha256:123", "line 2: a hash of another length"),
        ("first", "line 2: the same key as in line 1"),
        ("a x\nb y\nc z\nd z\ne z", "line 4: word 2 is not name=value (and 2 more)"),
    ],
)
def test_mistakes_in_a_file(line: str, complaint: str) -> None:
    """Each with its line, and without its key."""
    with pytest.raises(OptionError) as caught:
        read_keys(f"first\n{line}\n".encode())
    assert complaint in str(caught.value)
    assert "secret" not in str(caught.value)
