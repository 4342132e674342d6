"""Open time against worked examples, clock changes, and a count minute by minute."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_rules.calendars import WEEKDAYS, Calendar
from kpi_rules.organisation import Organisation
from streams.calculus.business_time import OpenTime, merged
from streams.calculus.clocks import Clocks

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 24 * 3_600_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = (
    "UTC",
    "Europe/Amsterdam",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
)


def open_time(**members: Any) -> OpenTime:
    return OpenTime(Calendar.model_validate(members))


def every_day(*periods: tuple[str, str]) -> dict[str, Any]:
    return {day: list(periods) for day in WEEKDAYS}


def ms(text: str) -> int:
    """An instant in UTC, or with an offset."""
    moment = datetime.fromisoformat(text)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // timedelta(milliseconds=1)


OFFICE = open_time()
SUBMITTED, DECIDED = ms("2026-01-05 10:00"), ms("2026-01-07 12:00")
OWED = ms("2026-01-05 16:00"), ms("2026-01-06 11:00")
HELD = ms("2026-01-06 10:00"), ms("2026-01-06 13:00")
NEVER_MET = ms("2026-01-07 11:00"), DECIDED


def test_worked_example_1_to_the_hour() -> None:
    assert OFFICE.between(SUBMITTED, DECIDED) == 18 * HOUR_MS
    assert OFFICE.elapsed(SUBMITTED, DECIDED, [OWED, HELD]) == 13 * HOUR_MS
    assert OFFICE.elapsed(SUBMITTED, DECIDED, [OWED, HELD, NEVER_MET]) == 12 * HOUR_MS


def test_a_target_of_an_hour_from_friday_afternoon_is_due_on_monday() -> None:
    begun, due = ms("2026-01-02 16:30"), ms("2026-01-05 09:30")
    assert OFFICE.between(begun, due) == HOUR_MS
    assert OFFICE.between(begun, due - 1) == HOUR_MS - 1


@pytest.mark.parametrize(
    ("start", "end", "open_ms"),
    [
        ("2026-01-05 09:00", "2026-01-05 09:00", 0),
        ("2026-01-05 12:00", "2026-01-05 09:00", 0),
        ("2026-01-05 08:59:59.999", "2026-01-05 09:00:00.001", 1),
        ("2026-01-05 16:59:59.999", "2026-01-06 09:00:00.000", 1),
        ("2026-01-05 17:00", "2026-01-06 09:00", 0),
        ("2026-01-03 00:00", "2026-01-04 23:59", 0),
    ],
)
def test_periods_hold_their_first_millisecond_and_not_their_end(start: str, end: str, open_ms: int) -> None:
    assert OFFICE.between(ms(start), ms(end)) == open_ms


def test_several_periods_a_day() -> None:
    split = open_time(weekly={"mon": [["08:00", "12:00"], ["13:00", "17:30"]]})
    assert split.between(ms("2026-01-05 11:00"), ms("2026-01-05 13:30")) == 1.5 * HOUR_MS
    assert split.between(ms("2026-01-05 00:00"), ms("2026-01-12 00:00")) == 8.5 * HOUR_MS


def test_a_day_that_ends_at_24_runs_on_into_the_next() -> None:
    late = open_time(weekly={"mon": [["22:00", "24:00"]], "tue": [["00:00", "02:00"]]}, tz="Asia/Kathmandu")
    assert late.between(ms("2026-01-05 00:00"), ms("2026-01-12 00:00")) == 4 * HOUR_MS
    assert late.between(ms("2026-01-05 23:59+05:45"), ms("2026-01-06 00:01+05:45")) == 2 * MINUTE_MS


def test_holidays_are_closed_in_the_calendar_s_own_zone() -> None:
    closed = open_time(holidays=["2026-01-06"], tz="America/New_York")
    week = closed.between(ms("2026-01-05 00:00-05:00"), ms("2026-01-10 00:00-05:00"))
    assert week == 4 * 8 * HOUR_MS
    assert closed.between(ms("2026-01-06 09:00-05:00"), ms("2026-01-06 17:00-05:00")) == 0


def test_public_holidays_of_every_year_are_closed() -> None:
    dutch = open_time(country="NL")
    assert dutch.between(ms("2026-04-27"), ms("2026-04-28")) == 0
    assert dutch.between(ms("2027-04-27"), ms("2027-04-28")) == 0
    assert dutch.between(ms("2026-04-28"), ms("2026-04-29")) == 8 * HOUR_MS


def test_an_interval_before_those_seen_so_far_is_counted_as_well() -> None:
    fresh = open_time()
    assert fresh.between(ms("2026-01-05"), ms("2026-01-12")) == 40 * HOUR_MS
    assert fresh.between(ms("2020-01-06"), ms("2020-01-13")) == 40 * HOUR_MS
    assert fresh.between(ms("2026-01-05"), ms("2026-01-12")) == 40 * HOUR_MS
    assert fresh.between(ms("2031-01-06"), ms("2031-01-13")) == 40 * HOUR_MS


def test_the_day_of_23_hours_has_an_hour_less() -> None:
    always = open_time(weekly=every_day(("00:00", "24:00")), tz="Europe/Amsterdam")
    assert always.between(ms("2026-03-29 00:00+01:00"), ms("2026-03-30 00:00+02:00")) == 23 * HOUR_MS
    night = open_time(weekly=every_day(("01:00", "04:00")), tz="Europe/Amsterdam")
    assert night.between(ms("2026-03-28 23:00"), ms("2026-03-29 10:00")) == 2 * HOUR_MS
    assert night.between(ms("2026-10-24 23:00"), ms("2026-10-25 10:00")) == 4 * HOUR_MS


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (("00:00", "02:30"), "2026-10-25 00:00+02:00", "2026-10-25 02:30+02:00"),
        (("02:30", "05:00"), "2026-10-25 02:30+02:00", "2026-10-25 05:00+01:00"),
        (("02:15", "02:45"), "2026-10-25 02:15+02:00", "2026-10-25 02:45+02:00"),
        (("02:30", "05:00"), "2026-03-29 02:30+01:00", "2026-03-29 05:00+02:00"),
        (("01:00", "02:30"), "2026-03-29 01:00+01:00", "2026-03-29 02:30+01:00"),
    ],
)
def test_a_wall_time_that_occurs_twice_is_the_first_and_one_that_is_skipped_has_the_offset_before(
    period: tuple[str, str], start: str, end: str
) -> None:
    night = open_time(weekly=every_day(period), tz="Europe/Amsterdam")
    day = ms(start[:10]) - 3 * HOUR_MS
    assert night.between(day, day + 12 * HOUR_MS) == ms(end) - ms(start)
    assert night.between(ms(start), ms(end)) == ms(end) - ms(start)


def test_a_skipped_period_that_would_fall_into_the_next_one_is_not_counted_twice() -> None:
    night = open_time(weekly=every_day(("02:00", "02:45"), ("03:00", "04:00")), tz="Europe/Amsterdam")
    assert night.between(ms("2026-03-29 00:00"), ms("2026-03-29 12:00")) == HOUR_MS


@pytest.mark.parametrize(
    ("pauses", "hours"),
    [
        ([], 16),
        ([("2026-01-05 10:00", "2026-01-05 12:00"), ("2026-01-05 11:00", "2026-01-05 13:00")], 13),
        ([("2026-01-05 10:00", "2026-01-05 13:00"), ("2026-01-05 11:00", "2026-01-05 12:00")], 13),
        ([("2026-01-05 10:00", "2026-01-05 11:00"), ("2026-01-05 11:00", "2026-01-05 12:00")], 14),
        ([("2026-01-01 10:00", "2026-01-05 10:00")], 15),
        ([("2026-01-06 16:00", "2026-02-01 10:00")], 15),
        ([("2026-01-01 10:00", "2026-02-01 10:00")], 0),
        ([("2026-01-01 10:00", "2026-01-02 10:00"), ("2026-02-01 10:00", "2026-02-02 10:00")], 16),
        ([("2026-01-05 12:00", "2026-01-05 10:00")], 16),
        ([("2026-01-05 17:00", "2026-01-06 09:00")], 16),
    ],
)
def test_overlapping_pauses_count_once_and_what_lies_outside_does_not_count(
    pauses: list[tuple[str, str]], hours: int
) -> None:
    intervals = [(ms(begin), ms(end)) for begin, end in pauses]
    found = OFFICE.elapsed(ms("2026-01-05 09:00"), ms("2026-01-06 17:00"), intervals)
    assert found == hours * HOUR_MS


def test_an_answer_stamped_before_its_question_took_nothing() -> None:
    assert OFFICE.elapsed(DECIDED, SUBMITTED, [OWED, HELD]) == 0
    clocks = Clocks(Organisation())
    for clock in ("business", "calendar"):
        assert clocks.elapsed(clock, "", DECIDED, SUBMITTED, [OWED, HELD]) == 0


def test_plain_time_is_elapsed_time_less_pauses() -> None:
    clocks = Clocks(Organisation())
    assert clocks.elapsed("calendar", "", SUBMITTED, DECIDED, []) == 50 * HOUR_MS
    assert clocks.elapsed("calendar", "", SUBMITTED, DECIDED, [OWED, HELD]) == 29 * HOUR_MS


def test_a_branch_is_measured_by_its_own_calendar() -> None:
    clocks = Clocks(
        Organisation.model_validate({"branch_calendars": {"b": {"weekly": {"tue": [["00:00", "24:00"]]}}}})
    )
    assert clocks.elapsed("business", "b", SUBMITTED, DECIDED, []) == 24 * HOUR_MS
    assert clocks.elapsed("business", "other", SUBMITTED, DECIDED, []) == 18 * HOUR_MS
    assert clocks.open_time("other") is clocks.open_time("another") is clocks.open_time("")


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_the_first_and_the_last_year_that_a_date_can_have_are_no_error(year: str) -> None:
    fresh = open_time(tz="Australia/Lord_Howe")
    assert fresh.between(ms(f"{year}-06-15 00:00"), ms(f"{year}-06-15 00:00") + DAY_MS) >= 0


def first_occurrence(day: date, minute: int, zone: ZoneInfo) -> int:
    """The instant of a wall time, found by trying every offset that the zone has around it, the earliest first."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001  # a wall time
    as_utc = wall.replace(tzinfo=UTC)
    around = [(as_utc + timedelta(hours=h)).astimezone(zone).utcoffset() for h in range(-36, 37)]
    for offset in sorted({offset for offset in around if offset is not None}, reverse=True):
        if (as_utc - offset).astimezone(zone).replace(tzinfo=None) == wall:
            return (as_utc - offset - EPOCH) // timedelta(milliseconds=1)
    assert around[0] is not None
    return (as_utc - around[0] - EPOCH) // timedelta(milliseconds=1)


