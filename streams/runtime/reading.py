"""The thread that talks to the broker, and what it reads: one partition from one offset on is a `Reading`."""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import Any, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import FetchError
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

BATCH_RECORDS = 2_000
BATCHES_AHEAD = 2  # of one partition: one is processed while the next waits
FETCH_BYTES = 1 << 20  # of one partition at once, as stored (compressed); a larger record comes alone
FETCH_WAIT_MS = 500  # how long the broker may hold an answer back when there is nothing new
POLL_SECONDS = 1.0
COMMIT_SECONDS = 2.0
METADATA_MS = 5_000  # a topic deleted and made anew is noticed within this, not after five minutes

T = TypeVar("T")


class Reading:
    """One unbroken reading of a partition from an offset on; to seek is to begin another one.

    `position`: everything before it is processed. Batches taken from the fetcher, and those done with: the
    first is counted in the consumer's thread, the second in the main one.
    """

    __slots__ = ("done", "position", "taken", "tp")

    def __init__(self, tp: TP, position: int) -> None:
        self.tp = tp
        self.position = position
        self.taken = self.done = 0


class Batch(NamedTuple):
    """What a reading gave next: the records in [start, end), none where there are only holes; or an error."""

    reading: Reading
    start: int
    end: int
    records: list[ConsumerRecord]
    error: KafkaError | None = None


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Fetches for Faust's consumer; a partition without a `Reading` gives nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.readings: dict[TP, Reading] = {}
        self._waiter: asyncio.Future[None] | None = None

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run in this thread's loop, beside what runs there (two calls in Faust's queue block all others)."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.thread_loop))

    def wake(self) -> None:
        """Let `take` look again; from any thread."""
        self.thread_loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        conf = self.app.conf
        return AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            metadata_max_age_ms=METADATA_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    async def begin(self, reading: Reading) -> None:
        """Seek and read on from there; IllegalStateError if the partition is no longer ours."""
        consumer = self._ensure_consumer()
        consumer.seek(reading.tp, reading.position)
        consumer._fetcher._records.pop(reading.tp, None)  # an error of the last reading would end this one
        self.readings[reading.tp] = reading
        self._wake()

    async def pause(self, tp: TP) -> None:
        """Fetch nothing more of a partition as long as this assignment lasts."""
        with contextlib.suppress(IllegalStateError):
            self._ensure_consumer().pause(TopicPartition(*tp))

    async def take(self) -> list[Batch]:
        """The next batch of each partition that has one and may go on; waits up to a second if none has."""
        consumer = self._ensure_consumer()
        if consumer._closed:
            raise ConsumerStoppedError
        self._rejoin_after_errors(consumer)
        with consumer._subscription.fetch_context():
            batches = self._drain_all(consumer)
            if not batches:
                self._waiter = consumer._fetcher._create_fetch_waiter()
                await asyncio.wait([self._waiter], timeout=POLL_SECONDS)
                self._waiter.cancel()
                batches = self._drain_all(consumer)
        return batches

    def _rejoin_after_errors(self, consumer: AIOKafkaConsumer) -> None:
        """aiokafka stays out of the group until its error is fetched, which Faust never does: it hangs."""
        try:
            consumer._coordinator.check_errors()
        except KafkaError:
            if consumer._coordinator._coordination_task.done():
                raise
            self.log.exception("The group's coordinator refused; joining again")

    def _drain_all(self, consumer: AIOKafkaConsumer) -> list[Batch]:
        drained = (self._drain(reading, consumer._fetcher) for reading in tuple(self.readings.values()))
        return [batch for batch in drained if batch is not None]

    def _drain(self, reading: Reading, fetcher: Any) -> Batch | None:
        """Awaits nothing: no seek and no rebalance can come between an offset and its records."""
        fetched = fetcher._records.get(reading.tp)
        if fetched is None or reading.taken - reading.done >= BATCHES_AHEAD:
            return None
        state = fetcher._subscriptions.subscription.assignment.state_value(reading.tp)
        if state is None or not state.has_valid_position:
            return None
        start, records, error = state.position, [], None
        try:
            records = fetched.check_raise() if type(fetched) is FetchError else fetched.getall(BATCH_RECORDS)
        except KafkaError as raised:
            error = raised
        if error or not fetched.has_more():
            del fetcher._records[reading.tp]
            fetcher._notify(fetcher._wait_consume_future)
        if state.position == start and not error:
            return None
        reading.taken += 1
        return Batch(reading, start, state.position, records, error)

    async def commit(self, offsets: Mapping[TP, int]) -> bool:
        """Tell Kafka how far we are, for tools that show lag: where we read on is not taken from there."""
        named = {driver.ensure_aiokafka_TP(tp): offset for tp, offset in offsets.items()}
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self.run(self._ensure_consumer().commit(named))
        except (KafkaError, TimeoutError) as error:
            self.log.info("Lag tools will see an old position: %r", error)
            return False
        return True
