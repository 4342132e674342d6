"""Workers on real servers, crashes in the middle, and the board at the end: what the crash tests share."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import redis

from loanpulse.board.snapshot import Snapshot
from loanpulse.board.ticks import batch_board
from loanpulse.doctor.letters import letters
from loanpulse.intake.producing import produce
from loanpulse.intake.sources import Raw
from loanpulse.lab.servers import Endpoints
from loanpulse.lab.space import own_space
from schemas.registry import TOPICS
from streams.runtime.keys import LedgerKeys
from streams.runtime.ledger_values import Head, head_of
from streams.runtime.settings import Settings
from tests.crash_story import Event, Story
from tests.crash_worker import CrashWorker
from tests.nasty_boards import assert_equal
from tests.waiting import wait_until

SETTLE_SECONDS = 60.0
OUTCOMES = ("applied", "duplicate", "dead_letter", "expired")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Place = tuple[str, int]
Condition = Callable[[], bool]


@dataclass
class Stage:
    """A namespace with its topics on two servers, and a story to be told there."""

    settings: Settings
    story: Story
    produced: int = 0
    workers: list[CrashWorker] = field(default_factory=list)

    def worker(self, worker_id: str = "worker", **changes: object) -> CrashWorker:
        """A new worker process, which keeps its partitions over restarts under its id; `changes` of its settings."""
        settings = self.settings.model_copy(update={"worker_id": worker_id, **changes})
        started = CrashWorker(settings, self.settings.home / f"worker-{len(self.workers)}.log")
        self.workers.append(started)
        return started

    def produce(self, records: Iterable[Raw], at_ms: int | None = None) -> None:
        """Send records, as of an instant (the story's end), and wait until Kafka has them."""
        kafka, prefix = str(self.settings.kafka), self.settings.topic_prefix
        at = self.story.as_of_ms if at_ms is None else at_ms
        self.produced += produce(kafka, records, prefix=prefix, timestamp_ms=at)

    @property
    def config(self) -> Path:
        assert self.settings.config is not None
        return self.settings.config

    @property
    def places(self) -> list[Place]:
        return [
            (self.settings.topic(name), part) for name in TOPICS for part in range(self.settings.partitions)
        ]

    def place_of(self, topic: str, partition: int = 0) -> Place:
        """A partition of the topic that the contract calls `topic`."""
        return self.settings.topic(topic), partition

    def heads(self) -> dict[Place, Head]:
        """Every ledger's head; none while Redis is away."""
        try:
            with redis.Redis.from_url(str(self.settings.redis)) as client:
                return {place: head_of(client.hgetall(self.keys(place).head)) for place in self.places}
        except redis.RedisError:
            return {}

    def keys(self, place: Place) -> LedgerKeys:
        return LedgerKeys(self.settings.namespace, *place)

    def counted(self) -> int:
        """How many records the ledgers have taken in, whatever became of them."""
        return sum(head.counts.get(name, 0) for head in self.heads().values() for name in OUTCOMES)

    def dead_letters(self) -> set[str]:
        """Where the records stood that are in the dead-letter topic, be it once or twice."""
        found = letters(str(self.settings.kafka), self.settings.dead_letters)
        return {letter.told.position for letter in found}

    def written(self, place: Place) -> int:
        """How many entries a ledger holds: as many writes, at least, it took to fill it."""
        keys, version = self.keys(place), self.keys(place).version(self.heads()[place].version)
        with redis.Redis.from_url(str(self.settings.redis)) as client:
            hashes = (keys.cases, version.clients, version.lengths)
            return int(client.llen(version.groups)) + sum(int(client.hlen(key)) for key in hashes)

    def await_counted(self, records: int) -> None:
        """Wait until the ledgers have taken in so many records; a worker that has died ends the wait."""
        self.await_that(lambda: self.counted() >= records)

    def await_that(self, condition: Condition) -> None:
        def holds() -> bool:
            if condition():
                return True
            assert any(worker.runs for worker in self.workers), self.workers[-1].text[-4000:]
            return False

        try:
            wait_until(holds, SETTLE_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self._where_it_stands()}") from None

    def settle(self, *, but: Iterable[Place] = ()) -> None:
        """Wait until every ledger is whole and complete; `but` for partitions that are stopped."""
        left_out = set(but)

        def done() -> bool:
            heads = {place: head for place, head in self.heads().items() if place not in left_out}
            return bool(heads) and all(
                head.through_ms == self.story.as_of_ms and head.state == "live" and not head.torn
                for head in heads.values()
            )

        if not left_out:
            self.await_counted(self.produced)
        self.await_that(done)

    def board(self, rules: Path | None = None) -> Snapshot:
        """The board at the story's end."""
        program = self.story.program(self.config, rules)
        return asyncio.run(batch_board(str(self.settings.redis), self.settings, program, self.story.as_of_ms))

    def assert_exact(self, dead_letters: int = 0, *, cut_off: bool = False) -> None:
        """Of the whole story the board is the recount's, and every record has been counted once, as what it is.

        `dead_letters`: how many records have come besides, none of them an event. `cut_off`: a script was cut off after
        it had written cases, so that events are in them already when they are read again, and count as duplicates.
        """
        self.settle()
        snapshot = self.board()
        assert snapshot.meta.incomplete == []
        wanted = self.story.fates()
        wanted["dead_letter"] += dead_letters
        found = {name: snapshot.meta.events[name] for name in OUTCOMES}
        assert sum(found.values()) == self.produced == sum(wanted.values())
        if cut_off:
            assert found["duplicate"] >= wanted["duplicate"]
            found = wanted | {name: found[name] for name in ("dead_letter", "expired")}
        assert found == wanted
        assert_equal(rows_of(snapshot), self.story.recounted())

    def _where_it_stands(self) -> str:
        heads = {f"{place}": (head.position, head.state, head.torn) for place, head in self.heads().items()}
        logs = "\n".join(worker.text[-3000:] for worker in self.workers[-2:])
        return f"{self.counted()} of {self.produced} records, {heads}\n{logs}"


def rows_of(snapshot: Snapshot) -> list[Event]:
    return [msgspec.to_builtins(row) for row in snapshot.rows()]


@contextlib.contextmanager
def stage(kafka: str, redis_url: str, story: Story, home: Path, partitions: int = 2) -> Iterator[Stage]:
    """A stage of one's own, whose workers have all ended at the end."""
    config = home / "organisation.json"
    config.write_text(json.dumps(story.organisation()))
    settings = Settings.model_validate(
        {
            "kafka": kafka,
            "redis": redis_url,
            "as_of": (_EPOCH + timedelta(milliseconds=story.as_of_ms)).isoformat(),
            "tz": story.chosen["zone"],
            "config": config,
            "home": home,
            "partitions": partitions,
            "session_timeout_seconds": 6,
        }
    )
    with own_space(settings, Endpoints(kafka, redis_url), "crash") as own:
        made = Stage(own, story)
        try:
            yield made
        finally:
            for worker in made.workers:
                worker.kill()
