"""Computes snapshots from the ledgers of a namespace, one after the other."""

import asyncio
from collections.abc import Collection
from time import perf_counter
from typing import NamedTuple

from loanpulse.board.compute import Computation
from loanpulse.board.feed import Feed
from loanpulse.board.plan import Plan
from loanpulse.board.snapshot import Block, GapStatus, Meta, Snapshot, digest
from loanpulse.board.status import (
    complete_through,
    events,
    gap_edges,
    gap_statuses,
    incomplete,
    ledger_statuses,
    reached,
)
from loanpulse.roster.roster import NOBODY, Roster, encode_roster
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.clock import Clock, FixedClock
from streams.runtime.redis_client import connect
from streams.runtime.settings import Settings


class Result(NamedTuple):
    """A tick's outcome: what the figures are worth, and the blocks that changed."""

    meta: Meta
    blocks: dict[str, Block]


class Ticks:
    """Computes one snapshot after the other from what a feed brings in; `topics` must all have ledgers.

    `book` names the rulebook of the program, "" where there is none but the program.
    """

    def __init__(
        self,
        program: Program,
        feed: Feed,
        clock: Clock,
        grid: Grid,
        topics: Collection[str] = (),
        book: str = "",
        roster: Roster = NOBODY,
    ) -> None:
        self._program = program
        self._feed = feed
        self._clock = clock
        self._grid = grid
        self._topics = topics
        self._book = book
        self._roster = digest(encode_roster(roster)) if roster.members else ""
        self._computation = Computation(program, roster)
        self._to: int | None = None

    @property
    def rows(self) -> int:
        """How many pane rows are held."""
        return len(self._feed.tables)

    @property
    def has_every_ledger(self) -> bool:
        """Whether every ledger's panes were there at the last pull."""
        return self._feed.has_every_ledger

    async def pull(self) -> bool:
        """Only take in what is there; `has_every_ledger` then."""
        await self._feed.pull(Plan(self._grid, self._grid.end(self._clock.now_ms())).reach)
        return self.has_every_ledger

    async def tick(self) -> Result:
        """The figures as of now; blocks of KPIs that are as they were last time are left out."""
        started = perf_counter()
        now = self._clock.now_ms()
        plan = Plan(self._grid, self._grid.end(now))
        await self._feed.pull(plan.reach)
        ledgers, gaps = ledger_statuses(self._feed, self._topics), gap_statuses(self._feed)
        blocks = await asyncio.to_thread(self._compute, plan, gaps, now)
        meta = Meta(
            book=self._book,
            rules=self._program.digest,
            as_of_ms=now,
            to_ms=plan.to,
            computed_at_ms=self._clock.now_ms(),
            complete_through_ms=complete_through(ledgers),
            tick_seconds=perf_counter() - started,
            events=events(ledgers),
            ledgers=ledgers,
            gaps=gaps,
            incomplete=incomplete(ledgers, gaps),
            roster=self._roster,
        )
        return Result(meta, blocks)

    def _compute(self, plan: Plan, gaps: list[GapStatus], now: int) -> dict[str, Block]:
        if plan.to != self._to:
            self._feed.forget(plan.reach)
            self._to = plan.to
        feed = self._feed
        blocks = self._computation.blocks(feed.tables, feed.members, plan.grid, plan.to, gap_edges(gaps))
        return self._computation.with_open_cases(blocks, feed.tables, feed.members, reached(feed, now))


async def batch_board(redis_url: str, settings: Settings, program: Program, as_of_ms: int) -> Snapshot:
    """The board of a namespace at one instant, computed here and stored nowhere: a replay's result.

    Minute panes must lie on `Grid.as_of(as_of_ms, zone)`; then every window is exact to the ms.
    """
    redis = await connect(redis_url)
    try:
        feed = Feed(redis, settings.namespace, program)
        grid = Grid.as_of(as_of_ms, program.zone)
        result = await Ticks(program, feed, FixedClock(as_of_ms), grid).tick()
    finally:
        await redis.aclose()
    return Snapshot(result.meta, result.blocks)


def grid_of(settings: Settings, program: Program, clock: Clock) -> Grid:
    """The grid of the panes that workers with these settings write."""
    return Grid.live(program.zone) if settings.as_of is None else Grid.as_of(clock.now_ms(), program.zone)
