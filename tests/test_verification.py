"""Verifying: any wrong figure is found, and a worker that goes on meanwhile is no drift."""

import asyncio
import random
from array import array

import pytest

from kpi_rules.rulebook import Rulebook
from loanpulse.rules.verification import Verified, last_verified, verify, verify_ledger
from schemas.fields import time_text
from streams.calculus.windows import DAY_MS
from streams.runtime import ledger_reader
from streams.runtime.case_instant import Busy, CaseInstant
from streams.runtime.in_force import RulesInForce
from streams.runtime.ledger_errors import Stale
from streams.runtime.partition import Partition
from streams.runtime.programs import Programs
from streams.runtime.rulebook import organisation_of, program_of, read_rulebook
from streams.runtime.settings import Settings
from tests.partition_lab import NOW_MS, ZONE, Desk, Event, at_a_desk, loan_events, records_of

pytestmark = pytest.mark.servers

SETTINGS = Settings.model_validate({"tz": ZONE, "as_of": time_text(NOW_MS)})
LIVE = Settings.model_validate({"tz": ZONE})


async def filled(own: Desk, events: list[Event]) -> Partition:
    partition = await own.opened(as_of=time_text(NOW_MS))
    await partition.process(records_of(events))
    return partition


async def checked(own: Desk) -> Verified:
    return await verify_ledger(own.ledger, own.program, SETTINGS)


@pytest.mark.parametrize("seed", range(5))
def test_nasty_cases_come_to_what_the_panes_hold(seed: int, redis_url: str, namespace: str) -> None:
    async def story(own: Desk) -> None:
        await filled(own, loan_events(seed, 60, n_customers=9))
        found = await checked(own)
        assert found.is_well, found
        assert found.cases > 50
        assert found.cells > 500
        assert not await own.ledger.redis.execute_command("EXISTS", own.ledger.keys.before)

    at_a_desk(story)(redis_url, namespace)


