"""Topics by Kafka's own admin protocol: made when missing, deleted when there, and waited for in both cases."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

from loanpulse.lab.process import ServerError

KEEP_FOR_EVER: Mapping[str, str] = {"retention.ms": "-1"}
KEEP_ALERTS: Mapping[str, str] = {"retention.ms": str(30 * 86_400_000)}
"""Nobody acts on an alert of last month; whoever wants them longer reads the topic."""
_ANSWER_MS = 10_000
_SETTLE_SECONDS = 30.0
_POLL_SECONDS = 0.05


def create_topics(
    bootstrap: str, names_to_partitions: Mapping[str, int], configs: Mapping[str, str] = KEEP_FOR_EVER
) -> None:
    """Make the topics that are missing and wait until each partition has a leader.

    A topic that exists stays as it is; raises ServerError if its number of partitions is another one.
    """
    with _admin(bootstrap) as admin:
        for name, partitions in names_to_partitions.items():
            try:
                admin.create_topics([NewTopic(name, partitions, 1, topic_configs=dict(configs))])
            except TopicAlreadyExistsError:
                continue
        _settle(
            lambda: all(_is_led(admin, name) for name in names_to_partitions), "have no leader", bootstrap
        )
        for name, partitions in names_to_partitions.items():
            found = len(_partitions(admin, name))
            if found != partitions:
                raise ServerError(
                    f"topic {name} has {found} partitions, not {partitions}: delete it or change the setting"
                )


def delete_topics(bootstrap: str, names: Collection[str]) -> None:
    """Delete the topics that exist and wait until they are gone."""
    with _admin(bootstrap) as admin:
        for name in names:
            try:
                admin.delete_topics([name])
            except UnknownTopicOrPartitionError:
                continue
        _settle(lambda: not set(names) & set(admin.list_topics()), "are still there", bootstrap)


@contextmanager
def _admin(bootstrap: str) -> Iterator[KafkaAdminClient]:
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=_ANSWER_MS)
    except KafkaError as error:
        raise ServerError(f"no Kafka answers at {bootstrap}: {error}") from error
    try:
        yield admin
    finally:
        admin.close()


def _partitions(admin: KafkaAdminClient, name: str) -> list[dict[str, int]]:
    (topic,) = admin.describe_topics([name])
    partitions: list[dict[str, int]] = topic["partitions"]
    return partitions


def _is_led(admin: KafkaAdminClient, name: str) -> bool:
    partitions = _partitions(admin, name)
    return bool(partitions) and all(part["leader_id"] >= 0 for part in partitions)


def _settle(done: Callable[[], bool], what: str, bootstrap: str) -> None:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise ServerError(f"topics at {bootstrap} {what} after {_SETTLE_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
