"""Rules deployed and taken back over a large case store while events flow: what it costs, and what readers notice of it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import redis

from bench.children import started
from bench.costs import cpu_of_redis, waited_of
from bench.report import Figures
from bench.stored import fill, folded
from bench.watching import Phase, Sample, Watch, ages, arrived, latencies
from bench.workload import ZONE, history
from kpi_rules.loader import load
from kpi_rules.rulebook import Rulebook
from loanpulse.lab.apart import apart
from loanpulse.lab.process import ServerError, leashed
from loanpulse.lab.servers import Endpoints
from loanpulse.lab.space import own_space
from loanpulse.rules.preview import preview
from loanpulse.rules.verification import verify
from schemas.registry import TOPICS
from streams.calculus.windows import DAY_MS
from streams.runtime.clock import WallClock
from streams.runtime.in_force import RulesInForce
from streams.runtime.redis_client import connect
from streams.runtime.rulebook import read_rulebook
from streams.runtime.script import Client
from streams.runtime.settings import Settings

_ROOT = Path(__file__).parent.parent
_MOST_SECONDS = 3_600.0

T = TypeVar("T")


@dataclass(frozen=True)
class Deploy:
    """How large the store is, and how fast events flow beside; `days` and `scale` are of the lender that is copied."""

    cases: int
    days: int
    scale: float
    rate: float
    quiet_seconds: float
    """How long the engine is watched before the rules change, and between the changes."""


def measure(
    size: Deploy, settings: Settings, endpoints: Endpoints, say: Callable[[str], None]
) -> dict[str, Figures]:
    """The figures by what was done, in its order. Raises ServerError."""
    settings = settings.model_copy(update={"tz": ZONE})
    with own_space(settings, endpoints, "bench") as own, redis.Redis.from_url(str(own.redis)) as client:
        start_ms = WallClock().now_ms() - size.days * DAY_MS
        stored = fill(client, own, folded(history(size.days, size.scale)), size.cases)
        say(f"{stored:,} cases are stored")
        return _Engine(own, client, say).run(size, start_ms, stored)


def changed(book: Rulebook) -> Rulebook:
    """The rulebook with plain time for business time: its panes are others."""
    texts = {file.name: file.text.replace("clock: business", "clock: calendar") for file in book.files}
    return Rulebook(tuple(load(name, text) for name, text in texts.items()), book.organisation)


class _Engine:
    """A worker and a board of their own over a store."""

    def __init__(self, settings: Settings, client: redis.Redis, say: Callable[[str], None]) -> None:
        self._settings, self._client, self._say = settings, client, say
        self._places = [(settings.topic(topic), n) for topic in TOPICS for n in range(settings.partitions)]
        self._watch = Watch(client, settings, self._places)
        self._old = read_rulebook(None, None, ZONE)
        self._new = changed(self._old)

    def run(self, size: Deploy, start_ms: int, stored: int) -> dict[str, Figures]:
        """All phases, one after the other."""
        with ExitStack() as stack:
            self._start("worker", stack)
            made = self._until("panes made at the start", lambda now: now.whole == len(self._places))
            self._start("board", stack)
            begun = self._until("board begun", lambda now: now.as_of_ms is not None)
            stack.enter_context(_feeding(self._settings, size, start_ms))
            self._until("events flow", lambda now: sum(now.positions) > 0)
            phases = self._change_rules(size.quiet_seconds)
            beside = {"preview": self._preview(), "verify": self._verify()}
        found = {"panes made at the start": costs(made), "board begun": costs(begun)}
        took = latencies(list(phases.values()), list(apart(arrived, self._settings, self._places)))
        for (name, phase), waited in zip(phases.items(), took, strict=True):
            found[name] = costs(phase) | ages(phase) | waited
        return {name: {"cases": stored} | figures for name, figures in {**found, **beside}.items()}

    def _start(self, command: str, stack: ExitStack) -> None:
        self._watch.children[command] = started(command, self._settings, stack)

    def _until(self, name: str, there: Callable[[Sample], bool]) -> Phase:
        self._say(f"until {name}")
        return self._watch.phase(there, _MOST_SECONDS)

    def _change_rules(self, quiet_seconds: float) -> dict[str, Phase]:
        old, new, clock = self._old, self._new, WallClock()
        phases = {"nothing else to do": self._watch.seconds(quiet_seconds)}
        self._ask(lambda rules: rules.propose(new, clock.now_ms()))
        phases["rules deployed"] = self._until("rules deployed", lambda now: now.book == new.digest)
        phases["two versions written"] = self._watch.seconds(quiet_seconds)
        self._ask(lambda rules: rules.go_back(clock.now_ms()))
        phases["rules rolled back"] = self._until("rules rolled back", lambda now: now.book == old.digest)
        phases["after the roll-back"] = self._watch.seconds(quiet_seconds)
        return phases

    def _ask(self, change: Callable[[RulesInForce], Awaitable[object]]) -> None:
        self._with_redis(lambda client: change(RulesInForce(client, self._settings.namespace)))

    def _preview(self) -> Figures:
        """Of the rules that differ."""
        return self._own_costs("preview", lambda redis: preview(redis, self._settings, self._old, self._new))

    def _verify(self) -> Figures:
        """Every ledger against its cases. Raises ServerError if one differs."""

        async def all_ledgers(redis: Client) -> None:
            async for found in verify(redis, self._settings):
                if not found.is_well:
                    raise ServerError(f"the ledger {found.topic}/{found.partition} is not well: {found}")

        return self._own_costs("verify", all_ledgers)

    def _own_costs(self, name: str, work: Callable[[Client], Awaitable[object]]) -> Figures:
        """What is done in this process, while events go on."""
        self._say(name)
        begun, cpu, redis_cpu = time.monotonic(), time.process_time(), cpu_of_redis(self._client)
        waited = waited_of(os.getpid())
        self._with_redis(work)
        return {
            "seconds": time.monotonic() - begun,
            "redis CPU s": cpu_of_redis(self._client) - redis_cpu,
            "its own CPU s": time.process_time() - cpu,
            "it waited for a core s": waited_of(os.getpid()) - waited,
        }

    def _with_redis(self, ask: Callable[[Client], Awaitable[T]]) -> T:
        async def connected() -> T:
            client = await connect(str(self._settings.redis))
            try:
                return await ask(client)
            finally:
                await client.aclose()

        return asyncio.run(connected())


def costs(phase: Phase) -> Figures:
    """Time, CPU and memory of a phase."""
    memory = {
        "redis MB": phase.samples[-1].memory / 1e6,
        "most redis MB": max(s.memory for s in phase.samples) / 1e6,
    }
    return {"seconds": (phase.until_ms - phase.since_ms) / 1000} | phase.cpu | memory


@contextmanager
def _feeding(settings: Settings, size: Deploy, start_ms: int) -> Iterator[None]:
    """The lender that is copied lives on."""
    arguments = [settings.model_dump_json(), str(size.scale), str(start_ms), str(size.rate)]
    with (settings.home / "feeding.log").open("wb") as log:
        child = subprocess.Popen(
            leashed([sys.executable, "-m", "bench.feeding", *arguments]),
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        child.kill()
        child.wait()
