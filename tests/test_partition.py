"""A partition folds its records into its ledger: each once, whatever they are and however many come at a time."""

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from loanpulse.lab.redis_server import Redis
from schemas.fields import time_text
from streams.runtime import script_call
from streams.runtime.partition import MOST_RECORDS, Partition, next_size
from streams.runtime.processor import PartitionStopped
from streams.runtime.upkeep import Upkeep
from tests.partition_lab import (
    NOW_MS,
    Desk,
    Event,
    at_a_desk,
    counted,
    desk,
    lead,
    loan_events,
    record,
    records_of,
)

LONGEST_LOG = 64 * 1024 * 1024


@pytest.mark.parametrize("contract", [Partition, Upkeep])
def test_every_invariant_has_a_test_of_its_name(contract: type) -> None:
    told = (contract.__doc__ or "").split("Invariants:")[1]
    here = "\n".join(
        (Path(__file__).parent / f"test_{name}.py").read_text() for name in ("partition", "upkeep")
    )
    for invariant in filter(None, map(str.strip, told.splitlines())):
        assert f"def test_{re.sub(r'[^a-z0-9]+', '_', invariant.lower())}(" in here, invariant


@at_a_desk
async def test_every_record_is_counted_once(own: Desk) -> None:
    """Events, the same again, others said anew, rubbish, and one that is too old to begin a case with."""
    events = loan_events(3, 60)
    old = lead(1, "2019-01-05T10:00:00Z")
    records = records_of([*events, *events[:40], old])
    for number in range(7):
        records.append(record(b"rubbish", len(records)) if number % 2 else record(None, len(records)))
    partition = await own.opened()
    await partition.process(records[:100])
    await partition.process(records[100:])
    counts = await counted(own)
    assert sum(counts.values()) == len(records)
    assert (counts["dead_letter"], counts["expired"]) == (7, 1)
    assert counts["duplicate"] >= 40
    assert (await own.ledger.head()).counts["dead_letter:undecodable"] == 7
    assert own.dead.offsets == [*range(len(records) - 7, len(records)), len(records) - 8]
    await own.assert_holds(events)


@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(1, 80), min_size=1, max_size=8))
def test_any_division_into_batches_gives_the_same_ledger(
    redis_server: Redis, seed: int, sizes: list[int]
) -> None:
    events = loan_events(seed, 20)
    records = records_of(events)

    async def story() -> None:
        async with desk(redis_server.url, "division") as own:
            await own.ledger.redis.execute_command("FLUSHALL")
            partition, left = await own.opened(), records
            while left:
                for size in sizes:
                    if left:
                        await partition.process(left[:size])
                        left = left[size:]
            assert sum((await counted(own)).values()) == len(records)
            await own.assert_holds(events)

    asyncio.run(story())


def crowd(number: int) -> list[Event]:
    """Leads of a client, a case, an officer and a minute each: a thousand are more than a script may write."""
    events = [
        lead(n, f"2026-06-0{1 + n // 1440}T{n // 60 % 24:02}:{n % 60:02}:00Z", source=f"shop-{n}")
        for n in range(number)
    ]
    for n, event in enumerate(events):
        event["data"]["officer_id"] = f"o-{n}"
    return events


async def warmed_up(own: Desk) -> tuple[Partition, list[Event]]:
    """A partition that, after some small batches, puts the most records into a script; and what it has read."""
    partition, events = await own.opened(), crowd(1)
    for start in range(20):
        await partition.process(records_of(events, start))
    return partition, events * 20


@at_a_desk
async def test_a_batch_that_is_too_large_is_divided(own: Desk) -> None:
    partition, before = await warmed_up(own)
    events = crowd(MOST_RECORDS)
    seq = (await own.ledger.head()).seq
    await partition.process(records_of(events, len(before)))
    assert (await own.ledger.head()).seq > seq + 1
    assert sum((await counted(own)).values()) == len(before) + len(events)
    assert (await counted(own))["applied"] == len(events)
    await own.assert_holds(events)


def test_the_next_batch_is_larger_but_not_larger_than_what_a_script_holds() -> None:
    half = script_call.MAX_WRITES // 2
    assert next_size(500, 500, half) == 550
    assert next_size(MOST_RECORDS, MOST_RECORDS, half) == MOST_RECORDS
    assert next_size(600, 600, 2 * half) == 540
    assert next_size(600, 1, 2 * half) == 1


@at_a_desk
async def test_a_divided_batch_writes_its_dead_letters_once(own: Desk) -> None:
    partition, before = await warmed_up(own)
    records = records_of(crowd(MOST_RECORDS), len(before))
    records[::9] = [record(b"rubbish", found.offset) for found in records[::9]]
    seq = (await own.ledger.head()).seq
    await partition.process(records)
    assert (await own.ledger.head()).seq > seq + 1
    assert own.dead.offsets == [found.offset for found in records[::9]]


def test_a_record_that_alone_is_too_large_stops_the_partition(
    redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script_call, "MAX_WRITES", 2)

    async def story() -> None:
        async with desk(redis_url, namespace) as own:
            partition = await own.opened()
            with pytest.raises(PartitionStopped, match="the record at offset 0 changes too much"):
                await partition.process(records_of(lead(n) for n in range(5)))
            assert (await own.ledger.head()).position == 0

    asyncio.run(story())


