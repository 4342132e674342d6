"""Waiting for a Redis that is away: nothing is given up, and the log says it once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.backoff import EqualJitterBackoff
from redis.exceptions import RedisError

T = TypeVar("T")

MOST_DOUBLINGS = 10
BACKOFF = EqualJitterBackoff(cap=10.0, base=0.2)

log = logging.getLogger(__name__)


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """What the call gives as soon as Redis answers; the call is made again after each error of Redis."""
    failures = 0
    while True:
        try:
            result = await call()
        except (RedisError, OSError) as error:
            if not failures:
                log.warning("Redis does not answer, trying again: %s: %s", type(error).__name__, error)
            await asyncio.sleep(BACKOFF.compute(min(failures, MOST_DOUBLINGS)))
            failures += 1
        else:
            if failures:
                log.warning("Redis answers again")
            return result
