"""Explanations of figures: they add up to the board's, and say what is left out and why."""

from typing import Any

import pytest

from kpi_rules.organisation import Organisation
from loanpulse.cli.explain_text import explanation_text
from loanpulse.rules.explain import ExplainError
from streams.calculus.case import MOST_INSTANCES
from streams.calculus.client import MOST_VIEWS
from streams.calculus.exclusions import QUARANTINED
from streams.calculus.program import Program
from tests.engine import catalogue, program_of, program_of_recount, rules_of
from tests.explain_lab import Told, printed, reasons, told
from tests.nasty_boards import ZONES, crowded
from tests.oracle.script import said
from tests.oracle.speaker import Event

PLAIN = program_of("UTC", {"system_users": ["robot"]})
NOW = "2026-03-31"


def file(loan: str, submitted: str, decided: str = "", **data: Any) -> list[Event]:
    """A loan file; `decided` empty: it is open."""
    officer = {"officer_id": data.pop("officer", "ann")}
    opened = said("application.submitted", loan, submitted, key=f"c-{loan}", **officer)
    closed = said("application.decided", loan, decided or submitted, key=f"c-{loan}", **officer, **data)
    return [opened, closed] if decided else [opened]


def test_what_is_left_out_is_counted_by_reason() -> None:
    events = [
        *file("a", "2026-03-02 09:00", "2026-03-03 09:00"),
        *file("b", "2026-03-02", "2026-03-03", outcome="withdrawn"),
        *file("c", "2026-03-04"),
        *file("d", "2026-02-02", "2026-02-03"),
        *file("old", "2025-06-01"),
        said("application.decided", "e", "2026-03-05", key="c-e"),
        *file("f", "2026-03-02", "2026-03-03"),
        said("application.decided", "f", "2026-03-03", key="c-f", revision=1, retracted=True),
    ]
    board = told(events, NOW, PLAIN)
    assert reasons(board.explained("turnaround_time")) == {
        "outcome is withdrawn": 1,
        "not decided so far": 1,
        "before the window": 1,
        "has no application.submitted": 1,
        "retracted": 1,
    }
    assert (
        board.explained("turnaround_time").series[0].cases
        == board.explained("turnaround_time").series[0].board
    )


def test_a_case_with_too_many_facts_is_told_as_quarantined() -> None:
    holds = [
        said("application.held", "a", "2026-03-02 10:00", key="c-a", hold_id=f"h{n}")
        for n in range(MOST_INSTANCES + 1)
    ]
    board = told([*file("a", "2026-03-02", "2026-03-03"), *holds], NOW, PLAIN)
    (why,) = reasons(board.explained("approval_rate"))
    assert why.startswith("quarantined")
    amounts = [said("loan.funded", "a", "2026-03-02", key="c-a"), *holds]
    (why,) = reasons(told(amounts, NOW, PLAIN).explained("average_loan_amount"))
    assert why.startswith("quarantined")


def test_a_case_that_was_handed_over_is_told_to_whoever_had_it() -> None:
    decided = said("application.decided", "a", "2026-03-03", key="c-a", officer_id="ben")
    events = [*file("a", "2026-03-02", officer="ann"), decided]
    board = told(events, NOW, PLAIN)
    assert reasons(board.explained("approval_rate", group={"officer": "ann"})) == {
        "counted for another officer": 1
    }
    assert reasons(board.explained("approval_rate", group={"officer": "ben"})) == {}
    assert reasons(board.explained("approval_rate", group={"officer": "cid"})) == {}


def test_programs_and_unassigned_work_are_no_heads() -> None:
    officers = {"L1": "ann", "L2": "ann", "L3": "robot"}
    events = [
        event for loan, of in officers.items() for event in file(loan, "2026-03-02", "2026-03-03", officer=of)
    ]
    events.append(said("application.decided", "x", "2026-03-03", key="c-x"))
    explained = told(events, NOW, PLAIN).explained("team_productivity")
    assert [(head.officer, head.work) for head in explained.series[0].heads] == [("ann", 2)]
    assert sorted(reasons(explained).items()) == [
        ("no officer: unassigned", 1),
        ("the officer is a program (a system user)", 1),
    ]


def funded(loan: str, day: str, key: str = "c", officer: str = "ann", **data: Any) -> Event:
    return said("loan.funded", loan, day, key=key, officer_id=officer, **data)


def test_clients_are_named_and_what_they_are_not_counted_with_is_told() -> None:
    events = [
        funded("L1", "2026-03-02"),
        funded("L2", "2026-03-10"),
        funded("L3", "2026-03-20", officer="ben"),
        funded("M", "2026-03-02", "d"),
    ]
    board = told(events, NOW, PLAIN)
    repeat = board.explained("repeat_clients")
    (case,) = repeat.series[0].lists[0].cases
    assert (case.subject, case.key, case.officer, case.says) == ("L3", "c", "ben", "1 client")
    assert reasons(repeat) == {
        "the client's first": 2,
        "an earlier one of a client, who counts at the latest": 1,
    }
    anns = board.explained("average_loan_amount", group={"officer": "ann"})
    assert reasons(anns) == {"its client is counted with a later one, for another officer": 2}


def test_without_a_first_that_is_left_out_every_client_counts_at_its_latest() -> None:
    program = Program(rules_of("{kind: distinct, anchor: loan.funded}"), Organisation())
    events = [funded("L1", "2026-03-02"), funded("L2", "2026-03-10"), funded("M", "2026-03-02", "d")]
    explained = told(events, NOW, program).explained("r0")
    assert [case.subject for case in explained.series[0].lists[0].cases] == ["L2", "M"]
    assert reasons(explained) == {"an earlier one of a client, who counts at the latest": 1}


