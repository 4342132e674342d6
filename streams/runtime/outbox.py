"""From an outbox in Redis to a topic of Kafka: at least once, in order, and whatever happens, nothing is dropped unsent.

What is decided is written with its message in one script, so that neither is ever without the other; here the message
goes on. A crash between sending and dropping sends it again, with the same `id`, by which readers know it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

import msgspec

from streams.runtime.acknowledged import AcknowledgedProducer
from streams.runtime.script import Client
from streams.runtime.stopping import stop

MOST = 500
"""Messages at a time: some 500 kB, which Redis reads in about a millisecond."""
PAUSE_SECONDS, MOST_PAUSE_SECONDS = 1.0, 60.0
_CLOSING_SECONDS = 5.0
"""A producer flushes while it closes, which with Kafka away would keep a process that is to stop."""

log = logging.getLogger(__name__)


class Message(NamedTuple):
    """A CloudEvent that waits, and the name of its entry in the outbox."""

    entry: bytes
    event: bytes


def written_ms(entry: bytes) -> int:
    """When a message was put into an outbox, as its entry's name says, UTC ms."""
    return int(entry.partition(b"-")[0])


class Outbox(Protocol):
    """Messages that wait to be published.

    Invariants:
        only_what_is_named_is_dropped
    """

    async def first(self, most: int) -> Sequence[Message]:
        """The oldest messages, in their order; none while they are another process' to publish."""
        ...

    async def drop(self, messages: Sequence[Message]) -> None:
        """Take out messages that were sent. Again, or after another process has, is harmless."""
        ...


class StreamOutbox:
    """An outbox that is a stream of Redis', each entry with a member `event`.

    Entries are dropped by name, and a name never comes again: whoever has sent a message may drop it, late or twice, and
    no other goes with it. So the drop needs no other fence.
    """

    def __init__(self, redis: Client, key: str) -> None:
        self._redis = redis
        self._key = key

    async def first(self, most: int) -> Sequence[Message]:
        entries = await self._redis.execute_command("XRANGE", self._key, "-", "+", "COUNT", most)
        return [Message(entry, fields[b"event"]) for entry, fields in entries]

    async def drop(self, messages: Sequence[Message]) -> None:
        await self._redis.execute_command("XDEL", self._key, *(message.entry for message in messages))


class Publisher:
    """Publishes outboxes to one topic; a message's key is the event's subject, so that each subject's are in order.

    Invariants:
        nothing_is_dropped_before_all_that_was_sent_is_acknowledged
        what_was_sent_and_not_dropped_is_sent_again
    """

    def __init__(self, kafka: str, topic: str) -> None:
        self._producer = AcknowledgedProducer(kafka)
        self._topic = topic
        self._trouble = ""
        self._failures = 0

    async def step(self, outbox: Outbox) -> int:
        """Publish the oldest messages, at most MOST; how many. Raises KafkaError and Redis' errors: try again later."""
        messages = await outbox.first(MOST)
        if messages:
            await self._producer.put(self._topic, map(_record, messages))
            await outbox.drop(messages)
        return len(messages)

    @asynccontextmanager
    async def running(self, outbox: Outbox) -> AsyncIterator[None]:
        """Publish while the body runs. Trouble is logged once, and tried again ever less often, once a minute at last."""
        publishing = asyncio.create_task(self._run(outbox))
        try:
            yield
        finally:
            await stop(publishing)
            await self.close()

    async def close(self) -> None:
        """Disconnect; another message connects again."""
        try:
            async with asyncio.timeout(_CLOSING_SECONDS):
                await self._producer.close()
        except TimeoutError:
            log.info("Kafka did not answer while its producer was closed")

    async def attempt(self, outbox: Outbox) -> None:
        """Publish all that waits. Trouble is no error here: it is logged, and the next attempt has to wait for a while."""
        try:
            while await self.step(outbox) == MOST:
                pass
        except Exception as error:  # whatever it is: figures go on, and messages wait
            self._failures += 1
            self._say(f"{type(error).__name__}: {error}")
            await asyncio.sleep(pause_seconds(self._failures))
        else:
            self._failures = 0
            self._say("")

    async def _run(self, outbox: Outbox) -> None:
        while True:
            await self.attempt(outbox)
            await asyncio.sleep(PAUSE_SECONDS)

    def _say(self, trouble: str) -> None:
        """Once when trouble begins or changes, once when it is over."""
        if trouble != self._trouble:
            log.warning(
                "the topic %s %s", self._topic, f"waits: {trouble}" if trouble else "is written again"
            )
        self._trouble = trouble


def pause_seconds(failures: int) -> float:
    """How long to wait after so many failures on end: twice as long each time, up to a minute."""
    return min(MOST_PAUSE_SECONDS, PAUSE_SECONDS * 2.0 ** min(failures, 10))


class _Event(msgspec.Struct):
    """What has to be known of a CloudEvent."""

    subject: str


_EVENT = msgspec.json.Decoder(_Event)


def _record(message: Message) -> dict[str, bytes]:
    return {"value": message.event, "key": _EVENT.decode(message.event).subject.encode()}
