"""Rules changed under way, and batches that a ledger does not take as they are: divided, or stopped before a write."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from kafka.partitioner import murmur2

from loanpulse.intake.sources import Raw
from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.redis_server import Redis
from streams.runtime.in_force import RulesInForce
from streams.runtime.redis_client import connect
from streams.runtime.rejects import LEAST
from streams.runtime.rulebook import read_rulebook
from streams.runtime.script import Script
from streams.runtime.script_call import MAX_WRITES
from tests.crash_lab import OUTCOMES, Place, Stage, rows_of, stage
from tests.crash_story import Story, broken, crowded_story, nasty_story
from tests.crash_worker import CrashWorker
from tests.lossy_proxy import LossyProxy
from tests.nasty_boards import assert_equal

pytestmark = [pytest.mark.servers, pytest.mark.slow]

APPEND, FINISH, FLIP = (Script(name).digest.encode() for name in ("append_version", "finish", "flip"))
WRONG_PLACE = ("staff-activity", 0)


def fewer_rules(place: Path) -> Path:
    """A directory of one of the catalogue's rule files."""
    place.mkdir()
    with as_file(files("kpi_rules").joinpath("catalogue", "customer_relationship.yaml")) as found:
        shutil.copy(found, place)
    return place


def are_beside(on: Stage) -> bool:
    """Whether every ledger has the panes of other rules beside its live ones."""
    heads = on.heads()
    return bool(heads) and all(head.beside_ready for head in heads.values())


def change(on: Stage, what: Callable[[RulesInForce], Awaitable[object]]) -> None:
    """Change the rules in force."""

    async def story() -> None:
        redis = await connect(str(on.settings.redis))
        try:
            await what(RulesInForce(redis, on.settings.namespace))
        finally:
            await redis.aclose()

    asyncio.run(story())


def test_rules_deployed_while_workers_die_count_everything_that_came_before_and_meanwhile(
    kafka: Kafka, redis_server: Redis, redis_url: str, tmp_path: Path
) -> None:
    """One worker dies while it makes the new panes, one before it can say that they are whole, one while it flips."""
    story, few, proxy = nasty_story(16, 250), fewer_rules(tmp_path / "few"), LossyProxy(redis_server.port)
    fifth = len(story.records) // 5
    with stage(kafka.bootstrap, redis_url, story, tmp_path) as on:
        book = read_rulebook(None, on.config, story.chosen["zone"])

        def dies_at(request: bytes, part: int) -> None:
            proxy.kept.clear()
            proxy.keeps = lambda asked: request in asked
            with on.worker(redis=proxy.url):
                on.produce(story.records[part * fifth : (part + 1) * fifth])
                on.await_that(proxy.kept.is_set)

        with on.worker(rules=few):
            on.produce(story.records[:fifth])
            on.settle()
        change(on, lambda rules: rules.propose(book, 1))
        dies_at(APPEND, 1)
        dies_at(FINISH, 2)
        with on.worker():
            on.await_that(lambda: are_beside(on))
        change(on, lambda rules: rules.put_in_force(book.digest, 2))
        dies_at(FLIP, 3)
        with on.worker():
            on.produce(story.records[4 * fifth :])
            on.assert_exact()
            assert are_beside(on)
    proxy.close()


def test_rules_that_are_gone_back_to_are_exact(kafka: Kafka, redis_url: str, tmp_path: Path) -> None:
    story, few = nasty_story(17, 200), fewer_rules(tmp_path / "few")
    third = len(story.records) // 3
    with stage(kafka.bootstrap, redis_url, story, tmp_path) as on:
        book = read_rulebook(few, on.config, story.chosen["zone"])
        with on.worker():
            on.produce(story.records[:third])
            on.settle()
            change(on, lambda rules: rules.propose(book, 1))
            on.await_that(lambda: are_beside(on))
            change(on, lambda rules: rules.put_in_force(book.digest, 2))
            on.produce(story.records[third : 2 * third])
            on.settle()
            kept = {rule.id for rule in book.rules}
            change(on, lambda rules: rules.go_back(3))
            on.produce(story.records[2 * third :])
            on.assert_exact()
            assert_equal(rows_of(on.board(few)), [row for row in story.recounted() if row["kpi"] in kept])


def test_a_batch_too_large_for_a_script_is_divided(kafka: Kafka, redis_url: str, tmp_path: Path) -> None:
    story = crowded_story(500)
    with stage(kafka.bootstrap, redis_url, story, tmp_path, partitions=1) as on:
        on.produce(story.records)
        with on.worker():
            on.assert_exact()
        place, untouched = on.place_of("loan-events"), on.place_of("staff-activity")
        assert on.written(place) > MAX_WRITES
        assert on.heads()[place].seq - on.heads()[untouched].seq > 1


def test_a_partition_that_rejects_too_large_a_share_stops_and_goes_on_under_a_higher_limit(
    kafka: Kafka, redis_url: str, tmp_path: Path
) -> None:
    """It stops again after a restart, and the others never do."""
    story = nasty_story(18, 250)
    third = len(story.records) // 3
    with stage(kafka.bootstrap, redis_url, story, tmp_path) as on:
        place = on.place_of(*WRONG_PLACE)
        wrong = [broken(record) for record in of_partition(story, *WRONG_PLACE) * 2]
        with on.worker() as worker:
            on.produce(story.records[:third])
            on.settle()
            on.produce(wrong)
            on.await_that(lambda: says_it_stopped(worker, place))
            assert "LOANPULSE_REJECT_LIMIT" in worker.text
            on.produce(story.records[third : 2 * third])
            on.settle(but=[place])
        stopped = on.heads()[place]
        taken, rejected = stopped.position, stopped.counts.get("dead_letter", 0)
        assert rejected <= max(LEAST, taken // 2)
        assert taken == sum(stopped.counts.get(name, 0) for name in OUTCOMES)
        assert any("is stopped: " in lack for lack in on.board().meta.incomplete)
        with on.worker() as worker:
            on.await_that(lambda: says_it_stopped(worker, place))
            assert on.heads()[place].position == taken
        on.produce(story.records[2 * third :])
        with on.worker(reject_limit=1.0):
            on.assert_exact(dead_letters=len(wrong))
        assert len(on.dead_letters()) == len(wrong)


def of_partition(story: Story, topic: str, partition: int) -> list[Raw]:
    """What the story tells in one of a topic's two partitions."""
    keyed = [(raw, raw.key) for raw in story.records if raw.topic == topic]
    return [raw for raw, key in keyed if key is not None and (murmur2(key) & 0x7FFFFFFF) % 2 == partition]


def says_it_stopped(worker: CrashWorker, place: Place) -> bool:
    return worker.says(f"{place[0]}/{place[1]} is stopped: ")
