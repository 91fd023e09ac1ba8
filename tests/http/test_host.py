"""The Host value in one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.errors import ClientError
from a3sgw.http.host import canonical_host


@pytest.mark.parametrize(
    ("value", "host"),
    [
        (b"a.example", b"a.example"),
        (b"A.Example:80", b"a.example"),
        (b"a.example.", b"a.example"),
        (b"a.example.:80", b"a.example"),
        (b"a.example:", b"a.example"),
        (b"[2001:DB8::1]:80", b"2001:db8::1"),
        (b"[::1]", b"::1"),
        (b"127.0.0.1:1", b"127.0.0.1"),
        (b"under_score.example", b"under_score.example"),
    ],
)
def test_one_spelling(value: bytes, host: bytes) -> None:
    """Lower case, no port, no brackets, no trailing dot."""
    assert canonical_host(value) == host


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        b":80",
        b"a b",
        b"a/b",
        b"a@b",
        b"a:b",
        b"a:1:2",
        b"a:123456",
        b"[::1",
        b"::1",
        b"[]",
        b"[g::]",
        b"a\xff",
        b"a#b",
    ],
)
def test_no_host(value: bytes) -> None:
    """400."""
    with pytest.raises(ClientError) as caught:
        canonical_host(value)
    assert caught.value.status == 400


@given(st.binary(max_size=20))
def test_any_bytes(value: bytes) -> None:
    """A host in lower case, or a ClientError; a canonical host without a colon stays as it is."""
    try:
        host = canonical_host(value)
    except ClientError:
        return
    assert host == host.lower()
