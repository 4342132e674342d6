"""What is told of open cases: over any schedule of events, outages, crashes and corrections, what a plain count tells."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from schemas.alert import AlertEvent, decode_alert
from schemas.fields import time_ms, time_text
from schemas.registry import CUSTOMER, LOAN, STAFF
from streams.calculus.program import Program
from streams.calculus.windows import DAY_MS, HOUR_MS, MINUTE_MS
from streams.runtime.ledger import Ledger
from streams.runtime.partition import Partition
from streams.runtime.programs import Programs
from streams.runtime.redis_client import connect
from streams.runtime.settings import Settings
from tests.engine import program_of_recount
from tests.oracle import streams as nasty
from tests.oracle.facts import CaseId, key_of, merge, topic_of
from tests.oracle.open_cases import EVER_MS, Lender, Open, lender_of, open_cases, why_closed
from tests.partition_lab import SOURCE, Event, HandClock, Letters, gone, record

pytestmark = pytest.mark.servers

STORIES = {
    LOAN: ("loan",),
    CUSTOMER: ("query", "complaint"),
    STAFF: ("team_request", "training", "regulation"),
}
ZONE = "Europe/Berlin"
DELIVER = "when it is produced"
LEVELS = ("at_risk", "breached")

Told = tuple[str, str, CaseId, str, int | None, str | None]
"""Type, KPI, case, band, due, why it ended."""


@dataclass
class Standing:
    """An incident as the plain count has it."""

    band: str
    due: int | None
    target: int


class PlainCount:
    """Tells alerts from all events there are at the instants at which somebody looks; it looks at every case."""

    def __init__(self, lender: Lender) -> None:
        self.lender = lender
        self.standing: dict[tuple[str, CaseId], Standing] = {}

    def look(self, events: list[Event], at: int, grace: int = 0) -> list[Told]:
        now = open_cases(events, at, self.lender)
        before = open_cases(events, at - grace, self.lender) if grace else now
        cases = merge(events, EVER_MS)
        told: list[Told] = []
        for name in sorted(now.keys() | self.standing.keys()):
            told += self._one(name, now.get(name), before.get(name), cases)
        return told

    def _one(
        self, name: tuple[str, CaseId], found: Open | None, before: Open | None, cases: Mapping[CaseId, Any]
    ) -> Iterator[Told]:
        kpi, case = name
        level = None if found is None or before is None or before.band not in LEVELS else before.band
        if found is not None and found.band == "paused":
            level = None
        standing = self.standing.get(name)
        if standing is not None:
            why = _ended(standing, found) if found is not None else why_closed(kpi, cases.get(case))
            if why:
                yield "alert.resolved", kpi, case, standing.band, standing.due, why
                del self.standing[name]
                if why != "due_moved":
                    return
        if level is None or found is None:
            return
        standing = self.standing.get(name)
        if standing is None:
            self.standing[name] = Standing(level, found.due, found.target)
            yield "alert.raised", kpi, case, level, found.due, None
        elif LEVELS.index(level) > LEVELS.index(standing.band):
            standing.band = level
            yield "alert.escalated", kpi, case, level, found.due, None


def _ended(standing: Standing, found: Open) -> str | None:
    if found.band == "paused":
        return "paused"
    return "due_moved" if (standing.due, standing.target) != (found.due, found.target) else None


class Engine:
    """Partitions on a real ledger, one after the other, and what they wrote into the outbox."""

    def __init__(self, ledger: Ledger, topic: str, program: Program, grace: int = 0) -> None:
        self.ledger, self.topic = ledger, topic
        self.clock, self.programs = (
            HandClock(0),
            Programs(program, kras={"turnaround_time": "application_processing"}),
        )
        self.settings = Settings(tz=ZONE, lateness_days=3000, alert_grace_seconds=grace // 1000)
        self.log: list[Any] = []
        self.applied = 0
        self.partition: Partition

    async def start(self) -> None:
        """Another worker takes over; whoever was there is not asked."""
        letters = Letters()
        self.partition = Partition(self.ledger, self.topic, self.programs, self.settings, self.clock, letters)
        self.applied = await self.partition.open(SOURCE, gone)

    def produce(self, event: Event, at: int) -> None:
        body = json.dumps(event).encode()
        self.log.append(record(body, len(self.log), key_of(event).encode(), at, topic=self.topic))

    async def read(self, most: int) -> None:
        some = self.log[self.applied : self.applied + most]
        if some:
            await self.partition.process(some)
            self.applied += len(some)

    async def tick(self) -> None:
        await self.partition.tick(self.programs, 0, caught_up=self.applied == len(self.log))

    async def outbox(self) -> list[AlertEvent]:
        entries = await self.ledger.redis.execute_command("XRANGE", self.ledger.keys.outbox, "-", "+")
        return [decode_alert(fields[b"event"]) for _, fields in entries]


def told_of(event: AlertEvent) -> Told:
    data = event.data
    assert data.case is not None
    case = CaseId(data.case.key, data.case.kind, data.case.subject)
    due = None if data.due is None else time_ms(data.due)
    return event.type, data.kpi, case, data.band, due, data.ended


def deliveries(events: Iterable[Event], rng: random.Random) -> list[tuple[int, Event]]:
    """When each event is produced: soon after its time, or hours or days late; never before."""
    lateness = (0, 0, 0, MINUTE_MS, 10 * MINUTE_MS, 5 * HOUR_MS, 3 * DAY_MS)
    timed = []
    for event in events:
        at = event.get(DELIVER, time_ms(event["time"]) + rng.choice(lateness))
        timed.append((at, {name: value for name, value in event.items() if name != DELIVER}))
    return sorted(timed, key=lambda pair: pair[0])


def last_moments(rng: random.Random, count: PlainCount) -> Iterator[Event]:
    """Loans to which something happens while they are at risk: stopped, corrected, retracted, decided, given away."""
    for n in range(8):
        begun = nasty.START + rng.randint(0, 20 * DAY_MS)
        submitted = _said(
            n, "application.submitted", begun, officer_id="u1", branch_id=rng.choice(("b0", "b9"))
        )
        yield submitted
        ((_, found),) = open_cases([submitted], begun, count.lender).items()
        due = found.due
        assert due is not None
        moment = due - rng.randint(1, HOUR_MS)
        yield from rng.choice((_stopped, _held_for_ever, _corrected, _retracted, _moved))(
            n, rng, moment, submitted
        )
        if rng.random() < 0.7:
            yield _said(n, "application.decided", moment + rng.randint(0, 3 * DAY_MS), outcome="approved")


def _said(n: int, type_: str, at: int, **data: Any) -> Event:
    envelope = {
        "specversion": "1.0",
        "source": "desk",
        "id": f"{type_} {n} {at}",
        "type": type_,
        "time": time_text(at),
    }
    return envelope | {"subject": f"last-{n}", "data": {"customer_id": f"c{n}", **data}}


def _stopped(n: int, rng: random.Random, at: int, _submitted: Event) -> Iterator[Event]:
    """By a pause that ends after a day or two, or within the night, so that nothing is due later for it."""
    yield _said(n, "documents.requested", at, request_id="r")
    yield _said(n, "documents.received", at + rng.choice((5 * MINUTE_MS, DAY_MS, 2 * DAY_MS)), request_id="r")


def _held_for_ever(n: int, _rng: random.Random, at: int, _submitted: Event) -> Iterator[Event]:
    yield _said(n, "application.held", at, hold_id="h")


def _corrected(_n: int, rng: random.Random, at: int, submitted: Event) -> Iterator[Event]:
    """It was submitted at another time; a second correction takes the first one back."""
    first = time_ms(submitted["time"])
    for revision, moved in ((1, first - rng.randint(1, 5 * HOUR_MS)), (2, first)):
        said = {"time": time_text(moved), "revision": revision, "id": f"{at} {revision}"}
        yield submitted | said | {DELIVER: at + revision * HOUR_MS}


def _retracted(_n: int, _rng: random.Random, at: int, submitted: Event) -> Iterator[Event]:
    """And said again after all."""
    yield submitted | {"revision": 1, "retracted": True, "id": f"{at} 1", DELIVER: at}
    yield submitted | {"revision": 2, "id": f"{at} 2", DELIVER: at + 3 * HOUR_MS}


def _moved(n: int, _rng: random.Random, at: int, _submitted: Event) -> Iterator[Event]:
    """To a branch that has another calendar."""
    yield _said(n, "application.assigned", at, officer_id="u2", branch_id="b1")


async def live(
    engine: Engine, count: PlainCount, events: list[Event], rng: random.Random, grace: int = 0
) -> None:
    """Let time pass: events come in, and somebody looks; there are outages with a backlog, crashes, clock jumps."""
    waiting = deliveries(events, rng)
    at, end = waiting[0][0], waiting[-1][0] + 12 * DAY_MS
    await_until, known, expected = 0, list[Event](), list[list[Told]]()
    while at < end:
        step = rng.choice((MINUTE_MS, 20 * MINUTE_MS, 2 * HOUR_MS, 9 * HOUR_MS, 2 * DAY_MS)) + rng.randint(
            0, 999
        )
        at = waiting[0][0] if waiting and rng.random() < 0.5 else at + step
        while waiting and waiting[0][0] <= at:
            produced, event = waiting.pop(0)
            engine.produce(event, produced)
            known.append(event)
        engine.clock.at_ms = at - (10 * MINUTE_MS if rng.random() < 0.05 else 0)
        if at < await_until:
            continue
        if rng.random() < 0.1:
            await_until = at + rng.choice((6 * HOUR_MS, 3 * DAY_MS))
        if rng.random() < 0.2:
            await engine.start()
        while engine.applied < len(engine.log):
            if rng.random() < 0.3:
                await engine.tick()
            if rng.random() < 0.1:
                await engine.start()
            await engine.read(rng.choice((1, 7, 100)))
        await engine.tick()
        if rng.random() < 0.2:
            await engine.tick()
        expected.append(count.look(known, engine.clock.at_ms, grace))
        said = [told_of(event) for event in (await engine.outbox())[sum(map(len, expected[:-1])) :]]
        assert Counter(said) == Counter(expected[-1]), engine.clock.at_ms


@pytest.mark.parametrize("topic", STORIES)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("grace", [0, 15 * MINUTE_MS])
def test_what_is_told_is_what_a_plain_count_tells(
    redis_url: str, namespace: str, topic: str, seed: int, grace: int
) -> None:
    rng = random.Random(f"{seed} {topic} {grace}")
    chosen = nasty.settings(seed, ZONE)
    events = nasty.generate(
        seed,
        12,
        kinds=STORIES[topic],
        start=nasty.START,
        end=nasty.START + 40 * DAY_MS,
        tz=ZONE,
        nastiness=1.0,
    )
    assert {topic_of(event) for event in events} == {topic}
    count = PlainCount(lender_of(chosen))
    if topic == LOAN:
        events += last_moments(rng, count)

    async def story() -> list[AlertEvent]:
        redis = await connect(redis_url)
        try:
            engine = Engine(Ledger(redis, namespace, topic, 0), topic, program_of_recount(chosen), grace)
            await engine.start()
            await live(engine, count, events, rng, grace)
            return await engine.outbox()
        finally:
            await redis.aclose()

    told = asyncio.run(story())
    assert told, "a schedule that tells nothing proves nothing"
    assert len({event.id for event in told}) == len(told)
    _assert_one_after_the_other(told)


def _assert_one_after_the_other(told: list[AlertEvent]) -> None:
    """An incident is raised once, under its own id, escalated at most once, and resolved at most once, in this order."""
    stages: dict[str, list[str]] = {}
    for event in told:
        stages.setdefault(event.data.alert, []).append(event.type.removeprefix("alert."))
    assert all(
        order
        in (["raised"], ["raised", "escalated"], ["raised", "resolved"], ["raised", "escalated", "resolved"])
        for order in stages.values()
    )
