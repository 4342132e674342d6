"""Each method of Faust that the transport overrides does, against a real broker, what it is overridden for."""

import asyncio
import inspect
from pathlib import Path
from typing import cast

import pytest
from aiokafka.consumer.fetcher import FetchError
from aiokafka.errors import IllegalStateError
from faust.exceptions import ImproperlyConfigured
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from kafka import KafkaAdminClient

from loanpulse.lab.kafka_server import Kafka
from streams.runtime import reading, transport
from streams.runtime.app import WorkerApp
from streams.runtime.reading import Batch, Reading
from tests.transport_lab import Bench, until, working

pytestmark = pytest.mark.servers

CONTRACTS = {
    "ConsumerThread.__post_init__": "test_a_partition_without_a_reading_gives_nothing",
    "ConsumerThread._create_worker_consumer": "test_the_consumer_is_made_as_the_settings_say",
    "ConsumerThread.commit": "test_a_commit_that_fails_does_no_harm",
    "Consumer._new_consumer_thread": "test_a_partition_without_a_reading_gives_nothing",
    "Consumer.subscribe": "test_a_second_subscription_changes_nothing",
    "Consumer.seek_to_committed": "test_an_assignment_is_read_from_its_ledgers",
    "Consumer.wait_empty": "test_wait_empty_ends_what_is_in_hand_and_gives_all_up",
    "Consumer._drain_messages": "test_a_batch_that_faust_loses_is_read_again",
    "Consumer._to_message": "test_a_message_is_a_batch_and_its_offset_the_last",
    "Consumer._new_offset": "test_kafka_is_told_how_far_we_are",
    "Consumer.verify_event_path": "test_the_event_path_of_a_revoked_partition_is_no_error",
    "Transport.create_consumer": "test_another_faust_is_refused",
}


@pytest.fixture
def bench(kafka: Kafka, namespace: str, tmp_path: Path) -> Bench:
    return Bench(kafka.bootstrap, namespace, tmp_path)


def consumer_of(app: WorkerApp) -> transport.Consumer:
    assert isinstance(app.consumer, transport.Consumer)
    return app.consumer


def overridden(module: object, base: type) -> set[str]:
    """`Class.method` of each function of `module`'s subclass of `base` that `base` has too."""
    return {
        f"{cls.__name__}.{name}"
        for cls in vars(module).values()
        if inspect.isclass(cls) and issubclass(cls, base) and cls.__module__ == module.__name__  # type: ignore[attr-defined]
        for name, member in vars(cls).items()
        if inspect.isfunction(member) and hasattr(base, name)
    }


def test_every_overridden_method_has_a_contract() -> None:
    found = overridden(reading, driver.AIOKafkaConsumerThread)
    found |= overridden(transport, driver.Consumer) | overridden(transport, driver.Transport)
    assert found == CONTRACTS.keys()
    assert all(inspect.isfunction(globals().get(name)) for name in CONTRACTS.values())


def test_an_assignment_is_read_from_its_ledgers(bench: Bench) -> None:
    """Offset 0 for a ledger that is new, the stored one for one that is not; a seek by Faust undoes neither."""
    begun = bench.tps[1]

    async def scenario() -> None:
        processor = bench.processor()
        processor.place(begun, 7)
        await bench.produce(10)
        await bench.produce(10, begun)
        async with working(bench.settings, processor) as app:
            await until(lambda: processor.total() == 13)
            assert await consumer_of(app).starts([begun]) == {begun: 0}
        assert processor.offsets(bench.tp) == list(range(10))
        assert processor.offsets(begun) == [7, 8, 9]

    asyncio.run(scenario())


def test_a_partition_without_a_reading_gives_nothing(bench: Bench) -> None:
    async def scenario() -> None:
        processor = bench.processor()
        async with working(bench.settings, processor) as app:
            await until(lambda: processor.caught_up(bench.tp))
            consumer = consumer_of(app)
            consumer.forget(bench.tp)
            await bench.produce(5)
            await bench.produce(5, bench.tps[1])
            await until(lambda: len(processor.offsets(bench.tps[1])) == 5)
            assert processor.offsets(bench.tp) == []
            await app.holdings.take_over(consumer.assignment(), consumer)
            await until(lambda: len(processor.offsets(bench.tp)) == 5)

    asyncio.run(scenario())


