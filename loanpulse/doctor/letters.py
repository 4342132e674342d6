"""Reads the dead-letter topic: what was rejected, why, and the bytes as they came."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from streams.runtime.dead_letters import Told, told_by

_PATIENCE_MS = 5_000


@dataclass(frozen=True)
class Letter:
    """One dead letter; a record that was rejected twice (a crash in between) has two with one position."""

    told: Told
    key: bytes | None
    value: bytes | None


def letters(kafka: str, topic: str, last: int | None = None) -> Iterator[Letter]:
    """The letters in the topic as it is now, oldest first; with `last`, at most so many of each partition.

    Records that are no dead letters of ours are left out. Raises kafka.errors.KafkaError.
    """
    consumer = KafkaConsumer(bootstrap_servers=kafka.split(","), enable_auto_commit=False)
    try:
        tps = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        starts, ends = consumer.beginning_offsets(tps), consumer.end_offsets(tps)
        unread = {tp for tp in tps if ends[tp] > starts[tp]}
        if not unread:
            return
        consumer.assign(sorted(unread))
        for tp in unread:
            consumer.seek(tp, starts[tp] if last is None else max(starts[tp], ends[tp] - last))
        while unread and (batches := consumer.poll(_PATIENCE_MS)):
            for tp, records in batches.items():
                yield from _read(record for record in records if record.offset < ends[tp])
                if consumer.position(tp) >= ends[tp]:
                    unread.discard(tp)
    finally:
        consumer.close()


def _read(records: Iterator[Any]) -> Iterator[Letter]:
    for record in records:
        try:
            yield Letter(told_by(record.headers), record.key, record.value)
        except (KeyError, ValueError):
            continue
