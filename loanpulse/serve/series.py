"""A snapshot as series, within a budget."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from kpi_rules.model import Rule
from loanpulse.board.plan import NOW
from loanpulse.board.snapshot import Block, Frame, Snapshot
from loanpulse.serve.book import Book, anchor_of, dimension_of, is_confidential
from loanpulse.serve.goals import Standing, goal_window, standings_of
from loanpulse.serve.verdict import Bounds, state_of
from streams.calculus.open_cases import Band

Labels = dict[str, str]
Series = tuple[str, Labels, float]
"""Family, labels, value."""

ORGANISATION = "kpi"
"""The scope of families whose series are of the whole organisation; the others are named as their label."""
SCOPES = ("branch", "officer")
BOUNDS = ("at_least", "at_most", "warning_at")
QUANTILES = {"0.5": "p50", "0.9": "p90", "0.95": "p95"}
VALUE_QUANTILE = "0.9"


@dataclass
class Exposed:
    """The series to show, by family, and how many did not fit."""

    families: dict[str, list[tuple[Labels, float]]] = field(default_factory=dict)
    series: int = 0
    dropped: int = 0

    def add(self, unit: Sequence[Series], budget: int) -> None:
        """Show some series that belong together, all of them or none."""
        if self.series + len(unit) > budget:
            self.dropped += len(unit)
            return
        for family, labels, value in unit:
            self.families.setdefault(family, []).append((labels, value))
        self.series += len(unit)


@dataclass
class Shelf:
    """A block with its rule: finds the rows of a scope."""

    block: Block
    rule: Rule
    book: Book
    as_of_ms: int

    @cached_property
    def scopes(self) -> list[str | None]:
        """By group: whose it is; metrics have no families for products and channels, and None is for programs."""
        ranks = self.book.ranks
        return [
            (dimension_of(group) or ORGANISATION) if ranks(group) else None for group in self.block.groups
        ]

    @cached_property
    def bounds(self) -> Bounds | None:
        """The target in force at the board's instant."""
        return self.book.bounds(self.rule.id, self.as_of_ms)

    def of(self, frame: Frame, scope: str) -> Iterator[tuple[Labels, int]]:
        """Labels and place of each row that a scope has in a window."""
        scopes, groups = self.scopes, self.block.groups
        common = {"kpi": self.block.kpi, "window": frame.window}
        for at, member in enumerate(frame.members):
            if scopes[member] == scope:
                yield common | groups[member], at

    def frames(self, scope: str) -> Iterator[Frame]:
        """The windows that a scope has: for officers those that the rule lists, and what stands now if it lists any."""
        listed = self.rule.officers_in_metrics
        for frame in self.block.frames:
            if scope != "officer" or frame.window in listed or (frame.window == NOW and listed):
                yield frame


def expose(snapshot: Snapshot, book: Book, budget: int, officers: bool) -> Exposed:
    """What /metrics shows of a snapshot: the organisation, then of branches and officers the values, how their goals stand,
    and what is behind them.

    What comes last is left out first, a window of a KPI as a whole: a ranking is complete or absent.
    """
    exposed = Exposed()
    shelves = [
        Shelf(block, book.rules[kpi], book, snapshot.meta.as_of_ms)
        for kpi, block in snapshot.blocks.items()
        if kpi in book.rules
    ]
    for shelf in shelves:
        exposed.add([*_definition(shelf), *_open_cases(shelf, ORGANISATION)], budget)
        for frame in shelf.frames(ORGANISATION):
            exposed.add(list(_organisation(shelf, frame)), budget)
    exposed.add(_incomplete(shelves), budget)
    for scope in SCOPES if officers else SCOPES[:1]:
        for shelf in shelves:
            exposed.add(list(_open_cases(shelf, scope)), budget)
    for wanted in (_values, _goals, _samples):
        for scope in SCOPES if officers else SCOPES[:1]:
            for shelf in shelves:
                for frame in shelf.frames(scope):
                    exposed.add(list(wanted(shelf, frame, scope)), budget)
    return exposed


def _definition(shelf: Shelf) -> Iterator[Series]:
    rule, book = shelf.rule, shelf.book
    said = {
        "wording": rule.wording,
        "says": rule.says,
        "unit": rule.unit,
        "kind": rule.measure.kind,
        "by": rule.by,
    }
    named = {"kpi": rule.id, "kra": book.kras[rule.id], "anchor": anchor_of(rule)}
    yield "loanpulse_kpi", named | said, 1.0
    if (bounds := shelf.bounds) is not None:
        meant = {"kpi": rule.id} | ({"window": bounds.window} if bounds.window else {})
        for bound in BOUNDS:
            if (value := getattr(bounds, bound)) is not None:
                yield "loanpulse_kpi_target", meant | {"bound": bound}, value


