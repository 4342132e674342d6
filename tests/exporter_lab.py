"""What the exporter's tests share: a board of plain observations, and a page of metrics read back."""

import dataclasses
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from kpi_rules.organisation import Organisation
from kpi_rules.rulebook import Area
from loanpulse.board.compute import compute
from loanpulse.board.members import Members
from loanpulse.board.snapshot import LedgerStatus, Meta, OpenFigures, Snapshot
from loanpulse.board.table import Tables
from loanpulse.serve.book import Book
from loanpulse.serve.exporter import Exporter
from loanpulse.serve.shown import Shown
from loanpulse.serve.view import View
from streams.calculus.panes import Observation
from streams.calculus.program import Program
from streams.calculus.windows import Edges, Grid
from streams.runtime.settings import Settings
from tests.board_lab import NOON, group, index_of
from tests.board_plain import Case, fill

EMPTY: Mapping[str, OpenFigures] = MappingProxyType({})
Sample = tuple[str, frozenset[tuple[str, str]]]

META = Meta(
    book="",
    rules="",
    as_of_ms=NOON,
    to_ms=NOON,
    computed_at_ms=NOON,
    complete_through_ms=NOON,
    tick_seconds=0.25,
    events={},
    ledgers=[LedgerStatus("loan-events", 0, "live", 7, NOON, {"applied": 5, "dead_letter:invalid": 2})],
    gaps=[],
    incomplete=[],
)


class Moment:
    """A clock that a test sets."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def now_ms(self) -> int:
        return self.at


def book(program: Program) -> Book:
    return Book(program, [Area("lab", "Lab", [rule.id for rule in program.rules])])


def organised(program: Program, **settings: Any) -> Book:
    """A book of the same rules in another organisation."""
    return book(Program(program.rules, Organisation(**settings)))


def seen(
    program: Program, kpi: str, officer: str = "ann", *, at: int | None = NOON, n: int = 1, **more: Any
) -> list[tuple[Observation, int]]:
    """`n` observations of a rule; `more` are its bucket, a, b and parts of its group."""
    index = index_of(program, kpi, "stock" if at is None else "flow")
    parts = {name: more[name] for name in ("branch", "product", "channel", "split") if name in more}
    amounts = (more.get("bucket", 0), 1, more.get("a", 1), more.get("b", 0))
    return [(Observation(index, at, group(officer, **parts), *amounts), 1)] * n


def board(
    of: Book,
    found: Iterable[tuple[Observation, int]] = (),
    lost: Iterable[Edges] = (),
    opened: Mapping[str, OpenFigures] = EMPTY,
    **meta: Any,
) -> Snapshot:
    """The snapshot of a board that holds these observations and open cases, and lost some time; `meta` are members of its
    Meta."""
    program = of.program
    grid = Grid.live(program.zone)
    tables, members = Tables(len(program.measures)), Members()
    fill(tables, members, Case(program, grid, grid.end(NOON), [list(found)]))
    blocks = compute(tables, members, program, grid, grid.end(NOON), list(lost))
    for kpi, figures in opened.items():
        blocks[kpi] = msgspec.structs.replace(blocks[kpi], open=figures)
    return Snapshot(msgspec.structs.replace(META, **{"rules": program.digest} | meta), blocks)


def exporter(view: View, clock: Moment | None = None, **settings: Any) -> Exporter:
    return Exporter(Settings(**settings), clock or Moment(), lambda: view)


def viewed(of: Book, snapshot: Snapshot | None, **more: Any) -> View:
    """A snapshot as a process sees it that reaches Redis."""
    return dataclasses.replace(View(None if snapshot is None else Shown(snapshot, of), True, True), **more)


class Page:
    """A scrape's answer, by series."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.series: dict[Sample, float] = {}
        for family in self.families.values():
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.series, f"twice: {key}"
                self.series[key] = sample.value

    def __getitem__(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        """The series of a name."""
        return {labels: value for (of, labels), value in self.series.items() if of == name}

    def of(self, name: str, **labels: str) -> float | None:
        """The value of the series with exactly these labels after the name; None if it is absent."""
        return self.series.get((name, frozenset(labels.items())))

    @property
    def kpi_series(self) -> int:
        prefixes = (
            "loanpulse_kpi",
            "loanpulse_branch_",
            "loanpulse_officer_",
            "loanpulse_window_",
            "loanpulse_open_",
        )
        return sum(name.startswith(prefixes) for name, _ in self.series)


def scraped(of: Book, snapshot: Snapshot | None, **settings: Any) -> Page:
    """One scrape of a fresh process that sees a snapshot."""
    return Page(exporter(viewed(of, snapshot), **settings).page("", "").body.decode())
