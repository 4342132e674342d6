"""How full Redis is: it refuses writes when it is, and then no figure moves."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from redis.asyncio import RedisCluster

from streams.runtime.script import Client


class Memory(NamedTuple):
    """Bytes that Redis uses and may use (`maxmemory`); None: as many as the machine has."""

    used: int
    limit: int | None

    @property
    def fullness(self) -> tuple[float, int]:
        """Sorts the fuller one after the other."""
        return (self.used / self.limit if self.limit else 0.0), self.used


async def memory_of(redis: Client) -> Memory:
    """What Redis says now; of a Redis Cluster the fullest primary, the first that will refuse writes. Raises Redis' errors."""
    if not isinstance(redis, RedisCluster):
        return await _memory(redis, {})
    await redis.initialize()
    said = [await _memory(redis, {"target_nodes": node}) for node in redis.get_primaries()]
    return max(said, key=lambda memory: memory.fullness)


async def _memory(redis: Client, target: Mapping[str, Any]) -> Memory:
    info = await redis.execute_command("INFO", "memory", **target)
    return Memory(info["used_memory"], info.get("maxmemory") or None)
