"""The snapshot as this process last read it, and whether it may be shown."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from redis.exceptions import RedisError

from kpi_rules.loader import RuleError
from loanpulse.board.snapshot import Snapshot, SnapshotError
from loanpulse.rules.verification import Verified, last_verified
from loanpulse.serve.alerts import Alerts, alerts_of
from loanpulse.serve.memory import Memory, memory_of
from loanpulse.serve.shown import Shown, ShownReader
from streams.runtime.redis_client import connect
from streams.runtime.script import Client
from streams.runtime.settings import Settings
from streams.runtime.stopping import stop

REFRESH_SECONDS = 1.0
ANSWER_SECONDS = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """What is known: the last snapshot with its rules, whether Redis answered just now, whether a process has the
    board's lease."""

    shown: Shown | None = None
    redis_up: bool = False
    lease_held: bool = False
    verified: Sequence[Verified] = ()
    """What was found when ledgers were verified last."""
    memory: Memory | None = None
    """How full Redis is; None while it does not answer."""
    alerts: Alerts | None = None
    """How alerts get on; None while it does not answer."""
    unreadable: str = ""
    """Why what is stored now is not the snapshot above."""

    @property
    def snapshot(self) -> Snapshot | None:
        return None if self.shown is None else self.shown.snapshot

    def stale(self, now_ms: int, stale_seconds: int) -> list[str]:
        """Why KPI series are not to be shown; empty if they are. An old snapshot goes stale by itself."""
        unusable = self._unusable()
        if unusable or self.snapshot is None:
            return unusable
        meta, limit_ms = self.snapshot.meta, stale_seconds * 1000
        reasons = []
        if now_ms - meta.computed_at_ms > limit_ms:
            reasons.append(f"the board was computed {(now_ms - meta.computed_at_ms) // 1000} s ago")
        if meta.complete_through_ms is None:
            reasons.append("; ".join(meta.incomplete) or "not every ledger says up to when it is complete")
        elif now_ms - meta.complete_through_ms > limit_ms:
            reasons.append(
                f"the board is complete only up to {(now_ms - meta.complete_through_ms) // 1000} s ago"
            )
        return reasons

    def unready(self) -> list[str]:
        """Why this process cannot do its work, though another might. Stale figures are no such reason.

        They are the same for every replica, and to take all of them out of service would hide what says why.
        """
        reasons = self._unusable()
        return reasons if self.redis_up else ["Redis does not answer", *reasons]

    def _unusable(self) -> list[str]:
        if self.unreadable:
            return [self.unreadable]
        if self.snapshot is None:
            return ["no board has been stored yet"]
        return []


class Watch:
    """Keeps `view` up to date, once a second, without ever failing: what Redis does not say is seen in the view."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._reader: ShownReader | None = None
        self._reading: asyncio.Task[None] | None = None
        self.view = View()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Go on reading while the body runs; the first time is before it."""
        await self.refresh()
        self._reading = asyncio.create_task(self._run())
        try:
            yield
        finally:
            await stop(self._reading)

    @property
    def is_running(self) -> bool:
        """Whether it still reads; only a bug ends it early, and then nothing but a new process helps."""
        return self._reading is not None and not self._reading.done()

    async def _run(self) -> None:
        try:
            while True:
                await asyncio.sleep(REFRESH_SECONDS)
                await self.refresh()
        except Exception:
            log.exception("the board is not read any more")
            raise
        finally:
            await self._disconnect()

    async def refresh(self) -> None:
        """Read what is stored now; what was read before stays if Redis does not answer."""
        try:
            read = await self._read()
        except (RedisError, OSError) as error:
            if self.view.redis_up:
                log.warning("Redis does not answer: %s", error)
            self.view = replace(self.view, redis_up=False, memory=None, alerts=None)
            await self._disconnect()
        else:
            if read.unreadable not in ("", self.view.unreadable):
                log.warning("%s", read.unreadable)
            self.view = replace(read, shown=read.shown or self.view.shown)

    async def _read(self) -> View:
        if self._reader is None:
            self._client = await _soon(connect(str(self._settings.redis), ANSWER_SECONDS))
            self._reader = ShownReader(self._client, self._settings.namespace)
        assert self._client is not None  # connected with the reader
        view = View(
            verified=await last_verified(self._client, self._settings.namespace),
            memory=await memory_of(self._client),
            alerts=await alerts_of(self._client, self._settings.namespace),
            lease_held=await self._reader.is_computed(),
            redis_up=True,
        )
        try:
            return replace(view, shown=await self._reader.read())
        except (SnapshotError, RuleError) as error:
            return replace(view, unreadable=str(error))

    async def _disconnect(self) -> None:
        client, self._client, self._reader = self._client, None, None
        if client is not None:
            try:
                await client.aclose()
            except (RedisError, OSError) as error:
                log.debug("closing the connection: %s", error)


async def _soon(connecting: Awaitable[Client]) -> Client:
    async with asyncio.timeout(2 * ANSWER_SECONDS):
        return await connecting
