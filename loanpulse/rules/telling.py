"""Turns what was gathered into the series and exclusions of an explanation, and keeps back what shows who said what."""

from collections import Counter
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from kpi_rules.measures import DurationMeasure
from loanpulse.board.snapshot import Block, Row
from loanpulse.rules.explanation import (
    CaseRef,
    Contribution,
    Exclusion,
    Figure,
    Head,
    Listed,
    Part,
    Series,
    Side,
)
from loanpulse.rules.gathering import Gathered, Gathering, PartSums
from loanpulse.rules.kept import Kept
from loanpulse.rules.phrases import contributed, parts_of
from loanpulse.rules.scope import Scope
from loanpulse.serve.book import Book, is_confidential
from loanpulse.serve.shown import Shown
from loanpulse.serve.verdict import state_of
from schemas.fields import local_iso
from streams.calculus.panes import Observation


def series_of(shown: Shown, scope: Scope, gathering: Gathering) -> list[Series]:
    """One figure, or one for each value of the split; the board's and the cases' own side by side."""
    rows = dict(_rows_of(scope, shown.snapshot.blocks[scope.rule.id]))
    splits = [*rows, *sorted(gathering.series.keys() - rows.keys())]
    if not splits and scope.rule.split is None:
        splits = [""]
    return [_series(shown, scope, split, rows.get(split), gathering.series.get(split)) for split in splits]


def _rows_of(scope: Scope, block: Block) -> Iterator[tuple[str, Figure]]:
    """The board's figures of the window and group, by value of the split; it has none of several dimensions at once."""
    split = scope.rule.split or ""
    for row in block.rows():
        own = {name: member for name, member in row.group.items() if name != split}
        if row.window == scope.frame.window and own == scope.group:
            yield row.group.get(split, ""), _figure(row)


def _figure(row: Row) -> Figure:
    return Figure(
        n=row.n,
        numerator=row.numerator,
        denominator=row.denominator,
        sum=row.sum,
        p50=row.p50,
        p90=row.p90,
        p95=row.p95,
        value=row.value,
    )


def _series(
    shown: Shown, scope: Scope, split: str, board: Figure | None, gathered: Gathered | None
) -> Series:
    made_of = Gathered(scope.rule, 0) if gathered is None else gathered
    cases = made_of.figure()
    if scope.group and is_confidential(scope.rule, min(figure.n for figure in (board, cases) if figure)):
        return _kept_back(split)
    book, at_p90 = shown.book, made_of.at_p90()
    return Series(
        split=split,
        board=board,
        cases=cases,
        state=_state(shown, scope, board or cases),
        kept_back=False,
        lists=[_listed(book, scope, split, *listed) for listed in made_of.listed()],
        heads=[Head(officer, work) for officer, work in _most_first(made_of.heads)],
        at_p90=None if at_p90 is None else _reference(at_p90, book.program.zone),
    )


def _kept_back(split: str) -> Series:
    return Series(
        split=split,
        board=None,
        cases=None,
        state="too_few",
        kept_back=True,
        lists=[],
        heads=[],
        at_p90=None,
    )


def _state(shown: Shown, scope: Scope, figure: Figure) -> str:
    if figure.value is None:
        return "no_value"
    bounds = shown.book.bounds(scope.rule.id, shown.snapshot.meta.as_of_ms)
    return state_of(figure.value, figure.n, scope.frame.window, scope.rule, bounds).name.lower()


def _listed(book: Book, scope: Scope, split: str, part: Part, side: Side, sums: PartSums) -> Listed:
    cases = [_contribution(book, scope, split, part, kept) for kept in sums.largest.listed()]
    whole = Observation(0, None, "", 0, sums.n, sums.a, sums.b)
    numerator, denominator = parts_of(scope.rule, whole, part)
    return Listed(
        part=part,
        side=side,
        n=sums.n,
        numerator=numerator,
        denominator=denominator,
        cases=cases,
        more=sums.largest.count - len(cases),
    )


def _contribution(book: Book, scope: Scope, split: str, part: Part, kept: Kept) -> Contribution:
    rule, entry, seen = scope.rule, kept.entry, kept.entry.seen
    assert seen is not None
    officer, branch, product, channel = entry.group
    lending, hidden = rule.by == "lending", is_confidential(rule, 0)
    of_whom = not hidden or bool(scope.group)
    numerator, denominator = parts_of(rule, seen, part)
    return Contribution(
        kind=kept.name.kind,
        key=None if hidden else kept.name.key,
        subject=None if hidden else kept.name.subject,
        at=None if entry.at is None else local_iso(entry.at, book.program.zone),
        officer=officer if of_whom else None,
        branch=branch if of_whom else None,
        product=product if lending else None,
        channel=channel if lending else None,
        numerator=numerator,
        denominator=denominator,
        length_ms=seen.b if isinstance(rule.measure, DurationMeasure) else None,
        says=contributed(book.program, rule, entry, part, split),
        read=dict(entry.read),
    )


def excluded(book: Book, scope: Scope, gathering: Gathering) -> list[Exclusion]:
    """The most frequent reason first. Where answers about people are kept back there are no examples."""
    zone, hidden = book.program.zone, is_confidential(scope.rule, 0)
    return [
        Exclusion(
            why,
            count,
            [] if hidden else [_reference(kept, zone) for kept in gathering.reasons.examples(why)],
        )
        for why, count in _most_first(gathering.reasons.counts)
    ]


def _most_first(counts: Counter[str]) -> list[tuple[str, int]]:
    """By number, then by name: the order in which cases are read changes nothing."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _reference(kept: Kept, zone: ZoneInfo) -> CaseRef:
    at = kept.entry.at
    return CaseRef(*kept.name, None if at is None else local_iso(at, zone))
