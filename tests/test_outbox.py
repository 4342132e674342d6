"""What waits in Redis comes into a topic of Kafka: at least once, in order, and nothing is dropped unsent."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from aiokafka.errors import KafkaError

from loanpulse.lab.kafka_server import Kafka
from streams.runtime.keys import NamespaceKeys
from streams.runtime.outbox import MOST, MOST_PAUSE_SECONDS, Message, Publisher, StreamOutbox, pause_seconds
from streams.runtime.redis_client import connect
from streams.runtime.script import Client
from tests.kpi_alert_lab import read_topic
from tests.waiting import until

NOWHERE = "127.0.0.1:1"

Story = Callable[["Scene"], Coroutine[Any, Any, None]]


class Crash(Exception):  # noqa: N818  # stands for a process that ends
    """The process ends between sending and dropping."""


class Scene:
    """An outbox in Redis and a topic of its own."""

    def __init__(self, redis: Client, namespace: str, kafka: str, topic: str) -> None:
        self.redis, self.kafka, self.topic = redis, kafka, topic
        self.key = NamespaceKeys(namespace).board_outbox
        self.outbox = StreamOutbox(redis, self.key)

    async def put(self, *numbers: int, subject: str = "approval") -> None:
        for number in numbers:
            event = json.dumps({"id": f"e{number}", "subject": subject, "data": {}})
            await self.redis.execute_command("XADD", self.key, "*", "event", event)

    async def waiting(self) -> int:
        return int(await self.redis.execute_command("XLEN", self.key))

    def publisher(self, kafka: str | None = None) -> Publisher:
        return Publisher(kafka or self.kafka, self.topic)

    async def published(self) -> list[str]:
        return [event["id"] for _, event in await asyncio.to_thread(read_topic, self.kafka, self.topic)]


class CrashingOutbox(StreamOutbox):
    async def drop(self, messages: Sequence[Message]) -> None:
        raise Crash(f"{len(messages)} are sent")


def on_servers(story: Story) -> Callable[[Kafka, str, str, Callable[[int], str]], None]:
    """Makes a test of a story told on the run's servers."""

    def test(kafka: Kafka, redis_url: str, namespace: str, make_topic: Callable[[int], str]) -> None:
        async def tell() -> None:
            redis = await connect(redis_url)
            try:
                await story(Scene(redis, namespace, kafka.bootstrap, make_topic(1)))
            finally:
                await redis.aclose()

        asyncio.run(tell())

    test.__doc__ = story.__doc__
    return pytest.mark.servers(test)


@on_servers
async def test_messages_are_published_in_order_by_their_subject(scene: Scene) -> None:
    await scene.put(*range(5))
    await scene.put(5, subject="risk/EUR")
    publisher = scene.publisher()
    assert await publisher.step(scene.outbox) == 6
    assert await publisher.step(scene.outbox) == 0
    await publisher.close()
    found = await asyncio.to_thread(read_topic, scene.kafka, scene.topic)
    assert [event["id"] for _, event in found] == [f"e{number}" for number in range(6)]
    assert [key for key, _ in found] == ["approval"] * 5 + ["risk/EUR"]
    assert await scene.waiting() == 0


@on_servers
async def test_what_was_sent_and_not_dropped_is_sent_again(scene: Scene) -> None:
    """A crash between sending and dropping: the messages come twice, with the same ids, and none is missing."""
    await scene.put(1, 2)
    crashing = scene.publisher()
    with pytest.raises(Crash):
        await crashing.step(CrashingOutbox(scene.redis, scene.key))
    await crashing.close()
    await scene.put(3)
    publisher = scene.publisher()
    assert await publisher.step(scene.outbox) == 3
    await publisher.close()
    assert await scene.published() == ["e1", "e2", "e1", "e2", "e3"]
    assert await scene.waiting() == 0


@on_servers
async def test_nothing_is_dropped_before_all_that_was_sent_is_acknowledged(scene: Scene) -> None:
    """One message that the broker does not take keeps all of them, of which some may be sent by then."""
    await scene.put(1)
    huge = json.dumps({"id": "e2", "subject": "approval", "data": "x" * 2_000_000})
    entry = await scene.redis.execute_command("XADD", scene.key, "*", "event", huge)
    publisher = scene.publisher()
    with pytest.raises(KafkaError):
        await publisher.step(scene.outbox)
    assert await scene.waiting() == 2
    await scene.redis.execute_command("XDEL", scene.key, entry)
    assert await publisher.step(scene.outbox) == 1
    await publisher.close()
    assert set(await scene.published()) == {"e1"}


@on_servers
async def test_only_what_is_named_is_dropped(scene: Scene) -> None:
    """Late and twice, as by a process whose place another has taken."""
    await scene.put(1, 2)
    sent = await scene.outbox.first(2)
    await scene.outbox.drop(sent)
    await scene.put(3)
    await scene.outbox.drop(sent)
    [left] = await scene.outbox.first(9)
    assert json.loads(left.event)["id"] == "e3"


@on_servers
async def test_a_step_is_bounded_and_the_next_goes_on(scene: Scene) -> None:
    await scene.put(*range(MOST + 1))
    publisher = scene.publisher()
    assert [await publisher.step(scene.outbox) for _ in range(3)] == [MOST, 1, 0]
    await publisher.close()
    assert await scene.published() == [f"e{number}" for number in range(MOST + 1)]


@on_servers
async def test_while_it_runs_what_comes_is_published(scene: Scene) -> None:
    async def is_published() -> bool:
        return await scene.waiting() == 0

    async with scene.publisher().running(scene.outbox):
        await scene.put(1)
        await until(is_published)
        await scene.put(2)
        await until(is_published)
    assert await scene.published() == ["e1", "e2"]


@pytest.mark.servers
def test_without_kafka_messages_wait_and_the_body_goes_on(
    redis_url: str, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def tell() -> None:
        redis = await connect(redis_url)
        scene = Scene(redis, namespace, NOWHERE, "alerts")
        await scene.put(1)

        async def is_told() -> bool:
            return "the topic alerts waits: KafkaConnectionError" in caplog.text

        async with scene.publisher().running(scene.outbox):
            await until(is_told)
        assert await scene.waiting() == 1
        await redis.aclose()

    with caplog.at_level(logging.WARNING, "streams.runtime.outbox"):
        asyncio.run(tell())


def test_trouble_is_tried_again_ever_less_often_and_once_a_minute_at_last() -> None:
    pauses = [pause_seconds(failures) for failures in range(12)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses == sorted(pauses)
    assert pauses[-1] == pause_seconds(10_000) == MOST_PAUSE_SECONDS
