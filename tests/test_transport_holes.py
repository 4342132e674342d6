"""Offsets without a visible record: commit markers, aborted and open transactions, also at the end of the log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from loanpulse.lab.kafka_server import Kafka
from tests.transport_lab import Bench, SqliteProcessor, producing, until, working

pytestmark = pytest.mark.servers


@pytest.fixture
def bench(kafka: Kafka, namespace: str, tmp_path: Path) -> Bench:
    return Bench(kafka.bootstrap, namespace, tmp_path)


@contextlib.asynccontextmanager
async def transactional(bench: Bench) -> AsyncIterator[AIOKafkaProducer]:
    async with producing(bench.bootstrap, transactional_id=bench.settings.namespace) as producer:
        yield producer


async def send(bench: Bench, producer: AIOKafkaProducer, count: int) -> None:
    for n in range(count):
        await producer.send_and_wait(bench.tp.topic, b"%d" % n, partition=bench.tp.partition)


async def transaction(bench: Bench, producer: AIOKafkaProducer, count: int, *, abort: bool = False) -> None:
    """`count` records and a marker after them."""
    await producer.begin_transaction()
    await send(bench, producer, count)
    await (producer.abort_transaction() if abort else producer.commit_transaction())


async def everything_is_done(bench: Bench, processor: SqliteProcessor, offsets: list[int]) -> None:
    """A tick that comes after all this was written finds the partition caught up."""
    await until(lambda: processor.offsets(bench.tp) == offsets)
    processor.ticks.clear()
    await until(lambda: processor.caught_up(bench.tp))


@pytest.mark.parametrize("aborted", [0, 3])
def test_a_log_that_ends_with_a_marker_can_be_caught_up_with(bench: Bench, aborted: int) -> None:
    async def scenario() -> None:
        processor = bench.processor()
        async with working(bench.settings, processor), transactional(bench) as producer:
            await transaction(bench, producer, 4)
            if aborted:
                await transaction(bench, producer, aborted, abort=True)
            await everything_is_done(bench, processor, [0, 1, 2, 3])
            await transaction(bench, producer, 1)
            after = 5 + (aborted + 1 if aborted else 0)
            await everything_is_done(bench, processor, [0, 1, 2, 3, after])

    asyncio.run(scenario())


def test_a_log_of_nothing_but_holes_can_be_caught_up_with(bench: Bench) -> None:
    async def scenario() -> None:
        processor = bench.processor()
        async with transactional(bench) as producer:
            await transaction(bench, producer, 3, abort=True)
            async with working(bench.settings, processor):
                await everything_is_done(bench, processor, [])

    asyncio.run(scenario())


def test_a_worker_restarts_behind_a_marker(bench: Bench) -> None:
    """Its ledger stands at the marker itself: the offset after the last record."""

    async def scenario() -> None:
        async with transactional(bench) as producer:
            await transaction(bench, producer, 2)
            first = bench.processor()
            async with working(bench.settings, first):
                await everything_is_done(bench, first, [0, 1])
            await transaction(bench, producer, 2)
            second = bench.processor()
            async with working(bench.settings, second):
                await everything_is_done(bench, second, [0, 1, 3, 4])

    asyncio.run(scenario())


def test_an_open_transaction_is_not_read_and_not_waited_for(bench: Bench) -> None:
    async def scenario() -> None:
        processor = bench.processor()
        async with working(bench.settings, processor), transactional(bench) as producer:
            await producer.begin_transaction()
            await send(bench, producer, 3)
            await everything_is_done(bench, processor, [])
            await producer.commit_transaction()
            await everything_is_done(bench, processor, [0, 1, 2])

    asyncio.run(scenario())


def test_a_topic_without_records_is_caught_up_with(bench: Bench) -> None:
    async def scenario() -> None:
        processor = bench.processor()
        async with working(bench.settings, processor):
            for tp in bench.tps:
                await until(lambda tp=tp: processor.caught_up(tp))  # type: ignore[misc]  # bound now

    asyncio.run(scenario())
