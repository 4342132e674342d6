"""Business calendars as data: what is refused, what a branch inherits, when a day is closed."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from kpi_rules.calendars import WEEKDAYS, Calendar, minutes_of
from kpi_rules.organisation import Organisation

HOUR_MS = 3_600_000
SPLIT_DAY = {"mon": [["08:00", "12:00"], ["13:00", "17:30"]], "sat": [["10:00", "24:00"]]}


def calendar(**members: Any) -> Calendar:
    return Calendar.model_validate(members)


@pytest.mark.parametrize(
    ("text", "minutes"), [("00:00", 0), ("09:30", 570), ("23:59", 1439), ("24:00", 1440)]
)
def test_a_wall_time_is_so_many_minutes_after_midnight(text: str, minutes: int) -> None:
    assert minutes_of(text) == minutes


@pytest.mark.parametrize("text", ["9:00", "24:01", "12:60", "noon", "", "12:00:00", " 12:00"])
def test_what_is_no_wall_time_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"{text!r} is not a wall time: write HH:MM, 00:00 to 24:00"):
        minutes_of(text)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"weekly": {"mon": [["12:00", "12:00"]]}}, "mon: 12:00 to 12:00 is empty, out of order or overlaps"),
        ({"weekly": {"mon": [["13:00", "12:00"]]}}, "mon: 13:00 to 12:00 is empty"),
        (
            {"weekly": {"tue": [["09:00", "12:00"], ["11:59", "17:00"]]}},
            "tue: 11:59 to 17:00 is empty, out of",
        ),
        (
            {"weekly": {"tue": [["13:00", "17:00"], ["09:00", "12:00"]]}},
            "tue: 09:00 to 12:00 is empty, out of",
        ),
        ({"weekly": {"mon": [["09:00", "25:00"]]}}, "'25:00' is not a wall time"),
        ({"weekly": {"mon": []}}, "weekly has no open period: a calendar that never opens counts no time"),
        ({"weekly": {}}, "weekly has no open period"),
        ({"weekly": {"monday": [["09:00", "17:00"]]}}, "Input should be 'mon', 'tue'"),
        ({"weekley": {}}, "Extra inputs are not permitted"),
        ({"holidays": ["2026-02-30"]}, "Input should be a valid date"),
        ({"tz": "Europe/Amsterdm"}, "'Europe/Amsterdm' is not an IANA time zone such as Europe/Amsterdam"),
        ({"tz": "../etc/passwd"}, "is not an IANA time zone"),
        ({"tz": ""}, "is not an IANA time zone"),
        ({"country": "XX"}, "'XX' has no public holidays on record: write an ISO code such as NL or DE-BY"),
        ({"country": "DE-ZZ"}, "'DE-ZZ' has no public holidays on record"),
    ],
)
def test_a_calendar_that_cannot_be_meant_is_refused(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        calendar(**members)
    assert message in str(error.value)


def test_left_out_members_are_office_hours_without_holidays() -> None:
    plain = calendar()
    assert [plain.periods(day) for day in range(7)] == [[(540, 1020)]] * 5 + [[], []]
    assert not plain.is_holiday(date(2026, 1, 1))


def test_a_day_may_have_several_periods_that_touch_and_end_at_midnight() -> None:
    split = calendar(weekly=SPLIT_DAY)
    assert split.periods(0) == [(480, 720), (780, 1050)]
    assert split.periods(1) == []
    assert split.periods(5) == [(600, 1440)]
    assert calendar(weekly={"mon": [["09:00", "12:00"], ["12:00", "17:00"]]}).periods(0)[1] == (720, 1020)


def test_a_country_s_public_holidays_are_closed_beside_one_s_own() -> None:
    dutch = calendar(country="NL", holidays=["2026-03-03"])
    closed = [date(2026, 1, 1), date(2026, 3, 3), date(2026, 4, 27), date(2026, 12, 25)]
    assert all(map(dutch.is_holiday, closed))
    assert not dutch.is_holiday(date(2026, 3, 4))
    assert calendar(country="DE-BY").is_holiday(date(2026, 1, 6))
    assert not calendar(country="DE-HH").is_holiday(date(2026, 1, 6))


def test_a_branch_inherits_what_it_leaves_out() -> None:
    organisation = Organisation.model_validate(
        {
            "tz": "Europe/Amsterdam",
            "calendar": {"weekly": SPLIT_DAY, "holidays": ["2026-04-06"]},
            "branch_calendars": {
                "hours": {"weekly": {"sun": [["10:00", "12:00"]]}},
                "zone": {"tz": "Asia/Kathmandu"},
                "open": {"holidays": []},
            },
        }
    )
    hours, zone, opened = (organisation.calendar_of(branch) for branch in ("hours", "zone", "open"))
    assert hours.periods(0) == []
    assert hours.periods(6) == [(600, 720)]
    assert (hours.tz, zone.tz, opened.tz) == ("Europe/Amsterdam", "Asia/Kathmandu", "Europe/Amsterdam")
    assert hours.is_holiday(date(2026, 4, 6))
    assert zone.is_holiday(date(2026, 4, 6))
    assert not opened.is_holiday(date(2026, 4, 6))
    assert zone.periods(0) == opened.periods(0) == [(480, 720), (780, 1050)]
    assert organisation.calendar_of("unknown") == organisation.base_calendar


def test_a_branch_s_own_holidays_replace_the_organisation_s_country_too() -> None:
    organisation = Organisation.model_validate(
        {
            "calendar": {"country": "NL"},
            "branch_calendars": {
                "abroad": {"holidays": ["2026-03-03"]},
                "here": {"tz": "Europe/Amsterdam"},
                "bavaria": {"country": "DE-BY"},
            },
        }
    )
    kings_day, epiphany = date(2026, 4, 27), date(2026, 1, 6)
    closed = {branch: organisation.calendar_of(branch).is_holiday for branch in ("abroad", "here", "bavaria")}
    assert not closed["abroad"](kings_day)
    assert closed["abroad"](date(2026, 3, 3))
    assert closed["here"](kings_day)
    assert not closed["bavaria"](kings_day)
    assert closed["bavaria"](epiphany)


def test_a_calendar_that_names_its_zone_keeps_it_in_another_zone() -> None:
    organisation = Organisation.model_validate(
        {"tz": "UTC", "calendar": {"tz": "Asia/Kolkata"}, "branch_calendars": {"b": {"holidays": []}}}
    )
    moved = organisation.in_zone("America/New_York")
    assert moved.tz == "America/New_York"
    assert moved.base_calendar.tz == moved.calendar_of("b").tz == "Asia/Kolkata"
    assert Organisation().in_zone("America/New_York").base_calendar.tz == "America/New_York"
    with pytest.raises(ValidationError, match="is not an IANA time zone"):
        organisation.in_zone("Nowhere")


def test_a_business_day_is_a_week_s_opening_hours_over_its_opening_days() -> None:
    assert calendar().business_days_ms(1) == 8 * HOUR_MS
    assert calendar(weekly=SPLIT_DAY).business_days_ms(1) == (8 * 60 + 30 + 14 * 60) * 60_000 // 2
    thirds = {"mon": [["09:00", "09:01"]], "tue": [["09:00", "09:01"]], "wed": [["09:00", "09:02"]]}
    assert calendar(weekly=thirds).business_days_ms(1) == 80_000
    always = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
    assert calendar(weekly=always).business_days_ms(1) == 24 * HOUR_MS


def test_a_day_listed_as_closed_is_no_opening_day() -> None:
    assert calendar(weekly={"mon": [["09:00", "17:00"]], "tue": []}).business_days_ms(1) == 8 * HOUR_MS
