"""The clock of a case step by step: it covers the time, and what it counts is what is observed."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_rules.calendars import Calendar
from kpi_rules.measures import DurationMeasure
from kpi_rules.organisation import Organisation
from streams.calculus.case_clock import CaseClock, Pause, Stretch, why_closed
from streams.calculus.clocks import Clocks
from streams.calculus.windows import DAY_MS, HOUR_MS
from tests.oracle.script import ms

OFFICE = Organisation()
LONG_DAYS = {"mon": [("00:00", "12:00"), ("12:00", "24:00")], "tue": [("08:00", "12:30"), ("13:00", "17:00")]}
ORGANISATIONS = [
    OFFICE,
    Organisation(tz="Europe/Amsterdam", calendar=Calendar(country="NL")),
    Organisation(tz="America/New_York", calendar=Calendar.model_validate({"weekly": LONG_DAYS})),
    Organisation(tz="Asia/Kathmandu", calendar=Calendar(holidays=[date(2026, 3, day) for day in (2, 3, 30)])),
    Organisation(
        tz="Australia/Lord_Howe", calendar=Calendar.model_validate({"weekly": {"sun": [("01:00", "04:00")]}})
    ),
]
BEGIN, END = ms("2026-03-01"), ms("2026-04-20")


def measure(clock: str = "business") -> DurationMeasure:
    return DurationMeasure.model_validate(
        {
            "kind": "duration",
            "since": "application.submitted",
            "anchor": "application.decided",
            "clock": clock,
        }
    )


def clock_of(organisation: Organisation, kind: str = "business") -> CaseClock:
    return CaseClock(measure(kind), Clocks(organisation), "b0")


INSTANTS = st.integers(BEGIN, END)
PAUSES = st.lists(
    st.builds(Pause, INSTANTS, st.none() | INSTANTS, st.sampled_from(["documents", "held"]), st.just("p")),
    max_size=5,
)


@settings(deadline=None)
@given(
    organisation=st.sampled_from(ORGANISATIONS), kind=st.sampled_from(["business", "calendar"]),
    start=INSTANTS, end=INSTANTS, pauses=PAUSES,
)  # fmt: skip
def test_what_the_stretches_count_is_what_is_observed(
    organisation: Organisation, kind: str, start: int, end: int, pauses: list[Pause]
) -> None:
    steps = clock_of(organisation, kind).stretches(start, end, pauses)
    intervals = [(p.since, end if p.until is None else p.until) for p in pauses]
    observed = Clocks(organisation).elapsed(measure(kind).clock, "b0", start, end, intervals)
    assert sum(step.counted_ms for step in steps) == observed


@settings(deadline=None)
@given(organisation=st.sampled_from(ORGANISATIONS), start=INSTANTS, end=INSTANTS, pauses=PAUSES)
def test_the_stretches_cover_the_time_without_gap_or_overlap(
    organisation: Organisation, start: int, end: int, pauses: list[Pause]
) -> None:
    steps = clock_of(organisation).stretches(start, end, pauses)
    assert [step.until for step in steps[:-1]] == [step.since for step in steps[1:]]
    assert all(step.since < step.until for step in steps)
    assert all(step.why for step in steps if step.state != "runs")
    assert all(step.open_ms == 0 for step in steps if step.state == "closed")
    if start < end:
        assert (steps[0].since, steps[-1].until) == (start, end)
    else:
        assert steps == []


@settings(deadline=None)
@given(
    organisation=st.sampled_from(ORGANISATIONS),
    start=INSTANTS,
    pauses=PAUSES,
    target=st.integers(0, 90 * HOUR_MS),
)
def test_due_is_the_first_instant_at_which_the_clock_shows_the_target(
    organisation: Organisation, start: int, pauses: list[Pause], target: int
) -> None:
    clock = clock_of(organisation)
    due = clock.due(start, target, pauses)
    if due is None:
        assert any(pause.until is None for pause in pauses)
        return

    def shown(at: int) -> int:
        ended = [pause._replace(until=END if pause.until is None else pause.until) for pause in pauses]
        return sum(step.counted_ms for step in clock.stretches(start, at, ended))

    if due < END:
        assert shown(due) == target
        assert target == 0 or shown(due - 1) == target - 1


def test_example_1_an_hour_from_friday_1630_is_due_on_monday_0930() -> None:
    assert clock_of(OFFICE).due(ms("2026-01-02 16:30"), HOUR_MS, []) == ms("2026-01-05 09:30")


def test_under_a_pause_without_an_end_nothing_is_due() -> None:
    pause = Pause(ms("2026-01-05 10:00"), None, "held", "h")
    assert clock_of(OFFICE).due(ms("2026-01-05 09:00"), HOUR_MS, [pause]) == ms("2026-01-05 10:00")
    assert clock_of(OFFICE).due(ms("2026-01-05 09:00"), HOUR_MS + 1, [pause]) is None


def test_overlapping_pauses_are_one_with_both_reasons() -> None:
    pauses = [
        Pause(ms("2026-01-05 10:00"), ms("2026-01-05 12:00"), "documents", "a"),
        Pause(ms("2026-01-05 11:00"), ms("2026-01-05 13:00"), "held", "b"),
        Pause(ms("2026-01-05 12:30"), ms("2026-01-05 12:45"), "documents", "c"),
    ]
    steps = clock_of(OFFICE).stretches(ms("2026-01-05 09:00"), ms("2026-01-05 15:00"), pauses)
    assert steps[1] == Stretch(
        ms("2026-01-05 10:00"), ms("2026-01-05 13:00"), "paused", 3 * HOUR_MS, ("documents", "held")
    )
    assert [step.state for step in steps] == ["runs", "paused", "runs"]


DUTCH = Calendar(country="NL", tz="Europe/Amsterdam")
SHOP = Calendar.model_validate(
    {"weekly": {"mon": [("09:00", "12:00"), ("13:00", "17:00")], "wed": [("09:00", "17:00")]}}
)


@pytest.mark.parametrize(
    ("calendar", "since", "until", "why"),
    [
        (Calendar(), "2026-01-05 17:00", "2026-01-06 09:00", ("night",)),
        (Calendar(), "2026-01-05 03:00", "2026-01-05 09:00", ("night",)),
        (Calendar(), "2026-01-02 17:00", "2026-01-05 09:00", ("weekend",)),
        (
            DUTCH,
            "2026-04-02 15:00",
            "2026-04-07 07:00",
            ("holiday Good Friday", "weekend", "holiday Easter Monday"),
        ),
        (Calendar(holidays=[date(2026, 1, 6)]), "2026-01-05 17:00", "2026-01-07 09:00", ("holiday",)),
        (SHOP, "2026-01-05 12:00", "2026-01-05 13:00", ("break",)),
        (SHOP, "2026-01-05 17:00", "2026-01-07 09:00", ("closed on Tuesdays",)),
        (SHOP, "2026-01-05 17:00", "2026-01-05 18:00", ("night",)),
    ],
)
def test_closed_time_has_a_name(calendar: Calendar, since: str, until: str, why: tuple[str, ...]) -> None:
    assert why_closed(ms(since), ms(until), calendar) == why


def test_open_periods_that_touch_are_one_stretch() -> None:
    organisation = Organisation(calendar=Calendar.model_validate({"weekly": LONG_DAYS}))
    monday = ms("2026-01-05")
    steps = clock_of(organisation).stretches(monday, monday + DAY_MS, [])
    assert steps == [Stretch(monday, monday + DAY_MS, "runs", DAY_MS)]
