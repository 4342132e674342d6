"""What the tests of KPI alerts share: a board whose approval rate can be put off its target and on it again."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from msgspec.structs import replace

from loanpulse.alerting.kpi_alerts import KpiAlerts
from loanpulse.board.board import Board
from loanpulse.board.lease import Lease
from schemas.alert import AlertEvent, decode_alert
from schemas.registry import TOPICS
from streams.calculus.windows import Grid
from streams.runtime.keys import NamespaceKeys
from streams.runtime.outbox import StreamOutbox
from streams.runtime.redis_client import connect
from streams.runtime.script import Client
from streams.runtime.settings import Settings
from tests.board_lab import MINUTE_MS, NOON, Writer, program, rule, rulebook_of
from tests.exporter_lab import META, Moment, board, book, seen
from tests.waiting import until

ALERTING = program(rule("approval"), rule("count", target={"at_least": 1, "window": "30d"}, alert=None))
BOOK = book(ALERTING)
HELD = 15
"""Minutes that the approval rate has to be off target."""
ENOUGH = 10
NEVER_MS = 60_000
"""A lease that no test sees the end of."""


class Alarm:
    """Ledgers of all topics that are complete, a clock, and boards over them."""

    def __init__(self, redis: Client, namespace: str, settings: Settings | None = None) -> None:
        self.redis, self.namespace = redis, namespace
        self.settings = settings or Settings(namespace=namespace)
        self.keys = NamespaceKeys(namespace)
        self.clock = Moment()
        self.outbox = StreamOutbox(redis, self.keys.board_outbox)
        self.writers: list[Writer] = []

    async def open(self) -> None:
        grid = Grid.live(ALERTING.zone)
        for topic in TOPICS:
            name = self.settings.topic(topic)
            writer = await Writer(self.redis, self.namespace, ALERTING, grid, name).open()
            self.writers.append(writer)
        await self.complete()

    async def complete(self, until_ms: int | None = None) -> None:
        """Everything is in, up to now."""
        for writer in self.writers:
            await writer.tick(until_ms or self.clock.at)

    def board(self, lease_ms: int = NEVER_MS) -> Board:
        return Board(self.settings, rulebook_of(ALERTING), self.redis, self.clock, lease_ms)

    async def decisions(self, sign: int = 1, n: int = ENOUGH) -> None:
        """As many approvals, a rate that is off its target, come to be or are taken back."""
        found = seen(ALERTING, "approval", n=n, b=1, at=NOON)
        await self.writers[0].commit([(observation, sign) for observation, _ in found], self.clock.at)

    async def minutes(self, board: Board, number: int) -> None:
        """The board computes each minute; it must have the lease."""
        for _ in range(number):
            self.clock.at += MINUTE_MS
            await self.complete()
            assert await board.step()

    async def told(self) -> list[AlertEvent]:
        """What waits to be published."""
        return [decode_alert(message.event) for message in await self.outbox.first(1_000)]

    async def words(self) -> list[str]:
        return [event.data.ended or event.type.removeprefix("alert.") for event in await self.told()]

    async def pass_over(self, board: Board) -> None:
        """The lease of whoever has it ends; a board takes it."""
        await self.redis.execute_command("DEL", self.keys.board_lease)
        await until(board.step)

    async def is_standing(self) -> bool:
        """Whether a figure is kept as off target."""
        fields = await self.redis.execute_command("HKEYS", self.keys.board_alerts)
        return any(field != b"clock" for field in fields)


class Decider:
    """The decisions of one process, without the rest of its board."""

    def __init__(self, redis: Client, namespace: str, lease: Lease, most_waiting: int = 100) -> None:
        self.alerts = KpiAlerts(Settings(namespace=namespace), redis, lease, most_waiting)
        self.show(ENOUGH)

    def show(self, n: int) -> None:
        self.alerts.take(board(BOOK, seen(ALERTING, "approval", n=n, b=1)).blocks)

    async def minutes(self, *numbers: int) -> None:
        for minute in numbers:
            at = NOON + minute * MINUTE_MS
            meta = replace(META, as_of_ms=at, complete_through_ms=at)
            await self.alerts.step(BOOK, meta)


async def let_one_be_told(redis: Client, namespace: str) -> None:
    """An alert is raised, and waits to be published."""
    lease = Lease(redis, namespace, NEVER_MS)
    assert await lease.take()
    await Decider(redis, namespace, lease).minutes(*range(HELD + 1))
    await lease.release()


async def telling(url: str, namespace: str, story: Callable[[Alarm], Coroutine[Any, Any, None]]) -> None:
    redis = await connect(url)
    try:
        alarm = Alarm(redis, namespace)
        await alarm.open()
        await story(alarm)
    finally:
        await redis.aclose()


def read_topic(bootstrap: str, topic: str) -> list[tuple[str, dict[str, Any]]]:
    """Key and value of every record of a topic with one partition, in order."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    place = TopicPartition(topic, 0)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    end, found = consumer.end_offsets([place])[place], []
    while consumer.position(place) < end:
        for records in consumer.poll(1_000).values():
            found += [(record.key.decode(), json.loads(record.value)) for record in records]
    consumer.close()
    return found
