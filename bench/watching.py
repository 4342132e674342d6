"""Looks at a running engine every 50 ms, as a reader of the board would: how old the board is, how far the ledgers are."""

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import redis
from kafka import KafkaConsumer, TopicPartition

from bench.costs import cpu_of, cpu_of_redis, waited_of
from bench.report import Figures
from bench.workload import Place
from loanpulse.board.snapshot import decode_meta
from loanpulse.lab.child import Child
from loanpulse.lab.process import ServerError
from streams.runtime.clock import WallClock
from streams.runtime.keys import LedgerKeys, NamespaceKeys
from streams.runtime.settings import Settings

POLL_SECONDS = 0.05


class Sample(NamedTuple):
    """One look. Instants are UTC ms; `as_of_ms` and `book` are the board's, None and "" where there is none."""

    at_ms: int
    positions: Sequence[int]
    whole: int
    """Ledgers that have a version of panes."""
    as_of_ms: int | None
    book: str
    memory: int


class Phase(NamedTuple):
    """A stretch of time, and the seconds of CPU that it took."""

    since_ms: int
    until_ms: int
    cpu: Figures
    samples: list[Sample]


class Watch:
    """Watches processes, the board and every ledger of a namespace."""

    def __init__(self, client: redis.Redis, settings: Settings, places: Sequence[Place]) -> None:
        self._client, self._clock = client, WallClock()
        self._board = NamespaceKeys(settings.namespace).board_meta
        self._heads = [LedgerKeys(settings.namespace, *place).head for place in places]
        self.children: dict[str, Child] = {}

    def phase(self, until: Callable[[Sample], bool], most_seconds: float) -> Phase:
        """Watch until then. Raises ServerError if a process ends, or nothing comes of it in time."""
        samples, before, begun = [], self._cpu(), self._clock.now_ms()
        while not until(now := self._look()):
            samples.append(now)
            if now.at_ms > begun + 1000 * most_seconds:
                raise ServerError(f"what was waited for is not there after {most_seconds:.0f} s")
            time.sleep(POLL_SECONDS)
        samples.append(now)
        after = self._cpu()
        return Phase(begun, now.at_ms, {name: after[name] - before.get(name, 0.0) for name in after}, samples)

    def seconds(self, seconds: float) -> Phase:
        """Watch for so long."""
        end = self._clock.now_ms() + 1000 * seconds
        return self.phase(lambda now: now.at_ms >= end, 2 * seconds + 60)

    def _look(self) -> Sample:
        for child in self.children.values():
            if (failure := child.failure()) is not None:
                raise failure
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.get(self._board)
            pipeline.info("memory")
            for head in self._heads:
                pipeline.hmget(head, "position", "version")
            stored, memory, *heads = pipeline.execute()
        meta = None if stored is None else decode_meta(stored)
        return Sample(
            self._clock.now_ms(),
            [int(position or 0) for position, _ in heads],
            sum(bool(version) for _, version in heads),
            None if meta is None else meta.as_of_ms,
            "" if meta is None else meta.book,
            int(memory["used_memory"]),
        )

    def _cpu(self) -> dict[str, float]:
        found = {"redis CPU s": cpu_of_redis(self._client)}
        for name, child in self.children.items():
            found[f"{name} CPU s"] = cpu_of(child.pid)
            found[f"{name} waited for a core s"] = waited_of(child.pid)
        return found


def ages(phase: Phase) -> Figures:
    """How old what the board showed was, in seconds."""
    found = [(s.at_ms - s.as_of_ms) / 1000 for s in phase.samples if s.as_of_ms is not None]
    return spread("board age s", found)


class Arrived(NamedTuple):
    """A record: which of the places, its offset, and when it was sent (UTC ms)."""

    place: int
    offset: int
    at_ms: int


def arrived(settings: Settings, places: Sequence[Place]) -> Iterator[Arrived]:
    """Every record that the topics hold."""
    wanted = {TopicPartition(*place): number for number, place in enumerate(places)}
    consumer = KafkaConsumer(bootstrap_servers=str(settings.kafka).split(","), auto_offset_reset="earliest")
    try:
        consumer.assign(list(wanted))
        ends = consumer.end_offsets(list(wanted))
        while any(consumer.position(place) < end for place, end in ends.items()):
            for place, found in consumer.poll(timeout_ms=1_000).items():
                yield from (Arrived(wanted[place], record.offset, record.timestamp) for record in found)
    finally:
        consumer.close()


def latencies(phases: Sequence[Phase], records: Sequence[Arrived]) -> list[Figures]:
    """For each phase, the seconds from the sending of its records until they were seen to be in their ledgers."""
    samples = [sample for phase in phases for sample in phase.samples]
    seen = [[sample.positions[place] for sample in samples] for place in range(len(samples[0].positions))]
    took: list[list[float]] = [[] for _ in phases]
    for place, offset, at_ms in records:
        number = next((i for i, p in enumerate(phases) if p.since_ms <= at_ms < p.until_ms), None)
        first = bisect_right(seen[place], offset)
        if number is not None and first < len(samples):
            took[number].append((samples[first].at_ms - at_ms) / 1000)
    return [spread("event to commit s", found) | {"events": len(found)} for found in took]


def spread(name: str, values: Sequence[float]) -> Figures:
    """Median, 99 of 100, and the greatest."""
    ordered = sorted(values)
    if not ordered:
        return {}
    return {
        f"{name}, p50": ordered[len(ordered) // 2],
        f"{name}, p99": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
        f"{name}, max": ordered[-1],
    }
