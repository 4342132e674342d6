"""Targets through time: which one judges an observation, which one is shown, and what of it is made anew."""

import random
from datetime import date
from typing import Any

import pytest

from kpi_rules.loader import RuleError, load, rulebook
from kpi_rules.model import Rule, Target, in_force
from kpi_rules.organisation import Organisation
from kpi_rules.rulebook import Rulebook
from loanpulse.serve.verdict import Bounds, State, bounds_of, state_of
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.rulebook import ConfigError, organisation_of
from tests.engine import cases_of, program_of_recount
from tests.nasty_boards import Story, arriving, assert_equal, check_live, engine_rows
from tests.oracle import streams as nasty
from tests.oracle.business_time import DAYS
from tests.oracle.facts import EPOCH, MS, time_ms
from tests.oracle.recount import recount
from tests.oracle.script import ms, said

RULES = """\
kra: own
title: Own
rules:
  - id: answers
    wording: Answers
    says: Time from the query to its answer, counted at the answer.
    unit: seconds
    by: lending
    measure: {kind: duration, since: query.received, anchor: query.answered, clock: calendar}
    target:
      - {at_most: 4 hours, warning_at: 3 hours, window: 30d}
      - {at_most: 2 hours, valid_from: 2026-04-01}
      - {at_most: 1 hour, valid_from: 2026-07-01, window: 7d}
"""
ZONE = "Europe/Amsterdam"
LAST_OF_MARCH, FIRST_OF_APRIL = "2026-03-31 21:59:59.999", "2026-03-31 22:00"
"""The last millisecond of March in Amsterdam, and the first of April."""


def rule(text: str = RULES) -> Rule:
    return rulebook([load("own.yaml", text)])[0]


def program(text: str = RULES, **organisation: Any) -> Program:
    return Program([rule(text)], organisation_of("own.json", organisation, ZONE))


def kept(program: Program, hours: int, answered: str, **data: Any) -> int:
    """Whether an answer after so many hours is within target: 1 or 0."""
    at = ms(answered)
    asked = said("query.received", "Q", _text(at - hours * 3_600_000))
    ((name, case),) = cases_of([asked, said("query.answered", "Q", _text(at), **data)]).items()
    (seen,) = program.observe(name[0], None, case)
    assert seen.b == hours * 3_600_000
    return seen.a


def _text(at: int) -> str:
    return (EPOCH + at * MS).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


@pytest.mark.parametrize(
    ("day", "at_most"),
    [("1970-01-01", "4 hours"), ("2026-03-31", "4 hours"), ("2026-04-01", "2 hours"), ("2026-06-30", "2 hours"),
     ("2026-07-01", "1 hour"), ("2199-12-31", "1 hour")],
)  # fmt: skip
def test_the_target_of_a_day_is_the_last_one_that_has_begun(day: str, at_most: str) -> None:
    target = in_force(rule().targets, date.fromisoformat(day))
    assert target is not None
    assert target.at_most == at_most


def test_before_the_first_day_there_is_no_target() -> None:
    later = [Target(at_most=3, valid_from=date(2026, 4, 1))]
    assert in_force(later, date(2026, 3, 31)) is None
    assert in_force(later, date(2026, 4, 1)) == later[0]
    assert in_force([], date(2026, 4, 1)) is None


def test_one_target_and_a_list_of_one_are_the_same() -> None:
    history = RULES[RULES.index("    target:") :]
    alone = RULES.replace(history, "    target: {at_most: 4 hours}\n")
    listed = RULES.replace(history, "    target: [{at_most: 4 hours}]\n")
    assert rule(alone) == rule(listed)
    assert rule(alone).model_dump(by_alias=True, exclude_defaults=True)["target"] == {"at_most": "4 hours"}


def test_an_observation_is_judged_by_the_target_of_its_own_day() -> None:
    assert kept(program(), 3, LAST_OF_MARCH) == 1
    assert kept(program(), 3, FIRST_OF_APRIL) == 0
    assert kept(program(), 2, FIRST_OF_APRIL) == 1
    assert kept(program(), 2, "2026-07-01 12:00") == 0


def test_the_day_is_that_of_the_answer_whenever_the_question_was() -> None:
    assert kept(program(), 3, "2026-03-31 23:00") == 0


def test_a_branch_whose_calendar_names_a_zone_has_days_of_its_own() -> None:
    """In Kolkata April begins at 18:30 UTC, and a branch that has only hours of its own goes by the organisation's days."""
    own = program(
        branch_calendars={"k": {"tz": "Asia/Kolkata"}, "h": {"weekly": {"mon": [["09:00", "10:00"]]}}}
    )
    assert kept(own, 3, "2026-03-31 18:29:59.999", branch_id="k") == 1
    assert kept(own, 3, "2026-03-31 18:30", branch_id="k") == 0
    assert kept(own, 3, LAST_OF_MARCH, branch_id="h") == 1
    assert kept(own, 3, FIRST_OF_APRIL, branch_id="h") == 0


