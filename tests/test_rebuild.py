"""Panes made anew from the cases: with other rules, after a script was cut off, after a try that came to nothing."""

from streams.calculus.windows import Grid
from streams.runtime.ledger_values import VersionWrites
from streams.runtime.pane_version import digest_of, next_version
from streams.runtime.rebuild import rebuild
from tests.engine import program_of
from tests.partition_lab import ZONE, Desk, at_a_desk, loan_events, records_of

OTHER = program_of(ZONE, {"targets": {"turnaround_time": 60}, "system_users": ["o0"]})


async def versions_with_keys(own: Desk) -> set[str]:
    found = {key async for key in own.ledger.redis.scan_iter()}
    return {
        key.decode().split(":v")[1].split("/")[0]
        for key in found
        if b":v" in key and b"/" in key.split(b":v")[1]
    }


@at_a_desk
async def test_other_rules_are_applied_to_all_that_was_ever_read(own: Desk) -> None:
    events = loan_events(21, 60)
    records = records_of(events)
    await (await own.opened()).process(records[:100])
    first = (await own.ledger.head()).version
    partition = await own.opened(OTHER)
    assert (await own.ledger.head()).position == 100
    await own.assert_holds(events[:100], OTHER)
    await partition.process(records[100:])
    await own.assert_holds(events, OTHER)
    second = (await own.ledger.head()).version
    assert (digest_of(second), second) == (OTHER.digest, next_version(OTHER.digest, first))
    assert await versions_with_keys(own) == {second}


@at_a_desk
async def test_the_same_rules_leave_the_panes_as_they_are(own: Desk) -> None:
    records = records_of(loan_events(22, 20))
    await (await own.opened()).process(records)
    before = await own.ledger.pull()
    await own.opened()
    after = await own.ledger.pull()
    assert (after.head.version, after.panes) == (before.head.version, before.panes)


@at_a_desk
async def test_a_try_that_was_cut_off_leaves_the_old_rules_live_and_then_nothing(own: Desk) -> None:
    """Neither a version that was built half, nor one that was not quite removed, stays behind."""
    events = loan_events(23, 20)
    await (await own.opened()).process(records_of(events))
    live = (await own.ledger.head()).version
    owner = (await own.ledger.head()).owner
    half = next_version(OTHER.digest, live)
    await own.ledger.begin_version(owner, half)
    rows = VersionWrites(half, {b"c": b"x"}, {"s": bytes(32), "m0": bytes(32)}, 0, ["bo"])
    await own.ledger.append_version(owner, 0, rows)
    await own.assert_holds(events)
    assert await versions_with_keys(own) == {live, half}
    await own.opened()
    assert (await own.ledger.head()).version == live
    assert await versions_with_keys(own) == {live}
    await own.assert_holds(events)
    assert await own.ledger.redis.execute_command("SMEMBERS", own.ledger.keys.versions) == {live.encode()}


@at_a_desk
async def test_a_flip_that_was_cut_off_before_the_old_rules_were_removed_is_tidied_up(own: Desk) -> None:
    events = loan_events(24, 20)
    await (await own.opened()).process(records_of(events))
    head = await own.ledger.head()
    made = await rebuild(own.ledger, head.owner, head, OTHER, Grid.live(OTHER.zone), None)
    version = made.name
    assert await versions_with_keys(own) == {head.version, version}
    await own.opened(OTHER)
    assert await versions_with_keys(own) == {version}


@at_a_desk
async def test_a_torn_ledger_is_made_whole_with_the_same_rules(own: Desk) -> None:
    events = loan_events(25, 30)
    records = records_of(events)
    await (await own.opened()).process(records[:40])
    head = await own.ledger.head()
    keys = own.ledger.keys
    await own.ledger.redis.execute_command("HSET", keys.head, "applying", str(head.seq + 1))
    await own.ledger.redis.execute_command("APPEND", keys.version(head.version).panes + "s", bytes(range(32)))
    partition = await own.opened()
    assert not (await own.ledger.head()).torn
    await own.assert_holds(events[:40])
    await partition.process(records[40:])
    await own.assert_holds(events)


def test_versions_are_numbered_whatever_their_rules() -> None:
    assert next_version("abc", "") == "abc.1"
    assert next_version("abc", "abc.1") == "abc.2"
    assert next_version("def", "abc.9") == "def.10"
    assert digest_of("def.10") == "def"
