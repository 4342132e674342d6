"""The clock of one case as a story tells it: from its beginning to its anchor, or to now while it is open."""

from zoneinfo import ZoneInfo

from kpi_rules.facts import FACTS
from kpi_rules.measures import DurationMeasure
from kpi_rules.model import Rule
from loanpulse.rules.case_store import Stored
from loanpulse.rules.story import Clock, ClockPause, Step
from schemas.fields import local_iso
from streams.calculus.attribution import attribute
from streams.calculus.case import Case
from streams.calculus.case_clock import CaseClock, Pause, pauses_in
from streams.calculus.paths import finder, test_of
from streams.calculus.program import Program
from streams.calculus.sites import anchors_of


def clock_told(program: Program, rule: Rule, stored: Stored, now_ms: int) -> Clock | None:
    """None for a case that has no such clock: of another kind, not begun, or ended by what does not count.

    Of an open case it shows what is watched of it.
    """
    measure, case = rule.measure, stored.case
    assert isinstance(measure, DurationMeasure)
    anchor = FACTS[measure.anchor]
    start = finder(measure.since)(case) if anchor.kind == stored.name.kind else None
    if start is None or case.quarantined:
        return None
    stops = next(iter(anchors_of(anchor.name)(case)), None)
    counts = test_of(measure.where, anchor)
    if stops is not None and counts is not None and not counts(case, stops):
        return None
    if stops is None and _came_to_nothing(program, rule, case):
        return None
    group = attribute(case, anchor.kind, stops)
    branch = group[1]
    clock, pauses = CaseClock(measure, program.clocks, branch), pauses_in(case, measure)
    zone = ZoneInfo(clock.calendar.tz or program.zone.key) if measure.clock == "business" else program.zone
    until = now_ms if stops is None else stops.at
    steps = clock.stretches(start.at, until, pauses)
    elapsed = sum(step.counted_ms for step in steps)
    target = program.clocks.target_ms(rule, branch, until)
    due = None if target < 0 else clock.due(start.at, target, _ended(pauses, until))
    return Clock(
        kpi=rule.id,
        wording=rule.wording,
        clock=measure.clock,
        zone=zone.key,
        officer=group[0],
        branch=branch,
        since=local_iso(start.at, zone),
        until=local_iso(until, zone),
        runs=stops is None,
        is_paused=stops is None and any(p.until is None and max(p.since, start.at) <= until for p in pauses),
        steps=[
            Step(
                from_=local_iso(step.since, zone),
                to=local_iso(step.until, zone),
                state=step.state,
                open_ms=step.open_ms,
                why=list(step.why),
            )
            for step in steps
        ],
        pauses=[_pause(pause, zone) for pause in pauses],
        elapsed_ms=elapsed,
        target_ms=None if target < 0 else target,
        due=None if due is None else local_iso(due, zone),
        within=None if target < 0 else elapsed <= target,
    )


def _came_to_nothing(program: Program, rule: Rule, case: Case) -> bool:
    """Whether what the clock waits for never comes, since the application was declined or withdrawn."""
    return any(watch.rule.id == rule.id and watch.ended(case).why == "withdrawn" for watch in program.watches)


def _ended(pauses: list[Pause], until: int) -> list[Pause]:
    """As if what has no end yet ended then."""
    return [p if p.until is not None else p._replace(until=max(until, p.since)) for p in pauses]


def _pause(pause: Pause, zone: ZoneInfo) -> ClockPause:
    return ClockPause(
        from_=local_iso(pause.since, zone),
        to=None if pause.until is None else local_iso(pause.until, zone),
        reason=pause.reason,
        instance=pause.instance,
    )
