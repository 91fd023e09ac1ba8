"""What an operator can say about bringing clients back to the endpoint they had."""

from __future__ import annotations

from typing import Literal

from a3sgw.options import BaseOptions, Duration, Field, OptionError, Secret, model_validator


class Sticky(BaseOptions):
    """Bring a client back to the endpoint it had."""

    mode: Literal["cookie", "header", "ip"] = "cookie"
    """A cookie; a header field that answers carry and clients send back; or the client's address."""

    cookie: str = Field("", pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]*$")
    """Name of the cookie; empty means one made from the name of the service."""

    header: str = Field("X-A3S-Session", pattern=r"^[!#$%&'*+.^`|~0-9A-Za-z-]+$")
    """Name of the header field."""

    ttl: Duration | None = None
    """How long a client is bound, counted from when it was; none means as long as it keeps the cookie."""

    secret: Secret = ""
    """Signs the cookie; the same on all nodes. Empty means a random one: an upgrade keeps it, a restart does not."""

    secure: bool = False
    """Send the cookie over TLS only."""

    http_only: bool = False
    """Hide the cookie from scripts."""

    same_site: Literal["", "none", "lax", "strict"] = ""
    """SameSite attribute."""

    max_age: Duration | None = None
    """How long browsers keep the cookie; none means until they close."""

    path: str = Field("/", pattern=r"^/[!-:<-~]*$")
    """Path attribute."""

    domain: str = Field("", pattern=r"^[A-Za-z0-9.-]*$")
    """Domain attribute."""

    @model_validator(mode="after")
    def _none_needs_secure(self) -> Sticky:
        if self.same_site == "none" and not self.secure:
            raise OptionError(
                'browsers drop cookies with same_site = "none" that are not secure',
                "add secure = true",
                key="same_site",
            )
        return self
