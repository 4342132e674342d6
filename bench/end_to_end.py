"""The whole: records in a real Kafka, workers as processes, a real Redis; CPU from /proc and from Redis itself.

The topics are filled once; each run reads them with a consumer group and a Redis namespace of its own. Measured is the
stretch from the first moment when all workers are in the group and something was read, to the end of the topics: what
it costs to start is not in it.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import redis
from kafka.admin import KafkaAdminClient

from bench.costs import cpu_of, cpu_of_redis
from bench.workload import PARTITIONS, ZONE, Place, Workload
from loanpulse.intake.producing import produce
from loanpulse.lab.apart import apart
from loanpulse.lab.child import Child
from loanpulse.lab.process import ServerError
from loanpulse.lab.servers import Endpoints
from loanpulse.lab.space import end_offsets, own_space, remove_keys
from streams.runtime.keys import LedgerKeys
from streams.runtime.settings import PREFIX, Settings, environ_of

_POLL_SECONDS = 0.05
_MOST_SECONDS = 300.0


class Filled(NamedTuple):
    """Topics that hold a workload."""

    settings: Settings
    ends: dict[Place, int]
    """Topics as Kafka knows them."""

    @property
    def events(self) -> int:
        return sum(self.ends.values())


@contextmanager
def filled(workload: Workload, settings: Settings, endpoints: Endpoints) -> Iterator[Filled]:
    """Topics with the workload in them, for the length of a `with` block."""
    settings = settings.model_copy(update={"tz": ZONE, "partitions": PARTITIONS})
    with own_space(settings, endpoints, "bench") as own:
        apart(produce, endpoints.kafka, workload.records, prefix=own.topic_prefix)
        yield Filled(own, apart(end_offsets, own))


class _Sample(NamedTuple):
    """What has been used and done so far."""

    at: float
    position: int
    worker_cpu: float
    redis_cpu: float


def measure(topics: Filled, workers: int, run: int) -> dict[str, float]:
    """One run. Raises ServerError if a worker ends, or gets nowhere."""
    namespace = f"{topics.settings.namespace}-{workers}-{run}"
    settings = topics.settings.model_copy(update={"namespace": namespace})
    with ExitStack() as stack:
        stack.callback(remove_keys, str(settings.redis), namespace)
        client = stack.enter_context(redis.Redis.from_url(str(settings.redis)))
        group = stack.enter_context(_group(settings))
        children = [_start_worker(settings, number, stack) for number in range(workers)]
        heads = [LedgerKeys(namespace, *place).head for place in topics.ends]

        def wait(until: Callable[[_Sample], bool]) -> _Sample:
            deadline = time.monotonic() + _MOST_SECONDS
            while not until(now := _sample(client, heads, children)):
                if now.at > deadline:
                    raise ServerError(
                        f"workers are at {now.position} of {topics.events} after {_MOST_SECONDS} s"
                    )
                time.sleep(_POLL_SECONDS)
            return now

        begun = wait(lambda now: now.position > 0 and group() == workers)
        if begun.position >= topics.events:
            raise ServerError(
                f"all {topics.events} events were read before {workers} workers were there: too few"
            )
        ended = wait(lambda now: now.position >= topics.events)
    return _figures(begun, ended)


def _figures(begun: _Sample, ended: _Sample) -> dict[str, float]:
    events, cpu = ended.position - begun.position, ended.worker_cpu - begun.worker_cpu
    return {
        "events": events,
        "events/s": events / (ended.at - begun.at),
        "events/s a core": events / cpu,
        "worker µs": 1e6 * cpu / events,
        "redis µs": 1e6 * (ended.redis_cpu - begun.redis_cpu) / events,
    }


def _sample(client: redis.Redis, heads: Iterable[str], workers: Iterable[Child]) -> _Sample:
    for worker in workers:
        if (failure := worker.failure()) is not None:
            raise failure
    with client.pipeline(transaction=False) as pipeline:
        for head in heads:
            pipeline.hget(head, "position")
        position = sum(int(found or 0) for found in pipeline.execute())
    cpu = sum(cpu_of(worker.pid) for worker in workers)
    return _Sample(time.monotonic(), position, cpu, cpu_of_redis(client))


@contextmanager
def _group(settings: Settings) -> Iterator[Callable[[], int]]:
    """Asks how many members the workers' group has, once it has settled; 0 before."""
    admin = apart(KafkaAdminClient, bootstrap_servers=str(settings.kafka).split(","))

    def members() -> int:
        found = apart(admin.describe_groups, [settings.namespace])[settings.namespace]
        return len(found["members"]) if found["group_state"] == "Stable" else 0

    try:
        yield members
    finally:
        admin.close()


def _start_worker(settings: Settings, number: int, stack: ExitStack) -> Child:
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    log = settings.home / f"worker-{number + 1}.log"
    child = Child(f"worker {number + 1}", ["worker"], others | environ_of(settings), log)
    stack.callback(child.stop, 0.0)
    return child
