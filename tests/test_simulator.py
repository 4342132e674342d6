"""The simulated lender: the same for the same seed, believable, valid, never ahead of its time."""

import json
from collections import Counter
from functools import cache
from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_rules.organisation import Organisation
from loanpulse.lab.simulator.cast import SCORING_SYSTEM
from loanpulse.lab.simulator.hours import DAY, HOUR, MINUTE, WORKDAY, Hours
from loanpulse.lab.simulator.lender import Arrival, Lender
from loanpulse.lab.simulator.story import Story, retimed
from loanpulse.lab.simulator.wire import paced, records
from schemas.decode import Rejected, decode
from schemas.fields import time_ms
from schemas.registry import EVENT_TYPES

ZONE = "Europe/Amsterdam"
START = 1_788_213_600_000
"""2026-09-01T00:00:00 in Amsterdam, a Tuesday; the clock changes on 25 October."""
END = START + 60 * DAY
INSTANTS = st.integers(0, 4_000_000_000_000)


@cache
def history() -> list[Arrival]:
    """60 days of a small lender."""
    return list(Lender(7, ZONE, 0.4).history(START, END))


@cache
def live() -> list[Arrival]:
    """Half an hour after two days, at 4 events a second."""
    course = Lender(7, ZONE, 0.2).course(START)
    before = list(course.until(START + 2 * DAY))
    assert before[-1].at < START + 2 * DAY
    return list(islice(course.live(4.0), 7_200))


def of_type(*names: str) -> list[Arrival]:
    return [arrival for arrival in history() if arrival.event["type"] in names]


def test_the_same_seed_tells_the_same_history_and_another_seed_another() -> None:
    def told(seed: int, zone: str = ZONE) -> list[Arrival]:
        return list(Lender(seed, zone, 0.05).history(START, START + 3 * DAY))

    assert told(1) == told(1)
    assert told(1) != told(2)
    assert told(1) != told(1, "UTC")


def test_a_history_told_in_parts_is_the_history() -> None:
    lender, middle = Lender(3, ZONE, 0.05), START + 2 * DAY + 12_345_678
    course = lender.course(START)
    parts = [
        *course.until(START + 1),
        *course.until(middle),
        *course.until(middle),
        *course.until(START + 5 * DAY),
    ]
    assert parts == list(lender.history(START, START + 5 * DAY))


def test_a_longer_history_begins_with_the_shorter_one() -> None:
    lender = Lender(3, ZONE, 0.05)
    shorter = list(lender.history(START, START + 2 * DAY + HOUR))
    assert list(lender.history(START, START + 4 * DAY))[: len(shorter)] == shorter


def test_every_event_is_valid() -> None:
    for raw in records([*history(), *live()]):
        event = decode(raw.value)
        assert raw.topic == event.type.topic
        assert raw.key == (event.key_field or "unassigned").encode()


def test_all_event_types_happen() -> None:
    assert {arrival.event["type"] for arrival in history()} == set(EVENT_TYPES)


def test_arrivals_are_in_order_within_the_span_and_never_before_what_they_tell() -> None:
    arrivals = history()
    assert all(before.at <= after.at for before, after in pairwise(arrivals))
    assert arrivals[0].at >= START
    assert arrivals[-1].at < END
    assert all(time_ms(arrival.event["time"]) <= arrival.at for arrival in arrivals)


def test_nothing_is_older_than_the_engine_keeps() -> None:
    """A case of before 400 days is refused, counted from the end of 90 days' history."""
    oldest = min(time_ms(arrival.event["time"]) for arrival in history())
    assert START - 275 * DAY < oldest < START - 250 * DAY


def test_a_history_may_begin_on_any_day_of_the_week() -> None:
    for start in range(START, START + 7 * DAY, DAY):
        first = [arrival.event for arrival in Lender(1, ZONE, 0.3).history(start, start + 1)]
        assert max(time_ms(event["time"]) for event in first if event["type"] == "loan.funded") < start


def test_statements_that_differ_never_share_an_id_unless_one_revises_the_other() -> None:
    said: dict[tuple[str, str, int], str] = {}
    for arrival in history():
        event = arrival.event
        name = (event["source"], event["id"], event.get("revision", 0))
        assert said.setdefault(name, json.dumps(event, sort_keys=True)) == json.dumps(event, sort_keys=True)


