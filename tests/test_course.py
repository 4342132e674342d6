"""A value on the way of a goal: the straight line, the share of the way, the verdict and its boundaries."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kpi_rules.course import Course, Line, Verdict, course, end_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MS = timedelta(milliseconds=1)
ZONES = ("UTC", "Europe/Amsterdam", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Pacific/Apia")


def line(start: float = 4.0, end: float = 5.0, /, **more: object) -> Line:
    """Eight days in UTC, so that a day is an eighth of the way."""
    said = {"start": date(2026, 3, 1), "due": date(2026, 3, 8), "zone": ZoneInfo("UTC"), "tolerance": 0.125}
    return Line(start, end, **said | more)  # type: ignore[arg-type]  # each test names its own


def after(days: float, of: Line | None = None) -> datetime:
    return (of or line()).begin + timedelta(days=days)


def stands(value: float | None, days: float, of: Line | None = None, n: int = 20) -> Course:
    return course(of or line(), value, n, 10, after(days, of))


def verdict(value: float | None, days: float, of: Line | None = None, n: int = 20) -> Verdict:
    return stands(value, days, of, n).verdict


def test_the_line_is_straight_from_the_baseline_to_the_end() -> None:
    assert [stands(4.0, days).expected for days in (-3, 0, 2, 4, 8, 30)] == [4.0, 4.0, 4.25, 4.5, 5.0, 5.0]
    assert [stands(4.0, days).elapsed for days in (-3, 0, 2, 8, 30)] == [0, 0, 0.25, 1, 1]


def test_progress_is_the_share_of_the_way_also_beyond_its_ends() -> None:
    assert [stands(value, 4).progress for value in (3.5, 4.0, 4.5, 5.0, 5.5)] == [-0.5, 0.0, 0.5, 1.0, 1.5]
    falling = line(8.0, 4.0)
    assert [stands(value, 4, falling).progress for value in (10.0, 8.0, 6.0, 4.0, 2.0)] == [
        -0.5,
        0.0,
        0.5,
        1.0,
        1.5,
    ]


def test_a_goal_has_not_begun_before_its_start_whatever_the_value() -> None:
    before = line().begin - MS
    for value in (None, 4.0, 5.5):
        assert course(line(), value, 20, 10, before).verdict is Verdict.NOT_BEGUN
    assert verdict(4.0, 0) is Verdict.ON_COURSE


def test_too_few_observations_and_no_value_are_no_verdict_even_when_due() -> None:
    assert verdict(5.0, 4, n=9) is Verdict.TOO_FEW
    assert verdict(5.0, 4, n=10) is Verdict.REACHED
    assert verdict(None, 4) is Verdict.TOO_FEW
    assert verdict(4.0, 9, n=9) is Verdict.TOO_FEW
    assert stands(None, 4).progress is None
    assert stands(4.5, 4, n=9).progress == 0.5


def test_reached_is_at_the_end_or_beyond_it_whenever_that_is() -> None:
    for days in (0, 4, 8, 100):
        assert [verdict(value, days) for value in (5.0, 5.1)] == [Verdict.REACHED] * 2
        assert [verdict(value, days, line(8.0, 4.0)) for value in (4.0, 3.9)] == [Verdict.REACHED] * 2
    assert verdict(4.999999999, 7) is not Verdict.REACHED


def test_a_goal_is_missed_from_the_midnight_that_ends_its_due_day() -> None:
    assert course(line(), 4.9, 20, 10, line().end - MS).verdict is Verdict.ON_COURSE
    assert course(line(), 4.9, 20, 10, line().end).verdict is Verdict.MISSED


def test_the_edges_of_the_band_are_on_course() -> None:
    assert verdict(4.375, 4) is Verdict.ON_COURSE
    assert verdict(4.625, 4) is Verdict.ON_COURSE
    assert verdict(4.374, 4) is Verdict.BEHIND
    assert verdict(4.626, 4) is Verdict.AHEAD


@pytest.mark.parametrize("tenths", range(1, 9))
def test_a_band_s_edge_is_exact_in_the_decimals_that_are_written(tenths: int) -> None:
    of = line(0, 1, due=date(2026, 3, 10), tolerance=0.1)
    assert verdict((tenths + 1) / 10, tenths, of) is (Verdict.REACHED if tenths == 9 else Verdict.ON_COURSE)
    assert verdict((tenths - 1) / 10, tenths, of) is Verdict.ON_COURSE


def test_without_tolerance_only_the_line_itself_is_on_course() -> None:
    of = line(tolerance=0)
    assert [verdict(value, 4, of) for value in (4.4, 4.5, 4.6)] == [
        Verdict.BEHIND,
        Verdict.ON_COURSE,
        Verdict.AHEAD,
    ]


def test_a_line_begins_and_ends_at_local_midnights() -> None:
    of = line(start=date(2026, 3, 1), due=date(2026, 10, 31), zone=AMSTERDAM)
    assert of.begin == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert of.end == datetime(2026, 10, 31, 23, tzinfo=UTC)
    summer = line(due=date(2026, 3, 31), zone=AMSTERDAM)
    assert summer.end == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert summer.end - summer.begin == timedelta(days=31) - timedelta(hours=1)


def test_an_end_is_a_value_or_a_change_exact_in_decimals() -> None:
    assert end_of(4.2, 4.6, None) == 4.6
    assert end_of(28_800, None, -0.5) == 14_400
    assert end_of(0.12, None, 1.0) == 0.24
    assert end_of(3, None, 0.1) == 3.3
    assert 3 * (1 + 0.1) > 3.3, "in binary 3.3 would not be reached"
    assert end_of(3, None, None) is None


# Thousandths, so that what is computed with them is exact.
numbers = st.integers(-10_000_000, 10_000_000).map(lambda thousandths: thousandths / 1000)
moments = st.integers(-400 * 24, 800 * 24).map(lambda hours: timedelta(hours=hours))


@st.composite
def lines(draw: st.DrawFn) -> Line:
    start, end = draw(numbers), draw(numbers)
    assume(start != end)
    first = draw(st.dates(date(2020, 1, 1), date(2030, 1, 1)))
    due = first + timedelta(days=draw(st.integers(0, 400)))
    tolerance = draw(st.integers(0, 100)) / 100
    return Line(start, end, first, due, ZoneInfo(draw(st.sampled_from(ZONES))), tolerance)


# From the worst to the best.
RANKS = {Verdict.MISSED: 0, Verdict.BEHIND: 0, Verdict.ON_COURSE: 1, Verdict.AHEAD: 2, Verdict.REACHED: 3}


@given(lines(), numbers, numbers, moments)
def test_a_better_value_never_has_less_progress_or_a_worse_verdict(
    of: Line, one: float, other: float, moment: timedelta
) -> None:
    worse, better = sorted((one, other), reverse=of.end_value < of.start_value)
    low, high = (course(of, value, 20, 10, of.begin + moment) for value in (worse, better))
    assert low.progress is not None
    assert high.progress is not None
    assert low.progress <= high.progress
    if low.verdict in RANKS:
        assert RANKS[low.verdict] <= RANKS[high.verdict]


@given(lines(), numbers, moments, moments)
def test_with_time_more_is_expected_and_the_same_value_stands_no_better(
    of: Line, value: float, one: timedelta, other: timedelta
) -> None:
    early, late = (course(of, value, 20, 10, of.begin + moment) for moment in sorted((one, other)))
    sign = 1 if of.end_value > of.start_value else -1
    assert sign * early.expected <= sign * late.expected
    assert early.elapsed <= late.elapsed
    assert early.progress == late.progress
    if early.verdict in RANKS:
        assert RANKS[late.verdict] <= RANKS[early.verdict]


@given(lines(), numbers, moments, st.integers(0, 20))
def test_up_and_down_are_mirrors(of: Line, value: float, moment: timedelta, n: int) -> None:
    mirror = Line(-of.start_value, -of.end_value, of.start, of.due, of.zone, of.tolerance)
    this, that = course(of, value, n, 10, of.begin + moment), course(mirror, -value, n, 10, of.begin + moment)
    assert (this.verdict, this.progress, this.elapsed) == (that.verdict, that.progress, that.elapsed)
    assert this.expected == -that.expected


@given(lines(), moments)
def test_the_expected_value_lies_between_the_ends_and_its_own_progress_is_the_elapsed_time(
    of: Line, moment: timedelta
) -> None:
    at = of.begin + moment
    found = course(of, None, 0, 10, at)
    assert min(of.start_value, of.end_value) <= found.expected <= max(of.start_value, of.end_value)
    again = course(of, found.expected, 20, 10, at)
    assert again.progress == pytest.approx(found.elapsed, abs=1e-6)


@given(lines(), numbers, moments)
def test_a_verdict_is_what_its_definition_says(of: Line, value: float, moment: timedelta) -> None:
    """The definition once more, in fractions of its own."""
    found = course(of, value, 20, 10, of.begin + moment)
    begin, end, goal = (Fraction(round(number * 1000)) for number in (of.start_value, of.end_value, value))
    way = (goal - begin) / (end - begin)
    time = Fraction(moment / MS) / Fraction((of.end - of.begin) / MS)
    band = Fraction(round(of.tolerance * 100), 100)
    expected = (
        Verdict.NOT_BEGUN if time < 0
        else Verdict.REACHED if way >= 1
        else Verdict.MISSED if time >= 1
        else Verdict.AHEAD if way > time + band
        else Verdict.BEHIND if way < time - band
        else Verdict.ON_COURSE
    )  # fmt: skip
    assert found.verdict is expected
