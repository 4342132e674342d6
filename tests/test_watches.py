"""Open cases: which there are, whose, and how much of their target is used, is what a plain count of the facts says."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fields import time_ms
from streams.calculus.attribution import SEPARATOR
from streams.calculus.business_time import NEVER_MS, OpenTime, merged, reached
from streams.calculus.case import Case
from streams.calculus.open_cases import Band, OpenCase
from streams.calculus.watches import Watch
from streams.calculus.windows import DAY_MS, HOUR_MS
from tests.engine import cases_of, program_of, program_of_recount
from tests.oracle import streams as nasty
from tests.oracle.facts import CaseId
from tests.oracle.open_cases import KINDS, Open, lender_of, open_cases
from tests.oracle.script import ms
from tests.oracle.speaker import Event

STORIES = ("loan", "query", "complaint", "team_request", "training", "regulation")


def watched(
    events: list[Event], chosen: dict[str, object]
) -> dict[tuple[str, CaseId], tuple[Watch, Case, OpenCase]]:
    found = {}
    program = program_of_recount(chosen)
    for (kind, key, subject), case in cases_of(events).items():
        for watch in program.watching(kind, None):
            opened = watch.opened(case)
            if opened is not None:
                found[watch.rule.id, CaseId(key, kind, subject)] = watch, case, opened
    return found


def test_the_catalogue_watches_each_duration_with_a_target_and_each_chance_with_a_due_date() -> None:
    assert {watch.rule.id: watch.kind for watch in program_of("UTC", {}).watches} == KINDS


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), nastiness=st.sampled_from((0.0, 1.0)), data=st.data())
def test_an_open_case_is_what_a_plain_count_says_at_any_instant(
    seed: int, nastiness: float, data: st.DataObject
) -> None:
    zone = data.draw(st.sampled_from(nasty.ZONES))
    chosen = nasty.settings(seed, zone)
    if seed % 3 == 0:
        chosen["targets"] = {
            "response_time": [[None, 4 * HOUR_MS], ["2026-03-01", 2 * HOUR_MS], ["2026-03-20", 9 * HOUR_MS]]
        }
    lender = lender_of(chosen)
    events = nasty.generate(seed, 25, kinds=STORIES, tz=zone, nastiness=nastiness)
    found = watched(events, chosen)
    rng = random.Random(seed)
    for at in _instants(found, rng):
        wanted = open_cases(events, at, lender)
        there = {
            name: told for name, (watch, case, opened) in found.items()
            if (told := _told(watch, case, opened, at)) is not None
        }  # fmt: skip
        assert there == {name: _wanted(opened) for name, opened in wanted.items()}


Said = tuple[tuple[str, ...], int, int, int, str]


def _told(watch: Watch, case: Case, opened: OpenCase, at: int) -> Said | None:
    band, span = opened.band(at), opened.span(at)
    if band is None or span is None:
        return None
    group = tuple(opened.group.split(SEPARATOR)[:2])
    return group, opened.since, span.target_ms, watch.used_ms(case, at), band.label


def _wanted(opened: Open) -> Said:
    return (opened.group.officer, opened.group.branch), opened.since, opened.target, opened.used, opened.band


def _instants(found: dict[tuple[str, CaseId], tuple[Watch, Case, OpenCase]], rng: random.Random) -> list[int]:
    """Where bands turn, and one ms beside; and some others."""
    turns = [
        at for _, _, opened in found.values() for span in opened.spans
        for at in (opened.since, opened.paused_since, *span) if 0 < at < nasty.END + 400 * DAY_MS
    ]  # fmt: skip
    near = [rng.choice(turns) + rng.choice((-1, 0, 0, 1)) for _ in range(12 if turns else 0)]
    return [*near, *(rng.randint(nasty.START, nasty.END) for _ in range(4))]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_due_time_is_the_first_instant_by_which_the_target_is_used(seed: int) -> None:
    chosen = nasty.settings(seed, "Europe/Berlin")
    events = nasty.generate(seed, 20, kinds=STORIES, tz="Europe/Berlin")
    found, at = watched(events, chosen), nasty.END
    for name, opened in open_cases(events, at, lender_of(chosen)).items():
        span = found[name][2].span(at)
        assert span is not None
        assert (None if span.due > at + 3 * 366 * DAY_MS else span.due) == opened.due, name


OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
SUNDAY = {"sun": [["00:00", "24:00"]]}
LUNCH = {day: [["09:00", "12:00"], ["13:00", "17:00"]] for day in OFFICE}


def _due(zone: str, calendar: dict[str, object], since: str, target: object) -> int:
    program = program_of(zone, {"calendar": calendar, "targets": {"response_time": target}})
    event = {
        "specversion": "1.0", "source": "crm", "id": "1", "type": "query.received", "time": since, "subject": "Q-1",
        "data": {"customer_id": "c"},
    }  # fmt: skip
    ((_, case),) = cases_of([event]).items()
    (watch,) = [watch for watch in program.watches if watch.rule.id == "response_time"]
    opened = watch.opened(case)
    assert opened is not None
    return opened.spans[0].due


@pytest.mark.parametrize(
    ("zone", "calendar", "since", "target", "due"),
    [
        ("UTC", {"weekly": OFFICE}, "2026-01-09T16:30:00Z", "1 hour", "2026-01-12T09:30:00Z"),
        ("UTC", {"weekly": LUNCH}, "2026-01-09T11:30:00Z", "1 hour", "2026-01-09T13:30:00Z"),
        ("UTC", {"weekly": LUNCH}, "2026-01-09T16:30:00Z", "4 hours", "2026-01-12T13:30:00Z"),
        ("UTC", {"weekly": OFFICE}, "2026-01-09T16:00:00Z", "1 hour", "2026-01-09T17:00:00Z"),
        ("UTC", {"weekly": OFFICE, "holidays": ["2026-01-12"]}, "2026-01-09T16:30:00Z", "1 hour", "2026-01-13T09:30:00Z"),
        ("Europe/Amsterdam", {"weekly": OFFICE}, "2026-03-27T16:30:00+01:00", "1 hour", "2026-03-30T09:30:00+02:00"),
        ("Europe/Amsterdam", {"weekly": OFFICE}, "2026-10-23T16:30:00+02:00", "1 hour", "2026-10-26T09:30:00+01:00"),
        ("America/New_York", {"weekly": SUNDAY}, "2026-03-08T00:00:00-05:00", "23 hours", "2026-03-09T00:00:00-04:00"),
        ("America/New_York", {"weekly": SUNDAY}, "2026-11-01T00:00:00-04:00", "25 hours", "2026-11-02T00:00:00-05:00"),
    ],
    ids=[
        "friday afternoon", "lunch break", "lunch after the weekend", "closing time", "holiday", "spring", "autumn",
        "short day", "long day",
    ],
)  # fmt: skip
def test_reference_due_times(
    zone: str, calendar: dict[str, object], since: str, target: str, due: str
) -> None:
    assert _due(zone, calendar, since, target) == time_ms(due)


def test_a_case_is_late_one_millisecond_of_its_clock_after_it_is_due() -> None:
    program = program_of("UTC", {"targets": {"response_time": "1 hour"}})
    event = {
        "specversion": "1.0", "source": "crm", "id": "1", "type": "query.received", "time": "2026-01-09T16:00:00Z",
        "subject": "Q-1", "data": {"customer_id": "c"},
    }  # fmt: skip
    ((_, case),) = cases_of([event]).items()
    (watch,) = [watch for watch in program.watches if watch.rule.id == "response_time"]
    opened = watch.opened(case)
    assert opened is not None
    closing, opening = time_ms("2026-01-09T17:00:00Z"), time_ms("2026-01-12T09:00:00Z")
    bands = [opened.band(at) for at in (closing - 1, closing, opening, opening + 1)]
    assert bands == [Band.AT_RISK, Band.AT_RISK, Band.AT_RISK, Band.BREACHED]
    assert list(opened.turns()) == [closing - HOUR_MS // 4, opening + 1]


INSTANTS = st.integers(ms("2026-03-01"), ms("2026-04-20"))


@settings(deadline=None)
@given(
    start=INSTANTS,
    length=st.integers(1, 300 * HOUR_MS),
    pauses=st.lists(st.tuples(INSTANTS, INSTANTS), max_size=4),
)
def test_the_instant_at_which_a_clock_shows_a_length_is_the_first(
    start: int, length: int, pauses: list[tuple[int, int]]
) -> None:
    program = program_of("Europe/Berlin", {})
    time = program.clocks.open_time("b")
    assert isinstance(time, OpenTime)
    stopped = merged((max(begin, start), end) for begin, end in pauses)
    (at,) = reached(time, start, [length], stopped)
    assert time.elapsed(start, at, stopped) == length
    assert time.elapsed(start, at - 1, stopped) == length - 1


def test_what_forty_years_of_opening_hours_do_not_hold_is_never_due() -> None:
    time = program_of("UTC", {}).clocks.open_time("")
    assert isinstance(time, OpenTime)
    start = ms("2026-01-09")
    assert time.after(start, [41 * 366 * 8 * HOUR_MS]) == [NEVER_MS]
    assert time.after(start, [39 * 260 * 8 * HOUR_MS])[0] < NEVER_MS
