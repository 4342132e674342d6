"""Compiles a rule into what it watches of open cases: those whose duration has a target, and chances with a due date."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from kpi_rules.facts import FACTS
from kpi_rules.measures import ConversionMeasure, DurationMeasure
from kpi_rules.model import Rule
from schemas.event import Statement
from schemas.registry import EVENT_TYPES
from streams.calculus.attribution import attribute, attribution_reads, group_name
from streams.calculus.business_time import NEVER_MS, Interval, OpenTime, PlainTime, merged, reached
from streams.calculus.case import Case
from streams.calculus.clocks import Clocks
from streams.calculus.observers import deadline_of
from streams.calculus.open_cases import OpenCase, Span
from streams.calculus.paths import facts_in, finder, reads, test_of
from streams.calculus.sites import anchors_of

_DECIDED = EVENT_TYPES["application.decided"]
_OUTCOME = _DECIDED.index("outcome")


class Ended(NamedTuple):
    """Why a case is not open, and since when where a fact says so."""

    why: Literal["answered", "withdrawn", "retracted", "no_target", "quarantined"]
    at: int | None = None


@dataclass(frozen=True)
class Watch:
    """One rule's open cases. `opened` gives the case as it is open, None if it is not; then `ended` says why. `is_open`
    costs less: it is false only where `opened` is None.

    `codes` are the event types of the facts that its clock is made of, `reads` these and those that say whose it is.
    `used_ms` is what the clock of an open case shows at an instant.

    Invariants:
        an_open_case_is_what_a_plain_count_says_at_any_instant
        a_due_time_is_the_first_instant_by_which_the_target_is_used
    """

    index: int
    rule: Rule
    kind: str
    codes: frozenset[int]
    reads: frozenset[int]
    is_open: Callable[[Case], bool]
    opened: Callable[[Case], OpenCase | None]
    ended: Callable[[Case], Ended]
    used_ms: Callable[[Case, int], int]


def watch_of(index: int, rule: Rule, clocks: Clocks) -> Watch | None:
    """What a rule watches; None if it is no duration, and no conversion inside one case whose opening names a due date."""
    match rule.measure:
        case DurationMeasure() as measure:
            return _duration(index, rule, measure, clocks)
        case ConversionMeasure(over="case", due=str()) as measure if not FACTS[measure.opening].per:
            return _conversion(index, rule, measure)
    return None


def _watch(
    index: int,
    rule: Rule,
    kind: str,
    named: set[str],
    is_open: Callable[[Case], bool],
    opened: Callable[[Case], OpenCase | None],
    ended: Callable[[Case], Ended],
    used_ms: Callable[[Case, int], int],
) -> Watch:
    codes = reads(named)
    looks_at = codes | attribution_reads(kind)
    return Watch(index, rule, kind, codes, looks_at, is_open, opened, ended, used_ms)


def _duration(index: int, rule: Rule, measure: DurationMeasure, clocks: Clocks) -> Watch:
    anchor, start_of = FACTS[measure.anchor], finder(measure.since)
    anchors, counts = anchors_of(anchor.name), test_of(measure.where, anchor)
    pauses = [(EVENT_TYPES[p.start].code, EVENT_TYPES[p.end].code) for p in measure.pauses]

    def is_open(case: Case) -> bool:
        if start_of(case) is None or case.quarantined or anchors(case):
            return False
        return _came_to_nothing(case) is None

    def opened(case: Case) -> OpenCase | None:
        start = start_of(case)
        if start is None or not is_open(case):
            return None
        group = attribute(case, anchor.kind, None)
        ended, paused_since, reasons = _pauses(case, pauses, start.at)
        time = clocks.time(measure.clock, group[1])
        stopped = merged([*ended, (paused_since, NEVER_MS)] if reasons else ended)
        spans = tuple(
            Span(begins, ends, target, *_marks(time, start.at, target, stopped))
            for begins, ends, target in clocks.targets(rule, group[1])
            if ends > start.at
        )
        if not spans:
            return None
        return OpenCase(group_name(group, rule.by), start.at, paused_since, reasons, spans)

    def ended(case: Case) -> Ended:
        if case.quarantined:
            return Ended("quarantined")
        if start_of(case) is None:
            return Ended("retracted")
        closed = next(iter(anchors(case)), None)
        if closed is None:
            nothing = _came_to_nothing(case)
            return Ended("no_target") if nothing is None else Ended("withdrawn", nothing.at)
        return Ended("answered" if counts is None or counts(case, closed) else "withdrawn", closed.at)

    def used_ms(case: Case, at: int) -> int:
        start = start_of(case)
        if start is None:
            return 0
        branch = attribute(case, anchor.kind, None)[1]
        ended, paused_since, reasons = _pauses(case, pauses, start.at)
        stopped = [*ended, (paused_since, max(at, paused_since))] if reasons else ended
        return clocks.elapsed(measure.clock, branch, start.at, at, stopped)

    named = {measure.since, measure.anchor, *(name for p in measure.pauses for name in (p.start, p.end))}
    if anchor.kind == _DECIDED.kind:
        named.add(_DECIDED.name)
    return _watch(index, rule, anchor.kind, named | facts_in(*measure.where), is_open, opened, ended, used_ms)


def _came_to_nothing(case: Case) -> Statement | None:
    """By what an application was declined or withdrawn: what a loan would wait for after that never comes."""
    decided = case.fact(_DECIDED.code)
    return None if decided is None or decided.values[_OUTCOME] == "approved" else decided


def _marks(time: OpenTime | PlainTime, start: int, target: int, stopped: Sequence[Interval]) -> list[int]:
    """When half, three quarters, all and more than all of a target are used."""
    lengths = (-(-target // 2), -(-3 * target // 4), target, target + 1)
    return reached(time, start, lengths, stopped)


def _pauses(case: Case, pauses: Sequence[tuple[int, int]], start: int) -> tuple[list[Interval], int, int]:
    """The pauses that have ended; since when the others last, and which of the measure's they are."""
    ended, paused_since, reasons = [], NEVER_MS, 0
    for i, (begins, ends) in enumerate(pauses):
        if begins not in case.many:
            continue
        end_of = dict(case.instances(ends))
        for instance, begin in case.instances(begins):
            end, since = end_of.get(instance), max(begin.at, start)
            if end is not None:
                ended.append((since, end.at))
            else:
                paused_since, reasons = min(paused_since, since), reasons | 1 << i
    return ended, paused_since, reasons


