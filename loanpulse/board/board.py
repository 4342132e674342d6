"""The board's process: while it has the lease it computes a snapshot every second and stores it for its readers."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from msgspec.structs import replace
from redis.exceptions import RedisError

from kpi_rules.rulebook import Rulebook
from loanpulse.alerting.held_outbox import HeldOutbox
from loanpulse.alerting.kpi_alerts import KpiAlerts
from loanpulse.board.lease import LEASE_MS, Lease, Published
from loanpulse.board.snapshot import Block, digest, encode_block, encode_meta
from loanpulse.board.succession import Succession
from loanpulse.roster.roster import NOBODY, Roster, encode_roster
from schemas.registry import TOPICS
from streams.runtime.clock import Clock
from streams.runtime.in_force import NotNow
from streams.runtime.ledger_errors import LedgerError
from streams.runtime.outbox import Outbox
from streams.runtime.script import Client
from streams.runtime.settings import Settings

TICK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Board:
    """One process of those that may compute the board: it does while it has the lease, and else waits for it.

    Invariants:
        only_the_holder_of_the_lease_writes
        another_board_takes_over_when_the_holder_dies
    """

    def __init__(
        self,
        settings: Settings,
        begin: Rulebook,
        redis: Client,
        clock: Clock,
        lease_ms: int = LEASE_MS,
        roster: Roster = NOBODY,
    ) -> None:
        """`begin` is what the namespace begins with; from then on the rules in force are shown."""
        topics = [settings.topic(name) for name in TOPICS]
        self._succession = Succession(settings, begin, redis, clock, topics, roster)
        self._roster = encode_roster(roster)
        self._lease = Lease(redis, settings.namespace, lease_ms)
        self._alerts = KpiAlerts(settings, redis, self._lease)
        self.outbox: Outbox = HeldOutbox(redis, settings.namespace, self._lease)
        """Its alerts that are not published yet; empty while another process has the lease."""
        self._shown = ""
        self._stored: dict[str, bytes] = {}
        self._unsent: set[str] = set()
        self._last_meta: bytes | None = None
        self._trouble = ""

    async def run(self) -> None:
        """Until cancelled. Trouble with Redis or a ledger is logged, and the next tick tries again."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                started = loop.time()
                await self._try_step()
                await asyncio.sleep(max(0.0, started + TICK_SECONDS - loop.time()))
        finally:
            self._succession.reset()
            await self._release()

    async def _try_step(self) -> None:
        try:
            await self.step()
        except (RedisError, LedgerError, NotNow, OSError, ValueError) as error:
            self._say(f"{type(error).__name__}: {error}")
        else:
            self._say("")

    def _say(self, trouble: str) -> None:
        """Once when trouble begins or changes, once when it is over."""
        if trouble != self._trouble:
            log.warning("%s", f"no board: {trouble}" if trouble else "the board is computed again")
        self._trouble = trouble

    async def step(self) -> bool:
        """Compute and store one snapshot; False if another process has the lease."""
        if not await self._lease.take():
            self._stand_by()
            return False
        async with self._lease.renewed():
            try:
                return await self._publish()
            except (RedisError, LedgerError, NotNow, OSError):
                raise
            except Exception:
                self._stand_by()
                raise

    async def _publish(self) -> bool:
        figures = await self._succession.current()
        if figures.digest != self._shown:
            log.info("this process computes the board now, by the rules %s", figures.digest)
            self._shown = figures.digest
            self._forget_stored()
        await self._take(figures.take_blocks())
        result = await figures.ticks.tick()
        await self._take(result.blocks)
        meta = encode_meta(
            replace(result.meta, digests={kpi: digest(block) for kpi, block in self._stored.items()})
        )
        published = await self._send(meta)
        if published is Published.STORED:
            self._last_meta = meta
            self._unsent.clear()
            await self._alerts.step(figures.book, result.meta)
            return True
        self._stand_by()
        return False

    async def _take(self, blocks: Mapping[str, Block]) -> None:
        self._alerts.take(blocks)
        self._unsent |= await asyncio.to_thread(self._encode, blocks)

    async def _send(self, meta: bytes) -> Published:
        if self._last_meta is not None:
            blocks = {kpi: self._stored[kpi] for kpi in self._unsent}
            published = await self._lease.publish(self._last_meta, meta, blocks)
            if published is not Published.LOST:
                return published
        return await self._lease.publish(None, meta, self._stored, self._roster)

    def _encode(self, blocks: Mapping[str, Block]) -> set[str]:
        """Keep the blocks as they are stored; the KPIs whose block is another now."""
        encoded = {kpi: encode_block(block) for kpi, block in blocks.items()}
        changed = {kpi for kpi, block in encoded.items() if self._stored.get(kpi) != block}
        self._stored.update(encoded)
        return changed

    def _stand_by(self) -> None:
        self._succession.reset()
        self._shown = ""
        self._forget_stored()

    def _forget_stored(self) -> None:
        self._alerts.forget()
        self._stored.clear()
        self._unsent.clear()
        self._last_meta = None

    async def _release(self) -> None:
        with contextlib.suppress(RedisError, OSError):
            await self._lease.release()
