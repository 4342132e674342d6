"""The versions of panes that the owner of a ledger writes: the live one, and one of other rules beside it."""

import logging
from collections.abc import Callable

from streams.calculus.panes import Groups
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import Head
from streams.runtime.pane_version import PaneVersion, digest_of
from streams.runtime.programs import Programs
from streams.runtime.rebuild import Build, begin_build, rebuild

log = logging.getLogger(__name__)


class Versions:
    """What every batch is written into; follows the rules in force.

    Invariants:
        the_version_beside_holds_what_the_live_one_would_by_its_rules
    """

    def __init__(
        self,
        ledger: Ledger,
        owner: str,
        grid_of: Callable[[Program], Grid],
        minutes_from: Callable[[], int | None],
    ) -> None:
        """`grid_of` is where a program's panes lie; `minutes_from` the time before which no minute is written now."""
        self._ledger, self._owner = ledger, owner
        self._grid_of, self._minutes_from = grid_of, minutes_from
        self._live: PaneVersion
        self._beside: PaneVersion | None = None
        self._build: Build | None = None

    @property
    def written(self) -> list[PaneVersion]:
        """The live one first."""
        return [self._live] if self._beside is None else [self._live, self._beside]

    @property
    def names(self) -> list[str]:
        return [version.name for version in self.written]

    async def take(self, head: Head, programs: Programs) -> None:
        """Load the versions that are whole and of the programs; all others are removed.

        The live one is made from the cases, at once, where there is none or a script was cut off half-way.
        """
        self._beside = self._build = None
        whole = {} if head.torn else {digest_of(version): version for version in head.whole_versions}
        if programs.live.digest in whole:
            await self._load(head, programs, whole)
        else:
            why = "a script was cut off half-way" if head.torn else "the rules are others"
            log.info(
                "%s: making panes anew from its cases: %s",
                self._ledger.keys.place,
                why if head.version else "it is new",
            )
            grid, minutes_from = self._grid_of(programs.live), self._minutes_from()
            self._live = await rebuild(self._ledger, self._owner, head, programs.live, grid, minutes_from)
        await self._ledger.drop_other_versions(self._owner, self.names)

    async def _load(self, head: Head, programs: Programs, whole: dict[str, str]) -> None:
        name = whole[programs.live.digest]
        beside = None if programs.beside is None else whole.get(programs.beside.digest)
        if name != head.version:
            await self._ledger.flip(self._owner, name, head.version, keep=beside == head.version)
        self._live = await self._loaded(name, programs.live)
        if beside is not None and programs.beside is not None:
            self._beside = await self._loaded(beside, programs.beside)

    async def _loaded(self, version: str, program: Program) -> PaneVersion:
        groups = Groups(await self._ledger.groups(version))
        return PaneVersion(version, program, self._grid_of(program), groups)

    async def follow(self, programs: Programs, build_seconds: float) -> None:
        """Be of the programs that count now; what is in the making gets on for about so long."""
        if self._live.program.digest != programs.live.digest:
            await self.take(await self._ledger.head(), programs)
        await self._follow_beside(programs.beside)
        if self._build is not None and await self._build.advance(build_seconds, self._minutes_from()):
            log.info("%s: the panes of the other rules are whole", self._ledger.keys.place)
            self._beside, self._build = self._build.version.whole(), None

    async def _follow_beside(self, wanted: Program | None) -> None:
        found = None if self._beside is None else self._beside.program.digest
        if found == (None if wanted is None else wanted.digest):
            return
        if found is not None:
            self._beside = self._build = None
            await self._ledger.drop_other_versions(self._owner, self.names)
        if wanted is not None:
            log.info("%s: making the panes of other rules beside the live ones", self._ledger.keys.place)
            head, grid = await self._ledger.head(), self._grid_of(wanted)
            self._build = await begin_build(self._ledger, self._owner, head, wanted, grid)
            self._beside = self._build.version
