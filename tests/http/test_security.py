"""The security headers of a site, from options."""

from __future__ import annotations

from typing import Any

import pytest

from a3sgw.http.security import STRICT, SecurityOptions, deleted, filled_in, replaced
from a3sgw.options import ValidationError


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({}, {}),
        ({"frame_deny": True}, {"X-Frame-Options": "DENY"}),
        ({"frame_deny": True, "custom_frame_options_value": "SAMEORIGIN"}, {"X-Frame-Options": "SAMEORIGIN"}),
        ({"content_type_nosniff": True}, {"X-Content-Type-Options": "nosniff"}),
        ({"browser_xss_filter": True}, {"X-XSS-Protection": "1; mode=block"}),
        ({"browser_xss_filter": True, "custom_browser_xss_value": "0"}, {"X-XSS-Protection": "0"}),
        ({"content_security_policy": "default-src 'self'"}, {"Content-Security-Policy": "default-src 'self'"}),
        ({"content_security_policy_report_only": "x"}, {"Content-Security-Policy-Report-Only": "x"}),
        ({"referrer_policy": "no-referrer"}, {"Referrer-Policy": "no-referrer"}),
        ({"permissions_policy": "camera=()"}, {"Permissions-Policy": "camera=()"}),
        ({"sts_include_subdomains": True, "sts_preload": True, "force_sts_header": True}, {}),
    ],
)
@pytest.mark.parametrize("https", [False, True])
def test_one_option_one_field(options: dict[str, Any], fields: dict[str, str], https: bool) -> None:
    """With both schemes alike; a value of one's own wins."""
    assert replaced(SecurityOptions(**options), https) == fields


@pytest.mark.parametrize(
    ("options", "https", "value"),
    [
        ({"sts_seconds": 1}, True, "max-age=1"),
        ({"sts_seconds": 1}, False, None),
        ({"sts_seconds": 1, "force_sts_header": True}, False, "max-age=1"),
        ({"sts_seconds": "365d", "sts_include_subdomains": True}, True, "max-age=31536000; includeSubDomains"),
        ({"sts_seconds": 9, "sts_preload": True}, True, "max-age=9; preload"),
        ({"sts_seconds": 9, "is_development": True}, True, None),
        ({"sts_seconds": 9, "is_development": True, "force_sts_header": True}, True, None),
    ],
)
def test_strict_transport(options: dict[str, Any], https: bool, value: str | None) -> None:
    """Over HTTPS, or where it is forced; never in development."""
    assert replaced(SecurityOptions(**options), https).get("Strict-Transport-Security") == value


def test_the_strict_preset() -> None:
    """What scanners ask for, with HTTPS one more, and what they do not want to see."""
    strict = SecurityOptions(preset="strict")
    assert filled_in(strict, False) == STRICT
    assert filled_in(strict, True) == {
        **STRICT,
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    }
    assert {"Server", "X-Powered-By"} <= set(deleted(strict))
    assert replaced(strict, True) == {}
    assert (filled_in(SecurityOptions(), True), deleted(SecurityOptions())) == ({}, ())


@pytest.mark.parametrize("options", [{"referrer_policy": "a\r\nB: c"}, {"preset": "lax"}, {"sts_seconds": -1}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    """A value stays one line."""
    with pytest.raises(ValidationError):
        SecurityOptions.model_validate(options)