@pytest.mark.parametrize("seed", range(12))
def test_any_figure_that_is_wrong_is_found(seed: int, redis_url: str, namespace: str) -> None:
    """One row more in a pane that windows reach."""

    async def story(own: Desk) -> None:
        await filled(own, loan_events(1, 40))
        rng, pull = random.Random(seed), await own.ledger.pull()
        reached = [
            one.pane for one in pull.panes if one.pane == "s" or int(one.pane[1:]) >= NOW_MS - 30 * DAY_MS
        ]
        pane = rng.choice(reached)
        keys = own.ledger.keys.version(pull.version)
        log = array("q", await own.ledger.redis.execute_command("GET", keys.panes + pane))
        row = 4 * rng.randrange(len(log) // 4)
        more = array("q", [log[row], *(rng.choice([(1, 0, 0), (0, 1, 0), (0, 0, -1), (-1, 0, 0)]))])
        length = len(log) * 8 + 32
        await own.ledger.redis.execute_command("APPEND", keys.panes + pane, more.tobytes())
        await own.ledger.redis.execute_command("HSET", keys.lengths, pane, length)
        found = await checked(own)
        assert found.drift == 1
        [difference] = found.differences
        assert difference.pane == pane
        changes = [have - should for have, should in zip(difference.found, difference.expected, strict=True)]
        assert changes == list(more[1:])

    at_a_desk(story)(redis_url, namespace)


@at_a_desk
async def test_cases_that_are_gone_are_found(own: Desk) -> None:
    await filled(own, loan_events(2, 40))
    redis, keys = own.ledger.redis, own.ledger.keys
    kept = [item async for some in own.ledger.scan_cases() for item in some]
    found = set()
    for name, blob in kept[:30]:
        await redis.execute_command("HDEL", keys.cases, name)
        found.add((await checked(own)).is_well)
        await redis.execute_command("HSET", keys.cases, name, blob)
    assert False in found
    assert (await checked(own)).is_well


@at_a_desk
async def test_a_client_that_is_not_what_its_cases_show_is_found(own: Desk) -> None:
    await filled(own, loan_events(3, 40))
    keys = own.ledger.keys.version((await own.ledger.head()).version)
    name, *_ = await own.ledger.redis.execute_command("HKEYS", keys.clients)
    await own.ledger.redis.execute_command("HDEL", keys.clients, name)
    assert (await checked(own)).clients == 1


def test_a_worker_that_goes_on_meanwhile_is_no_drift(
    redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches come between any two steps of the verification: new cases, changed ones, and clients."""
    monkeypatch.setattr(ledger_reader, "SCAN_CASES", 7)

    async def story(own: Desk) -> None:
        events = loan_events(4, 200, n_customers=20)
        half = len(events) // 2
        partition = await own.opened(as_of=time_text(NOW_MS))
        await partition.process(records_of(events[:half]))
        done = asyncio.Event()

        async def go_on() -> None:
            at = half
            while not done.is_set() and at < len(events):
                await partition.process(records_of(events[at : at + 5], at))
                at += 5
                await asyncio.sleep(0.002)

        going = asyncio.create_task(go_on())
        found = [await checked(own) for _ in range(4)]
        done.set()
        await going
        assert all(one.is_well for one in found), found
        assert found[0].cases < found[-1].cases

    at_a_desk(story)(redis_url, namespace)


@at_a_desk
async def test_what_is_read_is_the_ledger_at_one_instant(own: Desk) -> None:
    """Cases that come, change and go after the instant are as they were."""
    events = loan_events(5, 60)
    partition = await filled(own, events[:60])
    before = {name: blob async for some in own.ledger.scan_cases() for name, blob in some}
    instant = CaseInstant(own.ledger)
    await instant.open()
    read: dict[bytes, bytes] = {}
    await partition.process(records_of(events[60:], 60))
    gone = next(iter(before))
    await own.ledger.redis.execute_command("HSETNX", own.ledger.keys.before, gone, before[gone])
    await own.ledger.redis.execute_command("HDEL", own.ledger.keys.cases, gone)
    async for some in instant.cases():
        for name, blob in some:
            assert name not in read
            read[name] = blob
    assert read == before
    await instant.close()


@at_a_desk
async def test_two_do_not_look_at_once_and_a_look_that_ended_is_told(own: Desk) -> None:
    await filled(own, loan_events(6, 10))
    first, second = CaseInstant(own.ledger), CaseInstant(own.ledger)
    await first.open()
    with pytest.raises(Busy, match="somebody else"):
        await second.open()
    await second.close()
    await own.ledger.redis.execute_command("DEL", own.ledger.keys.before)
    with pytest.raises(Stale):
        async for _ in first.cases():
            pass
    await second.open()
    await first.close()
    assert [some async for some in second.cases()]
    await second.close()


@at_a_desk
async def test_what_was_found_is_kept_for_each_ledger_and_other_rules_are_no_drift(own: Desk) -> None:
    await filled(own, loan_events(7, 20))
    redis, namespace = own.ledger.redis, own.ledger.keys.namespace
    chosen = SETTINGS.model_copy(update={"namespace": namespace})
    book = Rulebook(read_rulebook(None, None, "UTC").files, organisation_of("test", {}, ZONE))
    await RulesInForce(redis, namespace).begun_with(book, NOW_MS)
    found = [one async for one in verify(redis, chosen)]
    assert [(one.topic, one.partition, one.is_well) for one in found] == [("loan-events", 0, True)]
    assert await last_verified(redis, namespace) == found
    other = program_of(read_rulebook(None, None, "Asia/Tokyo"))
    assert "not of the rules in force" in (await verify_ledger(own.ledger, other, chosen)).trouble
    assert [one async for one in verify(redis, chosen, topic="loan-events", partition=3)] == []


@at_a_desk
async def test_a_ledger_marked_for_rebuild_is_made_anew_by_whoever_opens_it(own: Desk) -> None:
    events = loan_events(8, 30)
    partition = await own.opened()
    await partition.process(records_of(events[:30]))
    version = (await own.ledger.head()).version
    await own.ledger.redis.execute_command(
        "APPEND", own.ledger.keys.version(version).panes + "s", bytes(range(32))
    )
    assert await own.ledger.mark_for_rebuild()
    with pytest.raises(Exception, match="owner"):
        await partition.tick(Programs(own.program), 0, caught_up=True)
    again = await own.opened()
    await again.process(records_of(events[30:], 30))
    await own.assert_holds(events)
