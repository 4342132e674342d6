"""What the board says of the figures that may alert: the organisation's, of each KPI in its alert window."""

from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import NamedTuple

from kpi_rules.lengths import parse_length
from kpi_rules.model import Rule
from loanpulse.board.snapshot import Block
from loanpulse.serve.book import Book, dimension_of
from loanpulse.serve.verdict import Bounds, State, state_of


class Shown(NamedTuple):
    """A row of the board."""

    value: float | None
    n: int
    numerator: int
    denominator: int | None


Rows = Mapping[tuple[str, str], Shown]
"""One KPI's rows of the organisation, by window and value of the split."""
_NOTHING = Shown(None, 0, 0, None)


class Name(NamedTuple):
    """Which figure: a KPI in a window, and of which value of its split ("" without one)."""

    kpi: str
    window: str
    split: str = ""

    @property
    def subject(self) -> str:
        """Of its events; a KPI's are in order whatever the window."""
        return f"{self.kpi}/{self.split}" if self.split else self.kpi


class Figure(NamedTuple):
    """A value with its parts, what is wanted of it now (`bounds` None: nothing), and how it stands."""

    rule: Rule
    kra: str
    shown: Shown
    bounds: Bounds | None
    state: State
    held_ms: int
    """How long it must be off target before that is told."""


def rows_of(block: Block) -> Rows:
    """The organisation's rows, which a block has first."""
    groups = takewhile(lambda group: dimension_of(group) is None, block.groups)
    splits = ["".join(group.values()) for group in groups]
    return {
        (frame.window, splits[place]): Shown(
            frame.value[at],
            frame.n[at],
            frame.numerator[at],
            None if frame.denominator is None else frame.denominator[at],
        )
        for frame in block.frames
        for at, place in enumerate(frame.members[: len(splits)])
        if place < len(splits)
    }


def figures(
    book: Book, rows: Mapping[str, Rows], as_of_ms: int, known: Iterable[Name] = ()
) -> dict[Name, Figure]:
    """Every figure that alerts by these rules as of an instant; no other is wanted.

    Of the `known`, one whose split's value has no row any more stands with nothing observed.
    """
    found = {}
    names = list(known)
    for kpi, own in rows.items():
        rule, bounds = book.rules[kpi], book.bounds(kpi, as_of_ms)
        window = rule.alert_window(None if bounds is None else bounds.window)
        if window is None:
            continue
        splits = dict.fromkeys(split for at, split in own if at == window)
        splits |= dict.fromkeys(name.split for name in names if name[:2] == (kpi, window))
        for split in splits:
            shown = own.get((window, split), _NOTHING)
            found[Name(kpi, window, split)] = _figure(book, rule, window, shown, bounds)
    return found


def _figure(book: Book, rule: Rule, window: str, shown: Shown, bounds: Bounds | None) -> Figure:
    assert rule.alert is not None  # it has a window
    wanted = bounds if bounds is not None and bounds.window in (None, window) else None
    state = State.TOO_FEW
    if shown.value is not None:
        state = state_of(shown.value, shown.n, window, rule, wanted)
    return Figure(rule, book.kras[rule.id], shown, wanted, state, parse_length(rule.alert.held).ms)
