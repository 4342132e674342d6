"""Only a Redis that neither evicts nor forgets may hold ledgers; the refusal says how to mend it."""

import asyncio
from collections.abc import Iterator

import pytest
import redis

from streams.runtime.redis_check import RedisUnfit, check_redis
from streams.runtime.redis_client import connect


@pytest.fixture
def admin(redis_url: str) -> Iterator[redis.Redis]:
    """A connection that may change the server's settings; they are put back."""
    with redis.Redis.from_url(redis_url) as client:
        before = {name: client.config_get(name)[name] for name in ("maxmemory-policy", "appendonly", "save")}
        yield client
        for name, value in before.items():
            client.config_set(name, value)
        client.acl_deluser("guest")


def verdict(url: str) -> str:
    """What is wrong with the server; "" if nothing is."""

    async def ask() -> str:
        client = await connect(url)
        try:
            await check_redis(client)
        except RedisUnfit as unfit:
            return str(unfit)
        finally:
            await client.aclose()
        return ""

    return asyncio.run(ask())


def test_a_redis_that_keeps_everything_is_fit(admin: redis.Redis, redis_url: str) -> None:
    assert verdict(redis_url) == ""
    admin.config_set("appendonly", "no")
    admin.config_set("save", "3600 1")
    assert verdict(redis_url) == ""


def test_a_redis_that_evicts_is_unfit(admin: redis.Redis, redis_url: str) -> None:
    admin.config_set("maxmemory-policy", "allkeys-lru")
    assert "maxmemory-policy is allkeys-lru" in verdict(redis_url)
    assert "CONFIG SET maxmemory-policy noeviction" in verdict(redis_url)


def test_a_redis_that_forgets_at_a_restart_is_unfit(admin: redis.Redis, redis_url: str) -> None:
    admin.config_set("appendonly", "no")
    admin.config_set("save", "")
    assert "CONFIG SET appendonly yes" in verdict(redis_url)
    admin.config_set("maxmemory-policy", "volatile-ttl")
    assert len(verdict(redis_url).splitlines()) == 2


def test_where_config_is_forbidden_the_append_only_file_must_be_on(
    admin: redis.Redis, redis_url: str
) -> None:
    admin.acl_setuser(
        "guest", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-config"]
    )
    as_guest = redis_url.replace("redis://", "redis://guest:any@")
    assert verdict(as_guest) == ""
    admin.config_set("appendonly", "no")
    admin.config_set("save", "3600 1")
    assert "CONFIG GET is forbidden" in verdict(as_guest)


def test_a_replica_is_unfit(admin: redis.Redis, redis_url: str) -> None:
    admin.replicaof("127.0.0.1", 1)
    try:
        assert "role is slave: connect to the primary" in verdict(redis_url)
    finally:
        admin.replicaof("NO", "ONE")
