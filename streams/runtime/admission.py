"""Whether a record is an event that may be merged. It depends on the record alone, so every replay agrees."""

from functools import lru_cache
from typing import Any, NamedTuple

from aiokafka.partitioner import murmur2

from schemas.decode import Rejected, decode
from schemas.event import Event
from schemas.fields import is_id, time_text
from schemas.rejected import shorten
from streams.calculus.attribution import UNASSIGNED

MOST_AHEAD_MS = 5 * 60_000
_KEYED_BY_AUTHOR = "report.corrected"


class DeadLetter(NamedTuple):
    """A record that is not merged, and why; `record` is Kafka's, with its original bytes.

    `field` is what is wrong with it, `value` what stands there, as Python writes it; None if it is no one's in particular.
    """

    record: Any
    reason: str
    message: str
    field: str | None = None
    value: str | None = None


class Admitted(NamedTuple):
    """An event and its partition key."""

    key: str
    event: Event


class Admission:
    """Admits the records of one topic-partition.

    Invariants:
        a_verdict_depends_on_the_record_alone
    """

    def __init__(self, topic: str, partition: int, partitions: int, partitioner: str) -> None:
        """`topic` is the contract's name, without a prefix."""
        self._topic = topic
        self._partition = partition
        self._partitions = partitions
        self._hashed = partitioner == "murmur2"

    def admit(self, record: Any) -> Admitted | DeadLetter:
        """The event of a record, or why it is dead-lettered."""
        try:
            event = decode(record.value)
            key = self._key(record.key, event)
        except Rejected as error:
            return DeadLetter(record, error.reason, error.message, error.field, error.value)
        except _Misplaced as error:
            return DeadLetter(record, error.reason, str(error), error.field, error.value)
        if event.statement.at > record.timestamp + MOST_AHEAD_MS:
            return _future(record, event.statement.at)
        return Admitted(key, event)

    def _key(self, raw: bytes | None, event: Event) -> str:
        name = event.type.name
        if event.type.topic != self._topic:
            message = f"type is {name!r}: it belongs to the topic {event.type.topic}, not {self._topic}"
            raise _Misplaced("wrong_topic", "type", name, message)
        wanted = event.key_field or UNASSIGNED
        key = _text(raw)
        if key != wanted and not (name == _KEYED_BY_AUTHOR and key is not None and is_id(key)):
            field = "data.customer_id" if event.type.lending else "data.officer_id"
            shown = shorten(raw if key is None else key)
            is_absent = " is absent: the key must be" if event.key_field is None else " is"
            message = f"the record's key is {shown}, but {field}{is_absent} {wanted!r}"
            raise _Misplaced("key", field, event.key_field, message)
        if self._hashed and _partition_of(key, self._partitions) != self._partition:
            message = (
                f"the key {key!r} is in partition {self._partition}, murmur2 puts it in "
                f"{_partition_of(key, self._partitions)}: every producer must use Kafka's default partitioner"
            )
            raise _Misplaced("partitioner", "key", key, message)
        return key


class _Misplaced(Exception):  # noqa: N818  # a verdict, like Rejected
    """A valid event in the wrong place."""

    def __init__(self, reason: str, field: str, value: object, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field
        self.value = shorten(value)


def _future(record: Any, at: int) -> DeadLetter:
    said = time_text(at)
    message = (
        f"time is {said}, {(at - record.timestamp) // 1000} s after the record's timestamp: "
        f"must be at most {MOST_AHEAD_MS // 1000} s after it"
    )
    return DeadLetter(record, "future", message, "time", repr(said))


def _text(raw: bytes | None) -> str | None:
    try:
        return None if raw is None else raw.decode()
    except UnicodeDecodeError:
        return None


@lru_cache(maxsize=65_536)
def _partition_of(key: str, partitions: int) -> int:
    """Where Kafka's default partitioner puts a key."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % partitions
