"""Alerts and the rules: what an alert says, and what becomes of it when the rules, calendars or targets change."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kpi_rules.model import Rule
from schemas.alert import AlertEvent
from schemas.fields import time_ms
from schemas.registry import CUSTOMER, LOAN
from streams.calculus.program import Program
from streams.calculus.windows import DAY_MS, HOUR_MS, MINUTE_MS
from streams.runtime.ledger import Ledger
from streams.runtime.programs import Programs
from streams.runtime.redis_client import connect
from streams.runtime.rulebook import organisation_of
from tests.engine import catalogue, program_of
from tests.test_alerts import ZONE, Engine

pytestmark = pytest.mark.servers

FRIDAY = time_ms("2026-01-09T16:30:00+01:00")
MONDAY = time_ms("2026-01-12T09:00:00+01:00")
DOCUMENT: dict[str, Any] = {"targets": {"response_time": "1 hour"}}


def on_engine(topic: str, story: Callable[[Engine], Awaitable[None]]) -> Callable[[str, str], None]:
    """Makes a test of a story about one ledger whose organisation answers queries in an hour."""

    def test(redis_url: str, namespace: str) -> None:
        async def tell() -> None:
            redis = await connect(redis_url)
            try:
                engine = Engine(Ledger(redis, namespace, topic, 0), topic, program_of(ZONE, DOCUMENT))
                await engine.start()
                await story(engine)
            finally:
                await redis.aclose()

        asyncio.run(tell())

    test.__doc__ = story.__doc__
    return test


def query(number: int, at: str, type_: str = "query.received", **envelope: Any) -> dict[str, Any]:
    said = {"specversion": "1.0", "source": "crm", "id": f"{type_} {number}", "type": type_, "time": at}
    data = {"customer_id": "c1", "officer_id": "u-7", "branch_id": "utrecht"}
    return said | {"subject": f"Q-{number}", "data": data} | envelope


async def looked(engine: Engine, at: int, *events: dict[str, Any]) -> list[AlertEvent]:
    """What is new in the outbox after events came and time passed."""
    before = len(await engine.outbox())
    for event in events:
        engine.produce(event, at)
    engine.clock.at_ms = at
    await engine.read(100)
    await engine.tick()
    return (await engine.outbox())[before:]


async def _says_everything(engine: Engine) -> None:
    assert await looked(engine, FRIDAY, query(1, "2026-01-09T16:30:00+01:00")) == []
    (raised,) = await looked(engine, MONDAY + 16 * MINUTE_MS)
    data = raised.data
    assert (raised.type, raised.subject, raised.source) == (
        "alert.raised",
        "response_time/Q-1",
        "loanpulse/loanpulse",
    )
    assert raised.time == "2026-01-12T08:16:00.000Z"
    assert data.case is not None
    assert (data.case.kind, data.case.key, data.case.subject) == ("query", "c1", "Q-1")
    assert (data.kpi, data.band, data.severity) == ("response_time", "at_risk", "warning")
    assert (data.officer, data.branch, data.product, data.channel) == (
        "u-7",
        "utrecht",
        "unassigned",
        "unassigned",
    )
    assert (data.target_seconds, data.used_seconds) == (3600, 46 * 60)
    assert (data.due, data.zone) == ("2026-01-12T08:30:00.000Z", ZONE)
    assert data.due_local == "2026-01-12T09:30:00.000+01:00"
    assert data.since == "2026-01-09T15:30:00.000Z"
    assert data.link == "/cases?at_risk=1&kpi=response_time&case=Q-1"
    assert data.rules == engine.programs.live.digest
    assert (raised.id, data.ended, data.figure) == (data.alert, None, None)
    (escalated,) = await looked(engine, MONDAY + 31 * MINUTE_MS)
    assert (escalated.type, escalated.data.band, escalated.data.severity) == (
        "alert.escalated",
        "breached",
        "critical",
    )
    assert escalated.data.alert == data.alert != escalated.id
    answer = query(1, "2026-01-12T09:40:00+01:00", "query.answered")
    (resolved,) = await looked(engine, MONDAY + 50 * MINUTE_MS, answer)
    assert (resolved.type, resolved.data.ended, resolved.data.alert) == (
        "alert.resolved",
        "answered",
        data.alert,
    )
    assert resolved.data.used_seconds == 70 * 60
    assert await engine.ledger.told() == []


test_an_alert_says_whose_case_it_is_how_long_it_ran_and_when_it_is_due = on_engine(CUSTOMER, _says_everything)


async def _answered_in_the_backlog(engine: Engine) -> None:
    """A worker that was away for hours reads the answer before it tells anybody."""
    engine.clock.at_ms = MONDAY + 5 * HOUR_MS
    engine.produce(query(1, "2026-01-09T16:30:00+01:00"), FRIDAY)
    engine.produce(query(2, "2026-01-09T16:30:00+01:00"), FRIDAY)
    engine.produce(query(1, "2026-01-12T09:20:00+01:00", "query.answered"), MONDAY + 20 * MINUTE_MS)
    for _ in range(3):
        await engine.read(1)
        await engine.tick()
    (raised,) = await engine.outbox()
    assert (raised.subject, raised.data.band) == ("response_time/Q-2", "breached")


test_nothing_is_told_of_a_case_whose_answer_is_in_the_backlog = on_engine(CUSTOMER, _answered_in_the_backlog)


async def _behind(engine: Engine) -> None:
    """Who never quite catches up tells as of what was read; who is far behind does not."""
    engine.produce(query(1, "2026-01-09T16:30:00+01:00"), MONDAY + 40 * MINUTE_MS)
    engine.produce(query(2, "2026-01-12T09:40:00+01:00"), MONDAY + 40 * MINUTE_MS)
    engine.clock.at_ms = MONDAY + 40 * MINUTE_MS + 30_000
    await engine.read(1)
    for seconds, told in ((30, 0), (89, 0), (90, 1)):
        engine.clock.at_ms = MONDAY + 40 * MINUTE_MS + seconds * 1000
        await engine.tick()
        assert len(await engine.outbox()) == told, seconds
    (raised,) = await engine.outbox()
    assert raised.time == "2026-01-12T08:40:00.000Z"
    engine.produce(query(3, "2026-01-09T16:30:00+01:00"), MONDAY + 40 * MINUTE_MS)
    await engine.read(1)
    engine.clock.at_ms = MONDAY + 50 * MINUTE_MS
    await engine.tick()
    assert len(await engine.outbox()) == 1


test_a_worker_that_is_always_a_little_behind_tells_as_of_what_it_has_read = on_engine(CUSTOMER, _behind)


async def _holiday(engine: Engine) -> None:
    """A holiday that is added while a case is at risk moves its due time; the alert goes with it."""
    await looked(engine, FRIDAY, query(1, "2026-01-09T16:30:00+01:00"))
    (raised,) = await looked(engine, MONDAY + 20 * MINUTE_MS)
    closed = DOCUMENT | {"calendar": {"holidays": ["2026-01-12"]}}
    engine.programs = Programs(program_of(ZONE, closed))
    (resolved,) = await looked(engine, MONDAY + 21 * MINUTE_MS)
    assert (resolved.data.ended, resolved.data.alert) == ("due_moved", raised.data.alert)
    assert resolved.data.superseded_by is None
    (again,) = await looked(engine, MONDAY + DAY_MS + 15 * MINUTE_MS)
    assert (again.type, again.data.due_local) == ("alert.raised", "2026-01-13T09:30:00.000+01:00")
    assert again.id != raised.id


test_a_holiday_added_while_a_case_is_open_moves_its_due_time = on_engine(CUSTOMER, _holiday)


async def _target(engine: Engine) -> None:
    """A shorter target makes a case that was told another one's news: the two messages name each other."""
    await looked(engine, FRIDAY, query(1, "2026-01-09T16:30:00+01:00"))
    (raised,) = await looked(engine, MONDAY + 20 * MINUTE_MS)
    engine.programs = Programs(program_of(ZONE, {"targets": {"response_time": "55 minutes"}}))
    resolved, again = await looked(engine, MONDAY + 21 * MINUTE_MS)
    assert (resolved.data.ended, resolved.data.superseded_by) == ("due_moved", again.data.alert)
    assert (again.type, again.data.band, again.data.supersedes) == (
        "alert.raised",
        "at_risk",
        raised.data.alert,
    )
    engine.programs = Programs(program_of(ZONE, DOCUMENT))
    _, back = await looked(engine, MONDAY + 22 * MINUTE_MS)
    assert (back.data.due, back.data.supersedes) == (raised.data.due, again.data.alert)
    assert back.id not in {raised.id, again.id}


