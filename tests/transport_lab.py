"""A small ledger in SQLite, a worker around it and records to read: what the transport's tests share."""

import asyncio
import contextlib
import sqlite3
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer, ConsumerRecord
from faust.types import TP

from loanpulse.lab.topics import create_topics
from schemas.registry import TOPICS
from streams.runtime.app import WorkerApp, create_app
from streams.runtime.ledger_values import Source
from streams.runtime.processor import Reposition
from streams.runtime.settings import Settings

WAIT_SECONDS = 40.0
SCHEMA = """
create table if not exists ledger (tp text primary key, owner text, position integer not null);
create table if not exists seen (tp text, at integer, value blob, owner text, primary key (tp, at));
"""

Hook = Callable[[TP, Sequence[ConsumerRecord]], Awaitable[None]]


async def nothing(tp: TP, records: Sequence[ConsumerRecord]) -> None:
    """The hook of a processor that just goes on."""


class SqliteProcessor:
    """Keeps position and records in one transaction, fenced by owner, as a ledger does; several processes may."""

    def __init__(self, path: Path, before: Hook = nothing) -> None:
        self.owner = uuid.uuid4().hex[:8]
        self.before = before
        self.sources: dict[TP, Source] = {}
        self.opened: list[TP] = []
        self.closed: list[TP] = []
        self.told: dict[TP, str] = {}
        self.ticks: list[tuple[TP, bool]] = []
        self.batches: list[int] = []
        self._expected: dict[TP, int] = {}
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
        self._db.executescript("pragma journal_mode=wal;" + SCHEMA)

    async def open(self, tp: TP, source: Source) -> int:
        self.sources[tp] = source
        self.opened.append(tp)
        return self._acquire(tp)

    async def process(self, tp: TP, records: Sequence[ConsumerRecord]) -> None:
        await self.before(tp, records)
        rows = [(key(tp), record.offset, record.value, self.owner) for record in records]
        after = records[-1].offset + 1
        self.batches.append(len(records))
        with self._transaction():
            moved = self._db.execute(
                "update ledger set position = ? where tp = ? and owner = ? and position = ?",
                (after, key(tp), self.owner, self._expected[tp]),
            ).rowcount
            self._db.executemany("insert into seen values (?, ?, ?, ?)", rows if moved else [])
        if not moved:
            raise Reposition(self._acquire(tp))
        self._expected[tp] = after

    async def tick(self, tp: TP, *, caught_up: bool) -> None:
        self.ticks.append((tp, caught_up))

    async def stopped(self, tp: TP, reason: str) -> None:
        self.told[tp] = reason

    async def close(self, tp: TP) -> None:
        self.closed.append(tp)

    def offsets(self, tp: TP) -> list[int]:
        """Offsets that were processed, by whom ever; a repetition is impossible (primary key)."""
        found = self._db.execute("select at from seen where tp = ? order by at", (key(tp),))
        return [row[0] for row in found]

    def owners(self, tp: TP) -> list[str]:
        """Who processed what, in order of offset."""
        found = self._db.execute("select owner from seen where tp = ? order by at", (key(tp),))
        return [row[0] for row in found]

    def total(self) -> int:
        return int(self._db.execute("select count(*) from seen").fetchone()[0])

    def place(self, tp: TP, position: int) -> None:
        """Move the ledger by hand."""
        self._db.execute("insert or replace into ledger values (?, 'operator', ?)", (key(tp), position))

    def clear(self) -> None:
        """Forget the records, not the positions."""
        self._db.execute("delete from seen")

    def caught_up(self, tp: TP) -> bool:
        """Whether its last tick found nothing left to process."""
        return next((caught_up for at, caught_up in reversed(self.ticks) if at == tp), False)

    def _acquire(self, tp: TP) -> int:
        with self._transaction():
            self._db.execute("insert or ignore into ledger values (?, ?, 0)", (key(tp), self.owner))
            self._db.execute("update ledger set owner = ? where tp = ?", (self.owner, key(tp)))
            found = self._db.execute("select position from ledger where tp = ?", (key(tp),)).fetchone()
        self._expected[tp] = int(found[0])
        return self._expected[tp]

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")


def key(tp: TP) -> str:
    return f"{tp.topic}/{tp.partition}"


def settings_for(bootstrap: str, namespace: str, **changes: object) -> Settings:
    """A worker's settings with topics of its own; `topic_names` gives their names."""
    given = {"kafka": bootstrap, "namespace": namespace, "topic_prefix": f"{namespace}-", **changes}
    return Settings.model_validate({"session_timeout_seconds": 6, **given})


def topic_names(settings: Settings) -> list[str]:
    return [settings.topic(name) for name in TOPICS]


@contextlib.asynccontextmanager
async def working(settings: Settings, processor: SqliteProcessor) -> AsyncIterator[WorkerApp]:
    """A worker in this process; it must not have crashed by the end."""
    app = create_app(settings, processor)
    await app.start()
    try:
        yield app
        assert not app.crashed, app.crash_reason
    finally:
        await app.stop()


async def until(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Wait for a condition; AssertionError when it does not come true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what servers do sets no event
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def producing(bootstrap: str, **options: object) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, **options) as producer:
        yield producer


async def produce(bootstrap: str, topic: str, count: int, partition: int = 0) -> None:
    """`count` records with values 0, 1, ... to one partition."""
    async with producing(bootstrap, linger_ms=5) as producer:
        sent = [await producer.send(topic, b"%d" % n, partition=partition) for n in range(count)]
        await asyncio.gather(*sent)


class Bench:
    """One test's broker, topics and ledger."""

    def __init__(self, bootstrap: str, namespace: str, path: Path, partitions: int = 1) -> None:
        self.settings = settings_for(bootstrap, namespace)
        self.path = path / "ledger.db"
        self.bootstrap = bootstrap
        self.partitions = partitions
        create_topics(bootstrap, dict.fromkeys(topic_names(self.settings), partitions))
        self.tps = [TP(name, part) for name in topic_names(self.settings) for part in range(partitions)]
        self.tp = self.tps[0]

    def processor(self, before: Hook = nothing) -> SqliteProcessor:
        return SqliteProcessor(self.path, before)

    async def produce(self, count: int, tp: TP | None = None) -> None:
        tp = tp or self.tp
        await produce(self.bootstrap, tp.topic, count, tp.partition)
