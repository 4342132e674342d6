"""Redis killed, restored, emptied: what a ledger holds and the position it stands at stay of one piece."""

import asyncio
import random
import shutil
from collections.abc import Callable

import pytest
from redis.exceptions import RedisError

from loanpulse.lab.redis_server import Redis
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_errors import Fenced
from streams.runtime.ledger_reader import list_ledgers
from streams.runtime.ledger_values import Batch
from streams.runtime.script import Script
from tests.ledger_lab import (
    OWNER,
    PARTITION,
    SOURCE,
    TOPIC,
    VERSION,
    batch,
    begin,
    make_live,
    on_redis,
    opened,
    pane_logs,
)
from tests.lossy_proxy import LossyProxy

StartRedis = Callable[..., Redis]
CRASHES = 5


def at(position: int) -> Batch:
    """The batch that takes the ledger from a position to the next: one case, one row in each of two panes."""
    case = {b"case %d" % position: b"facts"}
    panes = {"s": b"row", f"m{position % 7}": b"row"}
    return batch(position, position + 1, cases=case, panes=panes, counts={"applied": 1})


async def assert_whole(ledger: Ledger) -> int:
    """Everything up to the position is in, and nothing else; returns the position."""
    head = await ledger.head()
    assert not head.torn
    assert head.counts.get("applied", 0) == head.position
    cases = [case async for some in ledger.scan_cases() for case, _ in some]
    assert sorted(cases) == sorted(b"case %d" % position for position in range(head.position))
    rows = {pane: len(log) // len(b"row") for pane, log in (await pane_logs(ledger)).items()}
    assert rows.pop("s", 0) == head.position == sum(rows.values())
    return head.position


async def commit_until_it_fails(ledger: Ledger, position: int) -> int:
    """Commits, one after the other; returns the first position that is not known to be stored."""
    try:
        while True:
            await ledger.commit(OWNER, at(position))
            position += 1
    except RedisError:
        return position


@pytest.mark.servers
def test_a_killed_redis_comes_back_whole(own_redis: StartRedis, namespace: str) -> None:
    server, rng = own_redis(), random.Random(1)

    async def crash_after(commits: int) -> None:
        async with opened(server.url, namespace) as ledger:
            before = (await ledger.head()).position
            writing = asyncio.create_task(commit_until_it_fails(ledger, before))
            async with opened(server.url, namespace) as other:
                while (await other.head()).position < before + commits:
                    pass
            server.kill()
            acknowledged = await writing
        server.restart()
        async with opened(server.url, namespace) as ledger:
            await ledger.acquire(OWNER, SOURCE)
            assert acknowledged <= await assert_whole(ledger) <= acknowledged + 1

    async def story() -> None:
        async with opened(server.url, namespace) as ledger:
            await begin(ledger)
        for _ in range(CRASHES):
            await crash_after(rng.randrange(1, 200))

    asyncio.run(story())


@pytest.mark.servers
def test_an_older_redis_goes_back_with_its_position(own_redis: StartRedis, namespace: str) -> None:
    server = own_redis(appendonly=False)
    backup = server.data_dir / "backup.rdb"

    async def fill() -> None:
        async with opened(server.url, namespace) as ledger:
            await begin(ledger)
            for position in range(10):
                await ledger.commit(OWNER, at(position))
            await ledger.redis.execute_command("SAVE")
            shutil.copy(server.data_dir / "dump.rdb", backup)
            for position in range(10, 30):
                await ledger.commit(OWNER, at(position))

    async def go_on() -> None:
        async with opened(server.url, namespace) as ledger:
            with pytest.raises(Fenced) as fenced:
                await ledger.commit(OWNER, at(30))
            assert fenced.value.head.position == 10
            with pytest.raises(Fenced):
                await ledger.tick(OWNER, 30, 1000, "caught up")
            assert await assert_whole(ledger) == 10
            head = await ledger.acquire("owner-2", SOURCE)
            for position in range(head.position, 40):
                await ledger.commit("owner-2", at(position))
            assert await assert_whole(ledger) == 40

    asyncio.run(fill())
    server.kill()
    backup.replace(server.data_dir / "dump.rdb")
    server.restart()
    asyncio.run(go_on())


@on_redis
async def test_an_emptied_redis_is_a_ledger_at_its_beginning(ledger: Ledger) -> None:
    await begin(ledger)
    for position in range(10):
        await ledger.commit(OWNER, at(position))
    cursor = (await ledger.pull()).cursor
    await ledger.redis.execute_command("FLUSHALL")
    with pytest.raises(Fenced) as fenced:
        await ledger.commit(OWNER, at(10))
    assert (fenced.value.head.position, fenced.value.head.owner) == (0, "")
    emptied = await ledger.pull(cursor)
    assert (emptied.whole, emptied.panes) == (True, [])

    head = await ledger.acquire("owner-2", SOURCE)
    assert (head.position, head.version, head.counts) == (0, "", {})
    await ledger.begin_version("owner-2", VERSION)
    await make_live(ledger, "owner-2", VERSION)
    for position in range(12):
        await ledger.commit("owner-2", at(position))
    assert await assert_whole(ledger) == 12


@pytest.mark.servers
@pytest.mark.parametrize("held", [Script("acquire").digest.encode(), b"SADD"], ids=["script", "listing"])
def test_a_ledger_emptied_while_it_is_taken_over_is_listed_nonetheless(
    redis_server: Redis, redis_url: str, namespace: str, held: bytes
) -> None:
    """What is not listed would be missing from the board until the next worker takes it over."""
    proxy = LossyProxy(redis_server.port)
    proxy.keeps = lambda request: held in request

    async def story() -> None:
        async with opened(proxy.url, namespace) as ledger, opened(redis_url, namespace) as other:
            taking_over = asyncio.create_task(ledger.acquire(OWNER, SOURCE))
            await asyncio.to_thread(proxy.kept.wait)
            await other.redis.execute_command("FLUSHALL")
            proxy.let_go()
            await taking_over
            assert await list_ledgers(other.redis, namespace) == [(TOPIC, PARTITION)]

    asyncio.run(story())
    proxy.close()
