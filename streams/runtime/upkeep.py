"""Keeps a ledger small while it runs: compacts panes, drops those out of every window, forgets cases out of retention."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from streams.calculus.case import Case, decode_case, parse_case_id
from streams.calculus.open_log import is_open_log
from streams.calculus.panes import ROW_BYTES, STOCK
from streams.calculus.program import Program
from streams.calculus.retention import forgettable
from streams.calculus.windows import DAY_MS, HOUR_MS, MINUTE_MS, MINUTES_KEPT_MS
from streams.runtime.compacting import compact
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import VersionWrites

EVERY_MS = MINUTE_MS
SWEEP_EVERY_MS = HOUR_MS
PANES_AT_ONCE = 200
LONG_LOG_BYTES = 2_048 * ROW_BYTES
FORGET_AT_ONCE = 200


class Upkeep:
    """A little work at each tick, none of it in the way of a batch.

    Invariants:
        a_case_that_a_batch_touched_is_not_forgotten
    """

    def __init__(self, ledger: Ledger, owner: str, kept_ms: int) -> None:
        """`kept_ms`: cases and panes that are wholly older are out of retention."""
        self._ledger, self._owner = ledger, owner
        self._kept_ms = kept_ms
        self._appends: dict[
            tuple[str, str], tuple[int, int]
        ] = {}  # version and pane → appends and bytes since it was compacted
        self._compact_bytes: dict[tuple[str, str], int] = {}  # logs of open cases after they were compacted
        self._done_ms = self._swept_ms = 0
        self._cursor = 0
        self._old_cases: dict[bytes, None] = {}  # a set in order: found when they were old and closed

    def grown(self, writes: VersionWrites) -> None:
        """These were appended."""
        for pane, rows in writes.panes.items():
            name = writes.version, pane
            appends, size = self._appends.get(name, (0, 0))
            self._appends[name] = appends + 1, size + len(rows)

    def forgotten(
        self, cases: Mapping[bytes, bytes | None], room: int = FORGET_AT_ONCE
    ) -> Mapping[bytes, bytes | None]:
        """A batch's cases, and with them as many old ones to delete as there is room for.

        One that a batch touches is not old, now or later: it may live again.
        """
        if not self._old_cases:
            return cases
        for touched in cases:
            self._old_cases.pop(touched, None)
        old = list(islice(self._old_cases, max(0, min(room, FORGET_AT_ONCE))))
        for name in old:
            del self._old_cases[name]
        return {**dict.fromkeys(old), **cases}

    async def step(self, now_ms: int, versions: Mapping[str, Program]) -> None:
        """Do what is due in the versions that are written, by name, each of its program."""
        if now_ms - self._done_ms < EVERY_MS:
            return
        self._done_ms = now_ms
        self._appends = {name: grown for name, grown in self._appends.items() if name[0] in versions}
        for version in versions:
            due = self._due(version, now_ms)[:PANES_AT_ONCE]
            if due:
                await self.compact(version, due)
        if now_ms - self._swept_ms >= SWEEP_EVERY_MS:
            self._swept_ms = now_ms
            for version in versions:
                await self._drop_panes(version, now_ms)
        await self._look_for_old_cases(now_ms - self._kept_ms, list(versions.values()))

    def _due(self, version: str, now_ms: int) -> list[str]:
        """Panes whose time is over and that were appended to more than once, and long logs.

        A log of open cases is long when it has doubled: all that are open stay in it.
        """
        due = []
        for (written, pane), (appends, size) in self._appends.items():
            over = pane.startswith("m") and int(pane[1:]) + 2 * MINUTE_MS < now_ms
            long = max(LONG_LOG_BYTES, self._compact_bytes.get((written, pane), 0))
            if written == version and ((over and appends > 1) or size >= long):
                due.append(pane)
        return due

    async def compact(self, version: str, panes: Sequence[str]) -> int:
        """Put the panes' sums in the place of their logs; returns how many bytes that has saved."""
        saved = await compact(self._ledger, self._owner, version, panes)
        self._forget(version, panes)
        for found in await self._ledger.lengths(version, list(filter(is_open_log, panes))):
            self._compact_bytes[version, found.pane] = found.length
        return saved

    def _forget(self, version: str, panes: Sequence[str]) -> None:
        for pane in panes:
            self._appends.pop((version, pane), None)

    async def _drop_panes(self, version: str, now_ms: int) -> None:
        pulled = await self._ledger.pull(choose=lambda _: version)
        minutes, days = now_ms - MINUTES_KEPT_MS - 2 * DAY_MS, now_ms - self._kept_ms
        old = [
            p.pane
            for p in pulled.panes
            if p.pane != STOCK
            and not is_open_log(p.pane)
            and int(p.pane[1:]) < (minutes if p.pane.startswith("m") else days)
        ]
        await self._ledger.drop_panes(self._owner, version, old)
        self._forget(version, old)

    async def _look_for_old_cases(self, horizon_ms: int, programs: Sequence[Program]) -> None:
        """Among the next few hundred cases; from the first again when all were seen. What is watched while it is open stays."""
        self._cursor, found = await self._ledger.some_cases(self._cursor)
        for name, blob in found.items():
            kind, case = parse_case_id(name)[0], decode_case(blob)
            if forgettable(kind, case, horizon_ms) and not _is_watched(kind, case, programs):
                self._old_cases[name] = None


def _is_watched(kind: str, case: Case, programs: Iterable[Program]) -> bool:
    return any(
        watch.opened(case) is not None for program in programs for watch in program.watching(kind, None)
    )
