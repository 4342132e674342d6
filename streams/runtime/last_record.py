"""Reads one record of a topic again, to see that it is the one that was applied last."""

import asyncio
from typing import Any
from zlib import crc32

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

READ_SECONDS = 3.0
ROUND_MS = 500


def checksum(record: Any) -> int:
    """CRC-32 of a record's key and value, their lengths included."""
    key, value = record.key or b"", record.value or b""
    return crc32(value, crc32(key, crc32(b"%d %d" % (len(key), len(value)))))


async def checksum_at(kafka: str, topic: str, partition: int, offset: int) -> int | None:
    """The checksum of the record at an offset; None if Kafka no longer has it there.

    Raises KafkaError, and TimeoutError when the broker does not say within some seconds: then nothing is known.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        auto_offset_reset="none",
        isolation_level="read_committed",
        enable_auto_commit=False,
    )
    try:
        await consumer.start()
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        async with asyncio.timeout(READ_SECONDS):
            start = (await consumer.beginning_offsets([place]))[place]
            end = (await consumer.end_offsets([place]))[place]
            if not start <= offset < end:
                return None
            consumer.seek(place, offset)
            return await _read(consumer, place, offset)
    except OffsetOutOfRangeError:
        return None
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, place: TopicPartition, offset: int) -> int | None:
    """The record that comes first, if it is at the offset; it is not if compaction took that one."""
    while await consumer.position(place) <= offset:
        found = await consumer.getmany(place, timeout_ms=ROUND_MS, max_records=1)
        for record in found.get(place, ()):
            return checksum(record) if record.offset == offset else None
    return None
