"""The seam between Faust and the ledgers: a Faust message is a batch of one partition's records.

Faust keeps the worker, the consumer group and the agents. From which offset is read comes from the ledgers,
and a `Reading` proves that nothing is left out: Faust's own offsets, gaps, buffers and its loop over single
records are not used, because a rebalance can make it drop what it has fetched without seeking back.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import version
from typing import ClassVar, Protocol, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import ConsumerStoppedError
from faust.exceptions import ImproperlyConfigured
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from faust.types.transports import ConsumerT
from mode import ServiceT

from streams.runtime.reading import Batch, ConsumerThread, Reading

FAUST_VERSION = "0.15.3"


class Positions(Protocol):
    """Who knows from where each partition is read: the attribute `holdings` of the app."""

    async def take_over(self, tps: Collection[TP], consumer: "Consumer") -> Mapping[TP, int]:
        """These partitions are ours now, and no others: begin to read them, and say from where."""
        ...

    async def release(self) -> None:
        """Nothing is ours any more: finish what is being processed, give everything up."""
        ...


class Consumer(driver.Consumer):
    """Faust's consumer without its bookkeeping of offsets.

    Invariants:
        a batch that was taken reaches its agent, or another reading begins where it was lost.
    """

    _thread: ConsumerThread
    _subscribed = False

    @property
    def positions(self) -> Positions:
        return cast("Positions", self.app.holdings)  # type: ignore[attr-defined]  # our App has it

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Once: Faust repeats it 45 s after a rebalance, without the topics it then has no partition of."""
        if not self._subscribed:
            self._subscribed = True
            await super().subscribe(topics)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """The one place where an assignment's positions can be set: what is sought earlier, Faust undoes."""
        return await self.positions.take_over(self.assignment(), self)

    async def wait_empty(self) -> None:
        """Partitions are taken away, or the worker stops: end what is in hand (Faust would wait for ever)."""
        await self.positions.release()
        await self.commit_and_end_transactions()

    async def _drain_messages(self, fetcher: ServiceT) -> None:
        """Hand batches to the agents until we stop; those of an abandoned reading are left out."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                for batch in await self._thread.run(self._thread.take()):
                    if self._thread.readings.get(batch.reading.tp) is batch.reading:
                        await self.callback(self._to_message(batch.reading.tp, batch))
        except (asyncio.CancelledError, ConsumerStoppedError):
            if not self.app.should_stop:
                raise

    def _to_message(self, tp: TP, record: Batch) -> ConsumerMessage:
        """The batch is the value, its last offset the message's."""
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record.end - 1,
            timestamp=0.0,
            timestamp_type=0,
            headers=None,
            key=None,
            value=record,  # type: ignore[arg-type]  # Faust says bytes; our schema takes it as it is
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    def _new_offset(self, tp: TP) -> int | None:
        """Holes in the offsets are legal, so the highest that is done counts (for lag tools only)."""
        acked = self._acked.pop(tp, None)
        self._acked_index.pop(tp, None)
        return max(acked) + 1 if acked else None

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Ticks show what stands still; Faust's check fails on partitions just stopped or revoked."""

    async def begin(self, reading: Reading) -> None:
        """Read a partition from `reading.position` on; IllegalStateError if it is no longer ours."""
        await self._thread.run(self._thread.begin(reading))

    def advance(self, reading: Reading) -> None:
        """A batch is done with: the next one may be taken."""
        reading.done += 1
        self._thread.wake()

    def forget(self, tp: TP) -> None:
        """Take nothing more of a partition until another reading begins."""
        self._thread.readings.pop(tp, None)

    async def pause(self, tp: TP) -> None:
        """Take and fetch nothing more of a partition as long as this assignment lasts."""
        self.forget(tp)
        await self._thread.run(self._thread.pause(tp))

    async def starts(self, tps: Collection[TP]) -> dict[TP, int]:
        """The first offset that the broker still has of each; KafkaError, or waits while it is away."""
        found = await self._thread.run(self._kafka.beginning_offsets(tps))
        return {TP(*tp): offset for tp, offset in found.items()}

    async def ends(self, tps: Collection[TP]) -> dict[TP, int]:
        """The last stable offset of each, asked now; KafkaError, or waits while the broker is away."""
        found = await self._thread.run(self._kafka.end_offsets(tps))
        return {TP(*tp): offset for tp, offset in found.items()}

    @property
    def _kafka(self) -> AIOKafkaConsumer:
        return self._thread._ensure_consumer()


class Transport(driver.Transport):
    """Faust's transport for broker URLs that begin with `loanpulse://`."""

    Consumer: ClassVar[type[ConsumerT]] = Consumer
    driver_version = f"loanpulse on {driver.Transport.driver_version}"

    def create_consumer(self, *args: object, **options: object) -> ConsumerT:
        check_version(version("faust-streaming"))
        return super().create_consumer(*args, **options)  # type: ignore[arg-type]


def check_version(installed: str) -> None:
    """Refuse a Faust whose private methods may be others than those that are overridden here."""
    if installed != FAUST_VERSION:
        raise ImproperlyConfigured(
            f"faust-streaming {installed} is installed, but this transport is written for {FAUST_VERSION}: "
            f"pip install faust-streaming=={FAUST_VERSION}"
        )
