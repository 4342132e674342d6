"""Connections to Redis as the ledger needs them: bytes out, and no retry behind the caller's back."""

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

TIMEOUT_SECONDS = 10.0


async def connect(url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Redis | RedisCluster:
    """A client for the server at `url`, or for the whole Redis Cluster that the server belongs to.

    No answer within `timeout_seconds` is redis.exceptions.TimeoutError; what was asked may then have been
    done, or not. Nothing is sent again here: the ledger's calls may be repeated as they were, if the caller
    sees fit.
    """
    single = Redis.from_url(
        url,
        decode_responses=False,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
    )
    try:
        clustered = (await single.info("cluster")).get("cluster_enabled")
    except BaseException:
        await single.aclose()
        raise
    if not clustered:
        return single
    await single.aclose()
    return RedisCluster.from_url(
        url,
        decode_responses=False,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
    )
