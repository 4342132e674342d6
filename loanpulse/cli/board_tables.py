"""The board in a terminal: what it is worth, then a table for each key responsibility area."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from kpi_rules.measures import DurationMeasure
from kpi_rules.model import Rule
from kpi_rules.rulebook import Area
from loanpulse.board.snapshot import Block, Frame, LedgerStatus, Meta, Snapshot
from loanpulse.cli.amounts import NOTHING, duration_text, value_text
from loanpulse.cli.output import table
from loanpulse.serve.book import Book, dimension_of, is_confidential
from loanpulse.serve.verdict import Bounds, State, bounds_of, state_of
from streams.calculus.program import Program

OVERVIEW = ("24h", "7d", "30d", "90d")
_NARROWER = ((110, OVERVIEW), (95, OVERVIEW[:3]))
_NARROWEST = ("24h", "30d")
NOW = "now"
VALUE_WIDTH = 9
KEPT_BACK = "kept back "
_MOMENT_MS = 5_000
"""A partition that has just been sent something is behind for a moment: no news."""
_LOOKS = {
    State.ON_TARGET: ("green", " "),
    State.WARNING: ("yellow", "!"),
    State.OFF_TARGET: ("red", "✗"),
    State.TOO_FEW: ("dim", "?"),
    State.NO_TARGET: ("default", " "),
}
"""Colour and mark: not everybody sees colours, and a file has none."""
LEGEND = "✗ off target   ! on target, but near its end   ? too few to judge   – no value"


class Cell(NamedTuple):
    """One group's value in one window."""

    window: str
    group: Mapping[str, str]
    value: float | None
    n: int
    p50: float | None
    p95: float | None


def cells(block: Block, window: str, dimension: str | None = None) -> Iterator[Cell]:
    """The values of a window: the organisation's (one per split value), or one per member of a dimension."""
    for frame in block.frames:
        if frame.window in (window, NOW):
            yield from _of_frame(block, frame, dimension)


def _of_frame(block: Block, frame: Frame, dimension: str | None) -> Iterator[Cell]:
    nothing = [None] * len(frame.members)
    p50, p95 = frame.p50 or nothing, frame.p95 or nothing
    for i, member in enumerate(frame.members):
        group = block.groups[member]
        if dimension_of(group) == dimension:
            yield Cell(frame.window, group, frame.value[i], frame.n[i], p50[i], p95[i])


def heading(meta: Meta, now_ms: int, *, stale_seconds: int) -> Text:
    """One or two lines: how many events, up to when, and what is wrong."""
    age = (now_ms - meta.computed_at_ms) / 1000
    through = NOTHING if meta.complete_through_ms is None else _clock(meta.complete_through_ms)
    line = Text.from_markup(
        f"[bold]{meta.events.get('applied', 0):,}[/] events applied, {meta.events.get('dead_letter', 0):,} rejected"
        f"  ·  as of {_clock(meta.as_of_ms)}  ·  complete through {through}"
    )
    behind = [ledger.state for ledger in meta.ledgers if _is_behind(ledger, meta)]
    if behind:
        states = ", ".join(sorted(set(behind)))
        line.append(
            f"\n{len(behind)} of {len(meta.ledgers)} partitions are not live: {states}", style="yellow"
        )
    if age > stale_seconds:
        line.append(f"\nthe board is {duration_text(age)} old: nothing computes it", style="bold red")
    elif meta.complete_through_ms is not None and now_ms - meta.complete_through_ms > stale_seconds * 1000:
        lag = duration_text((now_ms - meta.complete_through_ms) / 1000)
        line.append(f"\nthe board lacks the last {lag}: its workers are behind", style="bold red")
    for trouble in meta.incomplete:
        line.append(f"\n{trouble}", style="red")
    return line


def _is_behind(ledger: LedgerStatus, meta: Meta) -> bool:
    if ledger.state == "catching up" and ledger.through_ms is not None:
        return meta.computed_at_ms - ledger.through_ms > _MOMENT_MS
    return ledger.state not in ("", "live")


def overview_windows(width: int) -> Sequence[str]:
    """As many windows as a terminal of that width has room for, beside a name that can be read."""
    return next((windows for least, windows in _NARROWER if width >= least), _NARROWEST)


def overview(snapshot: Snapshot, book: Book, area: Area, windows: Sequence[str]) -> Table:
    """The organisation's values of an area's KPIs, window by window, with their targets."""
    made = table(area.title, *(f"{window}>" for window in windows), f"n in {windows[-1]}>", "target")
    as_of_ms = snapshot.meta.as_of_ms
    _align(made, book, as_of_ms)
    for kpi in area.kpis:
        if kpi in snapshot.blocks:
            _overview_rows(made, snapshot.blocks[kpi], book, as_of_ms, area, windows)
    return made


def _overview_rows(
    made: Table, block: Block, book: Book, as_of_ms: int, area: Area, windows: Sequence[str]
) -> None:
    rule, bounds = book.rules[block.kpi], book.bounds(block.kpi, as_of_ms)
    columns = [{split_value(cell.group): cell for cell in cells(block, window)} for window in windows]
    for split in dict.fromkeys(name for column in columns for name in column):
        found = [column.get(split) for column in columns]
        texts = [_value(cell, rule, bounds) for cell in found]
        if not rule.timed:
            texts = [""] * (len(texts) - 1) + texts[-1:]
        n = found[-1].n if found[-1] else 0
        made.add_row(_name(rule, split, area), *texts, f"{n:,}", target_text(rule, book.program, as_of_ms))


