"""office-hours: requests are let through at certain hours."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from a3sgw_office_hours import OfficeHours, Options

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.options import ValidationError

HOURS = {"opens": "08:00", "closes": "18:00", "time_zone": "Europe/Berlin"}


def retry_after(moment: str) -> int | None:
    """Seconds a client is told to wait at this moment; None when it may pass."""
    middleware = OfficeHours(Options.model_validate(HOURS))
    middleware.now = lambda: datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Berlin"))  # type: ignore[method-assign]
    try:
        middleware.request(Request())
    except ClientError as error:
        return int(dict(error.fields)[b"Retry-After"])
    return None


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2026-11-23 08:00", None),
        ("2026-11-23 17:59:59", None),
        ("2026-11-23 18:00", 14 * 3600 + 1),
        ("2026-11-23 07:59", 61),
        ("2026-11-20 19:00", 61 * 3600 + 1),
    ],
)
def test_hours(moment: str, seconds: int | None) -> None:
    """Open means through; closed means when to come back, over the weekend as well."""
    assert retry_after(moment) == seconds


@pytest.mark.parametrize(
    "wrong", [{"opens": "8"}, {"closes": "07:00"}, {"days": ["monday"]}, {"days": []}, {"time_zone": "Nowhere"}]
)
def test_options_are_checked(wrong: dict[str, object]) -> None:
    """What cannot be meant is refused at load."""
    with pytest.raises(ValidationError):
        Options.model_validate({**HOURS, **wrong})
