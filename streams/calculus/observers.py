"""Compiles a measure into what it counts at one fact of one kind of case. No observer reads a clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from kpi_rules.facts import FACTS, FactType
from kpi_rules.lengths import parse_length
from kpi_rules.measures import (
    Anchored,
    ConversionMeasure,
    CountMeasure,
    DurationMeasure,
    GrowthMeasure,
    LevelMeasure,
    MeanMeasure,
    Part,
    PerHeadMeasure,
    RatioMeasure,
    Stock,
    SumMeasure,
)
from kpi_rules.model import Rule
from schemas.event import Statement
from schemas.fields import time_ms
from schemas.registry import EVENT_TYPES
from streams.calculus.attribution import Group, attribution_reads
from streams.calculus.buckets import bucket_of
from streams.calculus.case import Case
from streams.calculus.clocks import Clocks
from streams.calculus.paths import (
    Integer,
    Test,
    amount_of,
    facts_in,
    field_of,
    finder,
    part_of,
    paths_in_amount,
    paths_in_part,
    reads,
    test_of,
)

Counted = tuple[int | None, int, int, int, int]
"""at, bucket, n, a, b"""
Tally = Callable[[Case, Statement, Group], Counted | None]


@dataclass(frozen=True)
class Observer:
    """One measure at one fact: whether it counts there, what it counts, and the event types that it looks at."""

    index: int
    anchor: FactType
    timed: bool
    """Whether it belongs to whom its anchor names; a stock belongs to whom the case belongs to now."""
    by: Literal["lending", "staff"]
    reads: frozenset[int]
    where: Test | None
    split: Callable[[Statement], object] | None
    tally: Tally


def _observer(
    index: int,
    rule: Rule,
    anchor: FactType,
    named: set[str],
    tally: Tally,
    where: Test | None,
    split: str | None = None,
    timed: bool = True,
) -> Observer:
    looks_at = reads({anchor.name} | named) | attribution_reads(anchor.kind)
    read = None if split is None else field_of(anchor, split)
    return Observer(index, anchor, timed, rule.by, looks_at, where, read, tally)


def anchored(index: int, rule: Rule, measure: Anchored, clocks: Clocks) -> Observer:
    """The observer of any measure whose observations stand at an anchor's time."""
    anchor = FACTS[measure.anchor]
    named = facts_in(*_paths(measure)) | _facts_of_duration(measure)
    tally = _tally(rule, measure, anchor, clocks)
    return _observer(index, rule, anchor, named, tally, test_of(measure.where, anchor), measure.split)


def _paths(measure: Anchored) -> list[str]:
    paths = list(measure.where)
    if isinstance(measure, RatioMeasure):
        paths += paths_in_part(measure.numerator) + paths_in_part(measure.denominator)
        paths += [] if measure.since is None else [measure.since]
    elif isinstance(measure, (SumMeasure, GrowthMeasure)):
        paths += paths_in_amount(measure.amount)
    elif isinstance(measure, MeanMeasure):
        paths.append(measure.points)
    return paths


def _facts_of_duration(measure: Anchored) -> set[str]:
    if not isinstance(measure, DurationMeasure):
        return set()
    return {measure.since, *(name for pause in measure.pauses for name in (pause.start, pause.end))}


def _tally(rule: Rule, measure: Anchored, anchor: FactType, clocks: Clocks) -> Tally:
    match measure:
        case CountMeasure() | PerHeadMeasure():
            return lambda _case, said, _group: (said.at, 0, 1, 1, 0)
        case SumMeasure() | GrowthMeasure():
            return _amounts(amount_of(measure.amount, anchor))
        case MeanMeasure():
            return _amounts(_points(measure, anchor))
        case RatioMeasure():
            return _parts(measure, anchor)
        case DurationMeasure():
            return _duration(rule, measure, clocks)
    raise TypeError(f"{type(measure).__name__} is not observed at an anchor")


def _amounts(amount: Integer) -> Tally:
    def tally(case: Case, said: Statement, _group: Group) -> Counted | None:
        value = amount(case, said)
        return None if value is None else (said.at, 0, 1, value, 0)

    return tally


