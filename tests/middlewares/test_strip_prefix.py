"""strip-prefix: path and target lose the same characters; see tests/e2e/test_targets.py for the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.http.target import split_target
from a3sgw.middlewares.strip_prefix import Options, StripPrefix
from a3sgw.options import ValidationError


def stripped(target: bytes, *prefixes: str) -> Request:
    """A request for `target` after stripping."""
    request = Request()
    request.path, request.query, request.target = split_target(target)
    StripPrefix(Options(prefixes=prefixes)).request(request)
    return request


def test_the_first_prefix_that_fits_is_taken() -> None:
    """In the order written, and only one."""
    assert stripped(b"/a/b/c", "/x", "/a", "/a/b").path == b"/b/c"
    assert stripped(b"/a/a/c", "/a").path == b"/a/c"


def test_reserved_characters_stay_as_they_are() -> None:
    """`%2F` in what is left stays encoded, also where the prefix was encoded otherwise than the rule says."""
    request = stripped(b"/%61pi/x%2fy?z", "/api")
    assert (request.path, request.target) == (b"/x%2Fy", b"/x%2fy?z")


@given(st.text(alphabet="ab/.%2fF61e", max_size=12))
def test_path_and_target_stay_one_resource(tail: str) -> None:
    """Whatever follows a prefix, the target that goes on reads as the stripped path, or the request is refused."""
    try:
        request = stripped(b"/api" + tail.encode(), "/api")
    except ClientError:
        return
    assert request.target.startswith(b"/")
    assert split_target(request.target, merge_slashes=False)[0] == request.path


@pytest.mark.parametrize("options", [{}, {"prefixes": []}, {"prefixes": ["/a"], "prefix": "/b"}])
def test_options_are_checked(options: dict[str, object]) -> None:
    """At least one prefix, and nothing else."""
    with pytest.raises(ValidationError):
        Options.model_validate(options)
