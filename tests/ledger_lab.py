"""What the tests of the ledger share: stories told on a real Redis, small batches, a connection that loses replies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Self
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster

from streams.runtime.ledger import Ledger
from streams.runtime.ledger_reader import LedgerReader
from streams.runtime.ledger_values import Batch, PaneSlice, Pull, Source, VersionWrites
from streams.runtime.redis_client import connect

SOURCE = Source(cluster_id="cluster-1", topic_id="topic-1", partitions=4)
TOPIC, PARTITION = "loan-events", 3
OWNER, VERSION = "owner-1", "rules-1"


def on_redis(story: Callable[[Ledger], Awaitable[None]]) -> Callable[[str, str], None]:
    """Makes a test of a story about one ledger, not yet acquired, on the run's Redis."""

    def test(redis_url: str, namespace: str) -> None:
        async def tell() -> None:
            async with opened(redis_url, namespace) as ledger:
                await story(ledger)

        asyncio.run(tell())

    test.__doc__ = story.__doc__
    return test


@asynccontextmanager
async def opened(url: str, namespace: str, timeout_seconds: float = 10.0) -> AsyncIterator[Ledger]:
    """A ledger on a connection of its own."""
    redis = await connect(url, timeout_seconds)
    try:
        yield Ledger(redis, namespace, TOPIC, PARTITION)
    finally:
        await redis.aclose()


async def begin(ledger: Ledger, owner: str = OWNER, version: str = VERSION) -> None:
    """Acquire a ledger for the first time, and give it an empty live version."""
    await ledger.acquire(owner, SOURCE)
    await ledger.begin_version(owner, version)
    await make_live(ledger, owner, version)


async def make_live(ledger: Ledger, owner: str, version: str, steps: int = 0) -> None:
    """Finish a version and flip to it; the one before is left behind."""
    await ledger.finish_version(owner, version, steps)
    await ledger.flip(owner, version, (await ledger.head()).version, keep=False)


async def loaded(
    ledger: LedgerReader, cases: Sequence[bytes], clients: Sequence[bytes], version: str = VERSION
) -> tuple[list[bytes | None], list[bytes | None]]:
    """Cases and clients of one version by id."""
    found, shown = await ledger.load(cases, {version: clients})
    return found, shown[version]


def writes(**changes: Any) -> VersionWrites:
    """What changes in a version: nothing but what is named."""
    nothing = VersionWrites(version=VERSION, clients={}, panes={}, groups_known=0, groups_new=())
    return replace(nothing, **changes)


def batch(expected: int, next_position: int, **changes: Any) -> Batch:
    """A batch that moves the position, and what is named; clients, panes and groups are those of the live version."""
    live = {
        name: changes.pop(name)
        for name in ("clients", "panes", "groups_known", "groups_new", "watch")
        if name in changes
    }
    nothing = Batch(
        expected=expected,
        next=next_position,
        last_offset=next_position - 1,
        last_crc=next_position,
        through_ms=None,
        cases={},
        live=writes(**live),
        counts={},
    )
    return replace(nothing, **changes)


async def pane_logs(ledger: LedgerReader, pull: Pull | None = None) -> dict[str, bytes]:
    """Every pane's log, or those of a pull."""
    pull = await ledger.pull() if pull is None else pull
    slices = [PaneSlice(pane.pane, pane.generation, 0, pane.length) for pane in pull.panes]
    logs = await ledger.read(pull.version, slices)
    return {part.pane: log for part, log in zip(slices, logs, strict=True)}


async def everything(redis: Redis | RedisCluster) -> Mapping[bytes, bytes | None]:
    """All keys of a server and what they hold, as Redis would dump them."""
    return {key: await redis.execute_command("DUMP", key) async for key in redis.scan_iter()}


def port_of(redis: Redis | RedisCluster) -> int:
    assert isinstance(redis, Redis)
    port: int = redis.connection_pool.connection_kwargs["port"]
    return port


class LossyProxy:
    """Stands between clients and Redis; on demand it loses a reply, and the connection with it."""

    def __init__(self, redis_url: str) -> None:
        self._port = urlsplit(redis_url).port
        self._losing = False
        self.url = ""

    def lose_next_reply(self) -> None:
        """What is asked next reaches Redis and is done; the reply reaches nobody."""
        self._losing = True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        async with server:
            yield self

    async def _serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_redis, to_redis = await asyncio.open_connection("127.0.0.1", self._port)
        asking = asyncio.create_task(_copy(from_client, to_redis))
        while reply := await from_redis.read(1 << 16):
            if self._losing:
                self._losing = False
                break
            to_client.write(reply)
        asking.cancel()
        to_client.close()
        to_redis.close()


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while data := await source.read(1 << 16):
        to.write(data)
        await to.drain()
    to.close()
