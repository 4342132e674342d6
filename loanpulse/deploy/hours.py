"""The organisation's opening hours and holidays as Alertmanager's time intervals."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from kpi_rules.calendars import WEEKDAYS, Calendar

_NAMES = dict(
    zip(WEEKDAYS, ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), strict=True)
)


def opening_hours(calendar: Calendar) -> list[dict[str, Any]]:
    """One interval for the days that have the same hours, in the calendar's own zone; `calendar` has all its members."""
    days: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for weekday, name in enumerate(_NAMES.values()):
        if periods := tuple(calendar.periods(weekday)):
            days.setdefault(periods, []).append(name)
    return [
        {
            "weekdays": names,
            "times": [{"start_time": _clock(begin), "end_time": _clock(end)} for begin, end in periods],
            "location": calendar.tz,
        }
        for periods, names in days.items()
    ]


def closed_days(calendar: Calendar, years: Iterable[int]) -> list[dict[str, Any]]:
    """The holidays that the calendar lists itself, and those of its country in some years."""
    listed = {*(calendar.holidays or ()), *_public(calendar, years)}
    return [
        {
            "days_of_month": [str(day.day)],
            "months": [str(day.month)],
            "years": [str(day.year)],
            "location": calendar.tz,
        }
        for day in sorted(listed)
    ]


def _public(calendar: Calendar, years: Iterable[int]) -> Iterator[date]:
    for year in years:
        first, days = date(year, 1, 1), (date(year + 1, 1, 1) - date(year, 1, 1)).days
        yield from (day for n in range(days) if calendar.is_holiday(day := first + timedelta(n)))


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