def detail(snapshot: Snapshot, book: Book, area: Area, window: str) -> Table:
    """The organisation's values in one window, with how much stands behind them."""
    made = table(area.title, f"{window}>", "median>", "95 in 100>", "n>", "target")
    as_of_ms = snapshot.meta.as_of_ms
    _align(made, book, as_of_ms)
    for kpi in area.kpis:
        if kpi in snapshot.blocks:
            rule, bounds = book.rules[kpi], book.bounds(kpi, as_of_ms)
            for cell in cells(snapshot.blocks[kpi], window):
                made.add_row(
                    _name(rule, split_value(cell.group), area),
                    _value(cell, rule, bounds),
                    _milliseconds(cell.p50, rule),
                    _milliseconds(cell.p95, rule),
                    f"{cell.n:,}",
                    target_text(rule, book.program, as_of_ms),
                )
    return made


def breakdown(
    snapshot: Snapshot, book: Book, kpi: str, dimension: str, window: str, most: int
) -> Table | None:
    """A KPI's values by officer (people only), branch, product or channel, those with most behind them first.

    None if there are none.
    """
    rule, block = book.rules[kpi], snapshot.blocks.get(kpi)
    found = (
        [] if block is None else [cell for cell in cells(block, window, dimension) if book.ranks(cell.group)]
    )
    if not found:
        return None
    found.sort(key=lambda cell: -cell.n)
    bounds = book.bounds(kpi, snapshot.meta.as_of_ms)
    made = table(escape(f"{rule.wording} ({kpi}), by {dimension}"), f"{window}>", "n>")
    for cell in found[:most]:
        name = f"{snapshot.roster.called(dimension, cell.group[dimension])} {split_value(cell.group)}".strip()
        shown = KEPT_BACK if cell.n and is_confidential(rule, cell.n) else _value(cell, rule, bounds)
        made.add_row(escape(name), shown, f"{cell.n:,}")
    if len(found) > most:
        made.add_row(f"and {len(found) - most} more", "", "", style="dim")
    return made


def _align(made: Table, book: Book, as_of_ms: int) -> None:
    """The columns of all areas stand under each other."""
    name, *values, target = made.columns
    name.min_width = max(
        len(_name(book.rules[kpi], book.rules[kpi].split or "", area))
        for area in book.areas
        for kpi in area.kpis
    )
    target.min_width = max(len(target_text(rule, book.program, as_of_ms)) for rule in book.rules.values())
    for column in values:
        column.min_width = VALUE_WIDTH


def target_text(rule: Rule, program: Program, as_of_ms: int) -> str:
    """The target in force at a board's instant, in the unit of the values beside it; where there is only a goal, its date."""
    bounds = bounds_of(program, rule, as_of_ms)
    if bounds is None:
        goal = program.organisation.goal_of(rule)
        return "" if goal is None else f"goal by {goal.due}"
    if rule.measure.kind == "duration" and bounds.at_most is not None:
        return _longest_text(bounds.at_most, business=is_business(rule))
    low, high = (
        None if bound is None else value_text(bound, rule.unit) for bound in (bounds.at_least, bounds.at_most)
    )
    said = f"{low} to {high}" if low and high else f"≥ {low}" if low else f"≤ {high}"
    return f"{said} in {bounds.window}" if bounds.window else said


def _longest_text(seconds: float, *, business: bool) -> str:
    """What nine in ten must keep to; the hours of a business calendar are named as such."""
    number, unit = duration_text(seconds, business=business).split()
    return f"90 % ≤ {number.removesuffix('.0')} {'working ' if business else ''}{unit}"


def _name(rule: Rule, split: str, area: Area) -> str:
    """A sub-measure is set in, and under its KPI says only what is its own; a split's value is not cut off."""
    main, _, sub = rule.id.partition(".")
    wording = rule.wording
    if sub and main in area.kpis:
        wording = wording.partition(", ")[2] or wording
    words = escape(f"[{split}] {wording}" if split else wording)
    return f"  {words}" if sub else words


def split_value(group: Mapping[str, str]) -> str:
    """The currency or severity that a row is of; empty without a split."""
    return group.get("currency") or group.get("severity") or ""


def _value(cell: Cell | None, rule: Rule, bounds: Bounds | None) -> str:
    """As the metrics judge it; an amount's currency stands beside its name."""
    if cell is None or cell.value is None:
        return f"{NOTHING} "
    now = "now " if cell.window == NOW else ""
    colour, mark = _LOOKS[state_of(cell.value, cell.n, cell.window, rule, bounds)]
    return f"{now}[{colour}]{value_text(cell.value, rule.unit, business=is_business(rule))}{mark}[/]"


def _milliseconds(value: float | None, rule: Rule) -> str:
    return "" if value is None else duration_text(value / 1000, business=is_business(rule))


def is_business(rule: Rule) -> bool:
    """Whether its values are open hours."""
    return isinstance(rule.measure, DurationMeasure) and rule.measure.clock == "business"


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