def test_the_consumer_is_made_as_the_settings_say(bench: Bench) -> None:
    """The broker knows the worker by its lasting name; the rest is what aiokafka holds."""
    settings = bench.settings.model_copy(update={"worker_id": "worker-7", "session_timeout_seconds": 9})

    async def scenario() -> None:
        processor = bench.processor()
        async with working(settings, processor) as app:
            await until(lambda: processor.caught_up(bench.tp))
            made = consumer_of(app)._thread._consumer
            assert made is not None
            assert made._coordinator._session_timeout_ms == 9_000
            assert (made._isolation_level, made._auto_offset_reset) == ("read_committed", "none")
            assert made._enable_auto_commit is False
            assert made._max_partition_fetch_bytes == reading.FETCH_BYTES
            group = await asyncio.to_thread(described_group, settings.kafka, settings.namespace)
            assert [member["group_instance_id"] for member in group["members"]] == ["worker-7"]

    asyncio.run(scenario())


def described_group(bootstrap: str | None, group: str) -> dict[str, list[dict[str, str]]]:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        found: dict[str, list[dict[str, str]]] = admin.describe_groups([group])[group]
    finally:
        admin.close()
    return found


def committed(bench: Bench) -> int | None:
    """What a lag tool sees."""
    admin = KafkaAdminClient(bootstrap_servers=bench.bootstrap)
    try:
        offsets = admin.list_group_offsets(bench.settings.namespace)[bench.settings.namespace]
    finally:
        admin.close()
    return next((found.offset for tp, found in offsets.items() if tuple(tp) == bench.tp), None)


def test_kafka_is_told_how_far_we_are(bench: Bench) -> None:
    """Also where there are gaps: a ledger that begins at 3 has never seen 0 to 2."""

    async def scenario() -> None:
        processor = bench.processor()
        processor.place(bench.tp, 3)
        await bench.produce(10)
        async with working(bench.settings, processor) as app:
            await until(lambda: processor.total() == 7)
            await until(lambda: bool(consumer_of(app)._acked.get(bench.tp)))
            assert await app.commit(None)  # type: ignore[arg-type]  # None means all topics
            assert await asyncio.to_thread(committed, bench) == 10
            assert consumer_of(app)._new_offset(bench.tp) is None

    asyncio.run(scenario())


def test_a_commit_that_fails_does_no_harm(bench: Bench) -> None:
    async def scenario() -> None:
        processor = bench.processor()
        async with working(bench.settings, processor) as app:
            await until(lambda: processor.caught_up(bench.tp))
            assert not await consumer_of(app)._thread.commit({TP("not-ours", 0): 5})
            await bench.produce(5)
            await until(lambda: processor.total() == 5)

    asyncio.run(scenario())


def test_a_second_subscription_changes_nothing(bench: Bench) -> None:
    """Faust subscribes anew 45 s after an agent's stream ended: a rebalance, maybe without that agent's topic."""

    async def scenario() -> None:
        processor = bench.processor()
        async with working(bench.settings, processor) as app:
            await until(lambda: processor.caught_up(bench.tp))
            generation = app.consumer_generation_id
            await consumer_of(app).subscribe([bench.tp.topic])
            await bench.produce(5, bench.tps[1])
            await until(lambda: processor.total() == 5)
            made = consumer_of(app)._thread._consumer
            assert made is not None
            assert made.subscription() == {tp.topic for tp in bench.tps}
            assert app.consumer_generation_id == generation

    asyncio.run(scenario())


