"""A version of other rules is made beside the live one while batches go on, and the two are exchanged at once."""

import random

import pytest

from streams.runtime import ledger_reader, rebuild, script_call
from streams.runtime.pane_version import digest_of
from streams.runtime.partition import Partition
from streams.runtime.programs import Programs
from tests.engine import program_of
from tests.partition_lab import ZONE, Desk, Event, at_a_desk, loan_events, records_of

pytestmark = pytest.mark.servers

HERE = program_of(ZONE, {})
THERE = program_of("Asia/Kathmandu", {"targets": {"turnaround_time": "1 hour"}})
ELSEWHERE = program_of("America/New_York", {})
CHANGING = Programs(HERE, THERE)
BACK = Programs(THERE, HERE)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a build takes many."""
    monkeypatch.setattr(ledger_reader, "SCAN_CASES", 5)
    monkeypatch.setattr(rebuild, "CLIENTS_AT_ONCE", 3)


async def feed(partition: Partition, events: list[Event], start: int, end: int) -> None:
    await partition.process(records_of(events[start:end], start))


async def built(own: Desk, partition: Partition, programs: Programs) -> int:
    """Let the version beside be made; how many ticks it took."""
    for ticks in range(1, 1000):
        await partition.tick(programs, 0, caught_up=True)
        if (await own.ledger.head()).beside_ready:
            return ticks
    raise AssertionError("never ready")


async def digests(own: Desk) -> tuple[str, str]:
    """The rules of the live version, and of the one beside it."""
    head = await own.ledger.head()
    return digest_of(head.version), digest_of(head.beside)


async def kept_versions(own: Desk) -> set[str]:
    stored = await own.ledger.redis.execute_command("SMEMBERS", own.ledger.keys.versions)
    return {digest_of(name.decode()) for name in stored}


@pytest.mark.parametrize("seed", range(4))
def test_the_version_beside_holds_what_the_live_one_would_by_its_rules(
    seed: int, redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches come at any point of the build, and some of them are too large for a script and are divided."""
    monkeypatch.setattr(script_call, "MAX_WRITES", 400)

    async def story(own: Desk) -> None:
        events, rng = loan_events(seed, 80, n_customers=9), random.Random(seed)
        partition = await own.opened()
        at = len(events) // 2
        await feed(partition, events, 0, at)
        ticks = 0
        while not (await own.ledger.head()).beside_ready or at < len(events):
            if rng.random() < 0.5:
                end = min(len(events), at + rng.randint(1, 25))
                await feed(partition, events, at, end)
                at = end
            else:
                await partition.tick(CHANGING, 0, caught_up=True)
                ticks += 1
        assert ticks > 5
        head = await own.ledger.head()
        assert await digests(own) == (HERE.digest, THERE.digest)
        await own.assert_holds(events, HERE)
        await own.assert_holds(events, THERE, head.beside)

    at_a_desk(story)(redis_url, namespace)


@at_a_desk
async def test_rules_that_come_into_force_leave_those_before_beside_and_can_be_gone_back_from(
    own: Desk,
) -> None:
    events = loan_events(31, 60)
    partition = await own.opened()
    fifth = len(events) // 5
    await feed(partition, events, 0, fifth)
    await built(own, partition, CHANGING)
    await feed(partition, events, fifth, 2 * fifth)
    for number, programs in enumerate((BACK, CHANGING, BACK), 2):
        before = (await own.ledger.head()).version
        await partition.tick(programs, 0, caught_up=True)
        head = await own.ledger.head()
        assert (head.beside, head.beside_ready) == (before, True)
        end = len(events) if number == 4 else (number + 1) * fifth
        await feed(partition, events, number * fifth, end)
        assert programs.beside is not None
        assert await digests(own) == (programs.live.digest, programs.beside.digest)
        await own.assert_holds(events[:end], programs.live)
        await own.assert_holds(events[:end], programs.beside, head.beside)


@at_a_desk
async def test_when_nothing_is_to_be_beside_its_keys_are_removed(own: Desk) -> None:
    events = loan_events(32, 20)
    partition = await own.opened()
    await feed(partition, events, 0, 30)
    await built(own, partition, CHANGING)
    assert await kept_versions(own) == {HERE.digest, THERE.digest}
    await partition.tick(Programs(HERE), 0, caught_up=True)
    assert await kept_versions(own) == {HERE.digest}
    await feed(partition, events, 30, len(events))
    await own.assert_holds(events, HERE)


@at_a_desk
async def test_other_rules_on_their_way_take_the_place_of_those_in_the_making(own: Desk) -> None:
    events = loan_events(33, 40)
    partition = await own.opened()
    await feed(partition, events, 0, 50)
    await partition.tick(CHANGING, 0, caught_up=True)
    assert not (await own.ledger.head()).beside_ready
    await built(own, partition, Programs(HERE, ELSEWHERE))
    await feed(partition, events, 50, len(events))
    assert await kept_versions(own) == {HERE.digest, ELSEWHERE.digest}
    await own.assert_holds(events, ELSEWHERE, (await own.ledger.head()).beside)


@at_a_desk
async def test_a_worker_that_takes_over_begins_a_build_anew_and_keeps_one_that_is_ready(own: Desk) -> None:
    events = loan_events(34, 60)
    first = await own.opened()
    third = len(events) // 3
    await feed(first, events, 0, third)
    await first.tick(CHANGING, 0, caught_up=True)
    second = await own.opened(beside=THERE)
    assert await kept_versions(own) == {HERE.digest}
    assert await built(own, second, CHANGING) > 3
    ready = (await own.ledger.head()).beside
    third_worker = await own.opened(beside=THERE)
    assert (await own.ledger.head()).beside == ready
    await feed(third_worker, events, third, 2 * third)
    await own.assert_holds(events[: 2 * third], THERE, ready)
    last = await own.opened(THERE, beside=HERE)
    await feed(last, events, 2 * third, len(events))
    assert await digests(own) == (THERE.digest, HERE.digest)
    await own.assert_holds(events, THERE)
    await own.assert_holds(events, HERE, (await own.ledger.head()).beside)


@at_a_desk
async def test_a_torn_ledger_is_made_whole_and_then_the_version_beside_it_again(own: Desk) -> None:
    events = loan_events(35, 30)
    partition = await own.opened()
    await feed(partition, events, 0, 40)
    await built(own, partition, CHANGING)
    head, keys = await own.ledger.head(), own.ledger.keys
    await own.ledger.redis.execute_command("HSET", keys.head, "applying", str(head.seq + 1))
    for version in (head.version, head.beside):
        await own.ledger.redis.execute_command("APPEND", keys.version(version).panes + "s", bytes(range(32)))
    again = await own.opened(beside=THERE)
    await built(own, again, CHANGING)
    await feed(again, events, 40, len(events))
    await own.assert_holds(events, HERE)
    await own.assert_holds(events, THERE, (await own.ledger.head()).beside)


@at_a_desk
async def test_rules_in_force_whose_panes_are_not_there_are_made_at_once(own: Desk) -> None:
    events = loan_events(36, 30)
    partition = await own.opened()
    await feed(partition, events, 0, 40)
    await partition.tick(Programs(ELSEWHERE), 0, caught_up=True)
    await feed(partition, events, 40, len(events))
    assert await kept_versions(own) == {ELSEWHERE.digest}
    await own.assert_holds(events, ELSEWHERE)
