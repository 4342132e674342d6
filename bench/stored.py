"""A case store of any size: a simulated lender's cases, folded once and stored again and again under other clients' keys.

Only the cases are written; the worker that opens the ledgers makes the panes of them.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain

import redis
from aiokafka.partitioner import murmur2

from bench.workload import Workload
from schemas.decode import decode
from streams.calculus.case import case_id, parse_case_id
from streams.calculus.fold import Fold
from streams.runtime.keys import LedgerKeys
from streams.runtime.partition import NEVER_MS
from streams.runtime.settings import Settings

_AT_ONCE = 5_000

Cases = dict[bytes, bytes]


def folded(workload: Workload) -> dict[str, Cases]:
    """The cases of the workload by the topic that their events travel in."""
    folds: dict[str, Fold] = defaultdict(Fold)
    known = set()
    for raw in workload.records:
        event, key = decode(raw.value), (raw.key or b"").decode()
        name = event.type.kind, key, event.subject
        identity, fold = case_id(*name), folds[raw.topic]
        if identity not in known:
            known.add(identity)
            fold.load([(identity, name, None)])
        fold.merge(identity, event, NEVER_MS)
    return {topic: fold.finish().cases for topic, fold in folds.items()}


def fill(client: redis.Redis, settings: Settings, cases: dict[str, Cases], wanted: int) -> int:
    """Store at least so many cases where a worker with these settings looks for them; how many it came to."""
    once = sum(map(len, cases.values()))
    times = -(-wanted // once)
    for topic, found in cases.items():
        for number in range(times):
            for partition, some in _placed(found, number, settings.partitions).items():
                key = LedgerKeys(settings.namespace, settings.topic(topic), partition).cases
                for items in _portions(some):
                    client.hset(key, items=items)
    return once * times


def _placed(cases: Cases, number: int, partitions: int) -> dict[int, Cases]:
    """The cases under the keys of that copy, by the partition that has them; copy 0 is the original."""
    placed: dict[int, Cases] = defaultdict(dict)
    for identity, blob in cases.items():
        kind, key, subject = parse_case_id(identity)
        key = f"{key}.{number}" if number else key
        partition = int(murmur2(key.encode()) & 0x7FFFFFFF) % partitions
        placed[partition][case_id(kind, key, subject)] = blob
    return placed


def _portions(cases: Cases) -> Iterator[list[bytes]]:
    """Names and values by turns."""
    items = [*chain.from_iterable(cases.items())]
    for start in range(0, len(items), 2 * _AT_ONCE):
        yield items[start : start + 2 * _AT_ONCE]
