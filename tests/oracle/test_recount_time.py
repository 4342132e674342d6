"""Traps of time: wall clocks, deadlines to the millisecond, windows and the windows before them."""

from datetime import date
from typing import Any

import pytest

from tests.oracle.business_time import calendar_of, open_ms, wall_ms
from tests.oracle.facts import time_ms
from tests.oracle.recount import recount
from tests.oracle.script import ms, parts, row, said
from tests.oracle.speaker import Event
from tests.oracle.tally import iso
from tests.oracle.windows import DAY_MS, HOUR_MS, exact_edges

MINUTE_MS = 60_000


def _open(weekly: dict[str, Any], tz: str, start: str, end: str) -> float:
    calendar = calendar_of({"weekly": weekly, "tz": tz}, None, "UTC")
    return open_ms(calendar, time_ms(start), time_ms(end)) / HOUR_MS


def test_digits_beyond_the_millisecond_are_cut_off() -> None:
    assert time_ms("2026-01-01T01:00:00.0019999+01:00") == time_ms("2026-01-01T00:00:00.001Z")
    assert time_ms("2026-01-01T00:00:00.5Z") % 1000 == 500


def test_a_clock_change_makes_the_day_longer_or_shorter() -> None:
    all_day = {"sun": [["00:00", "24:00"]]}
    assert _open(all_day, "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z") == 23
    assert _open(all_day, "Europe/Berlin", "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z") == 25


def test_a_wall_time_that_does_not_exist_is_read_with_the_offset_before_the_change() -> None:
    """02:30 on 29 March 2026 in Berlin is 01:30 UTC, the wall showing 03:30."""
    until = {"sun": [["00:00", "02:30"]]}
    assert _open(until, "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z") == 2.5
    inside = {"sun": [["02:00", "02:30"]]}
    assert _open(inside, "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z") == 0.5
    overlapping = {"sun": [["02:15", "02:45"], ["03:00", "03:30"]]}
    assert _open(overlapping, "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z") == 0.75
    backwards = {"sun": [["02:30", "03:00"]]}
    assert _open(backwards, "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z") == 0


def test_a_wall_time_that_occurs_twice_is_its_first_occurrence() -> None:
    span = ("2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z")
    assert _open({"sun": [["02:00", "02:30"]]}, "Europe/Berlin", *span) == 0.5
    assert _open({"sun": [["02:30", "03:00"]]}, "Europe/Berlin", *span) == 1.5


def test_holidays_are_closed_and_several_periods_a_day_add_up() -> None:
    calendar = calendar_of(
        {"weekly": {"mon": [["09:00", "12:00"], ["13:00", "17:00"]]}, "holidays": ["2026-01-12"]}, None, "UTC"
    )
    assert open_ms(calendar, ms("2026-01-05"), ms("2026-01-18")) == 7 * HOUR_MS
    assert open_ms(calendar, ms("2026-01-05 11:00"), ms("2026-01-05 14:00")) == 2 * HOUR_MS


def test_pauses_count_once_and_only_where_open() -> None:
    office = calendar_of(None, None, "UTC")
    pauses = [
        (ms("2026-01-05 16:00"), ms("2026-01-06 08:00")),
        (ms("2026-01-05 12:00"), ms("2026-01-05 16:30")),
    ]
    assert open_ms(office, ms("2026-01-05 10:00"), ms("2026-01-06 10:00"), pauses) == 3 * HOUR_MS


def test_a_pause_that_ends_before_it_begins_is_none() -> None:
    events = [
        said("application.submitted", "L", "2026-01-05 10:00"),
        said("documents.requested", "L", "2026-01-05 12:00", request_id="r"),
        said("documents.received", "L", "2026-01-05 11:00", request_id="r"),
        said("application.decided", "L", "2026-01-05 14:00"),
    ]
    assert row(recount(events, ms("2026-01-08")), "turnaround_time", "7d")["sum"] == 4 * HOUR_MS


def _asked(branch: str | None = None) -> list[Event]:
    return [
        said("query.received", "Q", "2026-01-05 09:00"),
        said("query.answered", "Q", "2026-01-05 13:00:00.001", branch_id=branch),
    ]


