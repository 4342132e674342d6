"""An operator's decision that a partition goes on although records are missing: where from, and what that leaves out."""

from dataclasses import dataclass

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec

from loanpulse.doctor.site import Site
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import Gap, Head, Source
from streams.runtime.redis_client import connect

_READ_MS = 5_000


class NoGapError(ValueError):
    """There is nothing to accept, or not there."""


@dataclass(frozen=True)
class Resumption:
    """Where a partition goes on; `to_ms` is the time of the first record that will be read (now, if there is none)."""

    source: Source
    position: int
    to_ms: int


def find_resumption(site: Site, topic: str, partition: int, position: int | None = None) -> Resumption:
    """The nearest position that loses least: the ledger's own if Kafka still has it, else the nearest end of the log.

    Of a topic made anew nothing was read, so its first record. Raises NoGapError.
    """
    tp = TopicPartition(topic, partition)
    head = site.heads.get((topic, partition))
    if head is None:
        known = ", ".join(f"{name}/{number}" for name, number in site.heads)
        raise NoGapError(f"{topic}/{partition} has no ledger: there are {known or 'none'}")
    source = site.source(topic)
    if source is None or tp not in site.partitions:
        raise NoGapError(
            f"Kafka has no partition {topic}/{partition}: make the topic first (loanpulse topics create)"
        )
    start, end = site.offsets(OffsetSpec.EARLIEST)[tp].offset, site.offsets(OffsetSpec.LATEST)[tp].offset
    if position is None:
        position = _nearest(head, source, start, end)
    if not start <= position <= end:
        raise NoGapError(f"position {position} is not in {topic}/{partition}: it holds {start} to {end}")
    if position == head.position and source == head.source:
        raise NoGapError(
            f"{topic}/{partition} stands at {position}, which Kafka has: there is no gap to accept"
        )
    return Resumption(source, position, _time_at(site, tp, position) if position < end else site.now_ms)


def _nearest(head: Head, source: Source, start: int, end: int) -> int:
    """A changed number of partitions leaves the log as it was; another topic or cluster does not."""
    if head.source is None or (head.source.cluster_id, head.source.topic_id) != (
        source.cluster_id,
        source.topic_id,
    ):
        return start
    return min(max(head.position, start), end)


async def accept(site: Site, topic: str, partition: int, resumption: Resumption, note: str) -> Gap | None:
    """Write the decision into the ledger; None if it stands there already."""
    client = await connect(site.redis)
    try:
        ledger = Ledger(client, site.settings.namespace, topic, partition)
        return await ledger.accept_gap(resumption.source, resumption.position, resumption.to_ms, note)
    finally:
        await client.aclose()


def _time_at(site: Site, tp: TopicPartition, position: int) -> int:
    consumer = KafkaConsumer(bootstrap_servers=site.kafka.split(","), enable_auto_commit=False)
    try:
        consumer.assign([tp])
        consumer.seek(tp, position)
        for records in consumer.poll(_READ_MS, max_records=1).values():
            return int(records[0].timestamp)
    finally:
        consumer.close()
    return site.now_ms
