"""A simulated lender's events, folded by the engine and stored as a worker stores them: what a board is computed from."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from schemas.registry import EVENT_TYPES, TOPICS
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import Batch, Source, VersionWrites
from streams.runtime.redis_client import connect
from tests.engine import MemoryLedger
from tests.ledger_lab import make_live

OWNER = "a-worker"


def by_topic(events: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Each topic's events, every topic named."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list, {topic: [] for topic in TOPICS})
    for event in events:
        found[EVENT_TYPES[event["type"]].topic].append(event)
    return found


async def store(
    events: Iterable[dict[str, Any]], url: str, namespace: str, program: Program, through_ms: int
) -> None:
    """One live ledger a topic, with one partition, complete through an instant."""
    redis = await connect(url)
    try:
        for topic, told in by_topic(events).items():
            folded = MemoryLedger(program, Grid.live(program.zone))
            folded.apply(told)
            await _store(Ledger(redis, namespace, topic, 0), folded, len(told), through_ms)
    finally:
        await redis.aclose()


async def _store(ledger: Ledger, folded: MemoryLedger, applied: int, through_ms: int) -> None:
    version = f"{folded.program.digest}.1"
    await ledger.acquire(OWNER, Source("cluster", f"id-{ledger.keys.topic}", 1))
    await ledger.begin_version(OWNER, version)
    steps = await ledger.append_version(OWNER, 0, VersionWrites(version, {}, folded.panes, 0, folded.names))
    await make_live(ledger, OWNER, version, steps)
    nothing = VersionWrites(version, {}, {}, len(folded.names), ())
    await ledger.commit(OWNER, Batch(0, 1, 0, 0, through_ms, {}, nothing, {"applied": applied}))
    await ledger.tick(OWNER, 1, through_ms, "live")