def test_an_answer_before_its_question_took_no_time() -> None:
    events = [
        said("query.received", "Q", "2026-01-05 12:00"),
        said("query.answered", "Q", "2026-01-05 10:00"),
    ]
    found = row(recount(events, ms("2026-01-05 10:30")), "response_time", "7d")
    assert found["n"] == 0
    found = row(recount(events, ms("2026-01-05 12:00")), "response_time", "7d")
    assert (found["n"], found["sum"], found["numerator"]) == (1, 0, 1)


def test_a_duration_of_exactly_the_target_is_within_it() -> None:
    assert parts(recount(_asked(), ms("2026-01-06")), "response_time", "7d") == (0, 1)
    wider = {"response_time": 4 * HOUR_MS + 1}
    assert parts(recount(_asked(), ms("2026-01-06"), targets=wider), "response_time", "7d") == (1, 1)


def test_a_branch_calendar_replaces_the_organisations_member_by_member() -> None:
    organisation = {"holidays": ["2026-01-05"], "tz": "UTC"}
    branches: dict[str, dict[str, Any]] = {"open": {"holidays": []}, "short": {"weekly": {}}, "empty": {}}

    def spent(branch: str | None) -> int:
        rows = recount(_asked(branch), ms("2026-01-06"), calendar=organisation, branch_calendars=branches)
        found: int = row(rows, "response_time", "7d")["sum"]
        return found

    assert spent("open") == 4 * HOUR_MS + 1
    assert spent("short") == spent("empty") == spent("unknown") == spent(None) == 0


def test_a_branch_calendar_keeps_the_organisations_weekly_hours_and_zone_where_it_has_none() -> None:
    """Monday 10:00 to 12:00 in Kathmandu (UTC+5:45) begins at 04:15 UTC."""
    organisation = {
        "weekly": {"mon": [["10:00", "12:00"]]},
        "holidays": ["2026-01-05"],
        "tz": "Asia/Kathmandu",
    }
    own = calendar_of({"holidays": []}, organisation, "UTC")
    assert open_ms(own, ms("2026-01-04"), ms("2026-01-07")) == 2 * HOUR_MS
    assert open_ms(own, ms("2026-01-05 04:15"), ms("2026-01-05 06:15")) == 2 * HOUR_MS


def test_five_business_days_are_those_of_the_branch() -> None:
    """7.5 h a day on two days a week: five business days are 37.5 h."""
    weekly = {"mon": [["09:00", "17:00"]], "thu": [["09:00", "16:00"]]}
    branches = {"b": {"weekly": weekly}}

    def within(decided: str) -> int | None:
        events = [
            said("application.submitted", "L", "2026-01-05 09:00"),
            said("application.decided", "L", decided, branch_id="b"),
        ]
        rows = recount(events, ms("2026-02-01"), branch_calendars=branches)
        return parts(rows, "turnaround_time", "30d")[0]

    assert within("2026-01-19 16:30") == 1
    assert within("2026-01-19 16:30:00.001") == 0


def test_rolling_windows_hold_their_last_instant_and_not_their_first() -> None:
    decided = said("application.decided", "L", "2026-03-01 10:00")

    def n(as_of: int) -> int:
        found: int = row(recount([decided], as_of), "approval_rate", "24h")["n"]
        return found

    at = ms("2026-03-01 10:00")
    assert [n(at - 1), n(at), n(at + DAY_MS - 1), n(at + DAY_MS)] == [0, 1, 1, 0]


def test_rows_state_half_open_edges() -> None:
    found = row(recount([], ms("2026-03-01 10:00")), "approval_rate", "1h")
    assert (found["from"], found["to"]) == ("2026-03-01T09:00:00.001Z", "2026-03-01T10:00:00.001Z")


def test_calendar_windows_begin_at_local_midnight() -> None:
    edges = exact_edges(time_ms("2026-03-31T23:30:00Z"), "Europe/Berlin")
    assert [iso(edges(w)[0][0]) for w in ("today", "month", "quarter")] == [
        "2026-03-31T22:00:00.000Z",
        "2026-03-31T22:00:00.000Z",
        "2026-03-31T22:00:00.000Z",
    ]
    assert [iso(edges(w)[1][0]) for w in ("today", "month", "quarter")] == [
        "2026-03-30T22:00:00.000Z",
        "2026-02-28T23:00:00.000Z",
        "2025-12-31T23:00:00.000Z",
    ]


