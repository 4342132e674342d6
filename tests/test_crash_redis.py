"""Redis killed, set back, emptied, its replies lost, its scripts cut off: what it holds and the position stay of one piece."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.redis_server import Redis
from streams.runtime.script import Script
from tests.crash_lab import stage
from tests.crash_story import nasty_story
from tests.lossy_proxy import LossyProxy

pytestmark = [pytest.mark.servers, pytest.mark.slow]

StartRedis = Callable[..., Redis]
MOST_LOST = 25


def test_a_worker_goes_on_by_itself_when_a_killed_redis_is_back(
    kafka: Kafka, own_redis: StartRedis, tmp_path: Path
) -> None:
    """What Redis has acknowledged it has written to its file: a killed process, other than a dead machine, loses nothing."""
    server, story, rng = own_redis(), nasty_story(2, 300), random.Random(2)
    quarter = len(story.records) // 4 + 1
    with stage(kafka.bootstrap, server.url, story, tmp_path) as on, on.worker():
        for start in range(0, len(story.records), quarter):
            on.produce(story.records[start : start + quarter])
            on.await_counted(on.produced - rng.randrange(quarter))
            server.kill()
            server.restart()
        on.assert_exact()


@pytest.mark.parametrize("worker_runs_on", [True, False])
def test_an_older_copy_of_redis_reads_on_from_its_own_position(
    kafka: Kafka, own_redis: StartRedis, tmp_path: Path, worker_runs_on: bool
) -> None:
    server, story = own_redis(), nasty_story(5, 250)
    third, backup = len(story.records) // 3, tmp_path / "backup"
    backup.mkdir()
    with stage(kafka.bootstrap, server.url, story, tmp_path) as on:
        with on.worker() as worker:
            on.produce(story.records[:third])
            on.await_counted(third // 2)
            copy_log(server.data_dir, backup)
            on.produce(story.records[third : 2 * third])
            on.settle()
            if not worker_runs_on:
                worker.kill()
            server.kill()
            copy_log(backup, server.data_dir)
            server.restart()
            assert on.counted() < on.produced
            if worker_runs_on:
                on.produce(story.records[2 * third :])
                on.assert_exact()
        if not worker_runs_on:
            on.produce(story.records[2 * third :])
            with on.worker():
                on.assert_exact()


def copy_log(source: Path, target: Path) -> None:
    """Put Redis' append-only log (a file, or a directory of them) in the place of another."""
    for found in source.glob("appendonly*"):
        if found.is_dir():
            shutil.rmtree(target / found.name, ignore_errors=True)
            shutil.copytree(found, target / found.name)
        else:
            shutil.copy(found, target)


def test_an_emptied_redis_is_filled_again_from_the_first_record(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    story = nasty_story(6, 250)
    half = len(story.records) // 2
    with (
        stage(kafka.bootstrap, redis_url, story, tmp_path) as on,
        on.worker(),
        redis.Redis.from_url(redis_url) as client,
    ):
        on.produce(story.records[:half])
        on.settle()
        client.flushall()
        on.produce(story.records[half:])
        on.await_counted(half // 2)
        client.flushall()
        on.assert_exact()


def test_replies_lost_after_the_script_ran_count_nothing_twice(
    kafka: Kafka, redis_server: Redis, redis_url: str, tmp_path: Path
) -> None:
    story, proxy, rng = nasty_story(8, 300), LossyProxy(redis_server.port), random.Random(8)
    commit = Script("commit").digest.encode()

    def loses(request: bytes) -> bool:
        if b"EVALSHA" not in request or proxy.lost >= MOST_LOST:
            return False
        return rng.random() < (0.5 if commit in request else 0.03)

    proxy.loses = loses
    sixth = len(story.records) // 6 + 1
    with stage(kafka.bootstrap, redis_url, story, tmp_path) as on, on.worker(redis=proxy.url):
        for start in range(0, len(story.records), sixth):
            on.produce(story.records[start : start + sixth])
            on.await_counted(start)
        on.assert_exact()
        assert proxy.lost >= 5
    proxy.close()


def test_a_ledger_torn_by_a_forbidden_command_is_made_whole_from_its_cases(
    kafka: Kafka, own_redis: StartRedis, tmp_path: Path
) -> None:
    """Scripts may do no more than their caller: one that may not append stops after it has written the cases."""
    server, story = own_redis(), nasty_story(13, 250)
    third = len(story.records) // 3
    with (
        stage(kafka.bootstrap, server.url, story, tmp_path) as on,
        on.worker(),
        redis.Redis.from_url(server.url) as client,
    ):
        on.produce(story.records[:third])
        on.settle()
        client.execute_command("ACL", "SETUSER", "default", "-append")
        on.produce(story.records[third : 2 * third])
        on.await_that(lambda: any(head.torn for head in on.heads().values()))
        client.execute_command("ACL", "SETUSER", "default", "+append")
        on.produce(story.records[2 * third :])
        on.assert_exact(cut_off=True)


def test_a_ledger_found_torn_is_made_whole_before_a_record_is_read(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    story = nasty_story(14, 200)
    half = len(story.records) // 2
    with (
        stage(kafka.bootstrap, redis_url, story, tmp_path) as on,
        redis.Redis.from_url(redis_url) as client,
    ):
        with on.worker():
            on.produce(story.records[:half])
            on.settle()
        for place, head in on.heads().items():
            client.hset(on.keys(place).head, "applying", str(head.seq + 1))
            client.append(on.keys(place).version(head.version).panes + "s", bytes(32))
        with on.worker():
            on.produce(story.records[half:])
            on.assert_exact()
