"""What each kind of measure counts at a fact: conditions, amounts, bands, limits, to the unit and the millisecond."""

from typing import Any

import pytest

from kpi_rules.organisation import Organisation
from streams.calculus.program import Program
from tests.engine import cases_of, rules_of
from tests.oracle.script import ms, said
from tests.oracle.speaker import Event

Tally = tuple[int, int, int]


def tallies(measure: str, *events: Event, unit: str = "count", **organisation: Any) -> list[Tally]:
    """(n, a, b) of each observation of the cases of these events, in the order of their instants."""
    rules = rules_of(measure, unit=unit)
    program = Program(rules, Organisation.model_validate(organisation))
    found = [seen for name, case in cases_of(events).items() for seen in program.observe(name[0], None, case)]
    return [(seen.n, seen.a, seen.b) for seen in sorted(found, key=lambda seen: seen.at or 0)]


def funded(amount: int = 100, **data: Any) -> Event:
    return said("loan.funded", "L", "2026-03-05", amount_minor=amount, **data)


DECIDED = said("application.decided", "L", "2026-03-01", grade="B", default_probability_bp=333)


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("{amount_minor: 100}", True),
        ("{amount_minor: 101}", False),
        ("{amount_minor: [99, 100]}", True),
        ("{amount_minor: [99, 101]}", False),
        ("{amount_minor: {at_least: 100}}", True),
        ("{amount_minor: {at_least: 101}}", False),
        ("{amount_minor: {at_most: 100}}", True),
        ("{amount_minor: {at_most: 99}}", False),
        ("{amount_minor: {more_than: 99}}", True),
        ("{amount_minor: {more_than: 100}}", False),
        ("{amount_minor: {more_than: 5, at_least: 101}}", False),
        ("{amount_minor: {more_than: 100, at_least: 5}}", False),
        ("{amount_minor: {at_least: 50, at_most: 150}}", True),
        ("{revenue_minor: {at_most: 1000}}", False),
        ("{revenue_minor: {more_than: -1}}", False),
        ("{revenue_minor: absent}", True),
        ("{revenue_minor: present}", False),
        ("{currency: present, product: home}", True),
        ("{currency: present, product: car}", False),
        ("{officer_id: ann, branch_id: absent}", True),
        ("{officer_id: ben}", False),
        ("{application.decided: present}", True),
        ("{application.decided: absent}", False),
        ("{application.decided.grade: [A, B]}", True),
        ("{application.decided.grade: absent}", False),
        ("{application.submitted.amount_minor: absent}", True),
        ("{application.submitted.amount_minor: present}", False),
        ("{loan.paid_off: absent, loan.default: absent}", True),
        ("{application.error_found: present}", False),
    ],
)
def test_an_anchor_counts_where_all_conditions_hold(where: str, holds: bool) -> None:
    events = DECIDED, funded(officer_id="ann")
    assert len(tallies(f"{{kind: count, anchor: loan.funded, where: {where}}}", *events)) == holds


@pytest.mark.parametrize(
    ("bound", "holds"), [("more_than: -7", True), ("more_than: 4", False), ("at_least: -3", True)]
)
def test_a_bound_may_be_below_nothing(bound: str, holds: bool) -> None:
    scored = said("nps.answered", "N", "2026-03-01", score=0)
    assert (
        len(tallies(f"{{kind: count, anchor: nps.answered, where: {{score: {{{bound}}}}}}}", scored)) == holds
    )


def test_one_instance_of_several_is_present() -> None:
    measure = "{kind: count, anchor: loan.funded, where: {application.error_found: present}}"
    errors = [said("application.error_found", "L", "2026-03-02", error_id=name) for name in ("e1", "e2")]
    back = errors[0] | {"revision": 1, "retracted": True}
    assert len(tallies(measure, funded(), *errors)) == 1
    assert len(tallies(measure, funded(), *errors, back)) == 1
    assert tallies(measure, funded(), errors[0], back) == []


