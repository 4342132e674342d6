"""What the tests of open cases share: a lender's ledgers on a real Redis, and what readers of its open cases are told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from msgspec.structs import replace

from kpi_rules.rulebook import Rulebook
from loanpulse.board.board import Board
from loanpulse.board.snapshot import LedgerStatus, Snapshot
from loanpulse.cases.choice import Choice
from loanpulse.cases.reading import open_cases
from loanpulse.cases.told import CaseList, Told
from loanpulse.roster.roster import NOBODY, Member, Roster
from loanpulse.serve.book import book_of
from loanpulse.serve.shown import Shown
from schemas.registry import TOPICS
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import Source
from streams.runtime.partition import Partition
from streams.runtime.programs import Programs
from streams.runtime.redis_client import connect
from streams.runtime.rulebook import organisation_of, read_rules
from streams.runtime.script import Client
from streams.runtime.settings import Settings
from tests.engine import partition_of
from tests.exporter_lab import META
from tests.oracle.facts import key_of, topic_of
from tests.oracle.script import ms, said
from tests.oracle.speaker import Event
from tests.partition_lab import HandClock, Letters, gone, record

PARTITIONS = 2
ROSTER = Roster(
    (
        Member("officer", "ann", "Ann Baker"),
        Member("officer", "ben", "Ben Adams"),
        Member("branch", "b1", "Utrecht"),
    )
)
ALL = Choice(limit=None)

NOW = "2026-01-12 10:00"
"""A Monday. Five business days are 40 h."""


def file(loan: str, at: str, officer: str = "ann", **data: Any) -> Event:
    named = {"officer_id": officer, "branch_id": "b1", "product": "home"}
    return said("application.submitted", loan, at, key=f"c-{loan}", **(named | data))


def asked(loan: str, at: str, **data: Any) -> Event:
    return said("documents.requested", loan, at, key=f"c-{loan}", request_id="r", **data)


def held(loan: str, at: str) -> Event:
    return said("application.held", loan, at, key=f"c-{loan}", hold_id="h")


FILES = [
    file("late", "2026-01-05 09:00"),
    file("later", "2026-01-02 16:00", "ben"),
    file("full", "2026-01-05 10:00"),
    file("risky", "2026-01-06 09:00", "ben"),
    file("half", "2026-01-07 13:00"),
    file("fresh", "2026-01-12 09:00", "cid"),
    file("stands", "2026-01-05 09:00", product="car"),
    asked("stands", "2026-01-06 09:00"),
]


def rulebook_of(organisation: Mapping[str, Any], zone: str = "Europe/Amsterdam") -> Rulebook:
    """The catalogue for an organisation as its file has it."""
    return Rulebook(tuple(read_rules(None)), organisation_of("test", dict(organisation), zone))


class Office:
    """A lender's ledgers, some of each topic, as workers fill them."""

    def __init__(self, redis: Client, namespace: str, rulebook: Rulebook, roster: Roster = NOBODY) -> None:
        self.redis, self.namespace, self.rulebook, self.roster = redis, namespace, rulebook, roster
        self.clock = HandClock()
        self.book = book_of(rulebook)
        self.settings = Settings(namespace=namespace, partitioner="none")
        self.ledgers = {
            (topic, number): Ledger(redis, namespace, topic, number)
            for topic in TOPICS
            for number in range(PARTITIONS)
        }
        self._partitions: dict[tuple[str, int], Partition] = {}
        self._offsets = dict.fromkeys(self.ledgers, 0)

    async def open(self, *places: tuple[str, int]) -> None:
        """Workers open all ledgers, or some."""
        for place in places or self.ledgers:
            programs = Programs(self.book.program)
            partition = Partition(
                self.ledgers[place], place[0], programs, self.settings, self.clock, Letters()
            )
            await partition.open(Source("cluster", f"id-{place[0]}", PARTITIONS), gone)
            self._partitions[place] = partition

    async def take(self, events: Iterable[Event]) -> None:
        """Each event comes to its partition; no ledger says more than that it has read these."""
        shares: dict[tuple[str, int], list[Event]] = {}
        for event in events:
            shares.setdefault((topic_of(event), partition_of(event, PARTITIONS)), []).append(event)
        for place, share in shares.items():
            start = self._offsets[place]
            records = [
                record(
                    _encoded(event),
                    offset,
                    key_of(event).encode(),
                    self.clock.at_ms,
                    topic=place[0],
                    partition=place[1],
                )
                for offset, event in enumerate(share, start)
            ]
            await self._partitions[place].process(records)
            self._offsets[place] += len(share)

    async def reach(self, at_ms: int, *places: tuple[str, int]) -> None:
        """All ledgers, or some, have read everything up to an instant."""
        self.clock.at_ms = at_ms
        for place in places or self.ledgers:
            ledger = self.ledgers[place]
            await ledger.tick((await ledger.head()).owner, self._offsets[place], at_ms, "live")

    @property
    def shown(self) -> Shown:
        """What a board of these ledgers shows, its figures left out."""
        ledgers = [LedgerStatus(topic, number, "live", 1, None, {}) for topic, number in self.ledgers]
        return Shown(Snapshot(replace(META, ledgers=ledgers), {}, self.roster), self.book)

    async def listed(self, choice: Choice = ALL, now: str | int | None = None) -> CaseList:
        now_ms = self.clock.at_ms if now is None else now if isinstance(now, int) else ms(now)
        return await open_cases(self.redis, self.namespace, self.shown, now_ms, choice)

    async def board(self) -> None:
        """A board is stored."""
        board = Board(self.settings, self.rulebook, self.redis, self.clock, roster=self.roster)
        assert await board.step()


def _encoded(event: Event) -> bytes:
    return json.dumps(event).encode()


@asynccontextmanager
async def office_at(
    url: str, namespace: str, organisation: Mapping[str, Any] | None = None, **options: Any
) -> AsyncIterator[Office]:
    redis = await connect(url)
    try:
        office = Office(redis, namespace, rulebook_of(organisation or {}, **options), ROSTER)
        await office.open()
        yield office
    finally:
        await redis.aclose()


def at_an_office(
    organisation: Mapping[str, Any] | None = None, **options: Any
) -> Callable[[Callable[[Office], Awaitable[None]]], Callable[[str, str], None]]:
    """Makes a test of a story about a lender's office on the run's Redis."""

    def of(story: Callable[[Office], Awaitable[None]]) -> Callable[[str, str], None]:
        def test(redis_url: str, namespace: str) -> None:
            async def tell() -> None:
                async with office_at(redis_url, namespace, organisation, **options) as office:
                    await story(office)

            asyncio.run(tell())

        test.__doc__ = story.__doc__
        return test

    return of


def names(cases: Sequence[Told]) -> list[str]:
    return [case.subject for case in cases]