def _organisation(shelf: Shelf, frame: Frame) -> Iterator[Series]:
    rule, bounds = shelf.rule, shelf.bounds
    for labels, at in shelf.of(frame, ORGANISATION):
        yield from _value(ORGANISATION, rule.unit, labels, frame, at)
        yield "loanpulse_kpi_numerator", labels, frame.numerator[at]
        if frame.denominator is not None:
            yield "loanpulse_kpi_denominator", labels, frame.denominator[at]
        yield "loanpulse_kpi_samples", labels, frame.n[at]
        if (value := frame.value[at]) is not None:
            yield "loanpulse_kpi_status", labels, state_of(value, frame.n[at], frame.window, rule, bounds)
    yield from _goals(shelf, frame, ORGANISATION)


def _values(shelf: Shelf, frame: Frame, scope: str) -> Iterator[Series]:
    """Branches and officers: of a duration the KPI's own quantile only; nothing where it would give away who answered."""
    for labels, at in shelf.of(frame, scope):
        if not is_confidential(shelf.rule, frame.n[at]):
            yield from _value(scope, shelf.rule.unit, labels, frame, at, [VALUE_QUANTILE])


def _goals(shelf: Shelf, frame: Frame, scope: str) -> Iterator[Series]:
    """How goals of the window stand; of the organisation also the lines themselves."""
    dimension = None if scope == ORGANISATION else scope
    if frame.window != goal_window(shelf.book, shelf.rule):
        return
    for standing in standings_of(shelf.block, shelf.book, shelf.as_of_ms, dimension):
        labels = {"kpi": standing.kpi, "window": standing.window, **standing.group}
        if dimension is None:
            yield from _line(standing, labels)
        if standing.course.progress is not None:
            yield f"loanpulse_{scope}_goal_progress_ratio", labels, standing.course.progress
        yield f"loanpulse_{scope}_goal_verdict", labels, standing.course.verdict


def _line(standing: Standing, labels: Labels) -> Iterator[Series]:
    line = standing.line
    yield "loanpulse_kpi_goal", labels | {"bound": "from"}, line.start_value
    yield "loanpulse_kpi_goal", labels | {"bound": "to"}, line.end_value
    yield "loanpulse_kpi_goal_expected", labels, standing.course.expected
    yield "loanpulse_kpi_goal_due_timestamp_seconds", labels, line.end.timestamp()


def _samples(shelf: Shelf, frame: Frame, scope: str) -> Iterator[Series]:
    """Of branches and officers; a count is its own."""
    if shelf.rule.measure.kind not in ("count", "distinct"):
        for labels, at in shelf.of(frame, scope):
            yield f"loanpulse_{scope}_samples", labels, frame.n[at]


def _value(
    scope: str, unit: str, labels: Labels, frame: Frame, at: int, quantiles: Iterable[str] = QUANTILES
) -> Iterator[Series]:
    family = f"loanpulse_{scope}_{unit}"
    if frame.p90 is None:
        if (value := frame.value[at]) is not None:
            yield family, labels, value
        return
    for quantile in quantiles:
        lengths_ms = getattr(frame, QUANTILES[quantile])
        if lengths_ms[at] is not None:
            yield family, labels | {"quantile": quantile}, lengths_ms[at] / 1000


def _open_cases(shelf: Shelf, scope: str) -> Iterator[Series]:
    """Every band of each group, so that none vanishes when it is empty; programs are in totals only."""
    figures, kpi = shelf.block.open, shelf.rule.id
    if figures is None:
        return
    family = "loanpulse_open_cases" if scope == ORGANISATION else f"loanpulse_{scope}_open_cases"
    for group, counts in zip(figures.groups, figures.counts, strict=True):
        if (dimension_of(group) or ORGANISATION) == scope and shelf.book.ranks(group):
            for band, count in zip(Band, counts, strict=True):
                yield family, {"kpi": kpi, "band": band.label} | group, count
    if scope == ORGANISATION:
        for name, at in (("oldest", figures.oldest_ms), ("next_due", figures.next_due_ms)):
            if at is not None:
                yield f"loanpulse_open_case_{name}_timestamp_seconds", {"kpi": kpi}, at / 1000


def _incomplete(shelves: Sequence[Shelf]) -> list[Series]:
    windows = {frame.window for shelf in shelves for frame in shelf.block.frames if not frame.complete}
    return [("loanpulse_window_incomplete", {"window": window}, 1.0) for window in sorted(windows)]
