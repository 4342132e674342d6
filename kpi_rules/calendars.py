"""Business calendars: when an organisation, or one of its branches, is open.

A calendar is data. What an interval is worth in open time is computed by the calculus.
"""

import re
from datetime import date
from fractions import Fraction
from functools import cache
from math import floor
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays as public_holidays
from pydantic import AfterValidator, BaseModel, ConfigDict, field_validator, model_validator

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MINUTES_A_DAY = 24 * 60

_CLOCK = re.compile(r"(\d\d):(\d\d)")


def minutes_of(text: str) -> int:
    """`HH:MM` as minutes after local midnight, `24:00` included. ValueError names the text."""
    match = _CLOCK.fullmatch(text)
    minutes = int(match[1]) * 60 + int(match[2]) if match else MINUTES_A_DAY + 1
    if match is None or int(match[2]) > 59 or minutes > MINUTES_A_DAY:
        raise ValueError(f"{text!r} is not a wall time: write HH:MM, 00:00 to 24:00")
    return minutes


def known_zone(name: str) -> str:
    """An IANA zone's name, or ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not an IANA time zone such as Europe/Amsterdam") from None
    return name


ZoneName = Annotated[str, AfterValidator(known_zone)]
Period = tuple[str, str]


class Calendar(BaseModel):
    """Weekly open periods in local wall time, [from, to), several a day if need be; closed on holidays.

    Members that are left out are taken from the organisation's calendar (for a branch), else Monday to Friday, 09:00 to
    17:00, without holidays.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    weekly: dict[Weekday, list[Period]] | None = None
    holidays: list[date] | None = None
    country: str | None = None
    """ISO 3166 code whose public holidays are closed as well, optionally with a subdivision, `NL` or `DE-BY`."""
    tz: ZoneName | None = None

    @field_validator("weekly")
    @classmethod
    def _periods_in_order(
        cls, weekly: dict[Weekday, list[Period]] | None
    ) -> dict[Weekday, list[Period]] | None:
        for day, periods in (weekly or {}).items():
            last = 0
            for begin, end in periods:
                if not last <= minutes_of(begin) < minutes_of(end):
                    raise ValueError(
                        f"{day}: {begin} to {end} is empty, out of order or overlaps the period before it"
                    )
                last = minutes_of(end)
        return weekly

    @field_validator("country")
    @classmethod
    def _country_is_known(cls, country: str | None) -> str | None:
        if country is not None:
            _public_holidays(country, 2026)
        return country

    @model_validator(mode="after")
    def _is_ever_open(self) -> "Calendar":
        if self.weekly is not None and not any(self.weekly.values()):
            raise ValueError("weekly has no open period: a calendar that never opens counts no time")
        return self

    def over(self, base: "Calendar") -> "Calendar":
        """This calendar, its missing members taken from another."""
        own: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        inherited = {name: value if value is not None else getattr(base, name) for name, value in own.items()}
        if self.holidays is not None and self.country is None:
            inherited["country"] = None
        return Calendar.model_construct(**inherited)

    def periods(self, weekday: int) -> list[tuple[int, int]]:
        """The open periods of a weekday (0 = Monday), minutes after local midnight."""
        if self.weekly is None:
            return [(9 * 60, 17 * 60)] if weekday < 5 else []
        names = self.weekly.get(WEEKDAYS[weekday], [])  # type: ignore[call-overload]  # a tuple's item is a plain str
        return [(minutes_of(begin), minutes_of(end)) for begin, end in names]

    def is_holiday(self, day: date) -> bool:
        if self.holidays is not None and day in self.holidays:
            return True
        return self.country is not None and day in _public_holidays(self.country, day.year)

    def holiday_name(self, day: date) -> str | None:
        """A holiday's name in English, where the country's calendar has it in English; None of a day that is none.

        One that the lender lists itself has no name, so it is empty.
        """
        if self.country is not None and day in (named := _names(self.country, day.year)):
            return named[day]
        return "" if self.is_holiday(day) else None

    def business_days_ms(self, days: float) -> int:
        """So many business days of a target in ms, one being a week's opening hours / its opening days; rounded down once."""
        week = [sum(end - begin for begin, end in self.periods(day)) for day in range(7)]
        opening_days = sum(1 for minutes in week if minutes)
        return floor(Fraction(str(days)) * sum(week) * 60_000 / opening_days)


@cache
def _names(country: str, year: int) -> dict[date, str]:
    code, _, subdivision = country.partition("-")
    named = public_holidays.country_holidays(code, subdiv=subdivision or None, years=year, language="en_US")
    return {day: str(name) for day, name in named.items()}


@cache
def _public_holidays(country: str, year: int) -> Any:
    code, _, subdivision = country.partition("-")
    try:
        return public_holidays.country_holidays(code, subdiv=subdivision or None, years=year)
    except NotImplementedError:
        raise ValueError(
            f"{country!r} has no public holidays on record: write an ISO code such as NL or DE-BY"
        ) from None
