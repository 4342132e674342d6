"""The way of an event through a worker, stage by stage, on a real Redis: CPU µs and bytes an event.

`bench.end_to_end` measures the whole.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import redis

from bench.costs import Laps, cpu_of_redis, seconds_of_commands
from bench.timed import KNOWN, TimedPartition
from bench.workload import Workload, by_partition
from loanpulse.lab.space import remove_keys
from streams.calculus.program import Program
from streams.runtime.clock import WallClock
from streams.runtime.ledger import Ledger
from streams.runtime.redis_client import connect
from streams.runtime.worker import GC_THRESHOLD

STAGES = (
    "decode",
    "admission",
    "load",
    "merge",
    "observe",
    "open cases",
    "panes",
    "encode",
    "script",
    "done twice",
)
"""In the order of the way. `load` and `script` are our side of what Redis does; `done twice` are batches that turned out
to be too large for one script and were divided."""
BYTES = ("of events", "of cases and clients written", "of pane rows written")

_NAMESPACE = "bench-stages"


def measure(workload: Workload, redis_url: str, program: Program) -> dict[str, float]:
    """One run: µs of CPU and bytes, each an event."""
    with redis.Redis.from_url(redis_url) as client, collecting_as_a_worker():
        try:
            return asyncio.run(_measure(workload, redis_url, client, program))
        finally:
            remove_keys(redis_url, _NAMESPACE)


@contextmanager
def collecting_as_a_worker() -> Iterator[None]:
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _measure(
    workload: Workload, redis_url: str, client: redis.Redis, program: Program
) -> dict[str, float]:
    laps, sizes = Laps(), Counter[str]()
    connection = await connect(redis_url)
    places = by_partition(workload.records, WallClock().now_ms())
    partitions = [
        (TimedPartition(Ledger(connection, _NAMESPACE, *place), program, laps, sizes), records)
        for place, records in places.items()
    ]
    redis_before, commands_before = cpu_of_redis(client), seconds_of_commands(client)
    memory_before = client.info("memory")["used_memory"]
    for partition, records in partitions:
        await partition.run(records)
    redis_seconds, commands = cpu_of_redis(client) - redis_before, seconds_of_commands(client)
    memory = client.info("memory")["used_memory"] - memory_before
    events = len(workload.records)
    for partition, _ in partitions:
        await partition.load_again()
    await connection.aclose()
    return _figures(laps.seconds, sizes, events) | {
        "redis µs: load": _used(commands_before, commands, "hmget") / events,
        "redis µs: script": _used(commands_before, commands, "evalsha") / events,
        "redis µs: in all": 1e6 * redis_seconds / events,
        "bytes in Redis": memory / events,
    }


def _figures(seconds: dict[str, float], sizes: Counter[str], events: int) -> dict[str, float]:
    seconds["admission"] -= seconds["decode again"]
    seconds["encode"] += seconds["call"]
    seconds["script"] -= seconds["call"]
    found = {f"worker µs: {stage}": 1e6 * seconds[stage] / events for stage in STAGES}
    return (
        found
        | {"worker µs: in all": sum(found.values()), f"({KNOWN})": 1e6 * seconds[KNOWN] / events}
        | {f"bytes {name}": sizes[name] / events for name in BYTES}
        | {"panes written": sizes["panes"] / events, "events a script": events / sizes["scripts"]}
    )


def _used(before: Mapping[str, float], after: Mapping[str, float], command: str) -> float:
    """µs in Redis."""
    return 1e6 * (after[command] - before.get(command, 0.0))
