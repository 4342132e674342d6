"""Workers that are killed while they tell of open cases: every alert comes, none under two names, none without need."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
import redis
from faust.types import TP

from loanpulse.intake.producing import produce
from loanpulse.intake.sources import Raw
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.servers import Endpoints
from loanpulse.lab.space import own_space
from schemas.alert import AlertEvent
from schemas.fields import time_ms, time_text
from schemas.registry import CUSTOMER
from streams.runtime.clock import WallClock
from streams.runtime.keys import LedgerKeys
from streams.runtime.rulebook import read_rulebook
from streams.runtime.settings import Settings
from streams.runtime.worker import LedgerProcessor
from tests.crash_worker import CrashWorker
from tests.kpi_alert_lab import read_topic
from tests.partition_lab import SOURCE, record
from tests.waiting import until, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

NOWHERE = "127.0.0.1:1"
TARGET_SECONDS = 8
ROUNDS = 8
ROUND_THE_CLOCK = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
ORGANISATION = {
    "calendar": {"weekly": ROUND_THE_CLOCK},
    "targets": {"response_time": f"{TARGET_SECONDS} seconds"},
}


@dataclass
class Desk:
    """Clients who ask, officers who answer, and a worker that is killed again and again."""

    settings: Settings
    answered_at: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    workers: int = 0

    def now(self) -> int:
        return WallClock().now_ms()

    def ask(self, number: int) -> None:
        names = [f"Q-{len(self.asked) + n}" for n in range(number)]
        self._say("query.received", names)
        self.asked += names

    def answer(self, names: list[str]) -> None:
        self._say("query.answered", names)
        self.answered_at |= dict.fromkeys(names, self.now())

    def _say(self, type_: str, names: list[str]) -> None:
        now = self.now()
        said = {"specversion": "1.0", "source": "desk", "type": type_, "time": time_text(now)}
        raws = []
        for name in names:
            client = f"client-{name}"
            event = said | {"id": f"{type_} {name}", "subject": name, "data": {"customer_id": client}}
            raws.append(Raw(CUSTOMER, client.encode(), json.dumps(event).encode(), now))
        produce(str(self.settings.kafka), raws, prefix=self.settings.topic_prefix, timestamp_ms=now)

    def worker(self) -> CrashWorker:
        self.workers += 1
        return CrashWorker(self.settings, self.settings.home / f"worker-{self.workers}.log")

    def outbox(self) -> int:
        """How many messages wait to be published."""
        keys = [LedgerKeys(self.settings.namespace, self.settings.topic(CUSTOMER), part) for part in range(2)]
        with redis.Redis.from_url(str(self.settings.redis)) as client:
            return sum(client.xlen(key.outbox) for key in keys)

    def told(self) -> list[AlertEvent]:
        topic = read_topic(str(self.settings.kafka), self.settings.alerts)
        return [msgspec.convert(event, AlertEvent) for _, event in topic]


@contextmanager
def desk(kafka: str, redis_url: str, home: Path) -> Iterator[Desk]:
    config = home / "organisation.json"
    config.write_text(json.dumps(ORGANISATION))
    settings = Settings(
        kafka=kafka,
        redis=redis_url,
        config=config,
        home=home,
        partitions=2,
        session_timeout_seconds=6,
        worker_id="w",
    )
    with own_space(settings, Endpoints(kafka, redis_url), "crash") as own:
        yield Desk(own)


def test_killed_workers_tell_each_alert_under_one_name_and_none_of_what_was_answered(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    """Some die at any moment, most right after a script has written alerts that are not published yet."""
    rng = random.Random(7)
    with desk(kafka.bootstrap, redis_url, tmp_path) as on:
        for _ in range(ROUNDS):
            with on.worker():
                on.ask(6)
                wait_until(lambda: on.outbox() > 0 or len(on.told()) >= len(on.asked), 60)
            open_ones = [name for name in on.asked if name not in on.answered_at]
            on.answer(rng.sample(open_ones, len(open_ones) // 3))
        with on.worker():
            wait_until(lambda: is_over(on), 60)
            told = {event.id: event for event in on.told()}
    by_case: dict[str, list[AlertEvent]] = defaultdict(list)
    for event in told.values():
        assert event.data.case is not None
        by_case[event.data.case.subject].append(event)
    for name in on.asked:
        kinds = [event.type.removeprefix("alert.") for event in by_case[name]]
        if name not in on.answered_at:
            assert kinds in (["raised"], ["raised", "escalated"]), name
            assert by_case[name][-1].data.band == "breached"
        else:
            assert kinds in ([], ["raised", "resolved"], ["raised", "escalated", "resolved"]), name
            assert all(time_ms(event.time) <= on.answered_at[name] for event in by_case[name][:-1]), name
        assert len({event.data.alert for event in by_case[name]}) <= 1


def is_over(on: Desk) -> bool:
    """Whether all that is open was told to be breached, and nothing waits any more."""
    breached = {
        event.data.case.subject for event in on.told() if event.data.case and event.data.band == "breached"
    }
    return set(on.asked) - on.answered_at.keys() <= breached and on.outbox() == 0


def test_what_a_killed_worker_had_written_and_not_published_the_next_one_publishes(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    """The first one cannot reach Kafka's alerts at all, so that it is sure to end between script and publishing."""
    with desk(kafka.bootstrap, redis_url, tmp_path) as on:
        asked_at = on.now() - 60_000
        event = {
            "specversion": "1.0", "source": "desk", "id": "1", "type": "query.received", "subject": "Q-1",
            "time": time_text(asked_at), "data": {"customer_id": "c"},
        }  # fmt: skip
        place = TP(on.settings.topic(CUSTOMER), 0)
        settings = on.settings.model_copy(update={"partitioner": "none"})
        book = read_rulebook(None, settings.config, "UTC")

        async def story() -> None:
            killed = LedgerProcessor(settings, book, NOWHERE, redis_url)
            await killed.open(place, SOURCE)
            await killed.process(
                place, [record(json.dumps(event).encode(), key=b"c", at=asked_at, topic=place.topic)]
            )
            await killed.tick(place, caught_up=True)
            assert on.outbox() == 1
            heir = LedgerProcessor(settings, book, kafka.bootstrap, redis_url)
            await heir.open(place, SOURCE)
            await heir.tick(place, caught_up=True)
            await until(lambda: asyncio.to_thread(lambda: on.outbox() == 0))
            for processor in (killed, heir):
                await processor.close(place)

        asyncio.run(story())
        (told,) = on.told()
        assert (told.type, told.subject) == ("alert.raised", "response_time/Q-1")