def test_a_client_with_too_many_facts_is_told_as_quarantined() -> None:
    events = [funded(f"L{n}", "2026-03-02") for n in range(MOST_VIEWS + 1)]
    explained = told(events, NOW, PLAIN).explained("average_loan_amount")
    assert reasons(explained) == {QUARANTINED: MOST_VIEWS + 1}
    assert all(series.cases is not None and series.cases.n == 0 for series in explained.series)


def test_growth_lists_the_window_before_from_its_first_millisecond() -> None:
    first, too_early = "2026-01-30 00:00:00.001", "2026-01-30 00:00"
    events = [funded("now", "2026-03-02", "a"), funded("before", first, "b"), funded("older", too_early, "c")]
    explained = told(events, NOW, PLAIN).explained("sales_volume_growth")
    lists = {listed.part: [case.subject for case in listed.cases] for listed in explained.series[0].lists}
    assert lists == {"window": ["now"], "before": ["before"]}
    assert explained.series[0].cases == explained.series[0].board


def test_a_chance_that_is_not_there_yet_is_not_told() -> None:
    board = told([], NOW, PLAIN)
    board.add([said("lead.created", "later", "2026-03-31 00:01")])
    assert reasons(board.explained("lead_conversion")) == {}


def test_a_chance_is_won_lost_or_still_open() -> None:
    days = {"won": "2026-03-01", "lost": "2026-01-10", "open": "2026-03-20"}
    leads = [said("lead.created", lead, day, key=f"c-{lead}") for lead, day in days.items()]
    board = told([*leads, funded("L", "2026-03-09", "c-won", lead_id="won")], NOW, PLAIN)
    explained = board.explained("lead_conversion")
    sides = {
        listed.side: [(case.subject, case.says) for case in listed.cases]
        for listed in explained.series[0].lists
    }
    assert sides == {"numerator": [("won", "won by L")], "denominator": [("lost", "lost at its deadline")]}
    (open_,) = explained.excluded
    assert open_.why.startswith("still open")
    assert [(case.subject, case.at) for case in open_.examples] == [("open", "2026-05-19T00:00:00.000+00:00")]


def test_a_success_that_came_too_late_is_told() -> None:
    late = [
        said("training.assigned", "T", "2026-03-01", key="ann", due_at="2026-03-10T00:00:00Z"),
        said("training.completed", "T", "2026-03-11", key="ann"),
    ]
    (listed,) = told(late, NOW, PLAIN).explained("training_completion").series[0].lists
    assert [case.says for case in listed.cases] == ["lost: it came too late"]


def test_the_list_is_cut_but_its_sums_are_not() -> None:
    events = [funded(f"L{n}", "2026-03-02", f"c{n}", revenue_minor=100 + n) for n in range(30)]
    explained = told(events, NOW, PLAIN).explained("loan_revenue", limit=3)
    (listed,) = explained.series[0].lists
    assert [case.numerator for case in listed.cases] == [129, 128, 127]
    assert (listed.more, listed.numerator, listed.n) == (27, sum(range(100, 130)), 30)


def test_the_latest_are_listed_first_where_there_are_no_sizes() -> None:
    events = [event for n in (2, 4, 3) for event in file(f"L{n}", f"2026-03-0{n}", f"2026-03-1{n}")]
    (listed,) = told(events, NOW, PLAIN).explained("approval_rate").series[0].lists
    assert [case.subject for case in listed.cases] == ["L4", "L3", "L2"]


def test_it_says_plainly_that_the_cases_have_moved_on() -> None:
    board = told(file("a", "2026-03-02", "2026-03-03"), NOW, PLAIN)
    board.add(file("b", "2026-03-02", "2026-03-03", outcome="declined"))
    series = board.explained("approval_rate").series[0]
    assert series.board is not None
    assert series.cases is not None
    assert (series.board.value, series.cases.value) == (1.0, 0.5)
    assert "by the cases now 50.0 %  =  1 / 2" in printed(
        explanation_text(board.explained("approval_rate"), board.shown)
    )


def test_few_answers_about_people_are_kept_back_and_never_told_apart() -> None:
    answers = [
        said("satisfaction.rated", f"S{n}", "2026-03-02", key=f"c{n}", officer_id=officer, score=3)
        for n, officer in enumerate(["ann"] * 4 + ["ben"] * 5)
    ]
    board = told(answers, NOW, PLAIN)
    (anns,), (bens,), (all_,) = (
        board.explained("client_satisfaction", group=group).series
        for group in ({"officer": "ann"}, {"officer": "ben"}, {})
    )
    assert (anns.kept_back, anns.board, anns.cases, anns.lists) == (True, None, None, [])
    for series, officers in ((bens, {"ben"}), (all_, {None})):
        told_of = [case for listed in series.lists for case in listed.cases]
        assert {case.officer for case in told_of} == officers
        assert {(case.key, case.subject) for case in told_of} == {(None, None)}


@pytest.mark.parametrize(
    ("kpi", "options", "word"),
    [
        ("aproval_rate", {}, "approval_rate"),
        ("approval_rate", {"window": "12d"}, "180d"),
        ("audit_score", {"group": {"product": "car"}}, "officer, branch"),
    ],
)
def test_a_question_without_an_answer_is_refused_with_the_way_out(
    kpi: str, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(ExplainError, match=word):
        told([], NOW, PLAIN).explained(kpi, **options)


def test_every_rule_is_explained_in_words() -> None:
    story = crowded(1, "Europe/Amsterdam", ZONES["Europe/Amsterdam"])
    board = Told(program_of_recount(story.chosen), story.arrival, story.looked_from[-1])
    for rule in catalogue():
        text = printed(explanation_text(board.explained(rule.id), board.shown))
        assert rule.wording in text
        assert "together" in text or "left out" in text
