"""What a worker's partitions share: one connection to Redis, which is looked at before it is trusted."""

import asyncio
from collections.abc import Callable

import pytest
from faust.types import TP
from redis.asyncio import Redis as Client

from loanpulse.lab.redis_server import Redis
from schemas.registry import LOAN
from streams.runtime.redis_check import RedisUnfit
from streams.runtime.rulebook import read_rulebook
from streams.runtime.settings import Settings
from streams.runtime.worker import LedgerProcessor, create_worker
from tests.partition_lab import SOURCE, lead, records_of

NOWHERE = "127.0.0.1:1"
TPS = [TP(f"bank-{LOAN}", number) for number in range(3)]


def processor_at(url: str, namespace: str) -> LedgerProcessor:
    settings = Settings.model_validate(
        {
            "kafka": NOWHERE,
            "redis": url,
            "namespace": namespace,
            "topic_prefix": "bank-",
            "partitioner": "none",
        }
    )
    return LedgerProcessor(settings, read_rulebook(None, None, "UTC"), NOWHERE, url)


async def others(client: Client) -> int:
    """How many clients Redis has besides the one who asks."""
    return int((await client.info("clients"))["connected_clients"]) - 1


async def until_left(client: Client, number: int) -> None:
    """Wait until Redis has seen that all others but so many have left."""
    async with asyncio.timeout(10):
        while await others(client) > number:  # noqa: ASYNC110  # Redis sets no event
            await asyncio.sleep(0.02)


def test_partitions_share_a_connection_that_ends_with_the_last_of_them(
    redis_url: str, namespace: str
) -> None:
    async def story() -> None:
        processor = processor_at(redis_url, namespace)
        async with Client.from_url(redis_url) as client:
            before = await others(client)
            assert await asyncio.gather(*(processor.open(tp, SOURCE) for tp in TPS)) == [0, 0, 0]
            for number, tp in enumerate(TPS):
                await processor.process(tp, records_of([lead(number)]))
                await processor.tick(tp, caught_up=True)
            assert await others(client) > before
            for tp in TPS[:2]:
                await processor.close(tp)
            await processor.process(TPS[2], records_of([lead(9)], 1))
            await processor.close(TPS[2])
            await until_left(client, before)
            again = TP(TPS[0].topic, 3)
            assert await processor.open(again, SOURCE) == 0
            await processor.close(again)
            await until_left(client, before)

    asyncio.run(story())


def test_a_redis_that_may_lose_ledgers_is_refused_until_it_is_mended(
    own_redis: Callable[..., Redis], namespace: str
) -> None:
    url = own_redis().url

    async def story() -> None:
        processor = processor_at(url, namespace)
        async with Client.from_url(url) as client:
            before = await others(client)
            await client.config_set("maxmemory-policy", "allkeys-lru")
            for _ in range(3):
                with pytest.raises(RedisUnfit, match="maxmemory-policy is allkeys-lru"):
                    await processor.open(TPS[0], SOURCE)
                await processor.close(TPS[0])
            await until_left(client, before)
            await client.config_set("maxmemory-policy", "noeviction")
            assert await processor.open(TPS[0], SOURCE) == 0
            await processor.close(TPS[0])

    asyncio.run(story())


@pytest.mark.parametrize("missing", ["kafka", "redis"])
def test_a_worker_without_servers_is_an_error(missing: str) -> None:
    given = {"kafka": NOWHERE, "redis": "redis://127.0.0.1:1/0"} | {missing: None}
    with pytest.raises(ValueError, match="LOANPULSE_KAFKA"):
        create_worker(Settings.model_validate(given), read_rulebook(None, None, "UTC"))
