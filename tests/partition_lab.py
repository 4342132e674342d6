"""A partition of loan events on a real Redis, fed by hand: what the tests of its runtime share."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import ConsumerRecord

from schemas.registry import LOAN
from streams.calculus.case import decode_case
from streams.calculus.client import decode_client
from streams.calculus.program import Program
from streams.calculus.windows import DAY_MS, MINUTES_KEPT_MS, Grid
from streams.runtime.admission import DeadLetter
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import Source
from streams.runtime.partition import ChecksumAt, Partition
from streams.runtime.programs import Programs
from streams.runtime.redis_client import connect
from streams.runtime.settings import Settings
from tests.engine import MemoryLedger, content_of, program_of
from tests.ledger_lab import pane_logs
from tests.oracle import streams as nasty

NOW_MS = nasty.END + DAY_MS
MINUTES_FROM = NOW_MS - MINUTES_KEPT_MS - DAY_MS
SOURCE = Source("cluster-1", "topic-1", 1)
ZONE = "Europe/Amsterdam"
LOANS = ("lead", "offer", "loan")

Event = dict[str, Any]

OUTCOMES = ("applied", "duplicate", "expired", "dead_letter")


class HandClock:
    """Shows what it is set to."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms


class Letters:
    """Keeps dead letters in memory."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    async def put(self, letters: Sequence[DeadLetter]) -> None:
        self.letters += letters

    @property
    def offsets(self) -> list[int]:
        return [letter.record.offset for letter in self.letters]


async def gone(offset: int) -> int | None:
    """Kafka has no record there any more."""
    return None


def loan_events(seed: int, cases: int, **options: Any) -> list[Event]:
    """Nasty events of the topic loan-events."""
    return nasty.generate(seed, cases, kinds=LOANS, tz=ZONE, **options)


def lead(number: int, at: str = "2026-01-05T10:00:00Z", **envelope: Any) -> Event:
    """An event of a client, and a case, of its own."""
    said = {"specversion": "1.0", "source": "crm", "id": f"{number}", "type": "lead.created", "time": at}
    return said | {"subject": f"lead-{number}", "data": {"customer_id": f"c-{number}"}} | envelope


def record(
    value: bytes | None, offset: int = 0, key: bytes | None = None, at: int = NOW_MS, **place: Any
) -> ConsumerRecord:
    """What Kafka hands out."""
    return ConsumerRecord(
        topic=place.get("topic", LOAN), partition=place.get("partition", 0), offset=offset, timestamp=at,
        timestamp_type=0, key=key, value=value, checksum=None, serialized_key_size=len(key or b""),
        serialized_value_size=len(value or b""), headers=(),
    )  # fmt: skip


def records_of(events: Iterable[Event], start: int = 0) -> list[ConsumerRecord]:
    """The events as a producer sends them, from an offset on."""
    return [
        record(json.dumps(event).encode(), offset, event["data"]["customer_id"].encode())
        for offset, event in enumerate(events, start)
    ]


class Desk:
    """One ledger, and the partitions that are opened on it one after the other."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.clock, self.dead = HandClock(), Letters()
        self.program = program_of(ZONE, {})
        self.programs = Programs(self.program)

    def partition(
        self, program: Program | None = None, beside: Program | None = None, **settings: Any
    ) -> Partition:
        """A new worker's view of the ledger."""
        made = Settings.model_validate({"tz": ZONE, "lateness_days": 400, **settings})
        programs = Programs(program or self.program, beside)
        return Partition(self.ledger, LOAN, programs, made, self.clock, self.dead)

    async def opened(
        self,
        program: Program | None = None,
        checksum_at: ChecksumAt = gone,
        beside: Program | None = None,
        **settings: Any,
    ) -> Partition:
        partition = self.partition(program, beside, **settings)
        await partition.open(SOURCE, checksum_at)
        return partition

    async def assert_holds(
        self, events: Iterable[Event], program: Program | None = None, version: str | None = None
    ) -> None:
        """Cases, clients and panes (of the live version, or of another) are those of the events, folded in memory in one
        batch; of minutes the last 33 days.
        """
        made = MemoryLedger(program or self.program, Grid.live((program or self.program).zone))
        made.apply(events)
        wanted = {
            pane: cells
            for pane, cells in made.cells().items()
            if not pane.startswith("m") or int(pane[1:]) >= MINUTES_FROM
        }
        ledger = self.ledger
        version = version or (await ledger.head()).version
        pull = await ledger.pull(choose=lambda _: version)
        names, logs = await ledger.groups(version), await pane_logs(ledger, pull)
        found = {pane: content_of(pane, log, names) for pane, log in logs.items()}
        assert {pane: cells for pane, cells in found.items() if cells} == wanted
        cases, clients = made.state()
        stored = {name: decode_case(blob) async for some in ledger.scan_cases() for name, blob in some}
        assert stored == cases
        kept = await ledger.redis.execute_command("HGETALL", ledger.keys.version(version).clients)
        shown = {key: decode_client(blob).views for key, blob in kept.items()}
        tidy = {key: {code: views for code, views in of.items() if views} for key, of in shown.items()}
        assert {key: of for key, of in tidy.items() if of} == clients


@asynccontextmanager
async def desk(redis_url: str, namespace: str, timeout_seconds: float = 10.0) -> AsyncIterator[Desk]:
    redis = await connect(redis_url, timeout_seconds)
    try:
        yield Desk(Ledger(redis, namespace, LOAN, 0))
    finally:
        await redis.aclose()


def at_a_desk(story: Callable[[Desk], Awaitable[None]]) -> Callable[[str, str], None]:
    """Makes a test of a story about one ledger on the run's Redis."""

    def test(redis_url: str, namespace: str) -> None:
        async def tell() -> None:
            async with desk(redis_url, namespace) as own:
                await story(own)

        asyncio.run(tell())

    test.__doc__ = story.__doc__
    return test


async def counted(own: Desk) -> dict[str, int]:
    """How many records came to which end."""
    counts = (await own.ledger.head()).counts
    return {outcome: counts.get(outcome, 0) for outcome in OUTCOMES}
