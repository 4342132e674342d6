"""Sends a simulated lender to Kafka: its past as fast as it goes, then its life at a chosen pace; or writes it to a file."""

import gzip
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from loanpulse.intake.producing import Producer, demand_topics
from loanpulse.lab.failures import InputError
from loanpulse.lab.simulator.lender import Arrival, Lender
from loanpulse.lab.simulator.wire import paced, records
from streams.runtime.clock import WallClock, clock_of
from streams.runtime.settings import Settings

DAY_MS = 86_400_000
_STRIDE = 1_000
_SENT = re.compile(r"the past is sent to (\d+) %: ([\d,]+) events")

Tell = Callable[[float, int], None]
"""Hears how much of the past is told, 0 to 1, and how many events so far in all."""


def past_line(verb: str, percent: int, events: int) -> str:
    """How far the past is, for a log; `verb`: sent or written."""
    return f"the past is {verb} to {percent} %: {events:,} events"


def past_sent(log: str) -> tuple[int, int]:
    """How many percent of the past are sent, and how many events that is, by the last `past_line` of a log."""
    percent, events = (_SENT.findall(log) or [("0", "0")])[-1]
    return int(percent), int(events.replace(",", ""))


@dataclass(frozen=True)
class Options:
    """What the lender is like, and how much of it is told."""

    seed: int = 1
    scale: float = 1.0
    """Times some 900 events a day, in the past."""
    days: int = 90
    """How much past, before now."""
    rate: float = 5.0
    """Events a second from now on; 0 ends after the past."""
    most: int | None = None
    """Ends after so many events of now."""
    broken: float = 0.0
    """The share of events that come in a broken copy first."""


class _Telling:
    """One telling of a lender's life up to now (the wall's, or a settled as-of) and on, and how far it is."""

    def __init__(self, options: Options, settings: Settings) -> None:
        self.now = clock_of(settings).now_ms()
        self.start = self.at = self.now - options.days * DAY_MS
        self._options = options
        self._ends = not options.rate or settings.as_of is not None
        self._course = Lender(options.seed, settings.tz, options.scale).course(self.start)

    def past(self) -> Iterator[Arrival]:
        return self._noted(self._course.until(self.now))

    def present(self) -> Iterator[Arrival]:
        """Each event when it happens; none where the past is all that is wanted."""
        if self._ends:
            return iter(())
        living = islice(self._course.live(self._options.rate), self._options.most)
        return self._noted(paced(living, WallClock().now_ms, time.sleep))

    def _noted(self, arrivals: Iterator[Arrival]) -> Iterator[Arrival]:
        for arrival in arrivals:
            self.at = arrival.at
            yield arrival

    @property
    def done(self) -> float:
        """How much of the past is told, 0 to 1."""
        return min(1.0, (self.at - self.start) / max(1, self.now - self.start))


def simulate(options: Options, settings: Settings, tell: Tell) -> int:
    """Send it, each record with the time at which its event arrived; returns how many that were.

    A past up to `settings.as_of` has no life after it. `settings.kafka` names a running Kafka. Raises UnknownTopicError,
    ProduceError.
    """
    demand_topics(settings)
    telling = _Telling(options, settings)
    with Producer(str(settings.kafka), prefix=settings.topic_prefix) as producer:
        tell(0.0, 0)
        sent = 0
        for raw in records(telling.past(), options.broken, options.seed):
            producer.send(raw)
            sent += 1
            if sent % _STRIDE == 0:
                tell(min(telling.done, 0.99), sent)
        producer.flush()
        tell(1.0, sent)
        for raw in records(telling.present(), options.broken, options.seed + 1):
            producer.send(raw)
            sent += 1
            tell(1.0, sent)
        producer.flush()
        return producer.acknowledged


def write(options: Options, settings: Settings, file: Path, tell: Tell) -> int:
    """Write its past as JSON lines, compressed if the name ends in `.gz`; returns how many. Raises InputError."""
    telling = _Telling(options, settings)
    written = 0
    try:
        with gzip.GzipFile(file, "wb", 6, mtime=0) if file.suffix == ".gz" else file.open("wb") as lines:
            for raw in records(telling.past(), options.broken, options.seed):
                lines.write(raw.value + b"\n")
                written += 1
                if written % _STRIDE == 0:
                    tell(telling.done, written)
    except OSError as error:
        raise InputError(error.strerror or str(error), file=str(file), field="--out") from None
    tell(1.0, written)
    return written
