"""How full Redis is, as metrics show it: of one server, and of a cluster the primary that will refuse writes first."""

import asyncio
from collections.abc import Callable

import pytest
import redis

from loanpulse.lab.redis_server import Redis
from loanpulse.serve.memory import Memory, memory_of
from loanpulse.serve.view import Watch
from streams.runtime.redis_client import connect
from streams.runtime.settings import Settings
from tests.exporter_lab import Page, exporter, viewed
from tests.test_exporter_page import BOOK
from tests.test_ledger_cluster import cluster_url  # noqa: F401  # a fixture

MEBI = 2**20
USED, LIMIT = "loanpulse_redis_memory_bytes", "loanpulse_redis_memory_limit_bytes"


def asked(url: str) -> Memory:
    async def ask() -> Memory:
        client = await connect(url)
        try:
            return await memory_of(client)
        finally:
            await client.aclose()

    return asyncio.run(ask())


def page(memory: Memory | None) -> Page:
    return Page(exporter(viewed(BOOK, None, memory=memory)).page("", "").body.decode())


def test_memory_and_its_limit_are_shown() -> None:
    shown = page(Memory(700, 1000))
    assert (shown.of(USED), shown.of(LIMIT)) == (700, 1000)


def test_a_redis_without_limit_has_none_and_one_that_does_not_answer_has_neither() -> None:
    assert (page(Memory(700, None)).of(USED), page(Memory(700, None)).of(LIMIT)) == (700, None)
    assert (page(None).of(USED), page(None).of(LIMIT)) == (None, None)


def test_the_fuller_one_is_nearer_to_its_limit_then_larger() -> None:
    memories = [Memory(900, None), Memory(800, 2000), Memory(500, 1000), Memory(100, None)]
    assert sorted(memories, key=lambda memory: memory.fullness) == [
        Memory(100, None), Memory(900, None), Memory(800, 2000), Memory(500, 1000),
    ]  # fmt: skip


def test_redis_says_how_much_it_uses_and_may_use(redis_url: str) -> None:
    assert asked(redis_url).limit is None
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory", 512 * MEBI)
        try:
            found = asked(redis_url)
        finally:
            client.config_set("maxmemory", 0)
        client.set("large", b"x" * 8 * MEBI)
        assert found.limit == 512 * MEBI
        assert asked(redis_url).used > found.used + 8 * MEBI


def test_a_process_shows_it_as_long_as_redis_answers(own_redis: Callable[..., Redis]) -> None:
    server = own_redis()

    async def story() -> None:
        watch = Watch(Settings(redis=server.url))
        async with watch.running():
            assert watch.view.memory is not None
            assert watch.view.memory.used > 0
            server.kill()
            await watch.refresh()
            assert not watch.view.redis_up
            assert watch.view.memory is None

    asyncio.run(story())


@pytest.mark.servers
def test_of_a_cluster_the_fullest_primary_is_told(cluster_url: str) -> None:  # noqa: F811  # the fixture
    with redis.RedisCluster.from_url(cluster_url) as cluster:
        first, second = cluster.get_primaries()
        for limit_of, found in ((first, 1), (second, 2)):
            for node in (first, second):
                limit = 100 * found * MEBI if node is limit_of else 0
                cluster.config_set("maxmemory", limit, target_nodes=node)
            assert asked(cluster_url).limit == 100 * found * MEBI
