"""The sums of one measure: for every window, by organisation and by each dimension.

New rows are added to the sums that are there; only when windows move, or rows were taken out, everything is summed
again. All sums are of integers and exact.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpi_rules.model import Rule
from loanpulse.board.cells import Cells, Keys, Sums
from loanpulse.board.members import Members
from loanpulse.board.plan import Range
from loanpulse.board.table import Rows, Table
from streams.calculus.panes import BUCKET_BITS

ORGANISATION = ""
SPLIT_BITS = 13
OFFICER_BITS = 24
SAFE = 2.0**62
COLUMNS = ("n", "a", "b")


class Tally:
    """Sums of one measure over `ranges`, one list of pane ranges per window.

    A key is a dimension's member and a split's value (`member_of`, `split_of`). `histograms` (durations) have the
    bucket below it, `heads` (per_head) the officer.
    """

    def __init__(self, rule: Rule, ranges: Sequence[Sequence[Range]], dtype: type) -> None:
        self.dtype = dtype
        self.ranges = ranges
        self._split = rule.split
        self._dimensions = (ORGANISATION, *rule.dimensions)
        self._columns = {"duration": "histograms", "per_head": "heads"}.get(rule.measure.kind)
        self._done: dict[str, tuple[int, int]] = {}
        self.cells = {dimension: Cells(len(ranges), 3, dtype) for dimension in self._dimensions}
        self.finer = {
            dimension: Cells(len(ranges), 1, dtype) for dimension in self._dimensions if self._columns
        }

    @property
    def has_buckets(self) -> bool:
        return self._columns == "histograms"

    def is_current(self, tables: dict[str, Table]) -> bool:
        """Whether what was summed is still there, and can go on in this kind of integer."""
        kept = all(tables[grain].epoch == epoch for grain, (epoch, _) in self._done.items())
        return kept and self.dtype == dtype_for(tables)

    def fold(self, tables: dict[str, Table], members: Members) -> bool:
        """Add the rows that are new; says whether there were any."""
        changed = False
        for grain, table in tables.items():
            _, done = self._done.get(grain, (0, 0))
            if len(table) > done:
                changed = self._add(grain, table.rows[done:], members) or changed
            self._done[grain] = (table.epoch, len(table))
        return changed

    def _add(self, grain: str, rows: Rows, members: Members) -> bool:
        parts = [
            (w, r.low, r.high) for w, ranges in enumerate(self.ranges) for r in ranges if r.grain == grain
        ]
        if not parts:
            return False
        low, high = min(part[1] for part in parts), max(part[2] for part in parts)
        rows = rows[(rows["start"] >= low) & (rows["start"] < high)]
        if not len(rows):
            return False
        cell, place = _numbered(rows, self.has_buckets)
        sums = self._summed(rows, place, len(cell), parts)
        group = cell >> BUCKET_BITS
        split: Any = 0 if self._split is None else members.codes("split")[group]
        for dimension in self._dimensions:
            member: Any = 0 if dimension == ORGANISATION else members.codes(dimension)[group]
            self._spread(dimension, np.broadcast_to(key_of(member, split), group.shape), cell, sums, members)
        return True

    def _spread(self, dimension: str, keys: Keys, cell: Keys, sums: Sums, members: Members) -> None:
        self.cells[dimension].add(keys, sums)
        if self._columns == "histograms":
            self.finer[dimension].add(keys << BUCKET_BITS | cell & ((1 << BUCKET_BITS) - 1), sums[:, :1])
        elif self._columns == "heads":
            officer = members.codes("officer")[cell >> BUCKET_BITS]
            self.finer[dimension].add(keys << OFFICER_BITS | officer, sums[:, 1:2])

    def _summed(self, rows: Rows, place: Keys, cells: int, parts: Sequence[tuple[int, int, int]]) -> Sums:
        start = np.ascontiguousarray(rows["start"])
        columns: list[Sums] = [rows[column].astype(self.dtype) for column in COLUMNS]
        sums: Sums = np.zeros((len(self.ranges), 3, cells), self.dtype)
        for window, low, high in parts:
            inside = (start >= low) & (start < high)
            where = place[inside]
            for column, values in enumerate(columns):
                np.add.at(sums[window, column], where, values[inside])
        return sums


def dtype_for(tables: dict[str, Table]) -> type:
    """int64, or Python's integers where a sum of these rows might not fit."""
    return np.int64 if sum(table.magnitude for table in tables.values()) < SAFE else object


def key_of(member: Keys, split: Keys) -> Keys:
    return member << SPLIT_BITS | split


def member_of(keys: Keys) -> Keys:
    return keys >> SPLIT_BITS


def split_of(keys: Keys) -> Keys:
    return keys & ((1 << SPLIT_BITS) - 1)


def _numbered(rows: Rows, by_bucket: bool) -> tuple[Keys, Keys]:
    """The cells (group, bucket) that rows belong to, and for each row the place of its own among them."""
    groups = rows["group"].astype(np.int64)
    if by_bucket:
        return np.unique(groups << BUCKET_BITS | rows["bucket"], return_inverse=True)
    seen: NDArray[np.bool_] = np.zeros(int(groups.max()) + 1, np.bool_)
    seen[groups] = True
    return np.flatnonzero(seen) << BUCKET_BITS, (np.cumsum(seen) - 1)[groups]
