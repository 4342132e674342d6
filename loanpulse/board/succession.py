"""Which rules the board shows, and when others take their place: only once their figures are all there."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from kpi_rules.rulebook import Rulebook
from loanpulse.board.feed import Feed
from loanpulse.board.snapshot import Block
from loanpulse.board.ticks import Ticks, grid_of
from loanpulse.roster.roster import Roster
from loanpulse.serve.book import Book
from streams.runtime.clock import Clock
from streams.runtime.in_force import KEPT_MS, Entry, NotNow, RulesInForce
from streams.runtime.ledger_errors import LedgerError
from streams.runtime.rulebook import program_of
from streams.runtime.script import Client
from streams.runtime.settings import Settings
from streams.runtime.stopping import insist

log = logging.getLogger(__name__)


@dataclass
class Figures:
    """The figures of one rulebook; `blocks` are those of a first computation that nobody has taken yet."""

    digest: str
    ticks: Ticks
    book: Book
    blocks: dict[str, Block] = field(default_factory=dict)

    def take_blocks(self) -> dict[str, Block]:
        taken, self.blocks = self.blocks, {}
        return taken


class Succession:
    """The figures to show. Rules on their way, or gone back to, are computed beside those that are shown.

    Rules on their way are put in force here, by the only process that knows that every ledger has their panes.

    Invariants:
        rules_are_put_in_force_only_when_every_ledger_has_their_panes
        what_is_shown_stays_until_what_follows_is_there
    """

    def __init__(
        self,
        settings: Settings,
        begin: Rulebook,
        redis: Client,
        clock: Clock,
        topics: Collection[str],
        roster: Roster,
    ) -> None:
        self._settings, self._begin, self._redis, self._roster = settings, begin, redis, roster
        self._clock, self._topics = clock, topics
        self._rules = RulesInForce(redis, settings.namespace)
        self._shown: Figures | None = None
        self._coming: Figures | None = None
        self._preparing: asyncio.Task[bool] | None = None

    async def current(self) -> Figures:
        """What is to be shown now; raises Redis' errors, and RuleError for rules that another version wrote."""
        standing = await self._rules.begun_with(self._begin, self._clock.now_ms())
        live = standing.live
        assert live is not None  # begun above
        if self._shown is None:
            self._shown = await self._figures(live.digest)
        if self._shown.digest != live.digest:
            self._shown = await self._prepared(live.digest) or self._shown
        elif standing.next is not None:
            self._shown = await self._put_in_force(standing.next) or self._shown
        else:
            self._drop_coming()
        if standing.previous is not None and self._clock.now_ms() - standing.previous.since_ms > KEPT_MS:
            await self._rules.forget_previous()
        return self._shown

    async def _put_in_force(self, entry: Entry) -> Figures | None:
        figures = await self._prepared(entry.digest)
        if figures is None:
            return None
        try:
            await self._rules.put_in_force(entry.digest, self._clock.now_ms())
        except NotNow:
            return None
        log.info("the rules %s are in force now", entry.digest)
        return figures

    async def _prepared(self, digest: str) -> Figures | None:
        """The figures of other rules once they are all there; until then they are worked on beside."""
        if self._coming is None or self._coming.digest != digest:
            self._drop_coming()
            self._coming = await self._figures(digest)
        if self._preparing is None:
            self._preparing = asyncio.create_task(_prepare(self._coming))
        if not self._preparing.done():
            return None
        done, self._preparing = self._preparing, None
        try:
            if not done.result():
                return None
        except (RedisError, LedgerError, OSError) as error:
            log.warning("the figures of the rules %s are not there yet: %s", digest, error)
            return None
        figures, self._coming = self._coming, None
        return figures

    async def _figures(self, digest: str) -> Figures:
        book = await self._rules.book(digest)
        program = await asyncio.to_thread(program_of, book)
        feed = Feed(self._redis, self._settings.namespace, program)
        grid = grid_of(self._settings, program, self._clock)
        ticks = Ticks(program, feed, self._clock, grid, self._topics, digest, self._roster)
        return Figures(digest, ticks, Book(program, book.areas))

    def reset(self) -> None:
        """Forget all figures: another process shows them now."""
        self._drop_coming()
        self._shown = None

    def _drop_coming(self) -> None:
        if self._preparing is not None:
            insist(self._preparing)
        self._coming = self._preparing = None


async def _prepare(figures: Figures) -> bool:
    """Bring the figures up to date; True if every ledger is in them."""
    if not await figures.ticks.pull():
        return False
    figures.blocks.update((await figures.ticks.tick()).blocks)
    return figures.ticks.has_every_ledger
