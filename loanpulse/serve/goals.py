"""How the improvement goals of a board stand: the organisation's, and those of its officers and branches."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kpi_rules.course import Course, Line, course, end_of
from kpi_rules.goal_checks import GOAL_WINDOW
from kpi_rules.measures import ADDING_KINDS
from kpi_rules.model import Goal, GoalValue, Rule
from loanpulse.board.plan import NOW
from loanpulse.board.snapshot import Block, Frame, Snapshot
from loanpulse.serve.book import Book, dimension_of, is_confidential
from loanpulse.serve.verdict import fewest
from streams.calculus.clocks import length_ms

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Standing:
    """One value on the way of its goal; values are in the rule's unit."""

    kpi: str
    window: str
    group: Mapping[str, str]
    """Whose it is, and of which value of a split; empty of the organisation."""
    line: Line
    value: float | None
    """None where there is none, or where it is kept back."""
    n: int
    kept_back: bool
    """So few answers would show who gave which."""
    course: Course


def standings(
    snapshot: Snapshot, book: Book, dimension: str | None = None, kpis: Collection[str] = ()
) -> list[Standing]:
    """Every goal of a board, in the order of its rules (all, or some KPIs'), as of the board's instant: the
    organisation's, or those that officers or branches have. Officers who are programs have none."""
    return [
        standing
        for kpi, block in snapshot.blocks.items()
        if kpi in book.rules and (not kpis or kpi in kpis)
        for standing in standings_of(block, book, snapshot.meta.as_of_ms, dimension)
    ]


def standings_of(block: Block, book: Book, as_of_ms: int, dimension: str | None = None) -> Iterator[Standing]:
    """Those of one KPI; none if it has no goal. A member that a goal names has one even without observations."""
    rule = book.rules[block.kpi]
    goal, window = book.program.organisation.goal_of(rule), goal_window(book, rule)
    frame = next((frame for frame in block.frames if frame.window == window), None)
    if goal is None or frame is None:
        return
    as_of = _EPOCH + timedelta(milliseconds=as_of_ms)
    for group, value, n in _values(block, frame, rule, goal, dimension):
        line = _line(book, goal, dimension, group)
        if line is not None and book.ranks(group):
            kept_back = dimension is not None and is_confidential(rule, n)
            shown = None if kept_back else value
            stands = course(line, shown, n, fewest(rule), as_of)
            yield Standing(rule.id, frame.window, group, line, shown, n, kept_back, stands)


def with_goals(book: Book, dimension: str | None = None) -> list[str]:
    """The KPIs that have a goal in force, or one for officers or branches, in the order of the rules."""
    goals = {rule.id: book.program.organisation.goal_of(rule) for rule in book.program.rules}
    return [
        kpi
        for kpi, goal in goals.items()
        if goal is not None and (dimension is None or dimension in goal.each or goal.own(dimension))
    ]


def goal_window(book: Book, rule: Rule) -> str | None:
    """The window whose value a rule's goal is about; a level stands as of now. None without a goal."""
    goal = book.program.organisation.goal_of(rule)
    if goal is None:
        return None
    return goal.window or GOAL_WINDOW if rule.timed else NOW


def _values(
    block: Block, frame: Frame, rule: Rule, goal: Goal, dimension: str | None
) -> Iterator[tuple[Mapping[str, str], float | None, int]]:
    """Group, value and n of each row, and of the members that the goal names and that have no row."""
    missing = set() if dimension is None or rule.split else set(goal.own(dimension))
    for at, place in enumerate(frame.members):
        group = block.groups[place]
        if dimension_of(group) == dimension:
            missing.discard(group.get(dimension or "", ""))
            yield group, frame.value[at], frame.n[at]
    for member in sorted(missing):
        yield {str(dimension): member}, 0.0 if rule.measure.kind in ADDING_KINDS else None, 0


def _line(book: Book, goal: Goal, dimension: str | None, group: Mapping[str, str]) -> Line | None:
    """None for a member that the goal is not for, and for a goal of which none can be drawn, as the rules' checks say."""
    wanted = goal.improvement(dimension, group.get(dimension or "", ""))
    if wanted is None or wanted.start_value is None or goal.due < goal.start:
        return None
    start = _number(book, wanted.start_value)
    end = end_of(start, None if wanted.end_value is None else _number(book, wanted.end_value), wanted.change)
    if end is None or end == start:
        return None
    return Line(start, end, goal.start, goal.due, book.program.zone, goal.tolerance)


def _number(book: Book, value: GoalValue) -> float:
    """In the rule's unit: a length as seconds of the organisation's calendar."""
    return length_ms(value, book.program.clocks.calendar("")) / 1000 if isinstance(value, str) else value
