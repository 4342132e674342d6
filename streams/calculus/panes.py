"""Panes: the tally of observations in a slice of time, kept as a log of integer rows.

A pane's id is its grain and start: "m…" a minute, "d…" a local day, "s" the stock, which has no time. A row is four
little-endian 64-bit integers: head (measure, group and bucket in one), n, a, b. Rows with one head add; the sum is
the cell. A retraction is a negative row, so a pane only ever grows at its end until it is compacted.
"""

from array import array
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.calculus.windows import Grid

ROW_BYTES = 32
STOCK = "s"

BUCKET_BITS = 11
GROUP_BITS = 36


class Observation(NamedTuple):
    """What a case contributes to a measure.

    `at` is an instant in UTC ms, None for a stock. `group` is officer, branch, product, channel and split, joined by
    the unit separator. n counts observations; a is the numerator (count, amount, points, within, won, part); b is the
    denominator's part, or a duration's ms.
    """

    measure: int
    at: int | None
    group: str
    bucket: int
    n: int
    a: int
    b: int


Rows = dict[int, tuple[int, int, int]]


class Groups:
    """The numbering of groups inside one ledger: index in order of first appearance.

    Names given since the last commit are `fresh`; they become known when the ledger has them.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._index = {name: i for i, name in enumerate(known)}
        self.known = len(self._index)

    def index(self, name: str) -> int:
        found = self._index.get(name)
        if found is None:
            found = self._index[name] = len(self._index)
        return found

    @property
    def fresh(self) -> list[str]:
        return list(self._index)[self.known :]

    def keep(self) -> None:
        """The ledger holds every name given so far."""
        self.known = len(self._index)

    def forget_fresh(self) -> None:
        """Take back what was named since the last commit."""
        for name in self.fresh:
            del self._index[name]


class Deltas:
    """The change of panes that a batch makes: observations added and taken back, equal ones cancelled."""

    def __init__(self, grid: Grid, groups: Groups, minutes_from: int | None = None) -> None:
        """`minutes_from`: minute panes before it are out of every window and are not written (None: write all)."""
        self._grid = grid
        self._groups = groups
        self._minutes_from = minutes_from
        self._stock: Rows = {}
        self._days: dict[int, Rows] = {}
        self._minutes: dict[int, Rows] = {}

    def add(self, observations: Iterable[Observation], sign: int) -> None:
        index = self._groups.index
        rows: tuple[Rows, ...] = ()
        last: int | None = None
        for measure, at, group, bucket, n, a, b in observations:
            if at != last or not rows:  # what a case contributes stands at few instants
                last, rows = at, self._rows_at(at)
            key = (measure << GROUP_BITS | index(group)) << BUCKET_BITS | bucket
            for tally in rows:
                old = tally.get(key)
                if old is None:
                    tally[key] = (sign * n, sign * a, sign * b)
                else:
                    tally[key] = (old[0] + sign * n, old[1] + sign * a, old[2] + sign * b)

    def _rows_at(self, at: int | None) -> tuple[Rows, ...]:
        """The panes that an instant belongs to; the stock has none."""
        if at is None:
            return (self._stock,)
        day = self._grid.day(at)
        days = _rows_of(self._days, day)
        if self._minutes_from is not None and at < self._minutes_from:
            return (days,)
        return days, _rows_of(self._minutes, self._grid.minute(at, day))

    def encoded(self) -> dict[str, bytes]:
        """Each changed pane's rows, ready to append; rows that came to nothing are left out."""
        panes = {STOCK: self._stock}
        panes |= {f"d{start}": rows for start, rows in self._days.items()}
        panes |= {f"m{start}": rows for start, rows in self._minutes.items()}
        encoded = ((pane, encode(rows)) for pane, rows in panes.items())
        return {pane: rows for pane, rows in encoded if rows}


def _rows_of(panes: dict[int, Rows], start: int) -> Rows:
    rows = panes.get(start)
    if rows is None:
        rows = panes[start] = {}
    return rows


def encode(rows: Mapping[int, tuple[int, int, int]]) -> bytes:
    """Rows as bytes, those of zeros left out. OverflowError if a sum leaves 64 bits."""
    flat = array("q")
    for key, row in rows.items():
        if row != (0, 0, 0):
            flat.append(key)
            flat.extend(row)
    return flat.tobytes()
