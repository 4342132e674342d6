"""Which of the open cases are listed, in which order: chosen by their columns, then told by the cases themselves."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from loanpulse.cases.choice import BAND_ORDER, Choice
from loanpulse.cases.most_used import most_used, share
from loanpulse.cases.ordering import first
from loanpulse.cases.rows import OpenRows, Row
from loanpulse.cases.told import Told, told
from loanpulse.serve.shown import Shown
from streams.calculus.case import decode_case
from streams.calculus.open_cases import Band
from streams.runtime.ledger_reader import LedgerReader

AT_ONCE = 500
"""So many cases are loaded at a time."""


class Listed(NamedTuple):
    """What is told, and how many more there were that changed while they were read."""

    cases: list[Told]
    moved: int


class Listing:
    """What a choice comes to among the open cases that are in memory; `readers` are those of their ledgers.

    `scope` are the rows that belong to whom is asked for, `counts` how many of them are in each band, `wanted` how many are
    in the bands that are asked for.
    """

    def __init__(
        self, shown: Shown, choice: Choice, rows: OpenRows, readers: dict[int, LedgerReader]
    ) -> None:
        self.shown, self.rows = shown, rows
        self._choice, self._readers = choice, readers
        self.scope = rows.within(choice.group)
        counts = np.bincount(rows.band[self.scope], minlength=len(Band))
        self.counts = {band.label: int(counts[band]) for band in BAND_ORDER}
        self._among = np.flatnonzero(self.scope & np.isin(rows.band, list(choice.wanted)))
        self.wanted = len(self._among)

    async def listed(self) -> Listed:
        return await (self._most_used() if self._choice.sort == "used" else self._first())

    async def _first(self) -> Listed:
        """Cases that tie for the last place are told in the order of their names."""
        limit = self._choice.limit
        found = await asyncio.to_thread(first, self.rows, self._among, self._choice.sort, self._called, limit)
        named = ((keys, self.rows.row(i)) for i, keys in zip(found.rows, found.keys, strict=True))
        ordered = sorted(named, key=lambda it: (it[0], _name(it[1])))[:limit]
        return await self._told([row for _, row in ordered])

    async def _most_used(self) -> Listed:
        """Loads cases, those first that can have used most, until no other can be among the first."""
        limit = self.wanted if self._choice.limit is None else self._choice.limit
        at_most = (await asyncio.to_thread(most_used, self.rows, self.shown.book.program))[self._among]
        order = np.argsort(-at_most, kind="stable")
        rows, bounds = self._among[order].tolist(), at_most[order].tolist()
        best: list[Told] = []
        moved = 0
        for start in range(0, len(rows), AT_ONCE):
            if (
                len(best) >= limit
                and share(best[limit - 1].used_ms, best[limit - 1].target_ms) > bounds[start]
            ):
                break
            some = await self._told([self.rows.row(i) for i in rows[start : start + AT_ONCE]])
            best, moved = sorted([*best, *some.cases], key=_by_use)[:limit], moved + some.moved
        return Listed(best, moved)

    async def _told(self, rows: Sequence[Row]) -> Listed:
        """Rows whose case says what the log said of it; the others have changed since."""
        cases: list[Told] = []
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            blobs = await self._loaded(some)
            cases += filter(None, map(self._of, some, blobs))
        return Listed(cases, len(rows) - len(cases))

    async def _loaded(self, rows: Sequence[Row]) -> list[bytes | None]:
        """Their cases, in one round trip for each ledger."""
        ids: dict[int, list[bytes]] = {}
        for row in rows:
            ids.setdefault(row.ledger, []).append(row.case)
        loads = (self._readers[ledger].load(names, {}) for ledger, names in ids.items())
        answers = dict(zip(ids, await asyncio.gather(*loads), strict=True))
        in_turn = {ledger: iter(blobs) for ledger, (blobs, _) in answers.items()}
        return [next(in_turn[row.ledger]) for row in rows]

    def _of(self, row: Row, blob: bytes | None) -> Told | None:
        case = None if blob is None else decode_case(blob)
        found = None if case is None else row.watch.opened(case)
        if case is None or found is None or (*found[:4], found.span(row.at)) != (*row.opened[:4], row.span):
            return None
        return told(self.shown, row.watch, row.case, found, row.watch.used_ms(case, row.at), row.at)

    def _called(self, officer: str) -> str:
        return self.shown.snapshot.roster.called("officer", officer)


def _name(row: Row) -> tuple[bytes, str]:
    return row.case, row.watch.rule.id


def _by_use(case: Told) -> tuple[float, str, str, str, str]:
    return -share(case.used_ms, case.target_ms), case.kind, case.key, case.subject, case.kpi