def _points(measure: MeanMeasure, anchor: FactType) -> Integer:
    score = amount_of(measure.points, anchor)
    if not measure.bands:
        return score
    bands = sorted(((band.at_least, band.points) for band in measure.bands), reverse=True)

    def points(case: Case, said: Statement) -> int | None:
        value = score(case, said)
        return None if value is None else next((p for least, p in bands if value >= least), None)

    return points


def _parts(measure: RatioMeasure, anchor: FactType) -> Tally:
    numerator, denominator = part_of(measure.numerator, anchor), part_of(measure.denominator, anchor)
    too_long = (
        None if measure.since is None else _takes_longer(measure.since, measure.elapsed_more_than or "")
    )

    def tally(case: Case, said: Statement, _group: Group) -> Counted | None:
        a, b = numerator(case, said), denominator(case, said)
        if a is None or b is None:
            return None
        if too_long is not None and not too_long(case, said):
            a = 0
        return said.at, 0, 1, a, b

    return tally


def _takes_longer(since: str, limit: str) -> Test:
    find, limit_ms = finder(since), parse_length(limit).ms

    def longer(case: Case, said: Statement) -> bool:
        start = find(case)
        return start is not None and said.at - start.at > limit_ms

    return longer


def _duration(rule: Rule, measure: DurationMeasure, clocks: Clocks) -> Tally:
    start_of = finder(measure.since)
    pauses = [(EVENT_TYPES[p.start].code, EVENT_TYPES[p.end].code) for p in measure.pauses]

    def tally(case: Case, said: Statement, group: Group) -> Counted | None:
        start = start_of(case)
        if start is None:
            return None
        stopped = pauses_of(case, pauses, said.at)
        length = clocks.elapsed(measure.clock, group[1], start.at, said.at, stopped)
        within = length <= clocks.target_ms(rule, group[1], said.at)
        return said.at, bucket_of(length), 1, int(within), length

    return tally


def pauses_of(case: Case, pauses: Sequence[tuple[int, int]], until: int) -> list[tuple[int, int]]:
    """The pauses of a case: from each beginning to the end of the same instance, or until the anchor."""
    found = []
    for begins, ends in pauses:
        if begins not in case.many:
            continue
        end_of = dict(case.instances(ends))
        for instance, begin in case.instances(begins):
            end = end_of.get(instance)
            found.append((begin.at, until if end is None else end.at))
    return found


def conversion(index: int, rule: Rule, measure: ConversionMeasure) -> Observer:
    """The observer of a conversion inside one case."""
    opens, win, deadline = FACTS[measure.opening], finder(measure.success), deadline_of(measure)

    def tally(case: Case, said: Statement, _group: Group) -> Counted:
        success, due = win(case), deadline(said)
        if success is not None and success.at <= due:
            return max(success.at, said.at), 0, 1, 1, 1
        return due, 0, 1, 0, 1

    named = {measure.success} | facts_in(*measure.where)
    return _observer(index, rule, opens, named, tally, test_of(measure.where, opens))


def deadline_of(measure: ConversionMeasure) -> Callable[[Statement], int]:
    """The last ms in which an opening can still be won."""
    if measure.within is not None:
        length = parse_length(measure.within).ms
        return lambda said: said.at + length
    due = field_of(FACTS[measure.opening], measure.due or "")
    return lambda said: time_ms(str(due(said)))


def level(index: int, rule: Rule, measure: LevelMeasure) -> Observer:
    """The observer of a stock: untimed, of whomever the case belongs to now."""
    fact = FACTS[measure.of]
    part, whole = part_of(measure.part, fact), part_of(measure.whole, fact)

    def tally(case: Case, said: Statement, _group: Group) -> Counted | None:
        a, b = part(case, said), whole(case, said)
        return None if a is None or b is None else (None, 0, 1, a, b)

    paths = [*measure.where, *paths_in_part(measure.part), *paths_in_part(measure.whole)]
    where = test_of(measure.where, fact)
    return _observer(index, rule, fact, facts_in(*paths), tally, where, measure.split, timed=False)


def stock_level(stock: Stock, split: str | None) -> LevelMeasure:
    """A ratio's stock as a level measure: it adds to the denominator only."""
    part = Part(amount=stock.amount)
    by_currency: Literal["currency"] | None = "currency" if split == "currency" else None
    return LevelMeasure(
        kind="level", of=stock.of, where=stock.where, split=by_currency, part=part, whole=part
    )
