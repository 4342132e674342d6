"""Makes a version of a ledger's panes from its cases: when rules changed, or when a script was cut off half-way."""

import asyncio

from streams.calculus.case import decode_case, parse_case_id
from streams.calculus.fold import Change
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.compacting import compact
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_errors import PaneFull
from streams.runtime.ledger_values import Head, VersionWrites
from streams.runtime.pane_version import PaneVersion, VersionInTheMaking, next_version

CLIENTS_AT_ONCE = 1_000
FOREVER = float("inf")


class Build:
    """A version in the making, a little at a time; between two steps batches may be committed.

    What fails leaves the version unfinished, and it has to be begun anew.
    """

    def __init__(self, ledger: Ledger, owner: str, version: VersionInTheMaking) -> None:
        self._ledger, self._owner = ledger, owner
        self.version = version
        self._cursor = 0
        self._step = 0
        self._scanned = False

    async def advance(self, seconds: float, minutes_from: int | None) -> bool:
        """Go on for about so long, at least a step; True once the version is finished."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while await self._one_step(minutes_from):
            if loop.time() >= until:
                return False
        await self._ledger.finish_version(self._owner, self.version.name, self._step)
        return True

    async def _one_step(self, minutes_from: int | None) -> bool:
        if not self._scanned:
            await self._some_cases(minutes_from)
            return True
        writes = self.version.some_clients(CLIENTS_AT_ONCE, minutes_from)
        if writes is None:
            return False
        await self._write(writes)
        return True

    async def _some_cases(self, minutes_from: int | None) -> None:
        self._cursor, found = await self._ledger.some_cases(self._cursor)
        changes = [
            Change(identity, parse_case_id(identity), None, decode_case(found[identity]), None)
            for identity in self.version.uncounted(found)
        ]
        await self._write(self.version.writes(changes, {}, minutes_from))
        if not self._cursor:
            self._scanned = True
            self.version.has_all_cases()

    async def _write(self, writes: VersionWrites) -> None:
        while True:
            try:
                self._step = await self._ledger.append_version(self._owner, self._step, writes)
            except PaneFull as full:
                if not await compact(self._ledger, self._owner, full.version, [full.pane]):
                    raise
            else:
                self.version.keep()
                return


async def begin_build(ledger: Ledger, owner: str, head: Head, program: Program, grid: Grid) -> Build:
    """Begin a version beside the live one; from then on every commit has to write it."""
    name = next_version(program.digest, head.version, head.beside)
    await ledger.begin_version(owner, name)
    return Build(ledger, owner, VersionInTheMaking(name, program, grid))


async def rebuild(
    ledger: Ledger, owner: str, head: Head, program: Program, grid: Grid, minutes_from: int | None
) -> PaneVersion:
    """Make a version from the cases and let it be the live one, at once. The old one is left behind.

    A crash on the way leaves the old version live; the next try begins anew.
    """
    if head.beside:
        await ledger.drop_version(owner, head.beside)
    build = await begin_build(ledger, owner, head, program, grid)
    await build.advance(FOREVER, minutes_from)
    await ledger.flip(owner, build.version.name, head.version, keep=False)
    return build.version.whole()
