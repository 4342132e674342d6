"""The clocks of an organisation: plain time, and the open time of each branch's calendar; with targets in their terms."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from kpi_rules.calendars import Calendar
from kpi_rules.lengths import parse_length
from kpi_rules.model import Rule
from kpi_rules.organisation import Organisation
from streams.calculus.business_time import NEVER_MS, Interval, OpenTime, PlainTime, merged
from streams.calculus.windows import instant

NO_TARGET_MS = -1


class Clocks:
    """Measures durations by branch. Calendars are laid out once each and shared by the branches that have the same."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._calendars: dict[str, Calendar] = {}
        self._open_times: dict[str, OpenTime] = {}
        self._limits: dict[tuple[str, str], int | _Limits] = {}
        self._targets: dict[tuple[str, str], tuple[InForce, ...]] = {}

    def elapsed(
        self,
        clock: Literal["business", "calendar"],
        branch: str,
        start: int,
        end: int,
        pauses: Iterable[Interval],
    ) -> int:
        """ms from start to end by a clock, less pauses; 0 if the end is stamped before the start."""
        if clock == "business":
            return self.open_time(branch).elapsed(start, end, pauses)
        stopped = merged((max(begin, start), min(finish, end)) for begin, finish in pauses)
        return max(0, end - start) - sum(finish - begin for begin, finish in stopped)

    def open_time(self, branch: str) -> OpenTime:
        """The open time of a branch."""
        found = self._open_times.get(branch)
        if found is None:
            own = branch in self._organisation.branch_calendars
            found = OpenTime(self.calendar(branch)) if own or branch == "" else self.open_time("")
            self._open_times[branch] = found
        return found

    def time(self, clock: Literal["business", "calendar"], branch: str) -> OpenTime | PlainTime:
        """What a clock of a branch runs by."""
        return self.open_time(branch) if clock == "business" else _PLAIN

    def calendar(self, branch: str) -> Calendar:
        """The calendar of a branch, the organisation's where it has none of its own."""
        return self._organisation.calendar_of(branch)

    def target_ms(self, rule: Rule, branch: str, at: int) -> int:
        """The longest length within the target in force at an observation's instant, in its branch's calendar and days;
        negative where there is no target."""
        found = self._limits.get((rule.id, branch))
        if found is None:
            found = self._limits[rule.id, branch] = self._limits_of(rule, branch)
        return found if isinstance(found, int) else found.at(at)

    def targets(self, rule: Rule, branch: str) -> "tuple[InForce, ...]":
        """The longest lengths within target through time, in order; what time has no target is left out."""
        found = self._targets.get((rule.id, branch))
        if found is None:
            found = self._targets[rule.id, branch] = tuple(self._targets_of(rule, branch))
        return found

    def _targets_of(self, rule: Rule, branch: str) -> "list[InForce]":
        days = self._organisation.target_days(rule)
        zone = ZoneInfo(self._organisation.zone_of(branch))
        begins = [-NEVER_MS, *(instant(day, zone) for day in days)]
        lengths = [self._limit(rule, branch, day) for day in (date.min, *days)]
        spans = zip(begins, [*begins[1:], NEVER_MS], lengths, strict=True)
        return [InForce(*span) for span in spans if span[2] != NO_TARGET_MS]

    def _limits_of(self, rule: Rule, branch: str) -> "int | _Limits":
        days = self._organisation.target_days(rule)
        limits = [self._limit(rule, branch, day) for day in (date.min, *days)]
        if not days:
            return limits[0]
        zone = ZoneInfo(self._organisation.zone_of(branch))
        return _Limits([instant(day, zone) for day in days], limits)

    def _limit(self, rule: Rule, branch: str, day: date) -> int:
        target = self._organisation.target_of(rule, day)
        if target is None or target.at_most is None:
            return NO_TARGET_MS
        return length_ms(target.at_most, self.calendar(branch))


class InForce(NamedTuple):
    """The target during [begins, ends), as a length."""

    begins: int
    ends: int
    target_ms: int


_PLAIN = PlainTime()


class _Limits(NamedTuple):
    """Lengths through time: one before the first of the instants at which another begins, then one from each on."""

    begins: list[int]
    lengths: list[int]

    def at(self, at: int) -> int:
        return self.lengths[bisect_right(self.begins, at)]


def length_ms(length: float | str, calendar: Calendar) -> int:
    """A target's length in ms: a number is seconds; a text may count business days of the calendar."""
    if not isinstance(length, str):
        return round(length * 1000)
    parsed = parse_length(length)
    return parsed.ms + calendar.business_days_ms(parsed.business_days)
