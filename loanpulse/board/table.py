"""The rows of all panes that the board has read: one table per measure and grain, each a numpy array."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loanpulse.board.open_table import OpenTables
from streams.calculus.open_log import OPEN
from streams.calculus.panes import BUCKET_BITS, GROUP_BITS

GRAINS = ("m", "d", "s")
ROW = np.dtype(
    [
        ("start", "<i8"),
        ("n", "<i8"),
        ("a", "<i8"),
        ("b", "<i8"),
        ("group", "<i4"),
        ("bucket", "<i2"),
        ("ledger", "<i2"),
    ]
)
"""40 bytes; `start` is the pane's, UTC ms (0 for the stock), `group` the board's number."""

Rows = NDArray[Any]


def pane_start(pane: str) -> int:
    """Where a pane begins, UTC ms; the stock, which has no time, at 0."""
    return int(pane[1:] or 0)


class Table:
    """Rows in a buffer that doubles. `epoch` changes when rows were taken out, so that sums of them begin anew."""

    def __init__(self) -> None:
        self._buffer: Rows = np.empty(0, ROW)
        self._count = 0
        self.epoch = 0
        self.magnitude = 0.0
        """Σ |n|, Σ |a| or Σ |b|, the greatest: no sum of these rows is above it."""

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> Rows:
        return self._buffer[: self._count]

    def append(self, rows: Rows) -> None:
        needed = self._count + len(rows)
        if needed > len(self._buffer):
            grown = np.empty(max(needed, 2 * len(self._buffer)), ROW)
            grown[: self._count] = self.rows
            self._buffer = grown
        self._buffer[self._count : needed] = rows
        self._count = needed
        self.magnitude += _magnitude(rows)

    def keep(self, wanted: NDArray[np.bool_]) -> None:
        """Take out every row that is not wanted."""
        if wanted.all():
            return
        self._buffer = self.rows[wanted]
        self._count = len(self._buffer)
        self.epoch += 1
        self.magnitude = _magnitude(self.rows)


def _magnitude(rows: Rows) -> float:
    return max(float(np.abs(rows[column].astype(np.float64)).sum()) for column in ("n", "a", "b"))


class Tables:
    """Every row, by measure and grain; and the open cases."""

    def __init__(self, measures: int) -> None:
        self.open = OpenTables()
        self._tables = [{grain: Table() for grain in GRAINS} for _ in range(measures)]

    def of(self, measure: int) -> dict[str, Table]:
        """The tables of one measure, by grain."""
        return self._tables[measure]

    def __len__(self) -> int:
        return sum(len(table) for table in self._all(GRAINS))

    def add(self, ledger: int, panes: Sequence[tuple[str, bytes]], groups: NDArray[np.int32]) -> None:
        """Add what was read of a ledger's panes; `groups` gives the board's number of each of its groups."""
        self.open.add(ledger, [(pane_start(pane), log) for pane, log in panes if pane[0] == OPEN], groups)
        for grain in GRAINS:
            of_grain = [(pane_start(pane), log) for pane, log in panes if pane[0] == grain and log]
            if of_grain:
                self._add(grain, ledger, of_grain, groups)

    def _add(self, grain: str, ledger: int, logs: list[tuple[int, bytes]], groups: NDArray[np.int32]) -> None:
        raw = np.frombuffer(b"".join(log for _, log in logs), "<i8").reshape(-1, 4)
        head = raw[:, 0]
        rows = np.empty(len(raw), ROW)
        rows["start"] = np.repeat([start for start, _ in logs], [len(log) // 32 for _, log in logs])
        rows["n"], rows["a"], rows["b"] = raw[:, 1], raw[:, 2], raw[:, 3]
        rows["group"] = groups[(head >> BUCKET_BITS) & ((1 << GROUP_BITS) - 1)]
        rows["bucket"] = head & ((1 << BUCKET_BITS) - 1)
        rows["ledger"] = ledger
        measure = head >> (BUCKET_BITS + GROUP_BITS)
        order = np.argsort(measure, kind="stable")
        numbers, starts = np.unique(measure[order], return_index=True)
        for number, part in zip(numbers.tolist(), np.split(rows[order], starts[1:]), strict=True):
            self._tables[number][grain].append(part)

    def drop_ledgers(self, ledgers: Iterable[int]) -> None:
        gone = list(ledgers)
        self.open.drop_ledgers(gone)
        for table in self._all(GRAINS) if gone else ():
            table.keep(~np.isin(table.rows["ledger"], gone))

    def drop_panes(self, panes: Iterable[tuple[int, str]]) -> None:
        """Take out the rows of panes, each a ledger's number and a pane id."""
        gone: dict[str, list[tuple[int, int]]] = {}
        for ledger, pane in panes:
            gone.setdefault(pane[0], []).append((ledger, pane_start(pane)))
        self.open.drop_shards(gone.pop(OPEN, []))
        for grain, pairs in gone.items():
            keys = np.array([_pane_key(ledger, start) for ledger, start in pairs], np.int64)
            for table in self._all((grain,)):
                table.keep(
                    ~np.isin(_pane_key(table.rows["ledger"].astype(np.int64), table.rows["start"]), keys)
                )

    def forget(self, grain: str, before: int) -> None:
        """Take out the rows of panes of a grain that begin before an instant; open cases stay."""
        if grain == OPEN:
            return
        for table in self._all((grain,)):
            table.keep(table.rows["start"] >= before)

    def _all(self, grains: Iterable[str]) -> Iterator[Table]:
        return (tables[grain] for tables in self._tables for grain in grains)


def _pane_key(ledger: Any, start: Any) -> Any:
    """Ledger and start in one integer: starts stay below 2^47 ms (the year 6429), ledgers below 2^15."""
    return (ledger << 48) + start
