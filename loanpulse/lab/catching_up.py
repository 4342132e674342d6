"""Waiting until workers have taken in everything that stands in the topics, or saying clearly why they will not."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from loanpulse.lab.causes import last_words
from loanpulse.lab.child import Child
from loanpulse.lab.failures import ReplayError
from loanpulse.lab.servers import Endpoints
from streams.runtime.ledger_reader import LedgerReader
from streams.runtime.ledger_values import Head
from streams.runtime.redis_client import connect
from streams.runtime.settings import Settings

Place = tuple[str, int]
"""A topic, as Kafka knows it, and a partition."""

STALLED_SECONDS = 120.0
_POLL_SECONDS = 0.1
_STOPPED = " is stopped: "


async def caught_up(
    settings: Settings,
    ends: Mapping[Place, int],
    as_of_ms: int,
    watched: tuple[Endpoints, Sequence[Child]],
    tell: Callable[[float, int], None],
) -> None:
    """Return when every ledger has reached the end of its partition and knows it is complete through `as_of_ms`.

    Raises ReplayError if a worker ends, a partition is stopped, or nothing moves for `STALLED_SECONDS`; ServerError if
    an embedded server ends. `tell` hears the share that is done, and how many records that is.
    """
    client = await connect(str(settings.redis))
    try:
        ledgers = {place: LedgerReader(client, settings.namespace, *place) for place in ends}
        before, moved_at = -1, time.monotonic()
        while True:
            heads = {place: await ledger.head() for place, ledger in ledgers.items()}
            if all(_is_done(heads[place], end, as_of_ms) for place, end in ends.items()):
                return
            _demand_health(*watched)
            done = sum(head.position for head in heads.values())
            tell(done / max(1, sum(ends.values())), done)
            if done != before:
                before, moved_at = done, time.monotonic()
            elif time.monotonic() - moved_at > STALLED_SECONDS:
                raise ReplayError(_where_it_stands(heads, ends, watched[1]))
            await asyncio.sleep(_POLL_SECONDS)
    finally:
        await client.aclose()


def _is_done(head: Head, end: int, as_of_ms: int) -> bool:
    return head.position >= end and head.through_ms == as_of_ms and not head.torn


def _demand_health(endpoints: Endpoints, workers: Iterable[Child]) -> None:
    endpoints.check()
    for worker in workers:
        log = worker.log.read_text(errors="replace")
        if worker.failure() is not None:
            raise ReplayError(f"{worker.name} ended: {last_words(log)}")
        for line in log.splitlines():
            if _STOPPED in line:
                raise ReplayError(f"{worker.name}: {line}")


def _where_it_stands(heads: Mapping[Place, Head], ends: Mapping[Place, int], workers: Sequence[Child]) -> str:
    topic, partition = next(
        place for place, end in ends.items() if heads[place].position < end or not heads[place].owner
    )
    head, end = heads[topic, partition], ends[topic, partition]
    words = last_words(workers[0].log.read_text(errors="replace"))
    return (
        f"nothing has moved for {STALLED_SECONDS:.0f} s: {topic}/{partition} stands at offset {head.position} of {end}; "
        f"{workers[0].name} says: {words}"
    )
