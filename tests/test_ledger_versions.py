"""A version of the panes is built beside the live one and switched to whole; a torn ledger is healed by it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ResponseError

from streams.runtime import script_call
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_errors import Fenced, Refused, Torn
from streams.runtime.ledger_values import Outcome
from tests.ledger_lab import (
    OWNER,
    SOURCE,
    VERSION,
    LossyProxy,
    batch,
    begin,
    everything,
    loaded,
    make_live,
    on_redis,
    opened,
    pane_logs,
    port_of,
    writes,
)

NEXT = "rules-2"


@asynccontextmanager
async def cut_off(ledger: Ledger) -> AsyncIterator[Ledger]:
    """The ledger for a user whose scripts end half-way: the last kind of write that they need is forbidden."""
    await ledger.redis.execute_command("ACL", "SETUSER", "cut", "on", "nopass", "~*", "+@all", "-append")
    url = f"redis://cut:any@127.0.0.1:{port_of(ledger.redis)}/0"
    async with opened(url, ledger.keys.namespace) as cut:
        with pytest.raises(ResponseError):
            yield cut
    await ledger.redis.execute_command("ACL", "DELUSER", "cut")


async def tear(ledger: Ledger, **changes: object) -> None:
    """Cut a commit off half-way."""
    position = (await ledger.head()).position
    async with cut_off(ledger) as cut:
        await cut.commit(OWNER, batch(position, position + 1, panes={"s": b"row"}, **changes))


async def rebuild(ledger: Ledger, version: str) -> None:
    """Panes anew from the cases, as their owner would: here one row of a case's facts for each."""
    await ledger.begin_version(OWNER, version)
    step = 0
    async for cases in ledger.scan_cases():
        rows = b"".join(sorted(facts for _, facts in cases))
        step = await ledger.append_version(OWNER, step, writes(version=version, panes={"s": rows}))
    await make_live(ledger, OWNER, version, step)