def test_events_come_late_twice_revised_retracted_and_without_an_officer() -> None:
    after_loading = [arrival for arrival in history() if arrival.at > START]
    identities = Counter((arrival.event["id"], arrival.event.get("revision", 0)) for arrival in after_loading)
    shares = {
        "late": sum(arrival.at - time_ms(arrival.event["time"]) > MINUTE for arrival in after_loading),
        "repeated": sum(count > 1 for count in identities.values()),
        "revised": sum(arrival.event.get("revision") == 1 for arrival in after_loading),
        "retracted": sum("retracted" in arrival.event for arrival in after_loading),
        "nameless": sum(
            "officer_id" not in arrival.event["data"]
            for arrival in after_loading
            if arrival.event["type"] == "application.decided"
        ),
    }
    for what, count in shares.items():
        assert 0.0003 < count / len(after_loading) < 0.05, what


def test_twelve_branches_and_a_hundred_and_twenty_officers_are_at_work() -> None:
    data = [arrival.event["data"] for arrival in history()]
    assert len({one["branch_id"] for one in data if "branch_id" in one}) == 12
    officers = {one["officer_id"] for one in data if "officer_id" in one}
    assert len(officers - {SCORING_SYSTEM}) == 120


def test_the_staff_decides_in_working_hours_and_clients_act_at_all_hours() -> None:
    hours = Hours(ZONE)
    decided = [
        time_ms(arrival.event["time"])
        for arrival in of_type("application.decided")
        if arrival.event["data"]["outcome"] != "withdrawn"
        and arrival.event["data"].get("officer_id", SCORING_SYSTEM) != SCORING_SYSTEM
    ]
    assert len(decided) > 300
    assert all(hours.worked(at + 1) > hours.worked(at) for at in decided)
    asked = [time_ms(arrival.event["time"]) for arrival in of_type("query.received")]
    outside = sum(hours.worked(at + 1) == hours.worked(at) for at in asked)
    assert 0.3 < outside / len(asked) < 0.7


def test_weekends_are_quiet() -> None:
    days = Counter(Hours(ZONE).local_day(arrival.at) for arrival in history() if arrival.at > START + HOUR)
    hours = Hours(ZONE)
    working = [count for day, count in days.items() if hours.is_workday(day)]
    weekend = [count for day, count in days.items() if not hours.is_workday(day)]
    assert max(weekend) < sum(working) / len(working) * 0.6


def test_figures_are_those_of_a_lender() -> None:
    decided = Counter(arrival.event["data"]["outcome"] for arrival in of_type("application.decided"))
    assert 0.65 < decided["approved"] / (decided["approved"] + decided["declined"]) < 0.88
    leads = [arrival.event["data"] for arrival in of_type("lead.created")]
    assert 0.18 < sum("referred_by" in lead for lead in leads) / len(leads) < 0.3
    scores = [arrival.event["data"]["score"] for arrival in of_type("satisfaction.rated")]
    assert 4.0 < sum(scores) / len(scores) < 4.7


def test_the_natural_pace_is_what_it_says() -> None:
    lender = Lender(5, ZONE, 0.5)
    arrivals = sum(arrival.at > START for arrival in lender.history(START, START + 28 * DAY))
    assert arrivals / (28 * DAY / 1000) == pytest.approx(lender.natural_rate, rel=0.2)


def test_live_events_are_evenly_spaced_and_follow_the_history_without_overlap() -> None:
    arrivals = live()
    assert [arrival.at for arrival in arrivals] == [START + 2 * DAY + 250 * tick for tick in range(1, 7_201)]


def test_live_events_are_never_of_the_future_and_many_are_of_now() -> None:
    lags = [arrival.at - time_ms(arrival.event["time"]) for arrival in live()]
    assert min(lags) >= 0
    assert 0.25 < sum(lag < 60_000 for lag in lags) / len(lags) < 0.75


def test_live_events_move_decisions_queries_and_loans_even_at_night() -> None:
    """Two days after START it is midnight."""
    now = Counter(
        arrival.event["type"] for arrival in live() if arrival.at - time_ms(arrival.event["time"]) < HOUR
    )
    for name in (
        "application.decided",
        "query.answered",
        "loan.funded",
        "loan.status_reported",
        "peer.rated",
    ):
        assert now[name] > 3, name


