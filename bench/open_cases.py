"""Open cases and their alerts: what a large store of them costs while nothing happens, and how soon an alert leaves."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import redis

from bench.alert_times import AlertTopic, alert_topic, stamp_on_arrival, waited
from bench.apart import open_count
from bench.children import started
from bench.costs import memory_of
from bench.deploy import costs
from bench.open_store import KPI, Probe, bytes_a_case, fill_with_queries, write_organisation
from bench.report import Figures
from bench.watching import Phase, Sample, Watch
from bench.workload import ZONE
from loanpulse.board.snapshot import decode_block
from loanpulse.intake.producing import produce
from loanpulse.lab.apart import apart
from loanpulse.lab.process import ServerError
from loanpulse.lab.servers import Endpoints
from loanpulse.lab.space import own_space
from schemas.registry import TOPICS
from streams.runtime.clock import WallClock
from streams.runtime.keys import NamespaceKeys
from streams.runtime.settings import Settings

_FEW = 1_000
"""Open cases of the engine beside which the large one is shown."""
_PROBE_EVERY_MS = 100
_MOST_SECONDS = 3_600.0


@dataclass(frozen=True)
class OpenCases:
    """How many cases are open, how long they are watched while nothing happens, and how many come to be at risk one by
    one, ten a second, and then all at once. They are sent so long before the first of them is at risk."""

    cases: int
    idle_seconds: float
    probes: int
    burst: int
    lead_seconds: int


def measure(
    size: OpenCases, settings: Settings, endpoints: Endpoints, say: Callable[[str], None]
) -> dict[str, Figures]:
    """The figures by what was done, in its order. Raises ServerError."""
    organisation = settings.home.absolute() / "organisation.json"
    write_organisation(organisation)
    settings = settings.model_copy(update={"tz": ZONE, "config": organisation})
    found: dict[str, Figures] = {}
    for cases in dict.fromkeys((_FEW, size.cases)):
        with (
            own_space(settings, endpoints, "bench") as own,
            redis.Redis.from_url(str(own.redis)) as client,
            ExitStack() as stack,
        ):
            stored = fill_with_queries(client, own, cases, WallClock().now_ms())
            say(f"{stored:,} open cases are stored")
            engine = _Engine(own, client, stored, say)
            figures = engine.idle(size.idle_seconds, stack)
            if cases == size.cases:
                apart(stamp_on_arrival, own)
                figures |= engine.told(size)
                stack.close()
                figures["the board's count"] = open_count(own)
        found |= {f"{name}, {stored:,} open": of for name, of in figures.items()}
    return found


class _Engine:
    """A worker and a board of their own over a store of open cases."""

    def __init__(
        self, settings: Settings, client: redis.Redis, stored: int, say: Callable[[str], None]
    ) -> None:
        self._settings, self._client, self._stored, self._say = settings, client, stored, say
        self._places = [(settings.topic(topic), n) for topic in TOPICS for n in range(settings.partitions)]
        self._watch = Watch(client, settings, self._places)
        self._sent = 0
        self._idle: Figures = {}

    def idle(self, seconds: float, stack: ExitStack) -> dict[str, Figures]:
        """Start, which the stack ends again, and watch while nothing happens."""
        self._watch.children["worker"] = started("worker", self._settings, stack)
        made = self._until("panes are made", lambda now: now.whole == len(self._places))
        self._watch.children["board"] = started("board", self._settings, stack)
        begun = self._until("the board is there", lambda _: self._shown() == self._stored)
        self._until("Redis has rewritten its log", lambda _: not self._rewrites())
        self._say("nothing happens")
        idle = self._watch.seconds(seconds)
        self._idle = _a_second(idle)
        return {
            "panes made": costs(made) | bytes_a_case(self._client, self._settings, self._stored),
            "board begun": costs(begun),
            "idle": self._idle | self._memory(),
        }

    def told(self, size: OpenCases) -> dict[str, Figures]:
        """Cases come to be at risk, one by one and then all at once."""
        by_turns = [_PROBE_EVERY_MS * n for n in range(size.probes)]
        with alert_topic(self._settings) as topic:
            return {
                "at risk one by one": self._alerts("turn", by_turns, size.lead_seconds, topic),
                "at risk at once": self._alerts("burst", [0] * size.burst, size.lead_seconds, topic),
            }

    def _alerts(self, name: str, offsets_ms: Sequence[int], lead_seconds: int, topic: AlertTopic) -> Figures:
        """Of probes that are at risk at these offsets from an instant that comes soon."""
        first_ms = WallClock().now_ms() + 1000 * lead_seconds
        probes = [Probe(f"{name}-{n}", first_ms + offset) for n, offset in enumerate(offsets_ms)]
        raws = [probe.raw(n) for n, probe in enumerate(probes)]
        apart(produce, str(self._settings.kafka), raws, prefix=self._settings.topic_prefix)
        self._sent += len(raws)
        read = self._until("the probes are read", lambda now: sum(now.positions) == self._sent)
        if read.until_ms >= first_ms:
            raise ServerError(f"the probes were read {read.until_ms - first_ms} ms after the first was due")
        self._until("the first is due", lambda now: now.at_ms >= first_ms - _PROBE_EVERY_MS)
        phase = self._until("all alerts are there", lambda _: topic.count() >= self._sent)
        idle_ms = self._idle["worker CPU ms a second"] * _seconds(phase)
        cost = {"worker CPU µs an alert": (1e6 * phase.cpu["worker CPU s"] - 1e3 * idle_ms) / len(probes)}
        return costs(phase) | waited(probes, topic.raised()) | cost

    def _until(self, name: str, there: Callable[[Sample], bool]) -> Phase:
        self._say(f"until {name}")
        return self._watch.phase(there, _MOST_SECONDS)

    def _shown(self) -> int:
        """How many open cases the board has."""
        stored = self._client.hget(NamespaceKeys(self._settings.namespace).board_rows, KPI)
        found = decode_block(stored).open if isinstance(stored, bytes) else None
        return 0 if found is None else sum(found.counts[0])

    def _rewrites(self) -> bool:
        return bool(self._client.info("persistence")["aof_rewrite_in_progress"])

    def _memory(self) -> Figures:
        return {f"{name} MB": memory_of(child.pid) / 1e6 for name, child in self._watch.children.items()}


def _a_second(phase: Phase) -> Figures:
    return {
        f"{name.removesuffix(' s')} ms a second": 1000 * spent / _seconds(phase)
        for name, spent in phase.cpu.items()
    }


def _seconds(phase: Phase) -> float:
    return (phase.until_ms - phase.since_ms) / 1000
