"""The clock of a case, step by step: when it ran, when it stood still and why. The steps add up to the observed length."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from kpi_rules.calendars import Calendar
from kpi_rules.measures import DurationMeasure
from schemas.registry import EVENT_TYPES
from streams.calculus.business_time import Interval, merged
from streams.calculus.case import Case
from streams.calculus.clocks import Clocks
from streams.calculus.windows import DAY_MS, local_date

_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_HORIZONS_MS = tuple(days * DAY_MS for days in (60, 2 * 366, 40 * 366))


class Pause(NamedTuple):
    """A pause as the case's facts state it; `until` None: its end is not known."""

    since: int
    until: int | None
    reason: str
    instance: str


class Stretch(NamedTuple):
    """[since, until) of a clock. `open_ms` of it are open time: they count where it runs, and not where it is paused.

    `why` it does not run: the pauses' reasons, or what closes the business.
    """

    since: int
    until: int
    state: Literal["runs", "paused", "closed"]
    open_ms: int
    why: tuple[str, ...] = ()

    @property
    def counted_ms(self) -> int:
        return self.open_ms if self.state == "runs" else 0


class CaseClock:
    """The clock of one duration measure as it runs for one branch.

    Invariants:
        the_stretches_cover_the_time_without_gap_or_overlap
        what_the_stretches_count_is_what_is_observed
    """

    def __init__(self, measure: DurationMeasure, clocks: Clocks, branch: str) -> None:
        self.calendar = clocks.calendar(branch)
        self._open = clocks.open_time(branch) if measure.clock == "business" else None

    def stretches(self, start: int, end: int, pauses: Iterable[Pause]) -> list[Stretch]:
        """All of [start, end), overlapping pauses as one; empty if the end is not after the start."""
        paused = [p for p in pauses if p.since < end]
        found: list[Stretch] = []
        at = start
        for begin, finish in _stopped(start, end, paused):
            found += self._without_pause(at, begin)
            why = dict.fromkeys(p.reason for p in paused if _overlaps(p, begin, finish))
            found.append(Stretch(begin, finish, "paused", self._open_ms(begin, finish), tuple(why)))
            at = finish
        return [*found, *self._without_pause(at, end)]

    def due(self, start: int, target_ms: int, pauses: Sequence[Pause]) -> int | None:
        """When the clock reaches a length; None if it never does, as under a pause without an end."""
        endless = min(
            (max(start, p.since) for p in pauses if p.until is None), default=start + _HORIZONS_MS[-1]
        )
        for horizon in _HORIZONS_MS:
            left = target_ms
            for begin, finish in self._running(start, min(start + horizon, endless), pauses):
                if left <= finish - begin:
                    return begin + left
                left -= finish - begin
        return None

    def _running(self, start: int, end: int, pauses: Iterable[Pause]) -> Iterator[Interval]:
        """Open time in which no pause stops the clock."""
        at = start
        for begin, finish in [*_stopped(start, end, pauses), (end, end)]:
            yield from self._periods(at, begin)
            at = finish

    def _open_ms(self, start: int, end: int) -> int:
        return end - start if self._open is None else self._open.between(start, end)

    def _without_pause(self, start: int, end: int) -> Iterator[Stretch]:
        """Open and closed time by turns."""
        at = start
        for begin, finish in self._periods(start, end):
            if at < begin:
                yield Stretch(at, begin, "closed", 0, why_closed(at, begin, self.calendar))
            yield Stretch(begin, finish, "runs", finish - begin)
            at = finish
        if at < end:
            yield Stretch(at, end, "closed", 0, why_closed(at, end, self.calendar))

    def _periods(self, start: int, end: int) -> list[Interval]:
        """Open time; periods that touch are one."""
        if self._open is None:
            return merged([(start, end)])
        return merged(self._open.periods(start, end))


def _stopped(start: int, end: int, pauses: Iterable[Pause]) -> list[Interval]:
    """The pauses inside [start, end), overlapping ones as one."""
    return merged((max(p.since, start), end if p.until is None else min(p.until, end)) for p in pauses)


def _overlaps(pause: Pause, start: int, end: int) -> bool:
    return pause.since < end and (pause.until is None or pause.until > start)


def pauses_in(case: Case, measure: DurationMeasure) -> list[Pause]:
    """The pauses of a case in order, those left out that end before they begin."""
    found = []
    for pause in measure.pauses:
        ends = dict(case.instances(EVENT_TYPES[pause.end].code))
        for instance, began in case.instances(EVENT_TYPES[pause.start].code):
            end = ends.get(instance)
            if end is None or end.at > began.at:
                found.append(Pause(began.at, None if end is None else end.at, pause.reason, instance))
    return sorted(found, key=lambda pause: (pause.since, pause.instance))


def why_closed(start: int, end: int, calendar: Calendar) -> tuple[str, ...]:
    """What closes a business throughout [start, end): its whole days by name, else that it is night, or a break."""
    zone = ZoneInfo(calendar.tz or "UTC")
    first, last = local_date(start, zone), local_date(end - 1, zone)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    names = dict.fromkeys(name for day in days if (name := _closed_day(day, calendar)))
    if names:
        return tuple(names)
    return ("break",) if first == last and _is_break(start, end, first, calendar, zone) else ("night",)


def _closed_day(day: date, calendar: Calendar) -> str:
    """Why a whole day is closed; empty for one that is not."""
    if not calendar.periods(day.weekday()):
        return "weekend" if day.weekday() >= 5 else f"closed on {_DAYS[day.weekday()]}"
    holiday = calendar.holiday_name(day)
    return "" if holiday is None else f"holiday {holiday}".strip()


def _is_break(start: int, end: int, day: date, calendar: Calendar, zone: ZoneInfo) -> bool:
    """Whether the business was open on that day before, and will be after."""
    periods = calendar.periods(day.weekday())
    return any(
        _wall(day, closes, zone) <= start and end <= _wall(day, opens, zone)
        for (_, closes), (opens, _) in pairwise(periods)
    )


def _wall(day: date, minutes: int, zone: ZoneInfo) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    return int((midnight + timedelta(minutes=minutes)).timestamp()) * 1000
