"""A board made from the stored cases instead of the panes: for trying rules that are not in force. It writes nothing."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray

from loanpulse.board.compute import compute
from loanpulse.board.members import Members
from loanpulse.board.snapshot import Block
from loanpulse.board.table import Tables
from streams.calculus.case import decode_case, parse_case_id
from streams.calculus.fold import Change
from streams.calculus.program import Program
from streams.calculus.windows import DAY_MS, Grid
from streams.runtime.ledger_reader import LedgerReader, list_ledgers
from streams.runtime.ledger_values import VersionWrites
from streams.runtime.pane_version import VersionInTheMaking
from streams.runtime.script import Client

CASES_AT_ONCE = 20_000
CLIENTS_AT_ONCE = 20_000

Cases = list[tuple[bytes, bytes]]


class Recount:
    """Cases, counted by one program as of an instant. What one client's cases are, one ledger holds."""

    def __init__(self, program: Program, grid: Grid, now_ms: int) -> None:
        """`grid` is where the program's panes lie."""
        self.program = program
        self._grid, self._now_ms = grid, now_ms
        kept = grid.minutes_kept_ms
        self._minutes_from = None if kept is None else now_ms - kept - DAY_MS
        self._tables, self._members = Tables(len(program.measures)), Members()
        self._ledger = -1

    def begin_ledger(self) -> None:
        """What follows is another ledger's."""
        self._ledger += 1
        self._version = VersionInTheMaking("recount.1", self.program, self._grid)
        self._groups: NDArray[np.int32] = np.empty(0, np.int32)

    def add(self, cases: Cases) -> None:
        """Count some cases of the ledger."""
        changes = [
            Change(identity, parse_case_id(identity), None, decode_case(blob), None)
            for identity, blob in cases
        ]
        self._take(self._version.writes(changes, {}, self._minutes_from))

    def end_ledger(self) -> None:
        """All of its cases were given: count its clients."""
        self._version.has_all_cases()
        while writes := self._version.some_clients(CLIENTS_AT_ONCE, self._minutes_from):
            self._take(writes)

    def _take(self, writes: VersionWrites) -> None:
        self._version.keep()
        self._groups = np.concatenate([self._groups, self._members.numbers(writes.groups_new)])
        self._tables.add(self._ledger, list(writes.panes.items()), self._groups)

    def blocks(self) -> dict[str, Block]:
        """The board's blocks, windows ending where a live board's would now."""
        to = self._grid.end(self._now_ms)
        return compute(self._tables, self._members, self.program, self._grid, to)


async def recount(redis: Client, namespace: str, recounts: list[Recount]) -> int:
    """Count every stored case by each of the programs; how many cases there are.

    Cases go on changing meanwhile: each counts as it is when the scan comes to it, by all programs alike.
    """
    counted = 0
    for topic, partition in await list_ledgers(redis, namespace):
        for each in recounts:
            each.begin_ledger()
        async for cases in _portions(LedgerReader(redis, namespace, topic, partition)):
            counted += len(cases)
            for each in recounts:
                await asyncio.to_thread(each.add, cases)
        for each in recounts:
            await asyncio.to_thread(each.end_ledger)
    return counted


async def _portions(reader: LedgerReader) -> AsyncIterator[Cases]:
    portion: Cases = []
    async for cases in reader.scan_cases():
        portion += cases
        if len(portion) >= CASES_AT_ONCE:
            yield portion
            portion = []
    if portion:
        yield portion
