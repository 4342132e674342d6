"""Kafka: that it answers, and that its topics are what the engine reckons with."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.partitioner import murmur2

from loanpulse.doctor.finding import Finding, bad, ok, warn
from loanpulse.doctor.site import Site

DAY_MS = 86_400_000
SAMPLE = 200  # records of each partition whose place is checked
_SAMPLE_MS = 5_000


def check_kafka(site: Site) -> Iterator[Finding]:
    """The brokers answer."""
    cluster = site.admin.describe_cluster()
    yield ok(
        f"Kafka answers at {site.kafka}: cluster {cluster['cluster_id']}, brokers {len(cluster['brokers'])}"
    )


def check_topics(site: Site) -> Iterator[Finding]:
    """The topics are there, with as many partitions as the settings say, and each has a leader."""
    settings = site.settings
    expected: dict[str, int | None] = dict.fromkeys(site.topics, settings.partitions)
    expected |= {settings.dead_letters: None, settings.alerts: None}
    for name, partitions in expected.items():
        found = site.described.get(name)
        if found is None:
            yield bad(f"topic {name} does not exist", "loanpulse topics create")
            continue
        there = len(found["partitions"])
        if partitions is not None and there != partitions:
            yield bad(
                f"topic {name} has {there} partitions, LOANPULSE_PARTITIONS says {partitions}",
                f"set LOANPULSE_PARTITIONS={there}; partitions must not be added to a topic in use: a customer's "
                "later events would go elsewhere",
            )
        elif leaderless := [part["partition_index"] for part in found["partitions"] if part["leader_id"] < 0]:
            yield bad(
                f"topic {name}: no broker leads partitions {leaderless}", "bring the missing brokers back"
            )
        else:
            yield ok(f"topic {name} has {there} partitions")


def check_retention(site: Site) -> Iterator[Finding]:
    """Kafka keeps events long enough to read them again after Redis had to be restored from a backup."""
    wanted = {"cleanup.policy": None, "retention.ms": None, "retention.bytes": None}
    for name in filter(site.described.__contains__, site.topics):
        resource = ConfigResource(ConfigResourceType.TOPIC, name, dict(wanted))
        answer = site.admin.describe_configs([resource], config_filter="all")["topic"][name]
        yield _retention(site, name, {key: str(config["value"]) for key, config in answer.items()})


def _retention(site: Site, name: str, config: dict[str, str]) -> Finding:
    mend = f"kafka-configs.sh --alter --topic {name} --add-config cleanup.policy=delete,retention.ms=-1"
    if "compact" in config["cleanup.policy"]:
        return bad(f"topic {name} is compacted: Kafka deletes all but the last event of each customer", mend)
    if config["retention.bytes"] != "-1":
        return warn(
            f"topic {name} keeps {config['retention.bytes']} bytes a partition, however old they are", mend
        )
    keeps_ms, backup_ms = int(config["retention.ms"]), _backup_age_ms(site)
    if keeps_ms == -1:
        return ok(f"topic {name} keeps its events for ever")
    days = f"topic {name} keeps {keeps_ms / DAY_MS:.1f} days, Redis was last saved {backup_ms / DAY_MS:.1f} days ago"
    return ok(days) if keeps_ms >= 2 * backup_ms else bad(f"{days}: less than twice that", mend)


def _backup_age_ms(site: Site) -> int:
    saved_seconds: int = site.client.info("persistence")["rdb_last_save_time"]
    return site.now_ms - saved_seconds * 1000


def check_partitioner(site: Site) -> Iterator[Finding]:
    """Records lie where murmur2 puts their keys; else one customer's events could lie in two partitions."""
    if site.settings.partitioner == "none":
        yield warn(
            "where producers put records is not checked: LOANPULSE_PARTITIONER is none", "set it to murmur2"
        )
        return
    counts = {name: len(site.described[name]["partitions"]) for name in site.topics if name in site.described}
    wrong: Counter[str] = Counter()
    seen = 0
    for record in _newest(site):
        seen += 1
        if record.key is None or murmur2(record.key) % 2**31 % counts[record.topic] != record.partition:
            wrong[record.topic] += 1
    for name, number in wrong.items():
        yield bad(
            f"topic {name}: {number} of its newest records lie where murmur2 would not put them",
            "give all producers the key (customer_id, or officer_id for staff-activity) and the partitioner murmur2",
        )
    if not wrong:
        yield ok(
            f"the newest {seen} records lie where murmur2 puts them" if seen else "no records to check yet"
        )


def _newest(site: Site) -> Iterator[Any]:
    """Up to SAMPLE records of the end of each partition; fewer if the broker is slow or transactions leave holes."""
    ends, starts = site.offsets(OffsetSpec.LATEST), site.offsets(OffsetSpec.EARLIEST)
    held = [tp for tp in ends if ends[tp].offset > starts[tp].offset]
    if not held:
        return
    consumer = KafkaConsumer(
        bootstrap_servers=site.kafka.split(","), consumer_timeout_ms=_SAMPLE_MS, enable_auto_commit=False
    )
    try:
        consumer.assign(held)
        for tp in held:
            consumer.seek(tp, max(starts[tp].offset, ends[tp].offset - SAMPLE))
        unread = set(held)
        while unread and (batches := consumer.poll(_SAMPLE_MS)):
            for tp, records in batches.items():
                yield from records
                unread -= {tp for _ in [0] if consumer.position(tp) >= ends[tp].offset}
    finally:
        consumer.close()


def newest_ms(site: Site) -> dict[TopicPartition, int]:
    """The timestamp of each partition's newest record."""
    found = site.offsets(OffsetSpec.MAX_TIMESTAMP)
    return {tp: at.timestamp for tp, at in found.items() if at.timestamp >= 0}
