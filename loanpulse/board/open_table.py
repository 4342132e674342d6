"""The open cases that the board has read, and the band of each at an instant: only those whose band turns are looked at."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.calculus.business_time import NEVER_MS
from streams.calculus.open_cases import Band
from streams.calculus.open_log import OpenRow, decode_rows, latest

NO_BAND = len(Band)  # after all bands, so that group and band make one number
_COLUMNS = (
    "group", "shard", "since", "paused_since", "pauses", "begins", "ends", "target", "half", "three_quarters", "due",
    "beyond", "turn",
)  # fmt: skip
_AT = {name: i for i, name in enumerate(_COLUMNS)}
_TURNS = [
    _AT[name] for name in ("since", "paused_since", "begins", "ends", "half", "three_quarters", "beyond")
]

Ints = NDArray[np.int64]


class Bands(NamedTuple):
    """The cases that are open at an instant: for each its group, band, and instants. `slots` are their places."""

    group: Ints
    band: Ints
    since: Ints
    due: Ints
    slots: Ints


class Count(NamedTuple):
    """How many are open at an instant by group and band, since when the oldest is, and when the next is due of those that
    can still be in time and whose clock runs; NEVER_MS for none."""

    by_group: Ints
    oldest: int
    next_due: int


class OpenTable:
    """One watch's open cases of one ledger; a place for each span of each case."""

    def __init__(self) -> None:
        self._columns = np.zeros((len(_COLUMNS), 64), np.int64)
        self._bands = np.full(64, NO_BAND, np.int8)
        self._count = 0
        self._free: list[int] = []
        self._slots: dict[bytes, tuple[int, ...]] = {}
        self._names: list[bytes] = []
        self._at = -NEVER_MS
        self._next = NEVER_MS
        self._changed = False

    def __len__(self) -> int:
        return len(self._slots)

    def set(self, row: OpenRow, group: int, shard: int) -> None:
        """Put a case's state in the place of the one before; a row without spans removes it."""
        self.remove(row.case)
        if not row.spans:
            return
        slots = []
        for begins, ends, target, *marks in row.spans:
            slot = self._place(row.case)
            self._columns[:, slot] = (
                group, shard, row.since, row.paused_since, row.pauses, begins, ends, target, *marks, -NEVER_MS,
            )  # fmt: skip
            slots.append(slot)
        self._slots[row.case] = tuple(slots)
        self._next, self._changed = -NEVER_MS, True

    def remove(self, case: bytes) -> None:
        for slot in self._slots.pop(case, ()):
            self._bands[slot] = NO_BAND
            self._columns[_AT["turn"], slot] = NEVER_MS
            self._free.append(slot)
            self._changed = True

    def drop_shard(self, shard: int) -> None:
        """Take out the cases of one log."""
        for slot in np.flatnonzero(self._columns[_AT["shard"], : self._count] == shard).tolist():
            self.remove(self._names[slot])

    def _place(self, case: bytes) -> int:
        if self._free:
            slot = self._free.pop()
            self._names[slot] = case
            return slot
        if self._count == len(self._bands):
            self._columns = np.concatenate([self._columns, np.zeros_like(self._columns)], axis=1)
            self._bands = np.concatenate([self._bands, np.full_like(self._bands, NO_BAND)])
        self._names.append(case)
        self._count += 1
        return self._count - 1

    def advance(self, at: int) -> bool:
        """Let the bands be those of an instant; whether any is another than before, or a case came or went."""
        columns = self._columns[:, : self._count]
        if at < self._at:
            columns[_AT["turn"]] = np.where(self._occupied(), -NEVER_MS, NEVER_MS)
            self._next = -NEVER_MS
        changed, self._changed, self._at = self._changed, False, at
        if self._next > at:
            return changed
        turning = np.flatnonzero(columns[_AT["turn"]] <= at)
        bands, turns = _bands_at(columns[:, turning], at)
        columns[_AT["turn"], turning] = turns
        changed = changed or bool((self._bands[turning] != bands).any())
        self._bands[turning] = bands
        self._next = int(columns[_AT["turn"]].min(initial=NEVER_MS))
        return changed

    def _occupied(self) -> NDArray[np.bool_]:
        occupied = np.ones(self._count, np.bool_)
        occupied[self._free] = False
        return occupied

    def bands(self) -> Bands:
        """Those that are open at the instant that it was last advanced to."""
        band = self._bands[: self._count]
        slots = np.flatnonzero(band != NO_BAND)
        group, since, due = (self._columns[_AT[name], slots] for name in ("group", "since", "due"))
        return Bands(group, band[slots].astype(np.int64), since, due, slots)

    def count(self) -> Count:
        """What `bands` comes to, without an array of those that are open."""
        band = self._bands[: self._count]
        group, since, due = (self._columns[_AT[name], : self._count] for name in ("group", "since", "due"))
        width = NO_BAND + 1
        counted = np.bincount(group * width + band, minlength=(int(group.max(initial=-1)) + 1) * width)
        oldest = since.min(initial=NEVER_MS, where=band != NO_BAND)
        next_due = due.min(initial=NEVER_MS, where=band <= Band.AT_RISK)
        return Count(counted.reshape(-1, width)[:, :NO_BAND], int(oldest), int(next_due))

    def case(self, slot: int) -> bytes:
        """The id of the case at a place."""
        return self._names[slot]

    def column(self, name: str, slots: Ints) -> Ints:
        values: Ints = self._columns[_AT[name], slots]
        return values


