"""Boards and their explanations from ledgers in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from io import StringIO
from types import MappingProxyType

from rich.console import Console, RenderableType

from loanpulse.board.compute import compute
from loanpulse.board.members import Members
from loanpulse.board.snapshot import Meta, Snapshot
from loanpulse.board.table import Tables
from loanpulse.rules.case_store import TOPICS_OF
from loanpulse.rules.explain import Question, explain_from
from loanpulse.rules.explanation import Explanation
from loanpulse.serve.book import Book
from loanpulse.serve.shown import Shown
from schemas.registry import LOAN, TOPICS
from streams.calculus.case import parse_case_id
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import Batch, Source, VersionWrites
from streams.runtime.script import Client
from tests.engine import MemoryLedger, partition_of
from tests.ledger_lab import make_live
from tests.oracle.facts import time_ms
from tests.oracle.script import ms
from tests.oracle.speaker import Event

OWNER = "a-worker"


class Scanned:
    """A ledger in memory, read as one in Redis is."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._cases = ledger.cases

    async def scan_cases(self, kind: str = "") -> AsyncIterator[list[tuple[bytes, bytes]]]:
        yield [item for item in self._cases.items() if kind in ("", parse_case_id(item[0])[0])]


class Told:
    """Events until an instant, in several ledgers, and the board of that instant."""

    def __init__(
        self,
        program: Program,
        events: Iterable[Event],
        as_of_ms: int,
        *,
        grid: Grid | None = None,
        partitions: int = 3,
    ) -> None:
        self.grid = grid or Grid.as_of(as_of_ms, program.zone)
        self.ledgers = [MemoryLedger(program, self.grid) for _ in range(partitions)]
        self.program, self._to = program, self.grid.end(as_of_ms)
        self.add(event for event in events if time_ms(event["time"]) <= as_of_ms)
        self.shown = Shown(self._snapshot(as_of_ms), Book(program, ()))

    def add(self, events: Iterable[Event]) -> None:
        """More events, of which the board knows nothing."""
        shares: list[list[Event]] = [[] for _ in self.ledgers]
        for event in events:
            shares[partition_of(event, len(self.ledgers))].append(event)
        for ledger, share in zip(self.ledgers, shares, strict=True):
            ledger.apply(share)

    def _snapshot(self, as_of_ms: int) -> Snapshot:
        tables, members = Tables(len(self.program.measures)), Members()
        for number, ledger in enumerate(self.ledgers):
            tables.add(number, list(ledger.panes.items()), members.numbers(ledger.names))
        blocks = compute(tables, members, self.program, self.grid, self._to)
        meta = Meta(
            rules=self.program.digest, book="", as_of_ms=as_of_ms, to_ms=self._to, computed_at_ms=as_of_ms,
            complete_through_ms=as_of_ms, tick_seconds=0.0, events={}, ledgers=[], gaps=[], incomplete=[],
        )  # fmt: skip
        return Snapshot(meta, blocks)

    def explained(
        self,
        kpi: str,
        window: str = "30d",
        group: Mapping[str, str] = MappingProxyType({}),
        *,
        limit: int | None = None,
    ) -> Explanation:
        async def unmoved() -> bool:
            return False

        question = Question(kpi, window, group, limit)
        return asyncio.run(
            explain_from([Scanned(ledger) for ledger in self.ledgers], self.shown, question, unmoved)
        )


def told(events: Sequence[Event], as_of: str, program: Program) -> Told:
    return Told(program, events, ms(as_of))


def reasons(explanation: Explanation) -> Mapping[str, int]:
    return {excluded.why: excluded.count for excluded in explanation.excluded}


def printed(texts: Iterable[RenderableType]) -> str:
    """As a wide file has it."""
    out = StringIO()
    Console(width=200, file=out, highlight=False).print(*texts, sep="\n")
    return out.getvalue()


def members(shown: Shown, kpi: str, window: str) -> Iterable[dict[str, str]]:
    """The groups of the board's rows of a window, the split left out."""
    split = shown.book.rules[kpi].split
    for row in shown.snapshot.blocks[kpi].rows():
        if row.window == window:
            yield {name: member for name, member in row.group.items() if name != split}


async def stored(told: Told, redis: Client, namespace: str) -> None:
    """The cases and clients of a board as workers leave them: each partition has a ledger of each topic."""
    version = f"{told.program.digest}.1"
    for partition, folded in enumerate(told.ledgers):
        for topic in TOPICS:
            ledger = Ledger(redis, namespace, topic, partition)
            await ledger.acquire(OWNER, Source("cluster", topic, len(told.ledgers)))
            await ledger.begin_version(OWNER, version)
            await make_live(ledger, OWNER, version)
            cases = {
                name: blob
                for name, blob in folded.cases.items()
                if TOPICS_OF[parse_case_id(name)[0]] == topic
            }
            writes = VersionWrites(version, folded.clients if topic == LOAN else {}, {}, 0, ())
            await ledger.commit(OWNER, Batch(0, 1, 0, 0, None, dict(cases), writes, {}))
