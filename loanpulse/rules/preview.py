"""What other rules would show: their values over the stored cases, beside those of the rules in force. Nothing is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kpi_rules.model import ALL_WINDOWS, Rule, WindowName
from kpi_rules.rulebook import Rulebook
from loanpulse.board.plan import NOW
from loanpulse.board.recount import Recount, recount
from loanpulse.board.snapshot import Block, Frame
from loanpulse.board.ticks import grid_of
from loanpulse.serve.verdict import State, bounds_of, state_of
from streams.calculus.program import Program
from streams.runtime.clock import Clock, clock_of
from streams.runtime.script import Client
from streams.runtime.settings import Settings


@dataclass(frozen=True)
class Figure:
    """A value with what is behind it, in its rule's unit; None where there is no value."""

    value: float | None
    n: int
    numerator: int
    denominator: int | None
    state: State


@dataclass(frozen=True)
class Row:
    """A value by the rules in force and by the others; None where one of the two has no such row.

    `group` is empty for the organisation; `window` is "now" for what has none.
    """

    kpi: str
    window: str
    group: Mapping[str, str]
    before: Figure | None
    after: Figure | None


@dataclass(frozen=True)
class Preview:
    """`before` and `after` are the rules that differ, by id; `cases` is how many were counted, at `as_of_ms`."""

    before: Mapping[str, Rule]
    after: Mapping[str, Rule]
    rows: Sequence[Row]
    cases: int
    as_of_ms: int


def differing(old: Rulebook, new: Rulebook) -> tuple[dict[str, Rule], dict[str, Rule]]:
    """The rules of each that the other has not, or has otherwise; all of them if calendars, zone or users differ."""
    was, will = ({rule.id: rule for rule in book.rules} for book in (old, new))
    others: dict[str, object] = {"targets": {}}
    if old.organisation.model_copy(update=others) != new.organisation.model_copy(update=others):
        return was, will
    targets = [book.organisation.targets for book in (old, new)]
    changed = {
        kpi
        for kpi in was | will
        if was.get(kpi) != will.get(kpi) or targets[0].get(kpi) != targets[1].get(kpi)
    }
    return _only(was, changed), _only(will, changed)


def _only(rules: Mapping[str, Rule], kpis: Iterable[str]) -> dict[str, Rule]:
    wanted = set(kpis)
    return {kpi: rule for kpi, rule in rules.items() if kpi in wanted}


async def preview(
    redis: Client,
    settings: Settings,
    old: Rulebook,
    new: Rulebook,
    *,
    kpis: Iterable[str] = (),
    by: str | None = None,
    window: WindowName | None = None,
) -> Preview:
    """Count the stored cases by both rulebooks, as far as they differ; `kpis` narrows that, or names others.

    Rows are the organisation's in every window, and those of the members of the dimension `by` in `window` (None: in
    all). Raises Redis' errors.
    """
    before, after = differing(old, new)
    if wanted := set(kpis):
        before, after = (_only({rule.id: rule for rule in book.rules}, wanted) for book in (old, new))
    clock = clock_of(settings)
    now_ms = clock.now_ms()
    sides = [
        (rules, _recount(Program(list(rules.values()), book.organisation), settings, clock, now_ms))
        for rules, book in ((before, old), (after, new))
    ]
    counted = [side for _, side in sides]
    cases = await recount(redis, settings.namespace, counted) if before or after else 0
    found = [dict(_figures(rules, side, now_ms, by, window)) for rules, side in sides]
    order = [*after, *(kpi for kpi in before if kpi not in after)]
    windows = [*ALL_WINDOWS, NOW]
    keys = sorted(
        found[0].keys() | found[1].keys(),
        key=lambda key: (order.index(key[0]), windows.index(key[1]), key[2]),
    )
    rows = [
        Row(kpi, of, dict(group), found[0].get(key), found[1].get(key))
        for key in keys
        for kpi, of, group in [key]
    ]
    return Preview(before, after, rows, cases, now_ms)


def _recount(program: Program, settings: Settings, clock: Clock, now_ms: int) -> Recount:
    return Recount(program, grid_of(settings, program, clock), now_ms)


_Key = tuple[str, str, tuple[tuple[str, str], ...]]


def _figures(
    rules: Mapping[str, Rule], side: Recount, now_ms: int, by: str | None, window: WindowName | None
) -> Iterator[tuple[_Key, Figure]]:
    for kpi, block in side.blocks().items():
        bounds = bounds_of(side.program, rules[kpi], now_ms)
        for frame in block.frames:
            for place, group in _members(block, frame, by, window):
                value, n = frame.value[place], frame.n[place]
                state = (
                    State.NO_TARGET if value is None else state_of(value, n, frame.window, rules[kpi], bounds)
                )
                denominator = None if frame.denominator is None else frame.denominator[place]
                figure = Figure(value, n, frame.numerator[place], denominator, state)
                yield (kpi, frame.window, tuple(sorted(group.items()))), figure


def _members(
    block: Block, frame: Frame, by: str | None, window: WindowName | None
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The organisation, by split, and the members of the dimension where its window is wanted."""
    for place, member in enumerate(frame.members):
        group = block.groups[member]
        dimensions = group.keys() & {"officer", "branch", "product", "channel"}
        if not dimensions or (dimensions == {by} and (window is None or frame.window in (NOW, window))):
            yield place, group
