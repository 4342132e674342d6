"""The ledger's contract, told on a real Redis: a batch once, under one owner, at one position, or not at all."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from streams.runtime.ledger import Ledger
from streams.runtime.ledger_errors import (
    Fenced,
    Refused,
    SourceChanged,
)
from streams.runtime.ledger_reader import LedgerReader, list_ledgers
from streams.runtime.ledger_values import Gap, Outcome, Source
from tests.ledger_lab import (
    OWNER,
    PARTITION,
    SOURCE,
    TOPIC,
    VERSION,
    LossyProxy,
    batch,
    begin,
    everything,
    loaded,
    on_redis,
    opened,
    pane_logs,
    writes,
)


@pytest.mark.parametrize("contract", [Ledger, LedgerReader])
def test_every_invariant_has_a_test_of_its_name(contract: type) -> None:
    told = (contract.__doc__ or "").split("Invariants:")[1]
    tests = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_ledger*.py"))
    for invariant in filter(None, map(str.strip, told.splitlines())):
        assert f"def test_{re.sub(r'[^a-z0-9]+', '_', invariant.lower())}(" in tests, invariant


@on_redis
async def test_a_new_ledger_begins_at_position_0_without_a_version(ledger: Ledger) -> None:
    head = await ledger.acquire(OWNER, SOURCE)
    assert (head.owner, head.position, head.seq, head.version, head.source) == (OWNER, 0, 0, "", SOURCE)
    assert (head.torn, head.last_offset, head.last_crc, head.through_ms, head.gaps) == (
        False,
        None,
        None,
        None,
        (),
    )
    assert await list_ledgers(ledger.redis, ledger.keys.namespace) == [(TOPIC, PARTITION)]


@on_redis
async def test_a_batch_is_applied_once(ledger: Ledger) -> None:
    await begin(ledger)
    first = batch(
        0,
        12,
        cases={b"case": b"facts", b"other": b"facts"},
        clients={b"client": b"loans"},
        panes={"m0": b"a" * 32, "s": b"b" * 64},
        groups_new=["bo\x1famsterdam\x1f\x1f\x1f", "zoë\x1f\x1f\x1f\x1f"],
        counts={"applied": 3, "dead_letter:invalid": 1},
        through_ms=1_700_000_000_000,
    )
    assert await ledger.commit(OWNER, first) is Outcome.APPLIED
    second = batch(
        12,
        13,
        cases={b"other": None, b"third": b"facts"},
        clients={b"client": None},
        panes={"m0": b"c" * 32},
        groups_known=2,
        counts={"applied": 1},
    )
    assert await ledger.commit(OWNER, second) is Outcome.APPLIED

    head = await ledger.head()
    assert (head.position, head.last_offset, head.last_crc, head.through_ms) == (
        13,
        12,
        13,
        1_700_000_000_000,
    )
    assert head.counts == {"applied": 4, "dead_letter:invalid": 1}
    assert not head.torn
    assert await loaded(ledger, [b"case", b"other", b"third"], [b"client"], VERSION) == (
        [b"facts", None, b"facts"],
        [None],
    )
    assert await pane_logs(ledger) == {"m0": b"a" * 32 + b"c" * 32, "s": b"b" * 64}
    assert await ledger.groups(VERSION) == ["bo\x1famsterdam\x1f\x1f\x1f", "zoë\x1f\x1f\x1f\x1f"]
    assert await ledger.groups(VERSION, 1) == ["zoë\x1f\x1f\x1f\x1f"]


@on_redis
async def test_another_owner_is_fenced_off(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.acquire("owner-2", SOURCE)
    before = await everything(ledger.redis)
    attempts = [
        ledger.commit(OWNER, batch(0, 5, cases={b"case": b"facts"})),
        ledger.tick(OWNER, 0, 1, "reading"),
        ledger.begin_version(OWNER, "rules-2"),
        ledger.append_version(OWNER, 0, writes(version="rules-2", panes={"s": b"row"})),
        ledger.finish_version(OWNER, VERSION, 0),
        ledger.flip(OWNER, "rules-2", VERSION, keep=True),
        ledger.drop_version(OWNER, "rules-2"),
        ledger.compact(OWNER, VERSION, "s", 0, b"row"),
        ledger.drop_panes(OWNER, VERSION, ["s"]),
    ]
    for attempt in attempts:
        with pytest.raises(Fenced) as fenced:
            await attempt
        assert fenced.value.head.owner == "owner-2"
    assert await everything(ledger.redis) == before


@on_redis
async def test_another_position_is_fenced_off(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 10))
    before = await everything(ledger.redis)
    for wrong in (batch(9, 20), batch(0, 11), batch(11, 20)):
        with pytest.raises(Fenced) as fenced:
            await ledger.commit(OWNER, wrong)
        assert fenced.value.head.position == 10
    with pytest.raises(Fenced):
        await ledger.tick(OWNER, 11, 1, "reading")
    assert await everything(ledger.redis) == before


@on_redis
async def test_another_version_is_fenced_off(ledger: Ledger) -> None:
    await begin(ledger)
    before = await everything(ledger.redis)
    attempts = [
        ledger.commit(OWNER, batch(0, 5, live=writes(version="rules-2"))),
        ledger.compact(OWNER, "rules-2", "s", 0, b"row"),
        ledger.drop_panes(OWNER, "rules-2", ["s"]),
        ledger.commit(OWNER, batch(0, 5, groups_known=1)),
    ]
    for attempt in attempts:
        with pytest.raises(Fenced):
            await attempt
    assert await everything(ledger.redis) == before


@on_redis
async def test_a_repeated_batch_is_already_applied(ledger: Ledger) -> None:
    await begin(ledger)
    first = batch(0, 10, panes={"s": b"row"}, counts={"applied": 1}, groups_new=["bo"])
    await ledger.commit(OWNER, first)
    before = await everything(ledger.redis)
    assert await ledger.commit(OWNER, first) is Outcome.ALREADY
    assert await ledger.commit(OWNER, replace(first, next=9)) is Outcome.ALREADY
    assert await everything(ledger.redis) == before


def test_a_lost_reply_does_nothing_twice(redis_url: str, namespace: str) -> None:
    async def story() -> None:
        async with LossyProxy(redis_url).running() as proxy, opened(proxy.url, namespace) as ledger:
            await begin(ledger)
            first = batch(0, 10, cases={b"case": b"facts"}, panes={"s": b"row"}, counts={"applied": 1})
            proxy.lose_next_reply()
            with pytest.raises(RedisConnectionError):
                await ledger.commit(OWNER, first)
            assert await ledger.commit(OWNER, first) is Outcome.ALREADY
            assert await pane_logs(ledger) == {"s": b"row"}
            assert (await ledger.head()).counts == {"applied": 1}

    asyncio.run(story())


@on_redis
async def test_a_script_that_would_fail_is_refused_before_its_first_write(ledger: Ledger) -> None:
    await begin(ledger)
    keys = ledger.keys.version(VERSION)
    whole = batch(0, 10, cases={b"c": b"f"}, clients={b"c": b"l"}, panes={"s": b"r"}, groups_new=["bo"])
    for key in (
        ledger.keys.cases,
        keys.clients,
        keys.dirty,
        keys.lengths,
        keys.gens,
        keys.groups,
        keys.panes + "s",
    ):
        await ledger.redis.execute_command("SETBIT" if not key.endswith("s") else "SADD", key, 1, 1)
        before = await everything(ledger.redis)
        with pytest.raises(Refused, match="WRONGTYPE"):
            await ledger.commit(OWNER, whole)
        assert await everything(ledger.redis) == before
        await ledger.redis.execute_command("DEL", key)
    assert await ledger.commit(OWNER, whole) is Outcome.APPLIED


@on_redis
async def test_a_topic_made_anew_is_another_source(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 10))
    before = await everything(ledger.redis)
    others = (
        replace(SOURCE, topic_id="topic-2"),
        replace(SOURCE, cluster_id="cluster-2"),
        replace(SOURCE, partitions=5),
    )
    for other in others:
        with pytest.raises(SourceChanged) as changed:
            await ledger.acquire("owner-2", other)
        assert (changed.value.stored, changed.value.found) == (SOURCE, other)
    assert await everything(ledger.redis) == before


@on_redis
async def test_an_operator_accepts_a_gap_and_it_is_remembered(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 10, through_ms=1000))
    anew = Source("cluster-1", "topic-2", 4)
    gap = await ledger.accept_gap(anew, 0, to_ms=5000, note="topic made anew by bo")
    assert gap == Gap(from_ms=1000, to_ms=5000, from_position=10, to_position=0, note="topic made anew by bo")
    assert await ledger.accept_gap(anew, 0, to_ms=6000, note="again") is None
    with pytest.raises(Fenced):
        await ledger.commit(OWNER, batch(10, 11))
    head = await ledger.acquire("owner-2", anew)
    assert (head.position, head.source, head.last_offset, head.last_crc) == (0, anew, None, None)
    await ledger.accept_gap(anew, 7, to_ms=7000, note="log cut")
    assert [gap.to_position for gap in (await ledger.head()).gaps] == [0, 7]


@on_redis
async def test_time_passes_at_a_position_without_a_batch(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.tick(OWNER, 0, 1000, "caught up")
    await ledger.tick(OWNER, 0, None, "reading")
    head = await ledger.head()
    assert (head.through_ms, head.state) == (1000, "reading")


@on_redis
async def test_scripts_are_sent_again_when_redis_has_forgotten_them(ledger: Ledger) -> None:
    await begin(ledger)
    for position in range(3):
        await ledger.redis.execute_command("SCRIPT FLUSH")
        assert (
            await ledger.commit(OWNER, batch(position, position + 1, panes={"s": b"row"})) is Outcome.APPLIED
        )
    assert await pane_logs(ledger) == {"s": b"rowrowrow"}


@on_redis
async def test_one_commit_is_one_round_trip(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 1))
    before = await ledger.redis.execute_command("INFO", "stats")
    await ledger.commit(OWNER, batch(1, 2, cases={b"case": b"facts"}, panes={"s": b"row"}))
    after = await ledger.redis.execute_command("INFO", "stats")
    commit_and_info = 2
    assert after["total_reads_processed"] - before["total_reads_processed"] == commit_and_info


def test_a_silent_or_busy_redis_is_the_callers_to_retry(redis_url: str, namespace: str) -> None:
    async def story() -> None:
        async with (
            opened(redis_url, namespace, timeout_seconds=0.2) as ledger,
            opened(redis_url, namespace) as other,
        ):
            await begin(ledger)
            await other.redis.execute_command("CLIENT", "PAUSE", 1000)
            with pytest.raises(RedisError):
                await ledger.commit(OWNER, batch(0, 10, panes={"s": b"row"}))
            assert await other.commit(OWNER, batch(0, 10, panes={"s": b"row"})) in Outcome
            assert await pane_logs(other) == {"s": b"row"}

    asyncio.run(story())
