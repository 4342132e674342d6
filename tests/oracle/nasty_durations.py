"""Which nasty cases the time between two facts holds: clock changes, holidays, branches, pauses."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import combinations

from tests.oracle.attribution import group_of
from tests.oracle.business_time import MINUTE_MS, Calendar, length, local_date, open_ms, open_periods, union
from tests.oracle.facts import Case, Statement
from tests.oracle.instants import clock_changes, is_twice_or_never
from tests.oracle.observe import within_target
from tests.oracle.observe_loans import decision, pauses
from tests.oracle.observe_staff import resolution

DURATIONS = {
    "turnaround_time": "application.submitted",
    "response_time": "query.received",
    "team_response_time": "team_request.received",
    "complaint_resolution_time": "complaint.opened",
}
ANSWERS = {"response_time": "query.answered", "team_response_time": "team_request.answered"}


def nasty_of_durations(
    case: Case, branches: Mapping[str, Calendar], whole: Calendar, tz: str
) -> Iterator[str]:
    for kpi, opening in DURATIONS.items():
        start, end = case.one(opening), _end(kpi, case)
        if start is None or end is None:
            continue
        if end.time < start.time:
            yield "an answer before its question"
            continue
        branch = group_of(case, end).branch
        calendar = branches.get(branch, whole)
        if branch in branches:
            yield "a duration by a branch's own calendar"
        if calendar.tz != tz:
            yield "a duration by a calendar of another zone"
        yield from _of_targets(kpi, open_ms(calendar, start.time, end.time, pauses(case, end.time)), calendar)
        yield from _of_clock_changes(calendar, start.time, end.time)
        always_open = Calendar(calendar.weekly, frozenset(), calendar.tz)
        if open_ms(always_open, start.time, end.time) > open_ms(calendar, start.time, end.time):
            yield "a duration over a holiday"
        yield from _of_pauses(case, start.time, end.time)


def _end(kpi: str, case: Case) -> Statement | None:
    if kpi in ANSWERS:
        return case.one(ANSWERS[kpi])
    return decision(case) if kpi == "turnaround_time" else resolution(case)


def _of_targets(kpi: str, long: int, calendar: Calendar) -> Iterator[str]:
    """Against the catalogue's own target."""

    def within(ms: int) -> bool:
        return within_target(kpi, ms, calendar, {})

    if within(long) and not within(long + 1):
        yield "a duration as long as its target"
    if within(long - 1) and not within(long):
        yield "a duration a millisecond longer than its target"


def _of_clock_changes(calendar: Calendar, start: int, end: int) -> Iterator[str]:
    """Of the time between two instants, and of each whole day in it."""
    if not clock_changes(start, end, calendar.tz):
        return
    yield "a duration over a clock change"
    first, last = local_date(start, calendar.tz), local_date(end, calendar.tz)
    for number in range(1, (last - first).days):
        day = first + timedelta(days=number)
        periods = calendar.weekly[day.weekday()]
        by_the_wall = sum(finish - begin for begin, finish in periods) * MINUTE_MS
        if day not in calendar.holidays and length(union(open_periods(calendar, day))) != by_the_wall:
            yield "a duration over a clock change within opening hours"
        if any(is_twice_or_never(day, minute, calendar.tz) for period in periods for minute in period):
            yield "a duration over opening hours that begin or end in a clock change"


def _of_pauses(case: Case, start: int, end: int) -> Iterator[str]:
    found = []
    for begin, finish, per in (
        ("documents.requested", "documents.received", "request_id"),
        ("application.held", "application.resumed", "hold_id"),
    ):
        ends = {s.says(per): s.time for s in case.all(finish)}
        for s in case.all(begin):
            over = ends.get(s.says(per))
            if over is None and start < s.time < end:
                yield "a pause without an end"
            if over is not None and over < s.time:
                yield "a pause that ends before it begins"
            if s.time < start < (end if over is None else over):
                yield "a pause begun before the submission"
            found.append((max(s.time, start), min(end if over is None else over, end)))
    real = [pause for pause in found if pause[0] < pause[1]]
    if any(max(a[0], b[0]) < min(a[1], b[1]) for a, b in combinations(real, 2)):
        yield "overlapping pauses"
