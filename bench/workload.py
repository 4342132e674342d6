"""What is measured: the simulated lender's events as bytes, made once and used by every run."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from aiokafka import ConsumerRecord
from aiokafka.partitioner import murmur2

from loanpulse.intake.sources import Raw
from loanpulse.lab.simulator.lender import Lender
from loanpulse.lab.simulator.wire import records
from streams.calculus.windows import DAY_MS, MINUTE_MS
from streams.runtime.clock import WallClock

ZONE = "Europe/Amsterdam"
PARTITIONS = 4
_SEED = 7
_LIVE_RATE = 5_000.0

Place = tuple[str, int]
"""A topic, by the contract's name, and a partition."""


@dataclass(frozen=True)
class Workload:
    """Events in the order of their arrival."""

    name: str
    about: str
    records: list[Raw]


def lender_of(scale: float) -> Lender:
    """The lender whose events are measured."""
    return Lender(_SEED, ZONE, scale)


def history(days: int, scale: float) -> Workload:
    """A lender's past up to now, as a new engine reads it: at scale 1 the 20,000 events of the loans that it had already,
    and then some 900 a day."""
    end = WallClock().now_ms()
    told = lender_of(scale).history(end - days * DAY_MS, end)
    about = f"{days} days of a lender at scale {scale:g}, in order of arrival"
    return Workload("history", about, list(records(told)))


def live(events: int) -> Workload:
    """The present of a lender so large that it shows 5,000 events a second; files join in the middle of their lives."""
    told = Lender(_SEED, ZONE).course(WallClock().now_ms() - MINUTE_MS).live(_LIVE_RATE)
    about = f"{events} events of a lender that shows 5,000 a second"
    return Workload("live", about, list(records(islice(told, events))))


def by_partition(raws: Iterable[Raw], timestamp_ms: int) -> dict[Place, list[ConsumerRecord]]:
    """The records as a consumer would get them, all produced at one instant."""
    places: dict[Place, list[ConsumerRecord]] = defaultdict(list)
    for raw in raws:
        key = raw.key or b""
        place = raw.topic, int(murmur2(key) & 0x7FFFFFFF) % PARTITIONS
        offset = len(places[place])
        places[place].append(
            ConsumerRecord(
                *(*place, offset, timestamp_ms, 0, raw.key, raw.value, None, len(key), len(raw.value), ())
            )
        )
    return places