def _bands_at(columns: Ints, at: int) -> tuple[NDArray[np.int8], Ints]:
    """The bands at an instant, as OpenCase.band has them, and when each may turn next."""
    of = {name: columns[i] for name, i in _AT.items()}
    band = (at >= of["half"]).astype(np.int8) + (at >= of["three_quarters"])
    band = np.where(at >= of["paused_since"], np.int8(Band.PAUSED), band)
    band = np.where(at >= of["beyond"], np.int8(Band.BREACHED), band)
    is_open = (of["since"] <= at) & (of["begins"] <= at) & (at < of["ends"])
    turns = columns[_TURNS]
    following = np.where(turns > at, turns, NEVER_MS).min(axis=0, initial=NEVER_MS)
    return np.where(is_open, band, np.int8(NO_BAND)).astype(np.int8), following


class OpenTables:
    """The open cases of all ledgers, by ledger and watch."""

    def __init__(self) -> None:
        self._tables: defaultdict[tuple[int, int], OpenTable] = defaultdict(OpenTable)
        self._dropped: set[int] = set()

    def of(self, watch: int) -> Iterator[tuple[int, OpenTable]]:
        """A watch's table of each ledger."""
        for (ledger, number), table in self._tables.items():
            if number == watch:
                yield ledger, table

    def advance(self, watch: int, at: Mapping[int, int]) -> bool:
        """Let a watch's bands be those of each ledger's instant; whether any changed, or cases came or went."""
        changed = watch in self._dropped
        self._dropped.discard(watch)
        for ledger, table in self.of(watch):
            changed = table.advance(at[ledger]) or changed
        return changed

    def add(self, ledger: int, logs: Iterable[tuple[int, bytes]], groups: NDArray[np.int32]) -> None:
        """Take in what was read of a ledger's logs, each with its shard."""
        for shard, log in logs:
            for row in latest(decode_rows(log)).values():
                group = int(groups[row.group]) if row.spans else 0
                self._tables[ledger, row.watch].set(row, group, shard)

    def drop_ledgers(self, ledgers: Iterable[int]) -> None:
        gone = set(ledgers)
        for name in [name for name in self._tables if name[0] in gone]:
            del self._tables[name]
            self._dropped.add(name[1])

    def drop_shards(self, shards: Sequence[tuple[int, int]]) -> None:
        """Take out logs, each a ledger's number and a shard."""
        for ledger, shard in shards:
            for (owner, _), table in self._tables.items():
                if owner == ledger:
                    table.drop_shard(shard)
