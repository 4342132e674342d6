"""A duration is within a target of business days exactly as the recount divides, whatever the week."""

from hypothesis import given
from hypothesis import strategies as st

from kpi_rules.calendars import WEEKDAYS, Calendar
from streams.calculus.clocks import length_ms
from tests.oracle.business_time import calendar_of
from tests.oracle.observe import within_target

PERIODS = st.lists(st.integers(0, 24 * 60), min_size=2, max_size=2, unique=True).map(sorted)


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@given(st.dictionaries(st.sampled_from(WEEKDAYS), PERIODS, min_size=1))
def test_the_last_millisecond_within_five_business_days_is_the_recounts(week: dict[str, list[int]]) -> None:
    weekly = {day: [tuple(map(clock, period))] for day, period in week.items()}
    target = length_ms("5 business days", Calendar.model_validate({"weekly": weekly}))
    calendar = calendar_of({"weekly": weekly}, None, "UTC")
    assert within_target("turnaround_time", target, calendar, {})
    assert not within_target("turnaround_time", target + 1, calendar, {})


def test_three_opening_days_that_do_not_divide_lose_no_millisecond() -> None:
    weekly = {"mon": [("09:00", "09:01")], "tue": [("09:00", "09:01")], "wed": [("09:00", "09:02")]}
    weekly |= {"thu": [("09:00", "09:01")], "fri": [("09:00", "09:01")], "sat": [("09:00", "09:01")]}
    weekly |= {"sun": [("09:00", "09:01")]}
    calendar = Calendar.model_validate({"weekly": weekly})
    assert calendar.business_days_ms(1) == 8 * 60_000 // 7
    assert length_ms("5 business days", calendar) == 5 * 8 * 60_000 // 7 == 342_857