@on_redis
async def test_a_script_cut_off_half_way_leaves_the_ledger_torn_until_a_flip(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(
        OWNER, batch(0, 10, cases={b"1": b"one-"}, panes={"s": b"one-"}, counts={"applied": 1})
    )
    await tear(ledger, cases={b"2": b"two-"}, counts={"applied": 1})

    head = await ledger.acquire(OWNER, SOURCE)
    assert head.torn
    assert (head.position, head.counts) == (10, {"applied": 1})
    before = await everything(ledger.redis)
    for attempt in (
        ledger.commit(OWNER, batch(10, 11)),
        ledger.tick(OWNER, 10, 1000, "reading"),
        ledger.compact(OWNER, VERSION, "s", 4, b"one-"),
        ledger.drop_panes(OWNER, VERSION, ["s"]),
    ):
        with pytest.raises(Torn):
            await attempt
    assert await everything(ledger.redis) == before

    await rebuild(ledger, NEXT)
    assert not (await ledger.head()).torn
    assert await pane_logs(ledger) == {"s": b"one-two-"}
    again = batch(10, 11, live=writes(version=NEXT, panes={"m0": b"row"}), counts={"applied": 1})
    assert await ledger.commit(OWNER, again) is Outcome.APPLIED
    assert (await ledger.head()).counts == {"applied": 2}


@on_redis
async def test_a_version_torn_with_the_ledger_cannot_be_flipped(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.begin_version(OWNER, NEXT)
    await tear(ledger, beside=writes(version=NEXT, panes={"s": b"row"}))
    with pytest.raises(Refused, match="torn after"):
        await ledger.finish_version(OWNER, NEXT, 0)
    assert (await ledger.head()).torn
    await rebuild(ledger, NEXT)
    assert not (await ledger.head()).torn


@on_redis
async def test_out_of_memory_is_refused_before_the_first_write(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 10, cases={b"1": b"one"}))
    before = await everything(ledger.redis)
    more = batch(10, 20, cases={b"1": None, b"2": b"two"}, panes={"s": b"row"})
    await ledger.redis.execute_command("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(OutOfMemoryError):
            await ledger.commit(OWNER, more)
    finally:
        await ledger.redis.execute_command("CONFIG", "SET", "maxmemory", "0")
    assert await everything(ledger.redis) == before
    assert await ledger.commit(OWNER, more) is Outcome.APPLIED


@on_redis
async def test_commits_write_both_versions_until_the_flip(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 10, panes={"s": b"old1"}, groups_new=["bo"]))
    await ledger.begin_version(OWNER, NEXT)
    built = writes(
        version=NEXT, panes={"s": b"new1"}, clients={b"client": b"loans"}, groups_new=["zoë", "bo"]
    )
    step = await ledger.append_version(OWNER, 0, built)
    beside = writes(version=NEXT, panes={"s": b"new2"}, groups_known=2, groups_new=["al"])
    both = batch(10, 20, panes={"s": b"old2"}, groups_known=1, beside=beside)
    assert await ledger.commit(OWNER, both) is Outcome.APPLIED
    assert await pane_logs(ledger) == {"s": b"old1old2"}
    await make_live(ledger, OWNER, NEXT, step)
    assert await pane_logs(ledger) == {"s": b"new1new2"}
    assert await ledger.groups(NEXT) == ["zoë", "bo", "al"]
    assert await loaded(ledger, [], [b"client"], NEXT) == ([], [b"loans"])
    await ledger.drop_version(OWNER, VERSION)
    assert not [key async for key in ledger.redis.scan_iter(f"{ledger.keys.tag}v{VERSION}/*")]


@on_redis
async def test_a_commit_that_leaves_out_the_version_beside_is_fenced_off(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.begin_version(OWNER, NEXT)
    with pytest.raises(Fenced):
        await ledger.commit(OWNER, batch(0, 10, panes={"s": b"row"}))
    both = batch(0, 10, panes={"s": b"row"}, beside=writes(version=NEXT, panes={"s": b"row"}))
    assert await ledger.commit(OWNER, both) is Outcome.APPLIED
    await ledger.drop_version(OWNER, NEXT)
    with pytest.raises(Fenced):
        await ledger.commit(OWNER, replace(both, expected=10, next=20))
    assert await ledger.commit(OWNER, batch(10, 20)) is Outcome.APPLIED


@on_redis
async def test_a_step_of_a_version_counts_once(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.begin_version(OWNER, NEXT)
    many = writes(
        version=NEXT,
        groups_new=[f"group {number}" for number in range(script_call.MAX_WRITES + 1)],
        clients={b"%d" % number: b"loans" for number in range(script_call.MAX_WRITES + 1)},
        panes={f"m{number}": b"row" for number in range(script_call.MAX_WRITES + 1)},
    )
    step = await ledger.append_version(OWNER, 0, many)
    assert step == 6
    before = await everything(ledger.redis)
    assert await ledger.append_version(OWNER, 0, many) == step
    assert await everything(ledger.redis) == before
    with pytest.raises(Refused, match="is at step 6, not 7"):
        await ledger.append_version(OWNER, 7, writes(version=NEXT, panes={"s": b"row"}))
    for wrong in (0, 5, 7):
        with pytest.raises(Refused, match=f"is at step 6, not {wrong}"):
            await ledger.finish_version(OWNER, NEXT, wrong)
    await ledger.finish_version(OWNER, NEXT, step)
    await ledger.finish_version(OWNER, NEXT, step)
    for _ in range(2):
        await ledger.flip(OWNER, NEXT, VERSION, keep=False)
    assert await pane_logs(ledger) == dict(many.panes)


def test_a_step_whose_reply_was_lost_is_sent_again_from_its_beginning(redis_url: str, namespace: str) -> None:
    async def story() -> None:
        async with LossyProxy(redis_url).running() as proxy, opened(proxy.url, namespace) as ledger:
            await begin(ledger)
            await ledger.begin_version(OWNER, NEXT)
            rows = writes(version=NEXT, panes={"s": b"row"}, groups_new=["bo"])
            proxy.lose_next_reply()
            with pytest.raises(RedisConnectionError):
                await ledger.append_version(OWNER, 0, rows)
            await make_live(ledger, OWNER, NEXT, await ledger.append_version(OWNER, 0, rows))
            assert await pane_logs(ledger) == {"s": b"row"}
            assert await ledger.groups(NEXT) == ["bo"]

    asyncio.run(story())


@on_redis
async def test_a_version_whose_step_was_cut_off_half_way_has_to_be_begun_again(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.begin_version(OWNER, NEXT)
    rows = writes(version=NEXT, panes={"s": b"row"})
    async with cut_off(ledger) as cut:
        await cut.append_version(OWNER, 0, rows)
    for attempt in (ledger.append_version(OWNER, 0, rows), ledger.finish_version(OWNER, NEXT, 0)):
        with pytest.raises(Torn):
            await attempt
    with pytest.raises(Torn):
        await ledger.commit(OWNER, batch(0, 1, beside=rows))
    await ledger.begin_version(OWNER, NEXT)
    await make_live(ledger, OWNER, NEXT, await ledger.append_version(OWNER, 0, rows))
    assert await pane_logs(ledger) == {"s": b"row"}


@on_redis
async def test_a_version_begun_again_holds_nothing_of_the_first_try(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.begin_version(OWNER, NEXT)
    first = writes(
        version=NEXT,
        panes={f"m{number}": b"old" for number in range(2500)},
        clients={b"client": b"old"},
        groups_new=["old"],
    )
    await ledger.append_version(OWNER, 0, first)
    await ledger.begin_version(OWNER, NEXT)
    assert len([key async for key in ledger.redis.scan_iter(f"{ledger.keys.tag}v{NEXT}/*")]) == 1
    step = await ledger.append_version(OWNER, 0, writes(version=NEXT, panes={"s": b"new"}))
    await make_live(ledger, OWNER, NEXT, step)
    assert await pane_logs(ledger) == {"s": b"new"}


@on_redis
async def test_the_live_version_is_neither_begun_nor_dropped(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 10, panes={"s": b"row"}))
    for attempt in (
        ledger.begin_version(OWNER, VERSION),
        ledger.drop_version(OWNER, VERSION),
        ledger.append_version(OWNER, 0, writes(panes={"s": b"row"})),
        ledger.append_version(OWNER, 0, writes(version="never-begun", panes={"s": b"row"})),
        ledger.finish_version(OWNER, "never-begun", 0),
        ledger.flip(OWNER, "never-begun", VERSION, keep=True),
    ):
        with pytest.raises(Refused):
            await attempt
    with pytest.raises(Fenced):
        await ledger.commit(OWNER, batch(10, 11, beside=writes(version="never-begun")))
    assert await pane_logs(ledger) == {"s": b"row"}
