"""What identifies the log behind a topic's name: a topic made anew has another id."""

from collections.abc import Collection

from kafka import KafkaAdminClient

from streams.runtime.ledger_values import Source

TIMEOUT_MS = 3_000


class UnknownTopicError(LookupError):
    """The cluster has no such topic, or hides it from us."""


def describe(bootstrap: str, topics: Collection[str]) -> dict[str, Source]:
    """Ask the broker (blocking, seconds at most); raises UnknownTopicError and kafka.errors.KafkaError.

    aiokafka asks for metadata that has no topic id, hence the other client. Kafka gives ids from 2.8 on.
    """
    admin = KafkaAdminClient(
        bootstrap_servers=bootstrap.split(","),
        bootstrap_timeout_ms=TIMEOUT_MS,
        request_timeout_ms=TIMEOUT_MS,
    )
    try:
        cluster_id = admin.describe_cluster()["cluster_id"]
        described = admin.describe_topics(sorted(topics))
    finally:
        admin.close()
    missing = [topic["name"] for topic in described if topic["error_code"] or not topic["topic_id"]]
    if missing:
        raise UnknownTopicError(
            f"Kafka at {bootstrap} has no topic {', '.join(missing)}: loanpulse topics create"
        )
    return {
        topic["name"]: Source(cluster_id, str(topic["topic_id"]), len(topic["partitions"]))
        for topic in described
    }