def test_business_days_of_each_target_are_those_of_the_branch_s_calendar() -> None:
    text = RULES.replace("4 hours, warning_at: 3 hours", "1 business day").replace(
        "2 hours, v", "2 business days, v"
    )
    own = program(text, branch_calendars={"b": {"weekly": {"mon": [["09:00", "12:00"]]}}})
    assert [kept(own, hours, "2026-03-30", branch_id="b") for hours in (3, 4)] == [1, 0]
    assert [kept(own, hours, "2026-04-30", branch_id="b") for hours in (6, 7)] == [1, 0]
    assert [kept(own, hours, "2026-04-30", branch_id="other") for hours in (16, 17)] == [1, 0]


def test_an_organisation_s_target_takes_over_on_its_day_and_until_then_the_rule_s_hold() -> None:
    own = program(
        targets={
            "answers": [
                {"at_most": "6 hours", "valid_from": "2026-05-01"},
                {"at_most": 1800, "valid_from": "2026-08-01"},
            ]
        }
    )
    assert [
        kept(own, hours, day)
        for hours, day in ((4, "2026-03-10"), (3, "2026-04-30"), (6, "2026-05-01"), (6, "2026-07-15"))
    ] == [1, 0, 1, 1]
    assert kept(own, 1, "2026-08-01") == 0


def test_an_organisation_s_target_without_a_day_replaces_them_all() -> None:
    own = program(targets={"answers": "3 hours"})
    assert [kept(own, 3, day) for day in ("2026-03-10", "2026-05-10", "2026-08-10")] == [1, 1, 1]


def test_an_organisation_s_target_is_for_the_window_of_the_rule_s_in_force() -> None:
    organisation = Organisation.model_validate({"targets": {"answers": "3 hours"}})
    windows = [organisation.target_of(rule(), date(2026, month, 1)) for month in (3, 4, 7)]
    assert [target.window for target in windows if target] == ["30d", None, "7d"]


def test_what_is_shown_is_the_target_of_the_board_s_day() -> None:
    found = [bounds_of(program(), rule(), ms(at)) for at in (LAST_OF_MARCH, FIRST_OF_APRIL, "2026-08-01")]
    assert found == [
        Bounds(None, 14_400, 10_800, "30d"),
        Bounds(None, 7_200, None, None),
        Bounds(None, 3_600, None, "7d"),
    ]
    assert [state_of(7_000, 50, "30d", rule(), bounds) for bounds in found] == [
        State.ON_TARGET,
        State.ON_TARGET,
        State.NO_TARGET,
    ]
    later = RULES.replace("      - {at_most: 4 hours, warning_at: 3 hours, window: 30d}\n", "")
    assert bounds_of(program(later), rule(later), ms(LAST_OF_MARCH)) is None


def test_the_digest_is_of_the_lengths_and_their_days() -> None:
    digests = [
        program(text).digest
        for text in (
            RULES,
            RULES.replace("2026-04-01", "2026-04-02"),
            RULES.replace("at_most: 1 hour", "at_most: 90 minutes"),
            RULES.replace("      - {at_most: 1 hour, valid_from: 2026-07-01, window: 7d}\n", ""),
        )
    ]
    assert len(set(digests)) == 4