def _conversion(index: int, rule: Rule, measure: ConversionMeasure) -> Watch:
    """A chance stays open until it is won, be it too late; its clock is plain time, its target the time to its due date."""
    opening, won, due_of = FACTS[measure.opening], finder(measure.success), deadline_of(measure)
    opens, counts = finder(measure.opening), test_of(measure.where, FACTS[measure.opening])

    def is_open(case: Case) -> bool:
        start = opens(case)
        if start is None or case.quarantined or won(case) is not None:
            return False
        return counts is None or counts(case, start)

    def opened(case: Case) -> OpenCase | None:
        start = opens(case)
        if start is None or not is_open(case):
            return None
        due = max(due_of(start), start.at)
        length = due - start.at
        marks = start.at - -length // 2, start.at - -3 * length // 4, due, due + 1
        span = Span(-NEVER_MS, NEVER_MS, length, *marks)
        group = group_name(attribute(case, opening.kind, start), rule.by)
        return OpenCase(group, start.at, NEVER_MS, 0, (span,))

    def ended(case: Case) -> Ended:
        if case.quarantined:
            return Ended("quarantined")
        start, success = opens(case), won(case)
        is_chance = start is not None and (counts is None or counts(case, start))
        return Ended("answered", success.at) if is_chance and success is not None else Ended("retracted")

    def used_ms(case: Case, at: int) -> int:
        start = opens(case)
        return 0 if start is None else max(0, at - start.at)

    named = {measure.opening, measure.success} | facts_in(*measure.where)
    return _watch(index, rule, opening.kind, named, is_open, opened, ended, used_ms)
