"""Whether a Redis may hold ledgers: one that evicts or forgets loses events without a word."""

from collections.abc import Mapping
from typing import Any

from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError

from streams.runtime.script import Client

OLDEST = (6, 2)


class RedisUnfit(Exception):  # noqa: N818  # named for what it reports
    """This Redis would lose events; each line says what is wrong and how to mend it."""


async def check_redis(redis: Client) -> None:
    """Ask every primary for its version, eviction policy and persistence; raises RedisUnfit.

    Where CONFIG is forbidden, as on hosted servers, INFO answers; it does not know of scheduled snapshots, so
    there the append-only file must be on.
    """
    wrong = [
        f"Redis{name}: {complaint}"
        for name, facts in (await _facts(redis)).items()
        for complaint in _complaints(facts)
    ]
    if wrong:
        raise RedisUnfit("\n".join(wrong))


def _complaints(facts: dict[str, str]) -> list[str]:
    """`facts` as INFO and CONFIG GET name them; `save` is missing where CONFIG is forbidden."""
    wrong = []
    version, policy = facts["redis_version"], facts["maxmemory_policy"]
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        wrong.append(f"version is {version}: must be {'.'.join(map(str, OLDEST))} or newer")
    if policy != "noeviction":
        wrong.append(
            f"maxmemory-policy is {policy}: it would delete ledgers when memory is short; "
            "`redis-cli CONFIG SET maxmemory-policy noeviction`, and the same in redis.conf"
        )
    if facts["aof_enabled"] != "1" and not facts.get("save"):
        wrong.append(
            "neither the append-only file nor snapshots are on"
            + ("" if "save" in facts else " (as far as can be seen: CONFIG GET is forbidden)")
            + ": a restart would forget the ledgers; "
            "`redis-cli CONFIG SET appendonly yes`, and the same in redis.conf"
        )
    if facts.get("role") != "master":
        wrong.append(f"role is {facts.get('role')}: connect to the primary, replicas take no writes")
    return wrong


async def _facts(redis: Client) -> dict[str, dict[str, str]]:
    """What each primary says of itself, by " at host:port" in a Redis Cluster, by "" elsewhere."""
    if not isinstance(redis, RedisCluster):
        return {"": await _facts_of(redis, {})}
    await redis.initialize()
    return {
        f" at {node.name}": await _facts_of(redis, {"target_nodes": node}) for node in redis.get_primaries()
    }


async def _facts_of(redis: Client, target: Mapping[str, Any]) -> dict[str, str]:
    info = await redis.execute_command("INFO", **target)
    try:
        config = await redis.execute_command("CONFIG GET", "save", **target)
    except ResponseError:
        config = {}
    return {name: str(value) for name, value in (info | config).items()}
