"""A warehouse's own figures against the board's: which agree, which differ, and what only one of the two has."""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kpi_rules.model import ALL_WINDOWS, Rule
from kpi_rules.names import nearest
from loanpulse.board.plan import NOW
from loanpulse.board.snapshot import Row, Snapshot
from loanpulse.lab.failures import InputError
from loanpulse.serve.book import Book, is_confidential

DIMENSIONS = ("officer", "branch", "product", "channel")
FIGURES = ("value", "numerator", "denominator", "n")
TOLERANCE = "tolerance"
DURATION_TOLERANCE = 0.011
"""The board's percentiles lie in buckets of 1.1 %; a warehouse's are exact."""
PLAIN_TOLERANCE = 1e-9

Key = tuple[str, str, tuple[tuple[str, str], ...]]
"""KPI, window, and the group's members in order."""


@dataclass(frozen=True)
class Theirs:
    """One row of the file."""

    line: int
    key: Key
    figures: Mapping[str, float]
    tolerance: float | None


@dataclass(frozen=True)
class Deviation:
    """A figure that differs; `size` is the difference as a share of the board's, or the difference where that is 0."""

    key: Key
    figure: str
    theirs: float
    ours: float | None
    size: float


@dataclass
class Reconciliation:
    """`agree` counts figures. `only_theirs` the board has no row for; `only_ours` the file leaves out, though it has others
    of the same KPI, window and breakdown."""

    agree: int = 0
    deviations: list[Deviation] = field(default_factory=list)
    only_theirs: list[Key] = field(default_factory=list)
    only_ours: list[Key] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not (self.deviations or self.only_theirs or self.only_ours)


def read_figures(
    name: str, lines: Iterable[str], book: Book, columns: Mapping[str, str] | None = None
) -> list[Theirs]:
    """The rows of a CSV file with a header; `columns` gives the file's own name for any of ours. Raises InputError."""
    chosen = columns or {}
    reader = csv.DictReader(lines)
    header = list(reader.fieldnames or ())
    splits = {rule.split for rule in book.rules.values() if rule.split}
    known = ("kpi", "window", *DIMENSIONS, *sorted(splits), *FIGURES, TOLERANCE)
    named = {ours: chosen.get(ours, ours) for ours in known}
    for ours, theirs in chosen.items():
        if ours not in known:
            raise InputError(f"there is no column {ours!r}{nearest(ours, known)}", field="--column")
        if theirs not in header:
            raise InputError(f"has no column {theirs!r}{nearest(theirs, header)}", file=name, line=1)
    for ours in ("kpi", "window"):
        if named[ours] not in header:
            raise InputError(
                f"has no column {named[ours]!r}{nearest(named[ours], header)}", file=name, line=1
            )
    if not any(named[figure] in header for figure in FIGURES):
        raise InputError(f"has none of the columns {', '.join(FIGURES)}", file=name, line=1)
    unknown = sorted(set(header) - set(named.values()))
    if unknown:
        raise InputError(
            f"has a column {unknown[0]!r} that is not known{nearest(unknown[0], known)}", file=name, line=1
        )
    rows: dict[Key, Theirs] = {}
    for raw in reader:
        if None in raw:
            raise InputError("has more fields than the header", file=name, line=reader.line_num)
        row = _row(name, reader.line_num, raw, named, book, splits)
        if row.key in rows:
            raise InputError(f"says the same group as line {rows[row.key].line}", file=name, line=row.line)
        rows[row.key] = row
    if not rows:
        raise InputError("has no rows", file=name)
    return list(rows.values())


