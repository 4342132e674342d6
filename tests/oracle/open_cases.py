"""Open cases in their plainest form: at one instant, by the documents, for every KPI that has a target or a due date.

Open point → reading taken here: a case that is breached and paused → breached; a file that was declined or withdrawn →
not open; a chance that is past its due date and not won → open, breached; a target's share is of its whole milliseconds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.oracle.attribution import Group, group_now, group_of
from tests.oracle.business_time import Calendar, Interval, calendar_of, local_date, open_ms
from tests.oracle.facts import Case, CaseId, Statement, merge, time_ms
from tests.oracle.observe import TARGET_BUSINESS_DAYS, TARGET_MS, Targets, in_force
from tests.oracle.windows import DAY_MS

EVER_MS = 1 << 60
KINDS = {
    "turnaround_time": "loan",
    "response_time": "query",
    "team_response_time": "team_request",
    "complaint_resolution_time": "complaint",
    "training_completion": "training",
    "regulatory_training_completion": "training",
    "regulatory_updates_implemented": "regulation",
}
BANDS = ("on_track", "warning", "at_risk", "breached", "paused")


@dataclass(frozen=True)
class Lender:
    """The organisation's calendars and targets, as in the recount's settings."""

    calendar: Calendar
    zone: str = "UTC"
    branch_calendars: Mapping[str, Calendar] = field(default_factory=dict)
    branch_zones: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, Targets] = field(default_factory=dict)


def lender_of(chosen: Mapping[str, Any]) -> Lender:
    zone, whole = chosen.get("zone", "UTC"), chosen.get("calendar")
    branches = chosen.get("branch_calendars", {})
    return Lender(
        calendar_of(None, whole, zone),
        zone,
        {branch: calendar_of(own, whole, zone) for branch, own in branches.items()},
        {branch: own["tz"] for branch, own in branches.items() if own.get("tz")},
        chosen.get("targets", {}),
    )


class Open(NamedTuple):
    """An open case at an instant. `calendar` None: plain time."""

    group: Group
    since: int
    target: int
    pauses: tuple[Interval, ...]
    calendar: Calendar | None
    used: int
    band: str

    @property
    def due(self) -> int | None:
        """The first instant by which the target is used up; None if it is not within four years."""
        low, high = self.since, self.since + 4 * 366 * DAY_MS
        if self._used_at(high) < self.target:
            return None
        while low < high:
            middle = (low + high) // 2
            if self._used_at(middle) >= self.target:
                high = middle
            else:
                low = middle + 1
        return low

    def _used_at(self, at: int) -> int:
        return used_ms(self.calendar, self.since, at, self.pauses)


def used_ms(calendar: Calendar | None, since: int, at: int, pauses: Iterable[Interval]) -> int:
    return max(0, at - since) if calendar is None else open_ms(calendar, since, at, pauses)


def open_cases(
    events: Iterable[Mapping[str, Any]], at: int, lender: Lender
) -> dict[tuple[str, CaseId], Open]:
    """Every open case of every KPI, of all the events there are, whatever their time."""
    cases = merge(events, EVER_MS)
    return {
        (kpi, case.id): found
        for case in cases.values()
        for kpi, kind in KINDS.items()
        if kind == case.id.kind and (found := _open(kpi, case, at, lender)) is not None
    }


def why_closed(kpi: str, case: Case | None) -> str:
    """Why a case that was open is not: by what its facts say."""
    if case is None or _opening(kpi, case) is None:
        return "retracted"
    closed = _closed(kpi, case)
    withdrawn = (
        closed is not None and closed.type == "application.decided" and closed.says("outcome") == "withdrawn"
    )
    return "withdrawn" if withdrawn else "answered"


def _opening(kpi: str, case: Case) -> Statement | None:
    names = {
        "loan": "application.submitted", "query": "query.received", "team_request": "team_request.received",
        "complaint": "complaint.opened", "training": "training.assigned", "regulation": "regulation.issued",
    }  # fmt: skip
    opening = case.one(names[case.id.kind])
    if (
        opening is not None
        and kpi == "regulatory_training_completion"
        and opening.says("regulatory") is not True
    ):
        return None
    return opening


def _closed(kpi: str, case: Case) -> Statement | None:
    names = {
        "loan": "application.decided", "query": "query.answered", "team_request": "team_request.answered",
        "training": "training.completed", "regulation": "regulation.implemented",
    }  # fmt: skip
    if kpi != "complaint_resolution_time":
        return case.one(names[case.id.kind])
    reopened = max((s.time for s in case.all("complaint.reopened")), default=-EVER_MS)
    return next((s for s in case.all("complaint.resolved") if s.time > reopened), None)


def _open(kpi: str, case: Case, at: int, lender: Lender) -> Open | None:
    opening = _opening(kpi, case)
    if opening is None or _closed(kpi, case) is not None or at < opening.time:
        return None
    if case.id.kind in ("training", "regulation"):
        since, group = opening.time, group_of(case, opening)
        target = max(0, time_ms(opening.data["due_at"]) - since)
        return _banded(group, since, target, (), None, at, paused=False)
    group = group_now(case, EVER_MS)
    calendar = lender.branch_calendars.get(group.branch, lender.calendar)
    own = in_force(lender.targets, local_date(at, lender.branch_zones.get(group.branch, lender.zone)))
    target = own.get(kpi, TARGET_MS.get(kpi, -1))
    if target < 0:
        target = (
            TARGET_BUSINESS_DAYS[kpi] * calendar.week_ms // calendar.opening_days
            if calendar.opening_days
            else 0
        )
    pauses = tuple(_pauses(case)) if kpi == "turnaround_time" else ()
    paused = any(begin <= at and end == EVER_MS for begin, end in pauses)
    return _banded(group, opening.time, target, pauses, calendar, at, paused=paused)


def _pauses(case: Case) -> Iterator[Interval]:
    for begin, end, per in (
        ("documents.requested", "documents.received", "request_id"),
        ("application.held", "application.resumed", "hold_id"),
    ):
        ends = {s.data[per]: s.time for s in case.all(end)}
        for said in case.all(begin):
            yield said.time, ends.get(said.data[per], EVER_MS)


def _banded(
    group: Group,
    since: int,
    target: int,
    pauses: tuple[Interval, ...],
    calendar: Calendar | None,
    at: int,
    *,
    paused: bool,
) -> Open:
    used = used_ms(calendar, since, at, pauses)
    if used > target:
        band = "breached"
    elif paused:
        band = "paused"
    else:
        band = BANDS[(2 * used >= target) + (4 * used >= 3 * target)]
    return Open(group, since, target, pauses, calendar, used, band)
