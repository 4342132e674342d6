"""The partitions that this worker holds, and what becomes of each: opened, read, stopped, given up."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import NoReturn, Protocol

from aiokafka.errors import IllegalStateError, KafkaError, OffsetOutOfRangeError
from faust.types import TP
from kafka.errors import KafkaError as AdminError
from redis.exceptions import RedisError

from streams.runtime.ledger_errors import LedgerError
from streams.runtime.ledger_values import Source
from streams.runtime.processor import PartitionStopped, Processor, Reposition, way_out
from streams.runtime.reading import Batch, Reading
from streams.runtime.redis_check import RedisUnfit
from streams.runtime.source import UnknownTopicError
from streams.runtime.stopping import insist

OPEN_SECONDS = 5.0  # an assignment waits so long for its ledgers; those that take longer join later
RELEASE_SECONDS = 7.0  # of the 10 s that a shutdown may take
ANSWER_SECONDS = 2.0  # a broker that needs longer counts as away: no ticks
MOST_PAUSE_SECONDS = 30.0
LOST_SECONDS = 5.0

log = logging.getLogger(__name__)

TROUBLE = (
    RedisError, KafkaError, AdminError, LedgerError, UnknownTopicError, RedisUnfit, OSError,
)  # fmt: skip
"""What may pass, or what an operator mends; a TimeoutError is an OSError. Anything else is a bug of ours."""

Describe = Callable[[Collection[str]], Awaitable[Mapping[str, Source]]]


class Reader(Protocol):
    """What is needed of the consumer."""

    async def begin(self, reading: Reading) -> None: ...
    def advance(self, reading: Reading) -> None: ...
    def forget(self, tp: TP) -> None: ...
    async def pause(self, tp: TP) -> None: ...
    async def starts(self, tps: Collection[TP]) -> dict[TP, int]: ...
    async def ends(self, tps: Collection[TP]) -> dict[TP, int]: ...


class Holding:
    """One partition; without a reading it is being opened, stopped or given up."""

    def __init__(self, tp: TP) -> None:
        self.tp = tp
        self.lock = asyncio.Lock()  # whoever calls the processor for this partition has it
        self.reading: Reading | None = None
        self.is_open = False
        self.failures = 0
        self.waits: tuple[Reading, int, float] | None = None
        self.opening: asyncio.Task[None] | None = None
        self.ticking: asyncio.Task[None] | None = None


class Holdings:
    """All partitions of this worker.

    Invariants:
        calls of the processor for one partition never overlap;
        a batch is processed only where the one before it ended, in the reading that is current;
        trouble in one partition stops no other.
    """

    def __init__(self, processor: Processor, describe: Describe) -> None:
        self._processor = processor
        self._describe = describe
        self._sources: dict[str, Source] = {}
        self._describing = asyncio.Lock()
        self._held: dict[TP, Holding] = {}
        self._reader: Reader
        self.broker_answers = True
        self.stopped: dict[TP, str] = {}

    async def take_over(self, tps: Collection[TP], consumer: Reader) -> Mapping[TP, int]:
        """Hold these and no others; the positions of those whose ledgers opened in time."""
        await self.release()
        self._reader = consumer
        self._sources.clear()
        self._held = {tp: Holding(tp) for tp in sorted(tps)}
        opening = [self._reopen(holding) for holding in self._held.values()]
        if opening:
            await asyncio.wait(opening, timeout=OPEN_SECONDS)
        return {tp: held.reading.position for tp, held in self._held.items() if held.reading is not None}

    async def release(self) -> None:
        """Let every batch that is being processed end, then give all partitions up."""
        held, self._held = self._held, {}
        self.stopped.clear()
        giving_up = [asyncio.ensure_future(self._give_up(holding)) for holding in held.values()]
        if giving_up:
            _, late = await asyncio.wait(giving_up, timeout=RELEASE_SECONDS)
            for task in late:
                insist(task)
            if late:
                log.error("%d partitions were given up in the middle of a batch", len(late))

    async def process(self, batch: Batch) -> None:
        """Process a batch of the reading that is current; what other readings gave is left out."""
        holding = self._held.get(batch.reading.tp)
        if holding is None:
            return
        async with holding.lock, self._guard(holding, batch.reading):
            if holding.reading is not batch.reading:
                return
            if batch.start != batch.reading.position:
                raise Reposition(batch.reading.position)
            if batch.error is not None:
                await self._fail(batch, batch.error)
            if batch.records:
                await self._processor.process(holding.tp, batch.records)
            holding.failures = 0
            batch.reading.position = batch.end
            self._reader.advance(batch.reading)

    async def tick(self) -> None:
        """Tell each partition that time has passed, unless the broker is away."""
        reading = {tp: held for tp, held in self._held.items() if held.reading is not None}
        if not reading:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                ends = await self._reader.ends(reading)
        except (KafkaError, TimeoutError) as error:
            self._broker_answers(False, error)
            return
        self._broker_answers(True)
        asked = asyncio.get_running_loop().time()
        for tp, held in reading.items():
            if held.ticking is None or held.ticking.done():
                held.ticking = asyncio.create_task(self._tick(held, ends[tp], asked))

    async def _tick(self, holding: Holding, end: int, asked: float) -> None:
        """`end` was the partition's end at `asked`, by the loop's clock: a batch may have kept us from saying so."""
        async with holding.lock, self._guard(holding, reading := holding.reading):
            if reading is None:
                return
            if _has_lost_a_batch(holding, reading):
                raise Reposition(reading.position)
            is_new = asyncio.get_running_loop().time() - asked < ANSWER_SECONDS
            await self._processor.tick(holding.tp, caught_up=is_new and reading.position >= end)

    @contextlib.asynccontextmanager
    async def _guard(self, holding: Holding, reading: Reading | None) -> AsyncIterator[None]:
        """What the processor raises decides how this partition goes on; nothing gets past."""
        try:
            yield
        except Reposition as moved:
            log.warning("%s/%d reads on from %d", *holding.tp, moved.position)
            await self._begin(holding, moved.position)
        except PartitionStopped as stop:
            await self._stop(holding, stop.reason)
        except Exception as error:
            if holding.reading is reading:
                _tell("failed; it is opened again", holding.tp, error)
                self._reopen(holding)

    def _reopen(self, holding: Holding) -> asyncio.Task[None]:
        self._reader.forget(holding.tp)
        holding.reading = None
        holding.opening = asyncio.create_task(self._open(holding))
        return holding.opening

    async def _open(self, holding: Holding) -> None:
        """Until the ledger is ours: Redis or the broker may be away."""
        while True:
            if holding.failures:
                await asyncio.sleep(min(2.0 ** (holding.failures - 1), MOST_PAUSE_SECONDS))
            holding.failures += 1
            try:
                async with holding.lock:
                    await self._close(holding)
                    source = await self._source(holding.tp.topic)
                    holding.is_open = True
                    position = await self._processor.open(holding.tp, source)
                    await self._begin(holding, position)
                return
            except PartitionStopped as stop:
                await self._stop(holding, stop.reason)
                return
            except Exception as error:
                _tell("cannot be opened yet", holding.tp, error)

    async def _begin(self, holding: Holding, position: int) -> None:
        """Read on from `position`; a partition that is no longer ours waits for the next assignment."""
        holding.reading = Reading(holding.tp, position)
        try:
            await self._reader.begin(holding.reading)
        except IllegalStateError:
            holding.reading = None

    async def _stop(self, holding: Holding, reason: str) -> None:
        holding.reading = None
        self.stopped[holding.tp] = reason
        log.critical("%s/%d is stopped: %s", *holding.tp, reason)
        await self._reader.pause(holding.tp)
        try:
            await self._processor.stopped(holding.tp, reason)
        except Exception:
            log.exception("%s/%d: its ledger does not say that it is stopped", *holding.tp)

    async def _give_up(self, holding: Holding) -> None:
        self._reader.forget(holding.tp)
        holding.reading = None
        for task in (holding.opening, holding.ticking):
            if task is not None:
                insist(task)
        async with holding.lock:
            await self._close(holding)

    async def _close(self, holding: Holding) -> None:
        if holding.is_open:
            holding.is_open = False
            try:
                await self._processor.close(holding.tp)
            except Exception:
                log.exception("%s/%d did not close", *holding.tp)

    async def _source(self, topic: str) -> Source:
        async with self._describing:
            if topic not in self._sources:
                self._sources.update(await self._describe({tp.topic for tp in self._held} | {topic}))
            return self._sources[topic]

    async def _fail(self, batch: Batch, error: Exception) -> NoReturn:
        """An offset outside the log is for a person to decide; other errors of fetching may pass."""
        tp, position = batch.reading.tp, batch.start
        if isinstance(error, OffsetOutOfRangeError):
            start, end = (await self._reader.starts([tp]))[tp], (await self._reader.ends([tp]))[tp]
            found = f"the ledger stands at offset {position}, but the partition holds {start} to {end}"
            if position < start:
                raise PartitionStopped(
                    f"{found}: Kafka has deleted records that were never read. {way_out(*tp)}"
                )
            if position > end:
                raise PartitionStopped(
                    f"{found}: its log was cut or made anew, or this ledger is another topic's. {way_out(*tp)}"
                )
        raise error

    def _broker_answers(self, answers: bool, error: BaseException | None = None) -> None:
        if answers != self.broker_answers:
            log.warning("Kafka %s", "answers again" if answers else f"does not answer: {error!r}")
        self.broker_answers = answers


def _has_lost_a_batch(holding: Holding, reading: Reading) -> bool:
    """Whether a batch that was taken from the broker has not got here for long; a busy worker may let one wait."""
    now = asyncio.get_running_loop().time()
    if reading.taken <= reading.done:
        holding.waits = None
    elif holding.waits is None or holding.waits[:2] != (reading, reading.done):
        holding.waits = reading, reading.done, now
    return holding.waits is not None and now - holding.waits[2] >= LOST_SECONDS


def _tell(what: str, tp: TP, error: Exception) -> None:
    """In a line; a bug with the place where it happened."""
    is_bug = not isinstance(error, TROUBLE)
    log.log(
        logging.ERROR if is_bug else logging.WARNING,
        "%s/%d %s: %s: %s",
        *(*tp, what, type(error).__name__, error),
        exc_info=error if is_bug else None,
    )