def test_an_error_of_the_last_reading_does_not_end_the_next(bench: Bench) -> None:
    async def scenario() -> None:
        processor = bench.processor()
        await bench.produce(5)
        async with working(bench.settings, processor) as app:
            await until(lambda: processor.caught_up(bench.tp) and processor.total() == 5)
            consumer = consumer_of(app)
            made = consumer._thread._consumer
            assert made is not None
            consumer.forget(bench.tp)
            consumer._thread.seek(bench.tp, 99)
            await until(lambda: type(made._fetcher._records.get(bench.tp)) is FetchError)
            await app.holdings.take_over(consumer.assignment(), consumer)
            await bench.produce(5)
            await until(lambda: processor.total() == 10)
            assert processor.opened.count(bench.tp) == 2

    asyncio.run(scenario())


def test_wait_empty_ends_what_is_in_hand_and_gives_all_up(bench: Bench) -> None:
    async def scenario() -> None:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def before(tp: TP, records: object) -> None:
            entered.set()
            await leave.wait()

        processor = bench.processor(before)
        await bench.produce(10)
        async with working(bench.settings, processor) as app:
            await entered.wait()
            waiting = asyncio.create_task(consumer_of(app).wait_empty())
            await until(lambda: len(processor.closed) == 2)
            assert not waiting.done()
            leave.set()
            await waiting
            assert processor.offsets(bench.tp) == list(range(10))
            assert sorted(processor.closed) == sorted(bench.tps)

    asyncio.run(scenario())


@pytest.mark.parametrize("followed", [True, False])
def test_a_batch_that_faust_loses_is_read_again(bench: Bench, followed: bool) -> None:
    """The batch that follows does not fit; if none does, the next ticks find that one is missing."""
    offsets = list(range(20 if followed else 10))

    async def scenario() -> None:
        processor = bench.processor()
        async with working(bench.settings, processor) as app:
            await until(lambda: processor.caught_up(bench.tp))
            consumer = consumer_of(app)
            deliver, lost = consumer.callback, asyncio.Event()

            async def lose_one(message: ConsumerMessage) -> None:
                if lost.is_set():
                    await deliver(message)
                lost.set()

            consumer.callback = lose_one  # type: ignore[assignment]  # what a rebalance makes Faust do
            await bench.produce(10)
            await lost.wait()
            await bench.produce(len(offsets) - 10)
            await until(lambda: processor.offsets(bench.tp) == offsets)

    asyncio.run(scenario())


def test_a_message_is_a_batch_and_its_offset_the_last(bench: Bench) -> None:
    async def scenario() -> None:
        processor = bench.processor()
        async with working(bench.settings, processor) as app:
            consumer = consumer_of(app)
            messages: list[ConsumerMessage] = []
            deliver = consumer.callback

            async def note(message: ConsumerMessage) -> None:
                messages.append(message)
                await deliver(message)

            consumer.callback = note  # type: ignore[assignment]  # looks on
            await until(lambda: processor.caught_up(bench.tp))
            await bench.produce(10)
            await until(lambda: processor.total() == 10)
            batches = [cast("Batch", message.value) for message in messages]
            assert all(isinstance(batch, Batch) for batch in batches)
            assert [message.offset for message in messages] == [batch.end - 1 for batch in batches]
            assert sum(len(batch.records) for batch in batches) == 10

    asyncio.run(scenario())


def test_the_event_path_of_a_revoked_partition_is_no_error(bench: Bench) -> None:
    async def scenario() -> None:
        async with working(bench.settings, bench.processor()) as app:
            consumer_of(app).verify_event_path(0.0, TP("revoked", 0))
            with pytest.raises(IllegalStateError):
                await consumer_of(app).begin(Reading(TP("revoked", 0), 0))

    asyncio.run(scenario())


@pytest.mark.parametrize("installed", ["0.15.2", "0.16.0"])
def test_another_faust_is_refused(installed: str) -> None:
    transport.check_version(transport.FAUST_VERSION)
    with pytest.raises(ImproperlyConfigured, match=rf"{installed} is installed.*pip install .*==0\.15\.3"):
        transport.check_version(installed)
