"""Business time in its plainest form: lists of open instants, cut to two facts, minus the pauses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.facts import EPOCH, MS

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE_HOURS = {day: [["09:00", "17:00"]] for day in DAYS[:5]}
MINUTE_MS = 60_000

Interval = tuple[int, int]


@dataclass(frozen=True)
class Calendar:
    """Open periods of each weekday as minutes of local wall time (1440 is the next midnight)."""

    weekly: tuple[tuple[Interval, ...], ...]
    holidays: frozenset[date]
    tz: str

    @property
    def week_ms(self) -> int:
        """A week's opening hours, by the wall."""
        return sum(length(union(day)) for day in self.weekly) * MINUTE_MS

    @property
    def opening_days(self) -> int:
        return sum(1 for day in self.weekly if union(day))


def calendar_of(own: Mapping[str, Any] | None, organisation: Mapping[str, Any] | None, tz: str) -> Calendar:
    """A calendar; members that it lacks are the organisation's, then Mon to Fri 9 to 17, no holidays, tz."""
    whole = {"weekly": OFFICE_HOURS, "holidays": [], "tz": tz} | dict(organisation or {}) | dict(own or {})
    return Calendar(
        weekly=tuple(
            tuple((_minute(a), _minute(b)) for a, b in whole["weekly"].get(day, ())) for day in DAYS
        ),
        holidays=frozenset(date.fromisoformat(text) for text in whole["holidays"]),
        tz=whole["tz"],
    )


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def wall_ms(day: date, minute: int, tz: str) -> int:
    """UTC milliseconds of a local wall time: the first of two occurrences; fold 0 for one that is skipped."""
    days, rest = divmod(minute, 24 * 60)
    local = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), ZoneInfo(tz))
    return (local.astimezone(UTC) - EPOCH) // MS


def local_date(at: int, tz: str) -> date:
    return (EPOCH + at * MS).astimezone(ZoneInfo(tz)).date()


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same instants, each once, in order; empty intervals vanish."""
    merged: list[Interval] = []
    for start, end in sorted(i for i in intervals if i[0] < i[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def cut(intervals: Iterable[Interval], start: int, end: int) -> list[Interval]:
    """What of the intervals lies in [start, end)."""
    return union((max(a, start), min(b, end)) for a, b in intervals)


def length(intervals: Iterable[Interval]) -> int:
    return sum(b - a for a, b in intervals)


@lru_cache(maxsize=100_000)
def open_periods(calendar: Calendar, day: date) -> tuple[Interval, ...]:
    if day in calendar.holidays:
        return ()
    return tuple(
        (wall_ms(day, a, calendar.tz), wall_ms(day, b, calendar.tz))
        for a, b in calendar.weekly[day.weekday()]
    )


def open_ms(calendar: Calendar, start: int, end: int, pauses: Iterable[Interval] = ()) -> int:
    """Open milliseconds from start to end outside every pause; 0 if end is not after start."""
    if end <= start:
        return 0
    first = local_date(start, calendar.tz) - timedelta(days=1)
    last = local_date(end, calendar.tz) + timedelta(days=1)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    opened = cut((period for day in days for period in open_periods(calendar, day)), start, end)
    return length(opened) - sum(length(cut(opened, a, b)) for a, b in union(pauses))
