"""A ledger that stays small while it runs: what no window reaches is dropped, what is over is forgotten, logs are compacted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from schemas.fields import time_text
from streams.calculus.windows import DAY_MS, HOUR_MS, Grid
from streams.runtime.ledger import Ledger
from streams.runtime.upkeep import Upkeep
from tests.engine import MemoryLedger, open_cases_of, program_of
from tests.ledger_lab import OWNER, VERSION, batch, begin, opened, pane_logs, writes

pytestmark = pytest.mark.servers

NOON = 1_767_614_400_000
"""2026-01-05T12:00:00Z"""
KEPT_MS = 400 * DAY_MS


def event(number: int, type_: str, at: int, subject: str, **data: Any) -> dict[str, Any]:
    said = {"specversion": "1.0", "source": "crm", "id": str(number), "type": type_, "time": time_text(at)}
    return said | {"subject": subject, "data": {"customer_id": "c", **data}}


EVENTS = [
    event(1, "query.received", NOON, "answered"),
    event(2, "query.answered", NOON + HOUR_MS, "answered"),
    event(3, "query.received", NOON, "open"),
    event(4, "loan.funded", NOON, "loan", product="car", amount_minor=100, currency="EUR"),
]


@asynccontextmanager
async def kept(redis_url: str, namespace: str) -> AsyncIterator[tuple[Ledger, Upkeep]]:
    """A ledger that holds the events, one commit each, and its upkeep."""
    program = program_of("UTC", {})
    made = MemoryLedger(program, Grid.live(program.zone))
    made.apply(EVENTS)
    async with opened(redis_url, namespace) as ledger:
        await begin(ledger)
        panes = dict(made.panes)
        for at, rows in enumerate((panes, panes)):
            groups = {"groups_known": len(made.names) if at else 0, "groups_new": [] if at else made.names}
            await ledger.commit(OWNER, batch(at, at + 1, cases=made.cases, panes=rows, **groups))
        upkeep = Upkeep(ledger, OWNER, KEPT_MS)
        upkeep.grown(writes(panes=panes))
        upkeep.grown(writes(panes=panes))
        yield ledger, upkeep


WRITTEN = {VERSION: program_of("UTC", {})}


async def forgotten(upkeep: Upkeep, now_ms: int) -> set[str]:
    """The subjects of the cases that the next batch deletes."""
    await upkeep.step(now_ms, WRITTEN)
    return {name.decode().split("\x1f")[2] for name, blob in upkeep.forgotten({}).items() if blob is None}


def test_a_case_is_forgotten_when_it_is_over_and_old_while_the_worker_runs(
    redis_url: str, namespace: str
) -> None:
    async def story() -> None:
        async with kept(redis_url, namespace) as (_, upkeep):
            assert await forgotten(upkeep, NOON + KEPT_MS - 2 * DAY_MS) == set()
            assert await forgotten(upkeep, NOON + KEPT_MS + DAY_MS) == {"answered"}

    asyncio.run(story())


def test_panes_are_dropped_when_no_window_reaches_them_any_more(redis_url: str, namespace: str) -> None:
    async def story() -> None:
        async with kept(redis_url, namespace) as (ledger, upkeep):
            assert {pane[0] for pane in await pane_logs(ledger)} == {"m", "d", "s", "o"}
            await upkeep.step(NOON + 30 * DAY_MS, WRITTEN)
            assert {pane[0] for pane in await pane_logs(ledger)} == {"m", "d", "s", "o"}
            await upkeep.step(NOON + 40 * DAY_MS, WRITTEN)
            assert {pane[0] for pane in await pane_logs(ledger)} == {"d", "s", "o"}
            await upkeep.step(NOON + KEPT_MS + DAY_MS, WRITTEN)
            assert {pane[0] for pane in await pane_logs(ledger)} == {"s", "o"}

    asyncio.run(story())


def test_a_minute_that_is_over_is_compacted_to_its_sums(redis_url: str, namespace: str) -> None:
    async def story() -> None:
        async with kept(redis_url, namespace) as (ledger, upkeep):
            before = await pane_logs(ledger)
            await upkeep.step(NOON + 2 * HOUR_MS, WRITTEN)
            after = await pane_logs(ledger)
            for pane, log in after.items():
                halved = pane.startswith("m")
                assert len(log) == (len(before[pane]) // 2 if halved else len(before[pane])), pane

    asyncio.run(story())


def test_a_case_that_a_batch_touched_is_not_forgotten(redis_url: str, namespace: str) -> None:
    """Not even where it would have been a later batch's turn to forget it."""

    async def story() -> None:
        async with kept(redis_url, namespace) as (ledger, upkeep):
            await upkeep.step(NOON + KEPT_MS + 2 * DAY_MS, WRITTEN)
            (old,) = [name async for some in ledger.scan_cases() for name, _ in some if b"answered" in name]
            assert upkeep.forgotten({old: b"new facts"}, room=0) == {old: b"new facts"}
            assert upkeep.forgotten({}) == {}

    asyncio.run(story())


