"""The header fields by which a site tells browsers what not to do, as options."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

from a3sgw.http.field_changes import check_field
from a3sgw.options import BaseOptions, Duration, field_validator

STRICT = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), "
        "microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Permitted-Cross-Domain-Policies": "none",
    }
)
"""What `preset = "strict"` fills in, beside Strict-Transport-Security."""
STRICT_TRANSPORT = "max-age=63072000; includeSubDomains"
TELLTALE = ("Server", "X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version")
"""What it deletes: they tell strangers which flaws to try."""


class SecurityOptions(BaseOptions):
    """As Traefik has them; without its `publicKey`, which no browser honours any more since it locked out sites."""

    preset: Literal["", "strict"] = ""
    """`strict` gives what security scanners ask for: X-Content-Type-Options, X-Frame-Options, Content-Security-Policy,
    Referrer-Policy, Permissions-Policy, Cross-Origin-Opener-Policy, Cross-Origin-Resource-Policy,
    X-Permitted-Cross-Domain-Policies and, over HTTPS, Strict-Transport-Security for two years with subdomains. A field
    that the endpoint sends itself stays as it is, since it knows its scripts better; the options below replace both.
    Server, X-Powered-By and X-AspNet-Version are deleted."""

    sts_seconds: Duration = 0.0
    """Strict-Transport-Security: for how long browsers use nothing but HTTPS; 0 sends none."""

    sts_include_subdomains: bool = False
    """Let it hold for all subdomains."""

    sts_preload: bool = False
    """Ask to be put on the lists that browsers come with; this is hard to undo."""

    force_sts_header: bool = False
    """Send it over plain HTTP, too, where another proxy ends TLS; browsers heed it over HTTPS only."""

    frame_deny: bool = False
    """X-Frame-Options: DENY."""

    custom_frame_options_value: str = ""
    """X-Frame-Options with this value, whatever `frame_deny` says."""

    content_type_nosniff: bool = False
    """X-Content-Type-Options: nosniff."""

    browser_xss_filter: bool = False
    """X-XSS-Protection: 1; mode=block. For old browsers; newer ones want a Content-Security-Policy."""

    custom_browser_xss_value: str = ""
    """X-XSS-Protection with this value, whatever `browser_xss_filter` says."""

    content_security_policy: str = ""
    """Content-Security-Policy."""

    content_security_policy_report_only: str = ""
    """Content-Security-Policy-Report-Only."""

    referrer_policy: str = ""
    """Referrer-Policy."""

    permissions_policy: str = ""
    """Permissions-Policy."""

    is_development: bool = False
    """Send no Strict-Transport-Security, and let all hosts pass."""

    @field_validator(
        "custom_frame_options_value",
        "custom_browser_xss_value",
        "content_security_policy",
        "content_security_policy_report_only",
        "referrer_policy",
        "permissions_policy",
    )
    @classmethod
    def _sendable(cls, value: str) -> str:
        check_field("Field", value)
        return value


def replaced(options: SecurityOptions, https: bool) -> dict[str, str]:
    """The fields that these options set on answers over HTTPS, or over HTTP."""
    fields = {
        "X-Frame-Options": options.custom_frame_options_value or ("DENY" if options.frame_deny else ""),
        "X-Content-Type-Options": "nosniff" if options.content_type_nosniff else "",
        "X-XSS-Protection": options.custom_browser_xss_value or ("1; mode=block" if options.browser_xss_filter else ""),
        "Content-Security-Policy": options.content_security_policy,
        "Content-Security-Policy-Report-Only": options.content_security_policy_report_only,
        "Referrer-Policy": options.referrer_policy,
        "Permissions-Policy": options.permissions_policy,
    }
    if options.sts_seconds and _transport(options, https):
        fields["Strict-Transport-Security"] = "; ".join(
            [
                f"max-age={int(options.sts_seconds)}",
                *(["includeSubDomains"] if options.sts_include_subdomains else []),
                *(["preload"] if options.sts_preload else []),
            ]
        )
    return {name: value for name, value in fields.items() if value}


def filled_in(options: SecurityOptions, https: bool) -> dict[str, str]:
    """The fields of the preset: for answers that do not have them."""
    if not options.preset:
        return {}
    transport = {"Strict-Transport-Security": STRICT_TRANSPORT} if _transport(options, https) else {}
    return {**STRICT, **transport}


def deleted(options: SecurityOptions) -> tuple[str, ...]:
    """The fields that the preset does away with."""
    return TELLTALE if options.preset else ()


def _transport(options: SecurityOptions, https: bool) -> bool:
    return (https or options.force_sts_header) and not options.is_development