test_another_target_resolves_an_alert_and_raises_the_next_as_one_update = on_engine(CUSTOMER, _target)


def without_alert(kpi: str) -> Program:
    """The catalogue, with a rule that is never told."""

    def changed(rule: Rule) -> Rule:
        return rule.model_copy(update={"alert": None}) if rule.id == kpi else rule

    return Program([changed(rule) for rule in catalogue()], organisation_of("test", DOCUMENT, ZONE))


async def _silent_rule(engine: Engine) -> None:
    """Its figures are the same, so that its panes stay; it is told again within the hour once it alerts again."""
    loud = engine.programs
    await looked(engine, FRIDAY, query(1, "2026-01-09T16:30:00+01:00"))
    (raised,) = await looked(engine, MONDAY + 20 * MINUTE_MS)
    engine.programs = Programs(without_alert("response_time"))
    assert engine.programs.live.digest == loud.live.digest
    (resolved,) = await looked(engine, MONDAY + 21 * MINUTE_MS)
    assert (resolved.data.alert, resolved.data.ended) == (raised.data.alert, "no_rule")
    assert await looked(engine, MONDAY + 40 * MINUTE_MS) == []
    engine.programs = loud
    (again,) = await looked(engine, MONDAY + 21 * MINUTE_MS + HOUR_MS)
    assert (again.type, again.data.band) == ("alert.raised", "breached")