def test_each_instance_of_an_anchor_is_observed() -> None:
    checks = [
        said("compliance.checked", "L", f"2026-03-0{n}", check_id=f"k{n}", passed=n < 3) for n in (1, 2, 3)
    ]
    measure = "{kind: ratio, anchor: compliance.checked, numerator: {where: {passed: true}}}"
    assert tallies(measure, *checks) == [(1, 1, 1), (1, 1, 1), (1, 0, 1)]
    assert tallies("{kind: per_head, anchor: compliance.checked}", *checks) == [(1, 1, 0)] * 3


def test_a_sum_leaves_out_an_anchor_without_the_amount() -> None:
    measure = "{kind: sum, anchor: loan.funded, amount: revenue_minor}"
    assert tallies(measure, funded(revenue_minor=7)) == [(1, 7, 0)]
    assert tallies(measure, funded(revenue_minor=0)) == [(1, 0, 0)]
    assert tallies(measure, funded()) == []


def test_an_amount_may_be_another_fact_s() -> None:
    measure = "{kind: growth, anchor: loan.funded, amount: application.decided.default_probability_bp}"
    assert tallies(measure, funded(), DECIDED) == [(1, 333, 0)]
    assert tallies(measure, funded()) == []


@pytest.mark.parametrize(("score", "points"), [(10, 100), (9, 100), (8, 0), (7, 0), (6, -100), (3, -100)])
def test_points_are_those_of_the_highest_band_reached(score: int, points: int) -> None:
    bands = "[{at_least: 7, points: 0}, {at_least: 9, points: 100}, {at_least: 3, points: -100}]"
    measure = f"{{kind: mean, anchor: nps.answered, points: score, bands: {bands}}}"
    assert tallies(measure, said("nps.answered", "N", "2026-03-01", score=score)) == [(1, points, 0)]
    assert tallies(measure, said("nps.answered", "N", "2026-03-01", score=2)) == []


def test_a_mean_leaves_out_what_has_no_points() -> None:
    measure = "{kind: mean, anchor: review.posted, points: stars}"
    assert tallies(measure, said("review.posted", "R", "2026-03-01", stars=4)) == [(1, 4, 0)]
    assert tallies(measure, said("review.posted", "R", "2026-03-01")) == []


