"""The worker: composes Faust, the ledgers and the rules in force, and runs until it is told to stop."""

import asyncio
import gc
import logging
import math
from collections.abc import Sequence
from functools import partial

from aiokafka import ConsumerRecord
from faust.types import TP

from kpi_rules.rulebook import Rulebook
from streams.runtime.app import TICK_SECONDS, WorkerApp, create_app
from streams.runtime.clock import clock_of
from streams.runtime.dead_letters import DeadLetterTopic
from streams.runtime.in_force import RulesInForce
from streams.runtime.last_record import checksum_at
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import Source
from streams.runtime.outbox import Publisher, StreamOutbox
from streams.runtime.partition import Partition
from streams.runtime.programs import FollowedRules, Programs
from streams.runtime.redis_check import check_redis
from streams.runtime.redis_client import connect
from streams.runtime.script import Client
from streams.runtime.settings import Settings
from streams.runtime.stopping import stop

log = logging.getLogger(__name__)

GC_THRESHOLD = 50_000
FOLLOW_SECONDS = 0.9
BUILD_SHARE = 0.4
"""Of each second, for versions in the making, over all partitions: batches wait no longer for them."""


class LedgerProcessor:
    """Hands each partition's records to its `Partition`; connects to Redis when the first one is opened."""

    def __init__(self, settings: Settings, book: Rulebook, kafka: str, redis: str) -> None:
        """`book` is what the namespace begins with; from then on the rules in force are followed."""
        self._settings, self._book, self._kafka, self._redis = settings, book, kafka, redis
        self._clock = clock_of(settings)
        self._dead = DeadLetterTopic(kafka, settings.dead_letters)
        self._alerts = Publisher(kafka, settings.alerts)
        self._publishing: dict[TP, asyncio.Task[None]] = {}
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._asking = asyncio.Lock()
        self._partitions: dict[TP, Partition] = {}
        self._open: set[TP] = set()
        self._followed: FollowedRules
        self._refreshed_at = -math.inf

    async def open(self, tp: TP, source: Source) -> int:
        self._open.add(tp)
        ledger = await self._ledger(tp)
        topic = tp.topic.removeprefix(self._settings.topic_prefix)
        programs = await self._programs()
        partition = Partition(ledger, topic, programs, self._settings, self._clock, self._dead)
        position = await partition.open(source, partial(checksum_at, self._kafka, tp.topic, tp.partition))
        self._partitions[tp] = partition
        return position

    async def process(self, tp: TP, records: Sequence[ConsumerRecord]) -> None:
        await self._partitions[tp].process(records)

    async def tick(self, tp: TP, *, caught_up: bool) -> None:
        build_seconds = BUILD_SHARE * TICK_SECONDS / len(self._partitions)
        await self._partitions[tp].tick(await self._programs(), build_seconds, caught_up=caught_up)
        await self._publish(tp)

    async def _publish(self, tp: TP) -> None:
        """Send on what the ledger has to tell, beside its batches: they do not wait for it."""
        running = self._publishing.get(tp)
        if running is None or running.done():
            ledger = await self._ledger(tp)
            outbox = StreamOutbox(ledger.redis, ledger.keys.outbox)
            self._publishing[tp] = asyncio.create_task(self._alerts.attempt(outbox))

    async def _programs(self) -> Programs:
        """Those of the rules in force, asked for once a second, by whoever comes first."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if now - self._refreshed_at >= FOLLOW_SECONDS:
                programs = await self._followed.refresh(self._clock.now_ms())
                self._refreshed_at = now
                return programs
            return self._followed.current

    async def stopped(self, tp: TP, reason: str) -> None:
        await (await self._ledger(tp)).say(f"stopped: {reason}")

    async def close(self, tp: TP) -> None:
        self._partitions.pop(tp, None)
        self._open.discard(tp)
        publishing = self._publishing.pop(tp, None)
        if publishing is not None:
            await stop(publishing)
        if not self._open:
            await self._disconnect()

    async def _disconnect(self) -> None:
        """Of what is connected now: another partition may be opened meanwhile."""
        client, self._client = self._client, None
        await self._dead.close()
        await self._alerts.close()
        if client is not None:
            await client.aclose()

    async def _ledger(self, tp: TP) -> Ledger:
        return Ledger(await self._connected(), self._settings.namespace, tp.topic, tp.partition)

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is None:
                client = await connect(self._redis)
                try:
                    await check_redis(client)
                except BaseException:
                    await client.aclose()
                    raise
                self._client = client
                self._followed = FollowedRules(RulesInForce(client, self._settings.namespace), self._book)
                self._refreshed_at = -math.inf
            return self._client


def create_worker(settings: Settings, book: Rulebook) -> WorkerApp:
    """The Faust app of a worker; nothing connects before it runs. `settings` name running servers.

    What lives as long as the process is taken out of the garbage collector's rounds, which batches make many.
    """
    if settings.kafka is None or settings.redis is None:
        raise ValueError("a worker needs LOANPULSE_KAFKA and LOANPULSE_REDIS")
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    return create_app(settings, LedgerProcessor(settings, book, settings.kafka, settings.redis))