def count_minutes(calendar: Calendar, start: int, end: int, pauses: list[tuple[int, int]]) -> int:
    """Open minutes outside pauses, one by one."""
    zone = ZoneInfo(calendar.tz or "UTC")
    first = (EPOCH + timedelta(milliseconds=start)).date()
    days = [first + timedelta(days=n) for n in range(-2, (end - start) // DAY_MS + 4)]
    opened = [
        (first_occurrence(day, begin, zone), first_occurrence(day, finish, zone))
        for day in days
        if not calendar.is_holiday(day)
        for begin, finish in calendar.periods(day.weekday())
    ]
    return sum(
        any(begin <= at < finish for begin, finish in opened)
        and not any(begin <= at < finish for begin, finish in pauses)
        for at in range(start, end, MINUTE_MS)
    )


def _periods(edges: list[int]) -> list[tuple[str, str]]:
    texts = [f"{minute // 60:02}:{minute % 60:02}" for minute in sorted(edges)]
    return list(zip(texts[::2], texts[1::2], strict=False))


PERIODS = st.lists(st.integers(0, 96).map(lambda n: n * 15), max_size=6, unique=True).map(_periods)
CALENDARS = st.fixed_dictionaries(
    {
        "weekly": st.fixed_dictionaries(dict.fromkeys(WEEKDAYS, PERIODS)),
        "holidays": st.lists(st.dates(date(2026, 3, 1), date(2026, 11, 30)), max_size=2),
        "tz": st.sampled_from(ZONES),
    }
)
CHANGES = [
    ms(f"{day} 00:00") // MINUTE_MS
    for day in (
        "2026-03-08",
        "2026-03-29",
        "2026-04-05",
        "2026-04-24",
        "2026-10-25",
        "2026-10-29",
        "2026-11-01",
        "2026-07-01",
        "2026-01-01",
    )
]
MINUTES = st.builds(int.__add__, st.sampled_from(CHANGES), st.integers(-1_440, 1_440))
PAUSES = st.lists(st.tuples(st.integers(-600, 2_880), st.integers(0, 900)), max_size=3)


@settings(max_examples=60, deadline=None)
@given(CALENDARS, MINUTES, st.integers(0, 2_880), PAUSES)
def test_it_equals_a_count_minute_by_minute(
    members: dict[str, Any], first: int, length: int, relative: list[tuple[int, int]]
) -> None:
    if not any(members["weekly"].values()):
        return
    calendar = Calendar.model_validate(members)
    start, end = first * MINUTE_MS, (first + length) * MINUTE_MS
    pauses = [(start + at * MINUTE_MS, start + (at + long) * MINUTE_MS) for at, long in relative]
    found = OpenTime(calendar).elapsed(start, end, pauses)
    assert found == count_minutes(calendar, start, end, pauses) * MINUTE_MS


INSTANTS = st.integers(ms("1990-01-01"), ms("2040-01-01"))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), INSTANTS, st.integers(0, 400 * DAY_MS))
def test_open_round_the_clock_equals_elapsed_time(zone: str, start: int, length: int) -> None:
    always = open_time(weekly=every_day(("00:00", "24:00")), tz=zone)
    assert always.between(start, start + length) == length


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(ZONES), st.lists(INSTANTS, min_size=3, max_size=3))
def test_open_time_adds_over_neighbouring_intervals(zone: str, instants: list[int]) -> None:
    first, second, third = sorted(instants)
    office = open_time(tz=zone)
    assert office.between(first, second) + office.between(second, third) == office.between(first, third)


def test_merged_intervals_are_disjoint_in_order_and_cover_the_same() -> None:
    assert merged([(5, 6), (1, 3), (2, 4), (4, 5), (9, 8), (7, 7)]) == [(1, 6)]
    assert merged([(1, 2), (3, 4)]) == [(1, 2), (3, 4)]