def test_old_cases_wait_until_a_batch_has_room_for_them(redis_url: str, namespace: str) -> None:
    async def story() -> None:
        async with kept(redis_url, namespace) as (_, upkeep):
            await upkeep.step(NOON + KEPT_MS + 2 * DAY_MS, WRITTEN)
            assert upkeep.forgotten({}, room=0) == {}
            assert upkeep.forgotten({}, room=-5) == {}
            assert list(upkeep.forgotten({}, room=1).values()) == [None]

    asyncio.run(story())


def test_compacting_says_what_it_saved(redis_url: str, namespace: str) -> None:
    async def story() -> None:
        async with kept(redis_url, namespace) as (ledger, upkeep):
            before = await pane_logs(ledger)
            assert await upkeep.compact(VERSION, ["s"]) == len(before["s"]) // 2
            assert await upkeep.compact(VERSION, ["s"]) == 0
            assert await upkeep.compact(VERSION, ["m0"]) == 0

    asyncio.run(story())


def test_an_open_case_that_is_watched_is_never_forgotten(redis_url: str, namespace: str) -> None:
    """A course that was never completed is no KPI's any more years after its due date, but it is still to be done."""

    async def story() -> None:
        course = {"due_at": "2026-01-12T00:00:00Z", "regulatory": True}
        late = event(5, "training.assigned", NOON, "late", **course)
        done = event(6, "training.assigned", NOON, "done", **course)
        completed = event(7, "training.completed", NOON + HOUR_MS, "done")
        made = MemoryLedger(WRITTEN[VERSION], Grid.live(WRITTEN[VERSION].zone))
        made.apply([late, done, completed])
        async with opened(redis_url, namespace) as ledger:
            await begin(ledger)
            await ledger.commit(OWNER, batch(0, 1, cases=made.cases))
            assert await forgotten(Upkeep(ledger, OWNER, KEPT_MS), NOON + KEPT_MS + 10 * DAY_MS) == {"done"}

    asyncio.run(story())


def test_a_log_of_open_cases_is_compacted_to_those_that_are_open(redis_url: str, namespace: str) -> None:
    async def story() -> None:
        async with kept(redis_url, namespace) as (ledger, upkeep):
            before = await pane_logs(ledger)
            panes = [pane for pane in before if pane.startswith("o")]
            assert await upkeep.compact(VERSION, panes) > 0
            after = await pane_logs(ledger)
            names = await ledger.groups(VERSION)
            kept_open = [open_cases_of(before[pane], names) for pane in panes]
            assert [open_cases_of(after[pane], names) for pane in panes] == kept_open
            assert [case.split(b"\x1f")[2] for found in kept_open for _, case in found] == [b"open"]
            assert 2 * sum(len(after[pane]) for pane in panes) == sum(len(before[pane]) for pane in panes)

    asyncio.run(story())
