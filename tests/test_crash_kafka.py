"""Kafka killed, transactions aborted, a topic made anew: what is counted is what the log holds for good."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import redis
from aiokafka import AIOKafkaProducer
from msgspec.structs import astuple

from loanpulse.intake.sources import Raw
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.topics import create_topics, delete_topics
from streams.runtime.settings import environ_of
from tests.crash_lab import Place, Stage, rows_of, stage
from tests.crash_story import nasty_story
from tests.nasty_boards import assert_equal

pytestmark = [pytest.mark.servers, pytest.mark.slow]

DAY_MS = 86_400_000


def test_a_worker_goes_on_by_itself_when_a_killed_kafka_is_back(
    own_kafka: Callable[..., Kafka], redis_url: str, tmp_path: Path
) -> None:
    server, story = own_kafka(), nasty_story(10, 250)
    half = len(story.records) // 2
    with stage(server.bootstrap, redis_url, story, tmp_path) as on, on.worker():
        on.produce(story.records[:half])
        on.await_counted(half // 2)
        server.kill()
        server.restart()
        on.produce(story.records[half:])
        on.assert_exact()


def test_aborted_transactions_are_not_counted_and_markers_not_missed(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    story, lies, rng = nasty_story(7, 250), nasty_story(77, 250).records, random.Random(7)

    async def tell(on: Stage, records: list[Raw]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=on.settings.namespace)
        async with producer:
            while records:
                size = rng.randint(1, 120)
                await _transact(on, producer, records[:size], commit=True)
                await _transact(on, producer, rng.sample(lies, rng.randint(0, 40)), commit=False)
                records = records[size:]

    with stage(kafka.bootstrap, redis_url, story, tmp_path) as on:
        half = len(story.records) // 2
        with on.worker():
            asyncio.run(tell(on, story.records[:half]))
            on.await_counted(half // 2)
        with on.worker():
            asyncio.run(tell(on, story.records[half:]))
            on.assert_exact()


async def _transact(on: Stage, producer: AIOKafkaProducer, records: Iterable[Raw], *, commit: bool) -> None:
    await producer.begin_transaction()
    for raw in records:
        topic, at = on.settings.topic(raw.topic), on.story.as_of_ms
        await producer.send(topic, raw.value, raw.key, timestamp_ms=at)
        on.produced += commit
    await producer.flush()
    await (producer.commit_transaction() if commit else producer.abort_transaction())


@pytest.mark.parametrize("worker_runs_on", [True, False])
def test_a_topic_made_anew_stops_its_partitions_until_a_person_accepts_the_gap(
    kafka: Kafka, redis_url: str, tmp_path: Path, worker_runs_on: bool
) -> None:
    """The records of the new topic lie where those of the old one lay, and beyond; the first of them is two days old."""
    story = nasty_story(9, 300)
    gap_from, gap_to = story.as_of_ms - 3 * DAY_MS, story.as_of_ms - 2 * DAY_MS
    third = len(story.records) // 3
    with stage(kafka.bootstrap, redis_url, story, tmp_path) as on:
        stopped = [on.place_of("customer-interactions", part) for part in range(2)]
        topic = stopped[0][0]
        before, after, others = divide(story.records, "customer-interactions", third)
        with on.worker() as first:
            on.produce(before)
            on.settle()
            if not worker_runs_on:
                first.kill()
            then = {place: on.heads()[place].position for place in stopped}
            delete_topics(kafka.bootstrap, [topic])
            create_topics(kafka.bootstrap, {topic: 2})
            on.produce((record for record in after if is_before(gap_to, record)), gap_to)
            on.produce(record for record in after if not is_before(gap_to, record))
            on.produce(others)
            worker = first if worker_runs_on else on.worker()
            on.await_that(lambda: all(worker.says(f"{place[0]}/{place[1]} is stopped") for place in stopped))
            on.await_counted(on.produced - len(after))
            assert "loanpulse ledger accept-gap" in worker.text
            assert {place: on.heads()[place].position for place in stopped} == then
            assert on.counted() == on.produced - len(after)
        say_complete_through(gap_from, on, stopped)
        for place in stopped:
            accept_gap(on, *place)
        with on.worker():
            on.settle()
        snapshot = on.board()
        assert_equal(rows_of(snapshot), story.recounted())
        assert {astuple(gap) for gap in snapshot.meta.gaps} == {
            (*place, gap_from, gap_to, "made anew") for place in stopped
        }
        assert len(snapshot.meta.incomplete) == 2
        shown = {
            (frame.window, frame.complete) for block in snapshot.blocks.values() for frame in block.frames
        }
        assert {("24h", True), ("7d", False), ("now", False)} <= shown
        assert not {("24h", False), ("7d", True), ("now", True)} & shown


def divide(records: list[Raw], topic: str, first: int) -> tuple[list[Raw], list[Raw], list[Raw]]:
    """The first of a topic's records and what else comes before them, more of that topic than came, and all others."""
    of_topic = [record for record in records if record.topic == topic]
    few = of_topic[: len(of_topic) // 3]
    rest = [record for record in records if record.topic != topic]
    return [*few, *rest[:first]], of_topic[len(few) :], rest[first:]


def is_before(instant_ms: int, record: Raw) -> bool:
    return record.at is not None and record.at < instant_ms


def say_complete_through(instant_ms: int, on: Stage, places: Iterable[Place]) -> None:
    """As if the ledgers had not been complete up to the end when their topic was lost."""
    with redis.Redis.from_url(str(on.settings.redis)) as client:
        for place in places:
            client.hset(on.keys(place).head, "through_ms", str(instant_ms))


def accept_gap(on: Stage, topic: str, partition: int) -> None:
    command = [sys.executable, "-m", "loanpulse", "ledger", "accept-gap", topic, str(partition)]
    done = subprocess.run(
        [*command, "--note", "made anew"],
        env=environ_of(on.settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{topic}/{partition} goes on at 0" in done.stdout
