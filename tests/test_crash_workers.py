"""Workers that are killed, and workers that go on when their time is over: every record is counted once."""

import random
from pathlib import Path

import pytest

from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.redis_server import Redis
from streams.runtime.script import Script
from tests.crash_lab import Condition, Stage, stage
from tests.crash_story import nasty_story
from tests.lossy_proxy import LossyProxy
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

KILLS = 50
COMMIT = Script("commit").digest.encode()


def at_a_record(on: Stage, rng: random.Random) -> Condition:
    """Any of the first half of those that wait."""
    counted = on.counted()
    target = rng.randint(counted, counted + (on.produced - counted) // 2)
    return lambda: on.counted() >= target


def at_a_takeover(on: Stage) -> Condition:
    """From now on: when a ledger has another owner."""
    before = {place: head.owner for place, head in on.heads().items()}
    return lambda: any(before[place] != head.owner for place, head in on.heads().items())


def test_fifty_killed_workers_leave_every_record_counted_once(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    """Three share the partitions. Who dies has a successor at once; at times that takes over while it is still alive."""
    rng, story = random.Random(50), nasty_story(50, 450, repeated=200, broken=60)
    share = len(story.records) // KILLS + 1
    with stage(kafka.bootstrap, redis_url, story, tmp_path) as on:
        workers = {name: on.worker(name) for name in ("one", "two", "three")}
        for killed in range(KILLS):
            on.produce(story.records[killed * share : (killed + 1) * share])
            name = rng.choice(sorted(workers))
            comes_early = rng.random() < 0.2
            point = at_a_takeover(on) if comes_early else at_a_record(on, rng)
            heir = on.worker(name) if comes_early else None
            on.await_that(point)
            assert workers[name].runs
            workers[name].kill()
            workers[name] = heir or on.worker(name)
        on.assert_exact()
        assert len(on.dead_letters()) == story.broken


def test_a_worker_that_stood_still_while_another_took_over_counts_nothing_twice(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    story = nasty_story(3, 300)
    third = len(story.records) // 3
    with stage(kafka.bootstrap, redis_url, story, tmp_path) as on, on.worker("zombie") as zombie:
        on.produce(story.records[:third])
        on.await_counted(third // 3)
        zombie.stand_still()
        owners = {head.owner for head in on.heads().values()}
        with on.worker("heir"):
            on.produce(story.records[third : 2 * third])
            on.await_counted(on.produced)
            assert not owners & {head.owner for head in on.heads().values()}
            zombie.go_on()
            on.produce(story.records[2 * third :])
            on.assert_exact()
            assert zombie.runs


def test_a_commit_that_arrives_after_another_took_over_changes_nothing(
    kafka: Kafka, redis_server: Redis, redis_url: str, tmp_path: Path
) -> None:
    story, proxy = nasty_story(4, 200), LossyProxy(redis_server.port)
    with stage(kafka.bootstrap, redis_url, story, tmp_path) as on:
        on.produce(story.records)
        proxy.keeps = lambda request: COMMIT in request
        with on.worker(redis=proxy.url):
            on.await_that(proxy.kept.is_set)
        with on.worker():
            on.assert_exact()
            proxy.let_go()
            wait_until(lambda: bool(proxy.late_replies))
            assert any(b"FENCED" in reply for reply in proxy.late_replies)
            on.assert_exact()
    proxy.close()
