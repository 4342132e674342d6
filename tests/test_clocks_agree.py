"""What a case's story tells of its clock, and what is watched of open cases, are the same clock."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from kpi_rules.measures import DurationMeasure
from kpi_rules.organisation import Organisation
from loanpulse.rules.case_clocks import clock_told
from loanpulse.rules.case_store import Name, Stored
from schemas.fields import local_iso
from streams.calculus.attribution import attribute
from streams.calculus.business_time import NEVER_MS
from streams.calculus.case import Case
from streams.calculus.case_clock import CaseClock, pauses_in
from streams.calculus.fold import CaseName
from streams.calculus.program import Program
from streams.calculus.windows import DAY_MS, HOUR_MS
from streams.runtime.ledger_reader import LedgerReader
from tests.engine import cases_of, program_of_recount, rules_of
from tests.oracle import streams as nasty
from tests.oracle.script import ms, said

KINDS = ("loan", "query", "complaint", "team_request")


def stored(name: CaseName, case: Case) -> Stored:
    return Stored(LedgerReader(Redis(), "nowhere", "loan-events", 0), Name(*name), case)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), zone=st.sampled_from(nasty.ZONES), nastiness=st.sampled_from((0.0, 1.0)))
def test_a_story_and_a_watch_tell_the_same_of_an_open_case(seed: int, zone: str, nastiness: float) -> None:
    chosen = nasty.settings(seed, zone)
    if seed % 2:
        chosen["targets"] = {"turnaround_time": [[None, 90 * HOUR_MS], ["2026-02-20", 30 * HOUR_MS]]}
    program, rng = program_of_recount(chosen), random.Random(seed)
    for name, case in cases_of(nasty.generate(seed, 25, kinds=KINDS, tz=zone, nastiness=nastiness)).items():
        for watch in program.watching(name[0], None):
            opened = watch.opened(case)
            turns = (
                [] if opened is None else [at for span in opened.spans for at in span if 0 < at < NEVER_MS]
            )
            for now in (
                rng.randint(nasty.START, nasty.END),
                *(at for at in turns if at < nasty.END + 400 * DAY_MS),
            ):
                clock = clock_told(program, watch.rule, stored(name, case), now)
                if opened is None:
                    assert clock is None or not clock.runs
                    continue
                span = opened.span(max(now, opened.since))
                assert clock is not None
                assert (clock.runs, clock.elapsed_ms) == (True, watch.used_ms(case, now))
                assert span is not None
                if now < opened.since:
                    continue
                assert clock.target_ms == span.target_ms
                assert clock.is_paused == (now > opened.paused_since)
                assert clock.within == (now < span.beyond)
                if opened.paused_since >= NEVER_MS and span.target_ms:
                    assert clock.due == local_iso(span.due, program.zone.__class__(clock.zone))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), zone=st.sampled_from(nasty.ZONES))
def test_a_clock_is_due_when_a_watch_says(seed: int, zone: str) -> None:
    """Under a pause without an end neither is."""
    program = program_of_recount(nasty.settings(seed, zone))
    for name, case in cases_of(nasty.generate(seed, 25, kinds=KINDS, tz=zone)).items():
        for watch in program.watching(name[0], None):
            opened, measure = watch.opened(case), watch.rule.measure
            if opened is None or not isinstance(measure, DurationMeasure):
                continue
            branch = attribute(case, name[0], None)[1]
            clock = CaseClock(measure, program.clocks, branch)
            for span in opened.spans:
                due = clock.due(opened.since, span.target_ms, pauses_in(case, measure))
                if span.target_ms:
                    assert due == (None if span.due >= NEVER_MS else span.due), name


def test_a_declined_application_does_not_wait_for_its_funding() -> None:
    """Nor does a withdrawn one: no clock runs on for ever."""
    (rule,) = rules_of("{kind: duration, since: application.submitted, anchor: loan.funded, clock: business}")
    program = Program([rule], Organisation())
    for outcome, runs in (("approved", True), ("declined", False), ("withdrawn", False)):
        events = [
            said("application.submitted", "L", "2026-01-05 10:00"),
            said("application.decided", "L", "2026-01-07 12:00", outcome=outcome),
        ]
        ((name, case),) = cases_of(events).items()
        clock = clock_told(program, rule, stored(name, case), ms("2026-01-08"))
        assert (clock is not None and clock.runs) == runs