test_a_rule_without_alerts_tells_nothing_and_takes_back_what_it_told = on_engine(CUSTOMER, _silent_rule)


async def _gone(engine: Engine) -> None:
    await looked(engine, FRIDAY, query(1, "2026-01-09T16:30:00+01:00"))
    await looked(engine, MONDAY + 20 * MINUTE_MS)
    others = [rule for rule in catalogue() if rule.id != "response_time"]
    engine.programs = Programs(Program(others, organisation_of("test", {}, ZONE)))
    (resolved,) = await looked(engine, MONDAY + 21 * MINUTE_MS)
    assert (resolved.data.kpi, resolved.data.ended) == ("response_time", "no_rule")


test_what_a_rule_told_is_over_when_the_rule_is_gone = on_engine(CUSTOMER, _gone)


async def _in_and_out(engine: Engine) -> None:
    """A correction and its own correction between two looks are no news."""
    await looked(engine, FRIDAY, query(1, "2026-01-09T16:30:00+01:00"))
    await looked(engine, MONDAY + 20 * MINUTE_MS)
    wrong = query(1, "2026-01-08T10:00:00+01:00", id="wrong", revision=1)
    right = query(1, "2026-01-09T16:30:00+01:00", id="right", revision=2)
    assert await looked(engine, MONDAY + 21 * MINUTE_MS, wrong, right) == []


test_a_correction_that_is_itself_corrected_at_once_does_not_flap = on_engine(CUSTOMER, _in_and_out)


async def _reopened(engine: Engine) -> None:
    """Its clock never stopped, so it is due as before, and it is told anew, under another name."""
    opened = query(1, "2026-01-05T09:00:00+01:00", "complaint.opened")
    await looked(engine, time_ms("2026-01-05T09:00:00+01:00"), opened)
    (raised,) = await looked(engine, time_ms("2026-01-08T16:00:00+01:00"))
    resolved = query(1, "2026-01-08T16:10:00+01:00", "complaint.resolved")
    await looked(engine, time_ms("2026-01-08T16:11:00+01:00"), resolved)
    reopened = query(1, "2026-01-08T16:20:00+01:00", "complaint.reopened")
    (again,) = await looked(engine, time_ms("2026-01-08T16:21:00+01:00"), reopened)
    assert (again.type, again.data.due) == ("alert.raised", raised.data.due)
    assert again.id != raised.id


test_a_reopened_complaint_is_told_anew = on_engine(CUSTOMER, _reopened)


async def _repeated(engine: Engine) -> None:
    """A script whose reply was lost is sent again: nothing is told twice."""
    await looked(engine, FRIDAY, query(1, "2026-01-09T16:30:00+01:00"))
    before = await engine.ledger.due((await engine.ledger.head()).version, MONDAY + HOUR_MS, 10)
    tell, calls = engine.ledger.tell, 0

    async def twice(*call: Any) -> None:
        nonlocal calls
        calls += 1
        await tell(*call)
        await tell(*call)

    engine.ledger.tell = twice  # type: ignore[assignment]  # as a lost reply does
    assert len(await looked(engine, MONDAY + 20 * MINUTE_MS)) == 1
    assert (len(before), calls) == (1, 1)


test_a_repeated_script_tells_nothing_twice = on_engine(CUSTOMER, _repeated)


async def _loan(engine: Engine) -> None:
    """What was withdrawn is over without an answer."""
    submitted = query(1, "2026-01-05T09:00:00+01:00", "application.submitted")
    await looked(engine, time_ms("2026-01-05T09:00:00+01:00"), submitted)
    (raised,) = await looked(engine, time_ms("2026-01-08T16:00:00+01:00"))
    withdrawn = query(1, "2026-01-08T16:30:00+01:00", "application.decided")
    withdrawn["data"] |= {"outcome": "withdrawn"}
    (resolved,) = await looked(engine, time_ms("2026-01-08T17:00:00+01:00"), withdrawn)
    assert raised.data.kra == "application_processing"
    assert resolved.data.ended == "withdrawn"


test_a_withdrawn_application_resolves_its_alert = on_engine(LOAN, _loan)
