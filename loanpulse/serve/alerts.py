"""How alerts get on, from the outboxes in Redis through their topic to the receivers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from loanpulse.dispatch.figures import ALIVE, NOBODY, by_receiver
from streams.runtime.keys import LedgerKeys, NamespaceKeys
from streams.runtime.ledger_reader import list_ledgers
from streams.runtime.outbox import written_ms
from streams.runtime.script import Client


class Alerts(NamedTuple):
    """What waits to be published, and what became of the messages of it."""

    waiting: int
    """Messages in all outboxes."""
    oldest_ms: int | None
    """Since when the oldest of them waits."""
    letters: int
    """Messages that could not be delivered and were not sent again."""
    alive_ms: int | None
    """When a dispatcher last said that it runs; None: there never was one."""
    deliveries: Mapping[str, Mapping[str, int]]
    """By receiver and outcome, since the namespace began."""


async def alerts_of(redis: Client, namespace: str) -> Alerts:
    """How they get on now. Raises Redis' errors."""
    keys = NamespaceKeys(namespace)
    ledgers = await list_ledgers(redis, namespace)
    outboxes = [keys.board_outbox, *(LedgerKeys(namespace, *place).outbox for place in ledgers)]
    pipeline = redis.pipeline(transaction=False)
    pipeline.execute_command("HGETALL", keys.deliveries)
    for stream in (keys.undelivered, *outboxes):
        pipeline.execute_command("XLEN", stream)
    stored, letters, *waiting = await pipeline.execute()
    deliveries = dict(by_receiver(stored))
    of_nobody = deliveries.pop(NOBODY, {})
    busy = [outbox for outbox, count in zip(outboxes, waiting, strict=True) if count]
    oldest_ms = await _oldest_ms(redis, busy) if busy else None
    return Alerts(sum(waiting), oldest_ms, letters, of_nobody.get(ALIVE), deliveries)


async def _oldest_ms(redis: Client, outboxes: Sequence[str]) -> int | None:
    """When the oldest message was written, as its name says; None if all have just been published."""
    pipeline = redis.pipeline(transaction=False)
    for outbox in outboxes:
        pipeline.execute_command("XRANGE", outbox, "-", "+", "COUNT", 1)
    firsts = [entry for found in await pipeline.execute() for entry, _ in found]
    return min(map(written_ms, firsts), default=None)
