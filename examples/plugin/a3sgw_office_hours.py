"""Let requests through at certain hours only; at others, say when to come back."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from a3sgw.errors import ClientError
from a3sgw.http.message import Request
from a3sgw.middlewares.base import Middleware, RefusingOptions
from a3sgw.options import Field, OptionError, field_validator, model_validator

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Options(RefusingOptions):
    """Options of `office-hours`. Checks with file, line and column, and `mode`, follow from this class."""

    opens: str = Field(pattern=r"^(?:[01]\d|2[0-3]):[0-5]\d$")
    """When requests are let through from, such as `08:00`."""

    closes: str = Field(pattern=r"^(?:[01]\d|2[0-3]):[0-5]\d$")
    """When no more are, later on the same day."""

    days: tuple[str, ...] = _DAYS[:5]
    """Days of the week: `mon`, `tue`, …; Monday to Friday by default."""

    time_zone: str = "UTC"
    """Whose clock counts, such as `Europe/Berlin`."""

    @field_validator("days")
    @classmethod
    def _known_days(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        for day in days:
            if day not in _DAYS:
                raise OptionError(f'"{day}" is not a day', f"use {', '.join(_DAYS)}")
        if not days:
            raise OptionError("no day is left", "name at least one")
        return days

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError) as error:
            raise OptionError(f'there is no time zone "{name}"', 'write "UTC" or "Europe/Berlin"') from error
        return name

    @model_validator(mode="after")
    def _in_order(self) -> Options:
        if self.closes <= self.opens:
            raise OptionError("it closes before it opens", "name a later time of the same day", key="closes")
        return self


class OfficeHours(Middleware[Options]):
    """503 with Retry-After outside of the hours; what can be decided at load is decided at load."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._zone = ZoneInfo(options.time_zone)
        self._opens = time.fromisoformat(options.opens)
        self._closes = time.fromisoformat(options.closes)
        self._days = frozenset(map(_DAYS.index, options.days))

    def now(self) -> datetime:
        """The time that counts."""
        return datetime.now(self._zone)

    def request(self, request: Request) -> None:
        """Refuse whoever comes at the wrong time."""
        now = self.now()
        if now.weekday() not in self._days or not self._opens <= now.time() < self._closes:
            seconds = int((self._next(now) - now).total_seconds()) + 1
            raise ClientError(503, "outside of the office hours", ((b"Retry-After", b"%d" % seconds),))

    def _next(self, now: datetime) -> datetime:
        """When it opens again."""
        opens = datetime.combine(now.date(), self._opens, self._zone)
        while opens <= now or opens.weekday() not in self._days:
            opens = datetime.combine(opens.date() + timedelta(days=1), self._opens, self._zone)
        return opens
