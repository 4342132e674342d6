"""Ledgers on a real Redis Cluster of two primaries: every script finds all its keys in one slot."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from redis.asyncio import RedisCluster

from loanpulse.lab.redis_server import Redis
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_reader import list_ledgers
from streams.runtime.redis_check import check_redis
from streams.runtime.redis_client import connect
from tests.ledger_lab import TOPIC
from tests.test_ledger_keys import tell_everything
from tests.waiting import wait_until

SLOTS = 16384
PARTITIONS = 8


class ClusterNode(Redis):
    """One primary of a Redis Cluster."""

    def _command(self) -> list[str | Path]:
        return [*super()._command(), "--cluster-enabled", "yes"]


@pytest.fixture(scope="module")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of one of two primaries that share the slots."""
    with ExitStack() as running:
        nodes = [ClusterNode.start(tmp_path_factory.mktemp("cluster")) for _ in range(2)]
        for node in nodes:
            running.callback(node.stop)
        half = SLOTS // 2
        clients = [running.enter_context(redis.Redis.from_url(node.url)) for node in nodes]
        for number, client in enumerate(clients):
            client.cluster("addslots", *range(number * half, (number + 1) * half))
        clients[0].cluster("meet", "127.0.0.1", nodes[1].port)
        wait_until(lambda: all(is_whole(client) for client in clients))
        yield nodes[0].url


def is_whole(client: redis.Redis) -> bool:
    """Whether this node knows of every slot's primary."""
    info = client.cluster("info")
    return (info["cluster_state"], info["cluster_slots_ok"]) == ("ok", str(SLOTS))


@pytest.mark.servers
def test_ledgers_work_on_a_redis_cluster(cluster_url: str, namespace: str) -> None:
    async def story() -> None:
        client = await connect(cluster_url)
        assert isinstance(client, RedisCluster)
        await check_redis(client)
        for partition in range(PARTITIONS):
            await tell_everything(Ledger(client, namespace, TOPIC, partition))
        assert await list_ledgers(client, namespace) == [
            (TOPIC, partition) for partition in range(PARTITIONS)
        ]
        nodes = {
            client.keyslot(f"{{{namespace}/{TOPIC}/{partition}}}") // (SLOTS // 2)
            for partition in range(PARTITIONS)
        }
        assert nodes == {0, 1}
        await client.aclose()

    asyncio.run(story())