async def fill(own: Desk, pane: str, rows: bytes) -> None:
    """Put a log into a pane, as many commits would."""
    keys = own.ledger.keys.version((await own.ledger.head()).version)
    await own.ledger.redis.execute_command("SET", keys.panes + pane, rows)
    await own.ledger.redis.execute_command("HSET", keys.lengths, pane, len(rows))


@at_a_desk
async def test_a_pane_that_is_full_is_compacted_and_written(own: Desk) -> None:
    """Rows that come to nothing fill it."""
    events = [lead(n) for n in range(2)]
    partition = await own.opened()
    await partition.process(records_of(events[:1]))
    day = next(p.pane for p in (await own.ledger.pull()).panes if p.pane.startswith("d"))
    keys = own.ledger.keys.version((await own.ledger.head()).version)
    so_far = await own.ledger.redis.execute_command("GET", keys.panes + day)
    await fill(own, day, so_far + bytes(LONGEST_LOG - len(so_far)))
    await partition.process(records_of(events[1:], 1))
    await own.assert_holds(events)


@at_a_desk
async def test_a_pane_that_compacting_leaves_full_stops_the_partition(own: Desk) -> None:
    partition = await own.opened()
    await partition.process(records_of([lead(0)]))
    day = next(p.pane for p in (await own.ledger.pull()).panes if p.pane.startswith("d"))
    rows = np.ones((LONGEST_LOG // 32, 4), "<i8")
    rows[:, 0] = np.arange(len(rows))
    await fill(own, day, rows.tobytes())
    with pytest.raises(PartitionStopped, match=rf"pane {day} .* is full: compact it, but"):
        await partition.process(records_of([lead(1)], 1))
    assert (await own.ledger.head()).position == 1


@at_a_desk
async def test_expired_is_counted_apart(own: Desk) -> None:
    """An old event of a case that is known still counts; a letter says what to set for one that is not."""
    known = lead(1)
    partition = await own.opened(lateness_days=0)
    await partition.process(records_of([known, lead(2, "2019-01-05T10:00:00Z")]))
    again = lead(1, "2019-01-05T10:00:00Z", id="other")
    await partition.process(records_of([again], 2))
    assert await counted(own) == {"applied": 2, "duplicate": 0, "expired": 1, "dead_letter": 0}
    (letter,) = own.dead.letters
    assert (letter.reason, letter.field, letter.value) == ("expired", "time", "'2019-01-05T10:00:00.000Z'")
    assert "LOANPULSE_LATENESS_DAYS" in letter.message


@at_a_desk
async def test_nothing_expires_in_a_replay(own: Desk) -> None:
    partition = await own.opened(as_of="2030-01-01T00:00:00Z")
    await partition.process(records_of([lead(1, "1999-01-05T10:00:00Z")]))
    assert (await counted(own))["applied"] == 1


@at_a_desk
async def test_too_many_rejects_stop_before_a_letter_is_written_and_a_restart_reads_them_again(
    own: Desk,
) -> None:
    good, bad = records_of(lead(n) for n in range(60)), [record(b"rubbish", 60 + n) for n in range(61)]
    partition = await own.opened()
    await partition.process(good)
    with pytest.raises(PartitionStopped, match=r"61 of the last 121 .* LOANPULSE_REJECT_LIMIT"):
        await partition.process(bad)
    assert own.dead.letters == []
    assert (await own.ledger.head()).position == 60
    patient = await own.opened(reject_limit=1)
    await patient.process(bad)
    assert own.dead.offsets == list(range(60, 121))
    assert sum((await counted(own)).values()) == 121


@at_a_desk
async def test_complete_through_follows_the_oldest_record_of_a_batch_and_never_goes_back(own: Desk) -> None:
    partition = await own.opened()

    async def through(*timestamps: int) -> int | None:
        position = (await own.ledger.head()).position
        records = [record(None, position + n, at=at) for n, at in enumerate(timestamps)]
        await partition.process(records)
        return (await own.ledger.head()).through_ms

    assert await through(NOW_MS - 500, NOW_MS - 300, NOW_MS - 400) == NOW_MS - 500
    assert await through(NOW_MS - 900) == NOW_MS - 500
    assert await through(NOW_MS + 900) == NOW_MS
    own.clock.at_ms += 5_000
    await partition.tick(own.programs, 1, caught_up=False)
    head = await own.ledger.head()
    assert (head.through_ms, head.state) == (NOW_MS, "catching up")
    await partition.tick(own.programs, 1, caught_up=True)
    head = await own.ledger.head()
    assert (head.through_ms, head.state) == (NOW_MS + 5_000, "live")


@at_a_desk
async def test_a_replay_is_complete_through_its_as_of(own: Desk) -> None:
    own.clock.at_ms = NOW_MS - 7
    partition = await own.opened(as_of=time_text(own.clock.at_ms))
    await partition.process(records_of([lead(1)]))
    await partition.tick(own.programs, 1, caught_up=True)
    assert (await own.ledger.head()).through_ms == NOW_MS - 7