def test_a_midnight_that_the_clock_skips_is_read_with_fold_0() -> None:
    day = exact_edges(time_ms("2026-09-06T12:00:00Z"), "America/Santiago")("today")[0]
    assert iso(day[0]) == "2026-09-06T04:00:00.000Z"
    assert wall_ms(date(2026, 9, 6), 60, "America/Santiago") == day[0]


def test_the_window_before_has_the_same_elapsed_time_and_is_cut_off_where_it_ends() -> None:
    month = exact_edges(ms("2026-03-31 12:00"), "UTC")("month")
    assert [iso(edge) for edge in month[1]] == ["2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"]
    month = exact_edges(ms("2026-03-10 12:00"), "UTC")("month")
    assert [iso(edge) for edge in month[1]] == ["2026-02-01T00:00:00.000Z", "2026-02-10T12:00:00.001Z"]
    rolling = exact_edges(ms("2026-03-10 12:00"), "UTC")("24h")
    assert [iso(edge) for edge in rolling[1]] == ["2026-03-08T12:00:00.001Z", "2026-03-09T12:00:00.001Z"]


def test_growth_compares_with_the_window_before_as_known_now() -> None:
    events = [
        said("loan.funded", "L1", "2026-02-28", amount_minor=400, officer_id="ann"),
        said("loan.funded", "L2", "2026-03-05", amount_minor=500, officer_id="ben"),
        said("loan.funded", "L3", "2026-03-05", amount_minor=7, currency="USD", officer_id="ben"),
    ]
    rows = recount(events, ms("2026-03-10"), kpis={"sales_volume_growth"})
    month = row(rows, "sales_volume_growth", "month", currency="EUR")
    assert (month["numerator"], month["denominator"], month["sum"], month["value"]) == (500, 0, 500, None)
    assert month["before_to"] == "2026-02-10T00:00:00.001Z"
    whole = row(recount(events, ms("2026-03-31")), "sales_volume_growth", "month", currency="EUR")
    assert (whole["numerator"], whole["denominator"], whole["n"], whole["value"]) == (100, 400, 1, 0.25)
    ann = row(
        recount(events, ms("2026-03-31")), "sales_volume_growth", "month", officer="ann", currency="EUR"
    )
    assert (ann["numerator"], ann["sum"], ann["n"], ann["value"]) == (-400, 0, 0, -1.0)


def test_other_edges_may_be_given() -> None:
    decided = said("application.decided", "L", "2026-03-01 10:00")
    at = ms("2026-03-01 10:00")
    rows = recount([decided], at + 5, edges=lambda _: ((at, at + 1), (0, 1)))
    assert {r["n"] for r in rows if r["kpi"] == "approval_rate"} == {1}
    rows = recount([decided], at + 5, edges=lambda _: ((at + 1, at + 9), (0, 1)))
    assert {r["n"] for r in rows if r["kpi"] == "approval_rate"} == {0}


@pytest.mark.parametrize(
    ("done", "won"),
    [("2026-03-10 12:00", 1), ("2026-03-10 12:00:00.001", 0)],
)
def test_a_due_date_is_a_moment_included(done: str, won: int) -> None:
    events = [
        said("training.assigned", "T", "2026-03-01", key="ann", due_at="2026-03-10T12:00:00.0007Z"),
        said("training.completed", "T", done, key="ann"),
    ]
    rows = recount(events, ms("2026-03-31"))
    assert parts(rows, "training_completion", "30d") == (won, 1)
    assert parts(rows, "regulatory_training_completion", "30d") == (won, 1)


def test_an_extended_due_date_takes_the_loss_back() -> None:
    assigned = said("training.assigned", "T", "2026-03-01", key="ann", due_at="2026-03-10T00:00:00Z")
    extended = said(
        "training.assigned", "T", "2026-03-01", key="ann", due_at="2026-04-10T00:00:00Z", revision=1
    )
    assert parts(recount([assigned], ms("2026-03-31")), "training_completion", "30d") == (0, 1)
    assert parts(recount([assigned, extended], ms("2026-03-31")), "training_completion", "30d") == (0, 0)


def test_a_success_stamped_before_its_opening_counts_at_the_opening() -> None:
    events = [
        said("lead.created", "A", "2026-03-30 12:00"),
        said("loan.funded", "L", "2026-01-01", lead_id="A"),
    ]
    rows = recount(events, ms("2026-03-31"))
    assert parts(rows, "lead_conversion", "24h") == (1, 1)
