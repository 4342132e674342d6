"""A namespace of one's own on some servers: topics, Redis keys and consumer group, all removed at the end."""

import contextlib
import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import redis
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from loanpulse.lab.apart import apart
from loanpulse.lab.servers import Endpoints
from loanpulse.lab.topics import create_topics, delete_topics
from schemas.registry import TOPICS
from streams.runtime.settings import Settings

# Records carry the replay's as-of as their time, which may be years ago or ahead; dead letters carry whole records.
_CONFIGS = {
    "retention.ms": "-1",
    "message.timestamp.after.max.ms": str((1 << 63) - 1),
    "max.message.bytes": str(16 * 1024 * 1024),
}
_SCANNED = 1_000


@contextlib.contextmanager
def own_space(settings: Settings, endpoints: Endpoints, kind: str) -> Iterator[Settings]:
    """Settings with a namespace and topics that nobody else has, for the length of a `with` block.

    On embedded servers only topics are made: their data goes with them.
    """
    name = f"{kind}-{uuid.uuid4().hex[:12]}"
    own = settings.model_copy(
        update={
            "kafka": endpoints.kafka,
            "redis": endpoints.redis,
            "namespace": name,
            "topic_prefix": f"{name}.",
        }
    )
    topics = {own.topic(topic): own.partitions for topic in TOPICS} | {own.dead_letters: 1, own.alerts: 1}
    with ExitStack() as stack:
        if settings.redis is not None:
            stack.callback(remove_keys, endpoints.redis, name)
        if settings.kafka is not None:
            stack.callback(apart, _remove_group, endpoints.kafka, name)
            stack.callback(apart, delete_topics, endpoints.kafka, topics)
        apart(create_topics, endpoints.kafka, topics, _CONFIGS)
        yield own


def end_offsets(settings: Settings) -> dict[tuple[str, int], int]:
    """Of every partition of the event topics, the offset that the next record will get."""
    partitions = [
        TopicPartition(settings.topic(topic), number)
        for topic in TOPICS
        for number in range(settings.partitions)
    ]
    consumer = KafkaConsumer(bootstrap_servers=str(settings.kafka).split(","))
    try:
        found = consumer.end_offsets(partitions)
    finally:
        consumer.close()
    return {(place.topic, place.partition): int(offset) for place, offset in found.items()}


def remove_keys(redis_url: str, namespace: str) -> None:
    """Remove a namespace's Redis keys."""
    with redis.Redis.from_url(redis_url) as client:
        for pattern in (f"{{{namespace}}}:*", f"{{{namespace}/*"):
            for key in client.scan_iter(pattern, count=_SCANNED):
                client.unlink(key)


def _remove_group(bootstrap: str, group: str) -> None:
    """An empty group that stays would do no harm, so a refusal is not worth a word."""
    with contextlib.suppress(KafkaError):
        admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","))
        try:
            admin.delete_groups([group])
        finally:
            admin.close()