def _row(
    name: str,
    line: int,
    raw: Mapping[str | None, str | None],
    named: Mapping[str, str],
    book: Book,
    splits: set[str],
) -> Theirs:
    def text(ours: str) -> str:
        return (raw.get(named[ours]) or "").strip()

    kpi, window = text("kpi"), text("window")
    if kpi not in book.rules:
        raise InputError(
            f"there is no KPI {kpi!r}{nearest(kpi, book.rules)}", file=name, line=line, field=named["kpi"]
        )
    windows = book.rules[kpi].windows if book.rules[kpi].timed else [NOW]
    if window not in windows:
        said = f"{kpi} has no window {window!r}: it has {', '.join(windows)}"
        raise InputError(said, file=name, line=line, field=named["window"])
    group = tuple((part, text(part)) for part in sorted((*DIMENSIONS, *splits)) if text(part))
    figures = {figure: _number(name, line, named[figure], text(figure)) for figure in FIGURES if text(figure)}
    tolerance = _number(name, line, named[TOLERANCE], text(TOLERANCE)) if text(TOLERANCE) else None
    return Theirs(line, (kpi, window, group), figures, tolerance)


def _number(name: str, line: int, column: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"is {text!r}: must be a number", file=name, line=line, field=column)
    return number


def reconcile(theirs: Sequence[Theirs], snapshot: Snapshot, book: Book) -> Reconciliation:
    """Compare a file's figures with the board's. What is kept back of few answers is passed over."""
    ours = {_key(row): row for row in snapshot.rows()}
    found = Reconciliation()
    for row in theirs:
        own = ours.get(row.key)
        rule = book.rules[row.key[0]]
        if own is None:
            if any(row.figures.values()):
                found.only_theirs.append(row.key)
        elif not _kept_back(rule, own):
            _compare(row, own, rule, found)
    covered = {_breakdown(row.key) for row in theirs}
    named = {row.key for row in theirs}
    found.only_ours = [
        key
        for key, row in ours.items()
        if key not in named
        and _breakdown(key) in covered
        and row.n
        and not _kept_back(book.rules[row.kpi], row)
    ]
    found.deviations.sort(key=lambda deviation: -deviation.size)
    return found


def _compare(row: Theirs, own: Row, rule: Rule, found: Reconciliation) -> None:
    for figure, theirs in row.figures.items():
        ours = getattr(own, figure)
        allowed = row.tolerance
        if allowed is None:
            is_percentile = figure == "value" and rule.measure.kind == "duration"
            allowed = DURATION_TOLERANCE if is_percentile else PLAIN_TOLERANCE
        size = abs(theirs) if ours is None else abs(theirs - ours) / (abs(ours) or 1)
        if ours is not None and size <= allowed:
            found.agree += 1
        else:
            found.deviations.append(Deviation(row.key, figure, theirs, ours, size))


def _key(row: Row) -> Key:
    return row.kpi, row.window, tuple(sorted(row.group.items()))


def _breakdown(key: Key) -> tuple[str, str, tuple[str, ...]]:
    kpi, window, group = key
    return kpi, window, tuple(part for part, _ in group)


def _kept_back(rule: Rule, row: Row) -> bool:
    return bool({"officer", "branch"} & row.group.keys()) and is_confidential(rule, row.n)


def template(
    snapshot: Snapshot, book: Book, kpis: Iterable[str] = (), windows: Iterable[str] = ()
) -> Iterator[list[str]]:
    """The board's own figures as rows of such a file, its header first."""
    wanted, chosen = set(kpis), set(windows)
    splits = sorted({rule.split for rule in book.rules.values() if rule.split})
    parts = [*DIMENSIONS, *splits]
    yield ["kpi", "window", *parts, *FIGURES]
    for row in snapshot.rows():
        if (wanted and row.kpi not in wanted) or (chosen and row.window not in chosen):
            continue
        if not _kept_back(book.rules[row.kpi], row):
            figures = (getattr(row, figure) for figure in FIGURES)
            yield [
                *(row.kpi, row.window),
                *(row.group.get(part, "") for part in parts),
                *("" if number is None else repr(number) for number in figures),
            ]


def demand_windows(windows: Iterable[str]) -> None:
    """Refuse a window that there is not."""
    for window in windows:
        if window not in (*ALL_WINDOWS, NOW):
            raise InputError(
                f"there is no window {window!r}: it is one of {', '.join(ALL_WINDOWS)}", field="--window"
            )