def test_what_arrives_late_in_the_live_phase_comes_in_the_order_in_which_it_happened() -> None:
    files: dict[str, list[int]] = {}
    for arrival in live():
        if arrival.event["type"].startswith(("application.", "documents.")):
            files.setdefault(arrival.event["subject"], []).append(time_ms(arrival.event["time"]))
    long = [times for times in files.values() if len(times) > 3]
    assert len(long) > 50
    assert sum(times == sorted(times) for times in long) > 0.9 * len(long)


def test_a_course_goes_on_live_as_it_would_have_from_any_partial_telling() -> None:
    def told(stops: list[int]) -> list[Arrival]:
        course = Lender(9, "UTC", 0.05).course(START)
        for stop in stops:
            list(course.until(stop))
        return list(islice(course.live(10.0), 200))

    assert told([START + DAY]) == told([START + HOUR, START + DAY])


def test_each_record_is_sent_when_its_event_arrived_and_so_is_its_broken_copy() -> None:
    some = history()[-500:]
    assert [raw.timestamp_ms for raw in records(some)] == [arrival.at for arrival in some]
    arrived = [(json.dumps(arrival.event["id"]).encode(), arrival.at) for arrival in some]
    for raw in records(some, broken=0.5, seed=1):
        assert any(raw.timestamp_ms == at and name in raw.value for name, at in arrived)


def test_broken_records_come_before_the_right_ones_and_each_is_refused() -> None:
    clean = [raw.value for raw in records(history())]
    spoilt = [raw.value for raw in records(history(), broken=0.02, seed=1)]
    refused: Counter[str] = Counter()
    kept = []
    for value in spoilt:
        try:
            decode(value)
            kept.append(value)
        except Rejected as reason:
            refused[f"{reason.reason} {reason.field}"] += 1
    assert kept == clean
    assert 0.01 < refused.total() / len(clean) < 0.03
    assert {name.split()[0] for name in refused} == {"undecodable", "invalid", "unknown_type"}
    assert len(refused) >= 6


def test_broken_records_are_the_same_for_the_same_seed() -> None:
    some = history()[:2_000]
    assert list(records(some, 0.1, 4)) == list(records(some, 0.1, 4))
    assert list(records(some, 0.1, 4)) != list(records(some, 0.1, 5))


def test_pacing_waits_for_what_is_ahead_and_lets_through_what_is_overdue() -> None:
    clock, waits = [1_000], list[float]()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += int(seconds * 1000)

    arrivals = [Arrival(at, {}) for at in (500, 1_000, 1_250, 1_250, 4_000)]
    assert list(paced(arrivals, lambda: clock[0], wait)) == arrivals
    assert waits == [0.25, 2.75]


def test_the_lenders_organisation_is_an_organisation() -> None:
    organisation = Organisation.model_validate(Lender(1, ZONE).organisation())
    assert organisation.tz == ZONE
    assert organisation.base_calendar.business_days_ms(1) == WORKDAY
    assert organisation.system_users == {SCORING_SYSTEM}


@given(INSTANTS, INSTANTS, st.sampled_from(["UTC", ZONE, "America/St_Johns", "Australia/Lord_Howe"]))
def test_working_time_never_runs_back_and_can_be_read_both_ways(one: int, other: int, zone: str) -> None:
    hours = Hours(zone)
    early, late = sorted((one, other))
    assert 0 <= hours.worked(late) - hours.worked(early) <= late - early
    worked = hours.worked(one)
    assert hours.worked(hours.when(worked)) == worked
    if hours.worked(one + 1) > worked:
        assert hours.when(worked) == one


@given(st.integers(0, 2**32), INSTANTS)
def test_a_story_moved_to_now_keeps_its_order_and_its_short_distances(seed: int, now: int) -> None:
    hours, rng, story = Hours(ZONE), Random(seed), Story()
    at = rng.randrange(4_000_000_000_000)
    for _ in range(rng.randint(1, 8)):
        story.tell(at, "x", "s", {"due_at": at + DAY})
        at += rng.choice((0, 40_000, HOUR, 5 * HOUR, 3 * DAY))
    anchor = rng.randrange(len(story.happenings))
    moved = retimed(story, anchor, now, hours)
    assert moved[anchor].at == now
    for (before, after), (old, new) in zip(pairwise(moved), pairwise(story.happenings), strict=True):
        gap = new.at - old.at
        assert after.at - before.at == gap if gap <= HOUR else after.at - before.at >= HOUR
    assert all(happening.data["due_at"] - happening.at == DAY for happening in moved)
