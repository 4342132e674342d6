"""Who may write to a ledger, and what stops before anything is read: other owners, other topics, foreign keys."""

import asyncio
from dataclasses import replace

import pytest
from aiokafka import ConsumerRecord
from redis.exceptions import RedisError

from loanpulse.lab.redis_server import Redis
from streams.runtime.last_record import checksum
from streams.runtime.ledger_errors import Fenced
from streams.runtime.partition import Partition
from streams.runtime.processor import PartitionStopped
from streams.runtime.script import Script
from tests.lossy_proxy import LossyProxy
from tests.partition_lab import (
    NOW_MS,
    SOURCE,
    Desk,
    at_a_desk,
    counted,
    desk,
    gone,
    lead,
    loan_events,
    records_of,
)


def test_a_record_of_a_lost_reply_is_not_counted_twice(
    redis_server: Redis, redis_url: str, namespace: str
) -> None:
    """Whoever asks again is told that it was done; whoever opens the ledger anew finds it further on."""
    events = loan_events(5, 12)
    proxy, commit = LossyProxy(redis_server.port), Script("commit").digest.encode()

    async def lose_the_reply(partition: Partition, records: list[ConsumerRecord]) -> None:
        lost = proxy.lost
        proxy.loses = lambda request: commit in request and proxy.lost == lost
        with pytest.raises(RedisError):
            await partition.process(records)

    async def story() -> None:
        async with desk(proxy.url, namespace) as own:
            records = records_of(events)
            partition = await own.opened()
            await partition.process(records[:10])
            await lose_the_reply(partition, records[10:20])
            await partition.process(records[10:20])
            await partition.process(records[20:30])
            await lose_the_reply(partition, records[30:])
            assert await own.partition().open(SOURCE, gone) == len(records)
            assert sum((await counted(own)).values()) == len(records)
            await own.assert_holds(events)

    asyncio.run(story())
    proxy.close()


@at_a_desk
async def test_a_partition_that_another_has_taken_over_writes_nothing(own: Desk) -> None:
    records = records_of(lead(n) for n in range(9))
    first = await own.opened()
    await first.process(records[:3])
    second = await own.opened()
    for attempt in (first.process(records[3:]), first.tick(own.programs, 1, caught_up=True)):
        with pytest.raises(Fenced):
            await attempt
    await second.process(records[3:])
    await own.assert_holds(lead(n) for n in range(9))


@at_a_desk
async def test_a_change_of_the_source_has_a_way_out_by_accepting_the_gap(own: Desk) -> None:
    """What the new topic repeats are duplicates, and nothing is counted twice."""
    events = [lead(n) for n in range(9)]
    await (await own.opened()).process(records_of(events[:6]))
    anew = replace(SOURCE, topic_id="topic-2")
    with pytest.raises(PartitionStopped) as stopped:
        await own.partition().open(anew, gone)
    assert "topic-1" in stopped.value.reason
    assert "topic-2" in stopped.value.reason
    assert "loanpulse ledger accept-gap loan-events 0 --note" in stopped.value.reason
    await own.ledger.accept_gap(anew, 0, NOW_MS, "made anew")
    partition = own.partition()
    assert await partition.open(anew, gone) == 0
    await partition.process(records_of(events))
    assert await counted(own) == {"applied": 9, "duplicate": 6, "expired": 0, "dead_letter": 0}
    await own.assert_holds(events)


@at_a_desk
async def test_another_record_where_the_last_one_stood_stops_the_partition(own: Desk) -> None:
    records = records_of(lead(n) for n in range(3))
    await (await own.opened()).process(records)

    async def what_stands_there(offset: int) -> int | None:
        assert offset == 2
        return checksum(found)

    found = records[2]
    assert await own.partition().open(SOURCE, what_stands_there) == 3
    found = records[1]
    with pytest.raises(PartitionStopped, match=r"offset 2 is not the one that was applied.*accept-gap"):
        await own.partition().open(SOURCE, what_stands_there)


@at_a_desk
async def test_a_ledger_that_holds_foreign_keys_stops_its_partition(own: Desk) -> None:
    partition = await own.opened()
    keys, redis = own.ledger.keys, own.ledger.redis
    await redis.execute_command("SET", keys.version((await own.ledger.head()).version).dirty, "foreign")
    with pytest.raises(PartitionStopped, match=r"the ledger refuses: .*WRONGTYPE.*backup"):
        await partition.process(records_of([lead(1)]))
    await redis.execute_command("SET", keys.head, "foreign")
    with pytest.raises(PartitionStopped, match=r"the ledger refuses: .*WRONGTYPE.*backup"):
        await own.partition().open(SOURCE, gone)
