"""The dead-letter topic: the original key and value, and in the headers why and from where.

A letter is written before its batch is committed, so none is lost; a crash between the two writes it again, with the
same `loanpulse.position`, by which readers know it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from streams.runtime.acknowledged import AcknowledgedProducer
from streams.runtime.admission import DeadLetter

HEADER = "loanpulse."
MOST_BYTES = 900_000  # of key and value: a broker takes 1 MiB unless told otherwise, the headers with it


class DeadLetters(Protocol):
    """Where dead letters go."""

    async def put(self, letters: Sequence[DeadLetter]) -> None:
        """Store them all; returns when they are safe."""
        ...


class DeadLetterTopic:
    """Writes dead letters to Kafka; connects at the first one, and anew after an error."""

    def __init__(self, kafka: str, topic: str) -> None:
        self._topic = topic
        self._producer = AcknowledgedProducer(kafka)

    async def put(self, letters: Sequence[DeadLetter]) -> None:
        """Store them all. Raises KafkaError when some may not be stored: all may be put again."""
        if letters:
            await self._producer.put(self._topic, map(content_of, letters))

    async def close(self) -> None:
        """Disconnect; another letter connects again."""
        await self._producer.close()


class Told(NamedTuple):
    """What a dead letter's headers tell; `cut_from` is how many bytes key and value had, if they did not fit."""

    reason: str
    message: str
    field: str | None
    value: str | None
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    cut_from: int | None = None

    @property
    def position(self) -> str:
        """Where the record stood: its name, also when it was written twice."""
        return f"{self.topic}/{self.partition}@{self.offset}"


def content_of(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as a record: value, key and headers. What would be too long for the topic is cut, and says so."""
    key, value = letter.record.key, letter.record.value
    size = len(key or b"") + len(value or b"")
    if size <= MOST_BYTES:
        return {"value": value, "key": key, "headers": headers_of(letter)}
    key = key and key[:MOST_BYTES]
    value = value and value[: MOST_BYTES - len(key or b"")]
    return {"value": value, "key": key, "headers": headers_of(letter, cut_from=size)}


def headers_of(letter: DeadLetter, cut_from: int | None = None) -> list[tuple[str, bytes]]:
    """The headers of a dead letter."""
    record = letter.record
    told = Told(
        letter.reason,
        letter.message,
        letter.field,
        letter.value,
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        cut_from,
    )
    return [
        (HEADER + name, str(value).encode("utf-8", "replace"))
        for name, value in told._asdict().items()
        if value is not None
    ]


def told_by(headers: Iterable[tuple[str, bytes]]) -> Told:
    """The reverse of `headers_of`. KeyError or ValueError if the record is no dead letter of ours."""
    found: dict[str, Any] = {
        name.removeprefix(HEADER): value.decode() for name, value in headers if name.startswith(HEADER)
    }
    numbers = {name: int(found[name]) for name in ("partition", "offset", "timestamp_ms")}
    cut_from = found.get("cut_from")
    return Told(
        found["reason"],
        found["message"],
        found.get("field"),
        found.get("value"),
        found["topic"],
        **numbers,
        cut_from=None if cut_from is None else int(cut_from),
    )
