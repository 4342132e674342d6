"""Keeps the board's tables up with every ledger of the namespace."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loanpulse.board.members import Members
from loanpulse.board.table import Tables, pane_start
from streams.calculus.program import Program
from streams.runtime.ledger_errors import Stale
from streams.runtime.ledger_reader import LedgerReader, list_ledgers
from streams.runtime.ledger_values import Cursor, Head, PaneLength, PaneSlice, Pull
from streams.runtime.pane_version import digest_of
from streams.runtime.script import Client

READ_BYTES = 8 * 1024 * 1024  # read and taken in at a time
MOST_TRIES = 10

log = logging.getLogger(__name__)


@dataclass
class Source:
    """One ledger and how far it was read. `cursor` is None while its rows are not all in the tables."""

    number: int
    reader: LedgerReader
    head: Head | None = None
    has_rows: bool = False
    through_ms: int | None = None
    """Up to when everything is in the tables."""
    cursor: Cursor | None = None
    groups: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    panes: dict[str, PaneLength] = field(default_factory=dict)
    begun: Cursor | None = None
    """What was being read when a pane changed meanwhile: so far the tables hold what `panes` lists."""

    def goes_on(self, pull: Pull) -> bool:
        """Whether a pull of all panes goes on where the one before it had to stop."""
        begun, now = self.begun, pull.cursor
        return begun is not None and begun[:2] == now[:2] and begun.seq <= now.seq

    def restart(self) -> None:
        self.cursor = self.through_ms = self.begun = None
        self.groups = np.empty(0, np.int32)
        self.panes = {}


class Change(NamedTuple):
    """What a pull asks for: drop the whole ledger, or some panes; then read."""

    source: Source
    pull: Pull
    drop_all: bool
    drop: Sequence[str]
    read: Sequence[PaneSlice]


class Feed:
    """The rows of every ledger that has whole panes of the program's rules, be they the live ones or those beside.

    A torn ledger's rows stay as they were before; a ledger without such panes, or that is gone, has none.

    Invariants:
        after_a_pull_the_tables_hold_each_ledger_as_it_was_at_one_instant
        an_interrupted_pull_is_made_good_by_the_next
    """

    def __init__(self, redis: Client, namespace: str, program: Program) -> None:
        self._redis = redis
        self._namespace = namespace
        self._digest = program.digest
        self._numbers = count()
        self.tables = Tables(len(program.measures))
        self.members = Members()
        self.sources: dict[tuple[str, int], Source] = {}

    def version_of(self, head: Head) -> str:
        """The version of a ledger's panes that is of the program's rules; "" for none."""
        return next((version for version in head.whole_versions if digest_of(version) == self._digest), "")

    @property
    def has_every_ledger(self) -> bool:
        """Whether every ledger that there is has such panes, and at the last pull none was torn."""
        heads = [source.head for source in self.sources.values()]
        return bool(heads) and all(
            head is not None and not head.torn and self.version_of(head) != "" for head in heads
        )

    async def pull(self, reach: Mapping[str, int]) -> None:
        """Take in what changed since the last pull, of every ledger at about one instant.

        Panes that begin before `reach` (by grain) are left out. Raises Redis' errors, and Stale if a ledger was
        rebuilt again and again while it was read; the next pull makes it good.
        """
        await self._list()
        sources = list(self.sources.values())
        for _ in range(MOST_TRIES):
            pulls = await asyncio.gather(
                *(source.reader.pull(source.cursor, self.version_of) for source in sources)
            )
            changes = [self._change(source, pull, reach) for source, pull in zip(sources, pulls, strict=True)]
            await asyncio.to_thread(self._drop, changes)
            sources = [change.source for change in changes if not await self._take_in(change)]
            if not sources:
                return
        raise Stale(f"{sources[0].reader.keys.place} changes faster than it can be read")

    async def _list(self) -> None:
        listed = await list_ledgers(self._redis, self._namespace)
        gone = [self.sources.pop(name) for name in self.sources.keys() - set(listed)]
        await asyncio.to_thread(self.tables.drop_ledgers, [source.number for source in gone])
        for topic, partition in listed:
            if (topic, partition) not in self.sources:
                reader = LedgerReader(self._redis, self._namespace, topic, partition)
                self.sources[topic, partition] = Source(next(self._numbers), reader)

    def _change(self, source: Source, pull: Pull, reach: Mapping[str, int]) -> Change:
        source.head = pull.head
        if pull.head.torn:
            return Change(source, pull, False, [], [])
        if pull.whole and not source.goes_on(pull):
            source.restart()
            read = [PaneSlice(*_all_of(pane)) for pane in pull.panes if _within(pane, reach)]
            return Change(source, pull, source.has_rows, [], read)
        listed = {pane.pane for pane in pull.panes}
        drop, read = [pane for pane in source.panes if pull.whole and pane not in listed], []
        for pane in pull.panes:
            if not _within(pane, reach):
                continue
            known = source.panes.get(pane.pane)
            if known == pane:
                continue
            if known is not None and known.generation == pane.generation and known.length <= pane.length:
                read.append(PaneSlice(pane.pane, pane.generation, known.length, pane.length))
            else:
                drop += [] if known is None else [pane.pane]
                read.append(PaneSlice(*_all_of(pane)))
        return Change(source, pull, False, drop, read)

    def _drop(self, changes: Sequence[Change]) -> None:
        """Take out what is read anew. What is interrupted from here on has no cursor, and is read as a whole."""
        for change in changes:
            if not change.pull.head.torn:
                change.source.cursor = change.source.begun = None
        whole = [change.source for change in changes if change.drop_all]
        self.tables.drop_ledgers([source.number for source in whole])
        for source in whole:
            source.has_rows = False
        self.tables.drop_panes([(change.source.number, pane) for change in changes for pane in change.drop])
        for change in changes:
            for pane in change.drop:
                del change.source.panes[pane]

    async def _take_in(self, change: Change) -> bool:
        """Read what changed into the tables; False if the ledger has moved on meanwhile and has to be pulled again."""
        source, head = change.source, change.pull.head
        if head.torn:
            return True
        try:
            if change.pull.version:
                await self._read(change)
        except Stale as stale:
            log.info("%s is read on: %s", source.reader.keys.place, stale)
            source.begun = change.pull.cursor
            return False
        source.cursor = change.pull.cursor
        source.through_ms = head.through_ms if change.pull.version else None
        return True

    async def _read(self, change: Change) -> None:
        source, version = change.source, change.pull.version
        await self._read_groups(source, change.pull)
        for slices in _portions(change.read):
            logs = await source.reader.read(version, slices)
            named = [(part.pane, log) for part, log in zip(slices, logs, strict=True)]
            source.has_rows = True
            await asyncio.to_thread(self.tables.add, source.number, named, source.groups)
            source.panes.update(
                {part.pane: PaneLength(part.pane, part.generation, part.end) for part in slices}
            )

    async def _read_groups(self, source: Source, pull: Pull) -> None:
        known = len(source.groups)
        if pull.groups_len > known:
            names = await source.reader.groups(pull.version, known)
            if known + len(names) < pull.groups_len:
                raise Stale("its groups are gone")
            source.groups = np.concatenate([source.groups, self.members.numbers(names)])

    def forget(self, reach: Mapping[str, int]) -> None:
        """Take out panes that no window reaches any more: ledgers drop theirs without a word."""
        for grain, since in reach.items():
            self.tables.forget(grain, since)
        for source in self.sources.values():
            source.panes = {name: pane for name, pane in source.panes.items() if _within(pane, reach)}


def _all_of(pane: PaneLength) -> tuple[str, int, int, int]:
    return pane.pane, pane.generation, 0, pane.length


def _within(pane: PaneLength, reach: Mapping[str, int]) -> bool:
    return pane_start(pane.pane) >= reach[pane.pane[0]]


def _portions(slices: Sequence[PaneSlice]) -> Iterator[list[PaneSlice]]:
    portion: list[PaneSlice] = []
    size = 0
    for part in slices:
        portion.append(part)
        size += part.end - part.start
        if size >= READ_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
