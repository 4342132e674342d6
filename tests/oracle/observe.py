"""What an observation is, the settings that it depends on, and the shapes that several KPIs share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from tests.oracle.attribution import Group, group_of
from tests.oracle.business_time import Calendar, Interval, local_date, open_ms
from tests.oracle.facts import Case, CaseId, Statement
from tests.oracle.windows import DAY_MS, HOUR_MS

TARGET_MS = {"response_time": 4 * HOUR_MS, "team_response_time": 8 * HOUR_MS}
TARGET_BUSINESS_DAYS = {"turnaround_time": 5, "complaint_resolution_time": 5}


Targets = int | Sequence[tuple[str | None, int]]
"""A target in ms, or several: the day on which each begins (None: it was always so), and its ms."""


class Observation(NamedTuple):
    """What counts, at its anchor (None: stock, at as_of). `length` is a duration in ms.

    `client` and `latest` (funding order) are those of `distinct` measures.
    """

    kpi: str
    at: int | None
    group: Group
    numerator: int = 1
    denominator: int = 1
    split: str | None = None
    length: int = 0
    client: str = ""
    latest: tuple[int, str, str, str] = (0, "", "", "")


@dataclass(frozen=True)
class Settings:
    """How the organisation counts. `targets`: a duration KPI's targets, instead of the catalogue's.

    `zone` is that of the organisation's days, `branch_zones` of those branches whose calendar names its own.
    """

    as_of_ms: int
    calendar: Calendar
    branch_calendars: Mapping[str, Calendar] = field(default_factory=dict)
    targets: Mapping[str, Targets] = field(default_factory=dict)
    zone: str = "UTC"
    branch_zones: Mapping[str, str] = field(default_factory=dict)
    grades_default: frozenset[str] = frozenset("DE")
    system_users: frozenset[str] = frozenset()


Cases = Mapping[CaseId, Case]


def of_kind(cases: Cases, kind: str) -> Iterator[Case]:
    return (case for case in cases.values() if case.id.kind == kind)


def facts_of(cases: Cases, kind: str, type_name: str) -> Iterator[tuple[Case, Statement]]:
    return ((case, fact) for case in of_kind(cases, kind) for fact in case.all(type_name))


def in_force(targets: Mapping[str, Targets], day: date) -> dict[str, int]:
    """The organisation's own targets of a local day: of each KPI the last that has begun by then, if one has."""
    found = {}
    for kpi, said in targets.items():
        for begins, target in [(None, said)] if isinstance(said, int) else said:
            if begins is None or date.fromisoformat(begins) <= day:
                found[kpi] = target
    return found


def within_target(kpi: str, long: int, calendar: Calendar, targets: Mapping[str, int]) -> bool:
    """Length ≤ target. A business day is week / opening days: compared by cross-multiplying, unrounded."""
    target = targets.get(kpi, TARGET_MS.get(kpi))
    if target is not None:
        return long <= target
    return long * calendar.opening_days <= TARGET_BUSINESS_DAYS[kpi] * calendar.week_ms


def duration(
    kpi: str,
    case: Case,
    opening: Statement,
    anchor: Statement,
    settings: Settings,
    pauses: Iterable[Interval] = (),
) -> Observation:
    """Business time from the opening to the anchor, by the calendar of the observation's branch."""
    group = group_of(case, anchor)
    calendar = settings.branch_calendars.get(group.branch, settings.calendar)
    long = open_ms(calendar, opening.time, anchor.time, pauses)
    day = local_date(anchor.time, settings.branch_zones.get(group.branch, settings.zone))
    within = within_target(kpi, long, calendar, in_force(settings.targets, day))
    return Observation(kpi, anchor.time, group, int(within), 1, length=long)


def conversion(
    kpi: str, case: Case, opening: Statement, successes: Iterable[int], deadline: int
) -> Observation:
    """Won at the first success in time (or at the opening, if later); else lost at the deadline."""
    in_time = [at for at in successes if at <= deadline]
    group = group_of(case, opening)
    if in_time:
        return Observation(kpi, max(min(in_time), opening.time), group, 1, 1)
    return Observation(kpi, deadline, group, 0, 1)


def days_ms(days: int) -> int:
    return days * DAY_MS
