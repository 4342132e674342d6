"""What goes wrong in one partition is answered there, and the others go on."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord
from faust.types import TP
from kafka import KafkaAdminClient, TopicPartition

from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.topics import create_topics, delete_topics
from streams.runtime.ledger_values import Source
from streams.runtime.processor import PartitionStopped
from streams.runtime.reading import BATCH_RECORDS, BATCHES_AHEAD
from streams.runtime.source import UnknownTopicError, describe
from tests.transport_lab import Bench, Hook, SqliteProcessor, until, working

pytestmark = pytest.mark.servers


@pytest.fixture
def bench(kafka: Kafka, namespace: str, tmp_path: Path) -> Bench:
    return Bench(kafka.bootstrap, namespace, tmp_path)


def raising(error: Exception, tp: TP, times: int) -> Hook:
    """A hook that raises for one partition, so many times."""
    left = [error] * times

    async def before(at: TP, records: Sequence[ConsumerRecord]) -> None:
        if at == tp and left:
            raise left.pop()

    return before


def test_a_stopped_partition_stays_stopped_and_the_others_go_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    stopped, other = bench.tps[:2]

    async def scenario() -> None:
        processor = bench.processor(raising(PartitionStopped("too many rejects"), stopped, 99))
        async with working(bench.settings, processor) as app:
            await bench.produce(5, stopped)
            await until(lambda: stopped in app.holdings.stopped)
            processor.ticks.clear()
            await bench.produce(5, stopped)
            await bench.produce(5, other)
            await until(lambda: len(processor.offsets(other)) == 5 and processor.caught_up(other))
            assert processor.offsets(stopped) == []
            assert stopped not in {tp for tp, _ in processor.ticks}
            assert app.holdings.stopped == processor.told == {stopped: "too many rejects"}
            thread = app.consumer._thread  # type: ignore[attr-defined]  # ours
            assert stopped in thread._consumer.paused()

    asyncio.run(scenario())
    assert f"{stopped.topic}/{stopped.partition} is stopped: too many rejects" in caplog.text


def test_a_partition_that_cannot_be_opened_for_good_is_stopped(bench: Bench) -> None:
    class Refusing(SqliteProcessor):
        async def open(self, tp: TP, source: Source) -> int:
            if tp == bench.tp:
                raise PartitionStopped("another topic")
            return await super().open(tp, source)

    async def scenario() -> None:
        processor = Refusing(bench.path)
        await bench.produce(5)
        await bench.produce(5, bench.tps[1])
        async with working(bench.settings, processor) as app:
            await until(lambda: len(processor.offsets(bench.tps[1])) == 5)
            await until(lambda: bench.tp in processor.told)
            assert app.holdings.stopped == processor.told == {bench.tp: "another topic"}
            assert processor.offsets(bench.tp) == []

    asyncio.run(scenario())


def test_a_position_past_the_end_stops_the_partition(bench: Bench) -> None:
    async def scenario() -> None:
        processor = bench.processor()
        processor.place(bench.tp, 99)
        await bench.produce(5)
        async with working(bench.settings, processor) as app:
            await until(lambda: bench.tp in app.holdings.stopped)
            assert "stands at offset 99, but the partition holds 0 to 5" in app.holdings.stopped[bench.tp]
            await until(lambda: processor.told == app.holdings.stopped)
            await until(lambda: processor.caught_up(bench.tps[1]))

    asyncio.run(scenario())


def test_a_position_that_kafka_has_deleted_stops_the_partition(bench: Bench) -> None:
    async def scenario() -> None:
        processor = bench.processor()
        await bench.produce(9)
        await asyncio.to_thread(delete_records, bench, 4)
        async with working(bench.settings, processor) as app:
            await until(lambda: bench.tp in app.holdings.stopped)
            reason = app.holdings.stopped[bench.tp]
            assert "stands at offset 0, but the partition holds 4 to 9: Kafka has deleted" in reason

    asyncio.run(scenario())


def delete_records(bench: Bench, before: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bench.bootstrap)
    admin.delete_records({TopicPartition(*bench.tp): before})
    admin.close()


def test_trouble_that_passes_costs_no_record(bench: Bench) -> None:
    """Redis is away for some seconds: the partition is closed and opened again until it works."""

    async def scenario() -> None:
        processor = bench.processor(raising(ConnectionError("no Redis"), bench.tp, 2))
        await bench.produce(5)
        async with working(bench.settings, processor) as app:
            await until(lambda: processor.offsets(bench.tp) == list(range(5)))
            assert processor.opened.count(bench.tp) == 3
            assert processor.closed.count(bench.tp) == 2
            assert app.holdings.stopped == {}

    asyncio.run(scenario())


def test_a_ledger_that_is_away_at_first_is_opened_later(bench: Bench) -> None:
    class Late(SqliteProcessor):
        async def open(self, tp: TP, source: Source) -> int:
            position = await super().open(tp, source)
            if self.opened.count(tp) < 3:
                raise ConnectionError("no Redis")
            return position

    async def scenario() -> None:
        processor = Late(bench.path)
        await bench.produce(5)
        async with working(bench.settings, processor):
            await until(lambda: processor.offsets(bench.tp) == list(range(5)))

    asyncio.run(scenario())


@pytest.mark.parametrize("moved_to", [0, 12])
def test_a_fenced_worker_reads_on_where_the_ledger_stands(bench: Bench, moved_to: int) -> None:
    """Back (a backup was restored) or ahead (another worker went on)."""

    async def scenario() -> None:
        processor = bench.processor()
        await bench.produce(10)
        async with working(bench.settings, processor):
            await until(lambda: processor.total() == 10)
            processor.clear()
            processor.place(bench.tp, moved_to)
            await bench.produce(10)
            await until(lambda: processor.offsets(bench.tp) == list(range(moved_to, 20)))
            await until(lambda: processor.caught_up(bench.tp))

    asyncio.run(scenario())


def test_a_slow_partition_holds_up_no_other_and_little_memory(bench: Bench) -> None:
    slow, other = bench.tps[:2]

    async def scenario() -> None:
        leave = asyncio.Event()

        async def before(tp: TP, records: Sequence[ConsumerRecord]) -> None:
            if tp == slow:
                await leave.wait()

        processor = bench.processor(before)
        await bench.produce(5 * BATCH_RECORDS, slow)
        async with working(bench.settings, processor) as app:
            readings = app.consumer._thread.readings  # type: ignore[attr-defined]  # ours
            await until(lambda: slow in readings and readings[slow].taken == BATCHES_AHEAD)
            await bench.produce(3 * BATCH_RECORDS, other)
            await until(lambda: len(processor.offsets(other)) == 3 * BATCH_RECORDS)
            assert readings[slow].taken == BATCHES_AHEAD
            assert readings[slow].done == 0
            leave.set()
            await until(lambda: len(processor.offsets(slow)) == 5 * BATCH_RECORDS)
        assert max(processor.batches) == BATCH_RECORDS

    asyncio.run(scenario())


def test_a_topic_made_anew_is_another_source(bench: Bench) -> None:
    topic = bench.tp.topic
    before = describe(bench.bootstrap, [topic])[topic]
    assert before.partitions == bench.partitions
    delete_topics(bench.bootstrap, [topic])
    with pytest.raises(UnknownTopicError, match=topic):
        describe(bench.bootstrap, [topic])
    create_topics(bench.bootstrap, {topic: 2})
    after = describe(bench.bootstrap, [topic])[topic]
    assert after.cluster_id == before.cluster_id
    assert after.topic_id != before.topic_id
    assert after.partitions == 2


def test_the_source_is_handed_to_the_processor(bench: Bench) -> None:
    async def scenario() -> None:
        processor = bench.processor()
        async with working(bench.settings, processor):
            await until(lambda: processor.caught_up(bench.tp))
        topics = {tp.topic for tp in bench.tps}
        described = await asyncio.to_thread(describe, bench.bootstrap, topics)
        assert processor.sources == {tp: described[tp.topic] for tp in bench.tps}

    asyncio.run(scenario())