def test_a_share_is_rounded_down_once() -> None:
    share = "{field: amount_minor, basis_points: application.decided.default_probability_bp}"
    measure = f"{{kind: sum, anchor: loan.funded, amount: {share}}}"
    assert tallies(measure, funded(299), DECIDED) == [(1, 299 * 333 // 10_000, 0)] == [(1, 9, 0)]
    assert tallies(measure, funded(300), DECIDED) == [(1, 9, 0)]
    assert tallies(measure, funded(301), DECIDED) == [(1, 10, 0)]
    assert tallies(measure, funded(299)) == []


@pytest.mark.parametrize(("ending", "error"), [("loan.defaulted", 9_667), ("loan.paid_off", 333)])
def test_a_forecast_s_error_is_squared_against_what_happened(ending: str, error: int) -> None:
    forecast = "{forecast: application.decided.default_probability_bp, happened: {outcome: default}}"
    measure = f"{{kind: ratio, anchor: loan.matured, numerator: {{amount: {forecast}}}, scale: 100000000}}"
    assert tallies(measure, DECIDED, said(ending, "L", "2026-03-09")) == [(1, error**2, 1)]
    assert tallies(measure, said(ending, "L", "2026-03-09")) == []


def test_a_part_counts_where_one_of_its_alternatives_holds() -> None:
    either = "any_of: [{application.decided.grade: A}, {revenue_minor: present, product: home}]"
    measure = f"{{kind: ratio, anchor: loan.funded, numerator: {{{either}}}, denominator: {{amount: amount_minor}}}}"
    assert tallies(measure, DECIDED, funded(revenue_minor=1)) == [(1, 1, 100)]
    assert tallies(measure, DECIDED, funded()) == [(1, 0, 100)]
    assert tallies(measure, DECIDED, funded(revenue_minor=1, product="car")) == [(1, 0, 100)]


def test_an_alternative_without_conditions_always_holds() -> None:
    measure = (
        "{kind: ratio, anchor: loan.funded, numerator: {any_of: [{product: car}, {}], amount: amount_minor}}"
    )
    assert tallies(measure, funded()) == [(1, 100, 1)]


@pytest.mark.parametrize(("resolved", "over"), [("2026-01-08 00:00", 0), ("2026-01-08 00:00:00.001", 1)])
def test_a_limit_is_plain_time_with_its_last_millisecond(resolved: str, over: int) -> None:
    measure = "{kind: ratio, anchor: complaint.closed, since: complaint.opened, elapsed_more_than: 1 week}"
    opened = said("complaint.opened", "C", "2026-01-01")
    assert tallies(measure, opened, said("complaint.resolved", "C", resolved)) == [(1, over, 1)]
    assert tallies(measure, said("complaint.resolved", "C", resolved)) == [(1, 0, 1)]


@pytest.mark.parametrize(
    ("target", "within"), [(7_200, 1), (7_199.999, 0), ("2 hours", 1), ("0.25 business days", 1)]
)
def test_a_duration_says_whether_it_is_within_the_target_its_end_included(
    target: float | str, within: int
) -> None:
    measure = "{kind: duration, since: query.received, anchor: query.answered, clock: business}"
    asked, answered = (
        said("query.received", "Q", "2026-01-05 16:00"),
        said("query.answered", "Q", "2026-01-06 10:00"),
    )
    found = tallies(measure, asked, answered, unit="seconds", targets={"r0": target})
    assert found == [(1, within, 2 * 3_600_000)]


def test_a_duration_without_a_target_or_a_beginning() -> None:
    measure = "{kind: duration, since: query.received, anchor: query.answered, clock: calendar}"
    asked, answered = (
        said("query.received", "Q", "2026-01-05 16:00"),
        said("query.answered", "Q", "2026-01-05 16:00"),
    )
    assert tallies(measure, asked, answered, unit="seconds") == [(1, 0, 0)]
    assert tallies(measure, answered, unit="seconds") == []


def test_a_business_day_of_a_target_is_the_branch_s() -> None:
    """One business day is 8 h, at the branch that is open for 2 h on one day a week 2 h."""
    measure = "{kind: duration, since: query.received, anchor: query.answered, clock: business}"
    chosen: dict[str, Any] = {
        "targets": {"r0": "1 business day"},
        "branch_calendars": {"b": {"weekly": {"mon": [["09:00", "11:00"]]}}},
    }

    def found(branch: str, answered: str) -> list[Tally]:
        asked = said("query.received", "Q", "2026-01-05 09:00")
        answer = said("query.answered", "Q", answered, branch_id=branch)
        return tallies(measure, asked, answer, unit="seconds", **chosen)

    assert found("b", "2026-01-05 12:00") == [(1, 1, 2 * 3_600_000)]
    assert found("b", "2026-01-12 10:00") == [(1, 0, 3 * 3_600_000)]
    assert found("other", "2026-01-05 12:00") == [(1, 1, 3 * 3_600_000)]


def test_a_clock_stands_still_from_a_pause_s_beginning_to_its_own_end() -> None:
    pauses = (
        "[{from: documents.requested, to: documents.received, reason: owed}, "
        "{from: application.held, to: application.resumed, reason: held}]"
    )
    measure = (
        "{kind: duration, since: application.submitted, anchor: application.decided, clock: calendar, "
        f"pauses: {pauses}}}"
    )
    submitted = said("application.submitted", "L", "2026-01-05 10:00")
    decided = said("application.decided", "L", "2026-01-05 20:00")
    asked = said("documents.requested", "L", "2026-01-05 12:00", request_id="x")
    given = said("documents.received", "L", "2026-01-05 13:00", request_id="x")
    other = said("documents.received", "L", "2026-01-05 12:30", request_id="y")
    held = said("application.held", "L", "2026-01-05 12:30", hold_id="x")

    def hours(*events: Event) -> float:
        ((_, _, length),) = tallies(measure, submitted, decided, *events, unit="seconds")
        return length / 3_600_000

    assert hours() == 10
    assert hours(asked, given) == hours(asked, given, other) == 9
    assert hours(asked) == hours(asked, other) == 2
    assert hours(given) == hours(other) == 10
    assert hours(asked, given, held) == 2
    assert hours(asked, given | {"revision": 1, "retracted": True}) == 2
    assert hours(asked | {"revision": 1, "retracted": True}, given) == 10
    before = said("documents.received", "L", "2026-01-05 11:00", request_id="x")
    assert hours(asked, before) == 10


def test_a_conversion_stands_at_its_success_or_its_deadline_and_never_reads_a_clock() -> None:
    measure = "{kind: conversion, opening: recommendation.made, success: recommendation.implemented, within: 2 days}"
    program = Program(rules_of(measure, by="staff"), Organisation())
    made = said("recommendation.made", "R", "2026-03-01", key="ann")

    def settled(*events: Event) -> tuple[int | None, int]:
        (case,) = cases_of([made, *events]).values()
        (seen,) = program.observe("recommendation", None, case)
        assert (seen.n, seen.b) == (1, 1)
        return seen.at, seen.a

    def done(time: str) -> Event:
        return said("recommendation.implemented", "R", time, key="ann")

    assert settled() == (ms("2026-03-03"), 0)
    assert settled(done("2026-03-02")) == (ms("2026-03-02"), 1)
    assert settled(done("2026-03-03")) == (ms("2026-03-03"), 1)
    assert settled(done("2026-03-03 00:00:00.001")) == (ms("2026-03-03"), 0)
    assert settled(done("2026-02-01")) == (ms("2026-03-01"), 1)


def test_a_level_is_of_the_case_as_it_stands_and_has_no_time() -> None:
    measure = (
        "{kind: level, of: loan.book, part: {where: {days_past_due: {at_least: 30}}, amount: outstanding_minor}, "
        "whole: {amount: outstanding_minor}}"
    )
    program = Program(rules_of(measure), Organisation())

    def stock(*events: Event) -> list[tuple[int | None, int, int, int]]:
        (case,) = cases_of(events).values()
        return [(seen.at, seen.n, seen.a, seen.b) for seen in program.observe("loan", None, case)]

    late = said("loan.status_reported", "L", "2026-03-09", outstanding_minor=40, days_past_due=30)
    early = said("loan.status_reported", "L", "2026-03-01", outstanding_minor=70, days_past_due=0)
    assert stock(funded()) == [(None, 1, 0, 100)]
    assert stock(funded(), early) == stock(early) == [(None, 1, 0, 70)]
    assert stock(late, funded(), early) == [(None, 1, 40, 40)]
    assert stock(funded(), said("loan.paid_off", "L", "2026-03-07")) == []
    assert stock(funded(), said("loan.status_reported", "L", "2026-03-07", outstanding_minor=0)) == []


def test_a_level_belongs_to_whom_the_case_belongs_to_now_and_not_to_whom_its_fact_names() -> None:
    program = Program(rules_of("{kind: level, of: loan.book, part: {}, whole: {}}"), Organisation())
    report = said("loan.status_reported", "L", "2026-03-09", officer_id="reporter", branch_id="b1")
    assigned = said("application.assigned", "L", "2026-03-20", officer_id="keeper")
    (case,) = cases_of([funded(), report, assigned]).values()
    (seen,) = program.observe("loan", None, case)
    assert seen.group.split("\x1f")[:2] == ["keeper", "unassigned"]


def test_a_split_is_written_into_the_group() -> None:
    program = Program(
        rules_of("{kind: sum, anchor: loan.funded, amount: amount_minor, split: currency}"), Organisation()
    )
    (case,) = cases_of([funded(currency="JPY")]).values()
    (seen,) = program.observe("loan", None, case)
    assert seen.group == "unassigned\x1funassigned\x1fhome\x1funassigned\x1fJPY"