def test_a_target_that_only_warns_or_is_shown_elsewhere_from_a_day_on_makes_nothing_anew() -> None:
    more = "      - {at_most: 1 hour, warning_at: 30 minutes, valid_from: 2026-09-01}\n"
    assert program(RULES + more).digest == program().digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("valid_from: 2026-07-01", "valid_from: 2026-04-01",
         ":10: rules[0].target: valid_from 2026-04-01 does not come after 2026-04-01 before it: write targets in the order"),
        ("valid_from: 2026-07-01", "valid_from: 2026-03-01", "valid_from 2026-03-01 does not come after 2026-04-01"),
        (", valid_from: 2026-07-01", "", ":10: rules[0].target: only the first target may do without valid_from"),
        ("valid_from: 2026-07-01", "valid_from: July", ":13: rules[0].target[2].valid_from: 'July' is not a date: write e.g."),
        ("valid_from: 2026-07-01", "valid_form: 2026-07-01",
         ":13: rules[0].target[2].valid_form: is not known here: did you mean 'valid_from'?"),
        ("{at_most: 2 hours, ", "{", ":12: rules[0].target[1]: a target needs at_least or at_most"),
        ("{at_most: 2 hours, ", "{at_most: [2 hours], ", ":12: rules[0].target[1].at_most: \"['2 hours']\": "),
    ],
)  # fmt: skip
def test_a_history_that_cannot_be_followed_is_refused_with_its_place(
    old: str, new: str, message: str
) -> None:
    assert old in RULES
    with pytest.raises(RuleError) as error:
        load("own.yaml", RULES.replace(old, new))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([{"at_most": 1, "valid_from": "2026-04-01"}, {"at_most": 2}], "targets.answers: only the first target may"),
        ([{"at_most": 1}, {"valid_from": "2026-04-01"}], "targets.answers[1]: a target needs at_least or at_most"),
        ([{"at_most": 1}, {"at_most": 1, "valid_from": "soon"}], "targets.answers[1].valid_from: 'soon' is not a date"),
        ({"at_most": 1, "valid_from": "soon"}, "targets.answers.valid_from: 'soon' is not a date"),
        ([0.6, [1]], "targets.answers.at_most: is [1]: Input should be a valid number"),
    ],
)  # fmt: skip
def test_a_history_of_an_organisation_that_cannot_be_followed_is_refused_with_its_place(
    targets: Any, message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        organisation_of("own.json", {"targets": {"answers": targets}}, "UTC")
    assert message in str(error.value)


def test_a_book_with_histories_that_is_stored_says_the_same() -> None:
    own = {"answers": [{"at_most": 5}, {"at_most": 6, "valid_from": "2026-04-01"}], "other": [0.6, 0.8]}
    book = Rulebook(
        (load("own.yaml", RULES),), organisation_of("own.json", {"targets": own}, "Asia/Kathmandu")
    )
    again = Rulebook.from_json(book.to_json())
    assert (again.rules, again.organisation) == (book.rules, book.organisation)
    assert again.digest == book.digest
    assert again.organisation.in_zone("UTC").targets == book.organisation.targets


CHANGES: dict[str, Any] = {
    "response_time": [(None, 60_000), ("2026-02-11", 3_600_000), ("2026-04-01", 200_000_000)],
    "turnaround_time": [("2026-03-20", 3_600_000)],
    "complaint_resolution_time": [(None, 3_600_000), ("2026-04-01", 300_000_000)],
    "team_response_time": [(None, 7_200_000), ("2026-03-29", 300_000_000)],
}


@pytest.mark.parametrize("zone", [ZONE, "Asia/Kathmandu", "America/New_York"])
def test_the_stream_equals_the_recount_across_changes_of_targets(zone: str) -> None:
    end, rng = nasty.END, random.Random(zone)
    events = nasty.generate(
        3, 250, kinds=("loan", "query", "complaint", "team_request"), tz=zone, nastiness=1.0
    )
    chosen = nasty.settings(3, zone)
    story = Story(arriving(events, 3), [end], chosen | {"targets": CHANGES})
    wanted = recount(story.arrival, end, **story.chosen)
    assert_equal(engine_rows(story, end, Grid.as_of(end, program_of_recount(story.chosen).zone), rng), wanted)
    check_live(story, end, rng)
    for alone in 0, -1:
        only = {kpi: [(None, history[alone][1])] for kpi, history in CHANGES.items()}
        other = recount(story.arrival, end, **chosen | {"targets": only})
        assert {row["kpi"] for row, of in zip(wanted, other, strict=True) if row != of} == CHANGES.keys()


def test_one_stream_and_the_recount_agree_to_the_millisecond_of_a_change() -> None:
    """An answer in the last millisecond of a day, and one in the first of the next."""
    chosen: dict[str, Any] = {
        "zone": ZONE,
        "targets": {"response_time": [(None, 3_600_000), ("2026-02-11", 60_000)]},
    }
    midnight = time_ms("2026-02-10T23:00:00Z")
    events = []
    for subject, answered in (("Q1", midnight - 1), ("Q2", midnight)):
        events.append(said("query.received", subject, _text(answered - 600_000), branch_id="b"))
        events.append(said("query.answered", subject, _text(answered), branch_id="b"))
    always = {"weekly": dict.fromkeys(DAYS, nasty.ROUND_THE_CLOCK)}
    for branches, numerator in ({}, 1), ({"b": {"tz": "Asia/Kolkata"}}, 0):
        settings = chosen | {"calendar": always, "branch_calendars": branches}
        story = Story(events, [], settings)
        end = midnight + 1000
        wanted = recount(events, end, **settings)
        got = engine_rows(story, end, Grid.as_of(end, program_of_recount(settings).zone), random.Random(1))
        assert_equal(got, wanted)
        (row,) = [r for r in wanted if (r["kpi"], r["window"], r["group"]) == ("response_time", "1h", {})]
        assert (row["numerator"], row["n"]) == (numerator, 2)
