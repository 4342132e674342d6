"""The installation that is looked at; its clients connect when the first check needs them."""

from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError
from redis import Redis

from schemas.registry import TOPICS
from streams.runtime.clock import WallClock
from streams.runtime.keys import LedgerKeys, NamespaceKeys
from streams.runtime.ledger_values import Head, Source, head_of
from streams.runtime.settings import Settings

_ANSWER_SECONDS = 5


@dataclass(frozen=True)
class Site:
    """Everything is read, nothing is changed. As a context manager it closes what it opened."""

    settings: Settings
    kafka: str
    redis: str

    @property
    def admin(self) -> KafkaAdminClient:
        """Raises KafkaError, from the second time on without trying again."""
        if isinstance(self._admin, KafkaError):
            raise self._admin
        return self._admin

    @cached_property
    def _admin(self) -> KafkaAdminClient | KafkaError:
        try:
            return KafkaAdminClient(
                bootstrap_servers=self.kafka.split(","),
                bootstrap_timeout_ms=_ANSWER_SECONDS * 1000,
                request_timeout_ms=_ANSWER_SECONDS * 1000,
            )
        except KafkaError as error:
            return error

    @cached_property
    def client(self) -> Any:
        """Redis' synchronous client; Any, because its types say that each reply may also be an awaitable."""
        return Redis.from_url(
            self.redis, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS
        )

    @property
    def now_ms(self) -> int:
        """The wall's time also where `as_of` is set: health is about now."""
        return WallClock().now_ms()

    @property
    def topics(self) -> list[str]:
        """The event topics, as they are called in Kafka."""
        return [self.settings.topic(name) for name in TOPICS]

    @cached_property
    def described(self) -> dict[str, Any]:
        """What Kafka says of each topic of the engine's that exists."""
        names = [*self.topics, self.settings.dead_letters, self.settings.alerts]
        answers = self.admin.describe_topics(names)
        return {answer["name"]: answer for answer in answers if not answer["error_code"]}

    @cached_property
    def _cluster_id(self) -> str:
        return str(self.admin.describe_cluster()["cluster_id"])

    def source(self, topic: str) -> Source | None:
        """What identifies the topic that Kafka has under this name now; None if it has none."""
        found = self.described.get(topic)
        return found and Source(self._cluster_id, str(found["topic_id"]), len(found["partitions"]))

    @property
    def partitions(self) -> list[TopicPartition]:
        """The partitions of the event topics that exist."""
        return [
            TopicPartition(name, part["partition_index"])
            for name in self.topics
            if name in self.described
            for part in self.described[name]["partitions"]
        ]

    def offsets(self, spec: OffsetSpec) -> dict[TopicPartition, Any]:
        """Offset and timestamp of each partition, for the first, the next or the newest record."""
        found: dict[TopicPartition, Any] = self.admin.list_partition_offsets(
            dict.fromkeys(self.partitions, spec)
        )
        return found

    @cached_property
    def heads(self) -> dict[tuple[str, int], Head]:
        """Each ledger's head by topic and partition; of partitions never read there is none."""
        listed = sorted(self.client.smembers(NamespaceKeys(self.settings.namespace).ledgers))
        places = [member.decode().rpartition("/") for member in listed]
        return {(topic, int(partition)): self.head(topic, int(partition)) for topic, _, partition in places}

    def head(self, topic: str, partition: int) -> Head:
        """One ledger's head, read now."""
        return head_of(self.client.hgetall(LedgerKeys(self.settings.namespace, topic, partition).head))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if "_admin" in vars(self) and not isinstance(self._admin, KafkaError):
            self._admin.close()
        if "client" in vars(self):
            self.client.close()
