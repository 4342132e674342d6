"""How goals stand on a board: of the organisation and its members, as metrics and as tables."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import typer
from rich.console import Console
from rich.table import Table

from kpi_rules.course import Verdict
from kpi_rules.lint import lint
from kpi_rules.organisation import Organisation
from loanpulse.board.snapshot import Snapshot
from loanpulse.cli.goal_tables import goals, goals_of_members
from loanpulse.cli.goals import chosen
from loanpulse.lab import demo_goals
from loanpulse.serve.book import Book
from loanpulse.serve.families import KPI_FAMILIES, VERDICT
from loanpulse.serve.goals import standings, with_goals
from streams.calculus.buckets import bucket_of, value_of
from streams.runtime.rulebook import organisation_of, read_rules
from tests.board_lab import DAY_MS, NOON, program, rule
from tests.exporter_lab import Page, board, book, organised, scraped, seen

# Noon of 1 March is half of the first of three days.
GOAL: dict[str, Any] = {"from": 0.4, "to": 1.0, "start": "2026-03-01", "due": "2026-03-03"}
PEERS = {"kind": "mean", "anchor": "peer.rated", "points": "score"}


def of_goal(name: str, goal: dict[str, Any], **more: Any) -> Book:
    """A book of one rule of the lab, by default followed from 0.4 to 1.0."""
    return book(program(rule(name, goal=GOAL | goal, **more)))


def of_rating(goal: dict[str, Any] | None = None, **more: Any) -> Book:
    return of_goal("rating", goal or {}, **more)


def ratings(of: Book, officer: str, points: int, n: int = 20, **more: Any) -> list[Any]:
    return seen(of.program, "rating", officer, a=points, n=n, **more)


def verdicts(of: Book, snapshot: Snapshot, dimension: str | None = None) -> dict[str, Verdict]:
    """By member, the organisation's under an empty name."""
    found = standings(snapshot, of, dimension)
    return {standing.group.get(dimension or "", ""): standing.course.verdict for standing in found}


def test_the_organisation_s_value_is_held_against_the_line_at_the_board_s_instant() -> None:
    of = of_rating()
    snapshot = board(of, ratings(of, "ann", 60))
    (standing,) = standings(snapshot, of)
    assert (standing.kpi, standing.window, standing.group, standing.value, standing.n) == (
        "rating",
        "30d",
        {},
        0.6,
        20,
    )
    assert (standing.line.start_value, standing.line.end_value) == (0.4, 1.0)
    assert standing.line.end == datetime(2026, 3, 4, tzinfo=UTC)
    assert standing.course.expected == 0.5
    assert standing.course.progress == pytest.approx(1 / 3)
    assert standing.course.verdict is Verdict.AHEAD
    later = board(of, ratings(of, "ann", 60), as_of_ms=NOON + DAY_MS)
    assert verdicts(of, later) == {"": Verdict.BEHIND}
    assert verdicts(of, board(of, ratings(of, "ann", 60), as_of_ms=NOON + 9 * DAY_MS)) == {"": Verdict.MISSED}


def test_days_are_those_of_the_organisation_s_zone() -> None:
    of = of_rating({"start": "2026-03-02"})
    found = ratings(of, "ann", 40)
    assert verdicts(of, board(of, found)) == {"": Verdict.NOT_BEGUN}
    auckland = book(program(rule("rating", goal=GOAL | {"start": "2026-03-02"}), tz="Pacific/Auckland"))
    assert verdicts(auckland, board(auckland, found)) == {"": Verdict.ON_COURSE}


def test_the_window_that_a_goal_names_is_compared() -> None:
    for window, verdict in (("24h", Verdict.REACHED), ("7d", Verdict.AHEAD)):
        of = of_rating({"window": window})
        found = [*ratings(of, "ann", 100), *ratings(of, "ann", 30, at=NOON - 2 * DAY_MS)]
        assert verdicts(of, board(of, found)) == {"": verdict}


def test_a_level_stands_as_of_now_and_each_value_of_a_split_by_itself() -> None:
    of = of_goal("risk", {"from": 0.5, "to": 0.1})
    found = [
        *seen(of.program, "risk", at=None, split="EUR", a=1, b=20, n=20),
        *seen(of.program, "risk", at=None, split="USD", a=1, b=2, n=20),
    ]
    shown = {s.group["currency"]: (s.window, s.course.verdict) for s in standings(board(of, found), of)}
    assert shown == {"EUR": ("now", Verdict.REACHED), "USD": ("now", Verdict.BEHIND)}


def test_a_duration_is_followed_in_seconds_of_the_organisation_s_calendar() -> None:
    of = of_goal("turnaround", {"from": "2 business days", "to": None, "change": -0.5})
    hours = bucket_of(8 * 3_600_000)
    (standing,) = standings(board(of, seen(of.program, "turnaround", bucket=hours, n=20)), of)
    assert (standing.line.start_value, standing.line.end_value) == (16 * 3_600, 8 * 3_600)
    assert standing.value == value_of(hours) / 1000
    assert standing.course.progress == pytest.approx(1, abs=0.02)


def test_too_few_are_no_verdict_but_what_only_adds_is_never_too_few() -> None:
    of = of_rating()
    assert verdicts(of, board(of, ratings(of, "ann", 100, n=9))) == {"": Verdict.TOO_FEW}
    assert verdicts(of, board(of)) == {"": Verdict.TOO_FEW}
    counted = of_goal("count", {"from": 10, "to": 4})
    assert verdicts(counted, board(counted, seen(counted.program, "count", n=3))) == {"": Verdict.REACHED}
    assert verdicts(counted, board(counted)) == {"": Verdict.REACHED}


def test_members_have_a_goal_if_it_is_for_them_or_names_them() -> None:
    of = of_rating({"for": ["branch"], "officers": {"ann": {"from": 0.8}, "cy": {}}})
    snapshot = board(of, [*ratings(of, "ann", 80), *ratings(of, "ben", 70)])
    assert verdicts(of, snapshot, "branch") == {"north": Verdict.AHEAD}
    assert verdicts(of, snapshot, "officer") == {"ann": Verdict.BEHIND, "cy": Verdict.TOO_FEW}
    ann, _ = standings(snapshot, of, "officer")
    assert ann.course.expected == pytest.approx(0.8 + 0.2 / 6)


def test_a_named_member_of_whom_there_is_nothing_has_counted_nothing() -> None:
    of = of_goal("count", {"from": 10, "to": 20, "officers": {"ann": {"from": 2, "to": 4}}})
    (standing,) = standings(board(of), of, "officer")
    assert (standing.value, standing.n, standing.course.verdict) == (0.0, 0, Verdict.BEHIND)


def test_programs_have_no_goal() -> None:
    of = of_rating({"for": ["officer"]})
    snapshot = board(of, [*ratings(of, "ann", 100), *ratings(of, "robot", 100)])
    assert verdicts(of, snapshot, "officer") == {"ann": Verdict.REACHED}


def test_few_answers_about_a_member_are_kept_back_whatever_min_samples_says() -> None:
    goal = {"for": ["officer", "branch"], "from": 3, "to": 4}
    of = of_rating(goal, measure=PEERS, min_samples=1)
    found = [*ratings(of, "ann", 4, n=4), *ratings(of, "ben", 4, n=5, branch="south")]
    snapshot = board(of, found)
    assert verdicts(of, snapshot, "officer") == {"ann": Verdict.TOO_FEW, "ben": Verdict.REACHED}
    ann, _ = standings(snapshot, of, "officer")
    assert (ann.kept_back, ann.value, ann.course.progress) == (True, None, None)
    assert verdicts(of, snapshot) == {"": Verdict.REACHED}
    page = scraped(of, snapshot)
    assert shown_members(page, "officer_goal_progress_ratio") == {"ben"}
    assert shown_members(page, "branch_goal_progress_ratio") == {"south"}
    rows = texts(goals_of_members(snapshot, of, 200, "rating", "officer", 9))
    assert ["ann", "3.00", "4.00", "2026-03-03", "3.17", "kept back", "4", "–", "too few"] in rows


def shown_members(page: Page, name: str) -> set[str]:
    dimension = name.partition("_")[0]
    return {dict(labels)[dimension] for labels in page[f"loanpulse_{name}"]}


def test_an_organisation_s_own_goal_is_the_one_in_force() -> None:
    of = of_rating()
    own = organised(of.program, goals={"rating": GOAL | {"to": 0.5}})
    none = organised(of.program, goals={"rating": None})
    found = ratings(of, "ann", 60)
    assert verdicts(own, board(own, found)) == {"": Verdict.REACHED}
    assert verdicts(none, board(none, found)) == {}
    assert (with_goals(of), with_goals(none), with_goals(of, "officer")) == (["rating"], [], [])
    with pytest.raises(
        typer.BadParameter, match="no KPI has a goal: write one into its rule, or into LOANPULSE_CONFIG"
    ):
        chosen(none, [], None)


def test_a_goal_of_which_no_line_can_be_drawn_has_no_standing() -> None:
    for bad in ({"from": None}, {"to": None}, {"to": 0.4}, {"due": "2026-02-01"}):
        of = of_rating(bad)
        assert lint(of.rules["rating"])
        assert standings(board(of, ratings(of, "ann", 60)), of) == []


def test_metrics_show_the_line_the_progress_and_the_verdict() -> None:
    of = of_rating({"for": ["officer", "branch"]})
    page = scraped(of, board(of, ratings(of, "ann", 60)))
    labels = {"kpi": "rating", "window": "30d"}
    assert page.of("loanpulse_kpi_goal", bound="from", **labels) == 0.4
    assert page.of("loanpulse_kpi_goal", bound="to", **labels) == 1.0
    assert page.of("loanpulse_kpi_goal_expected", **labels) == 0.5
    assert page.of("loanpulse_kpi_goal_due_timestamp_seconds", **labels) == (NOON + 2.5 * DAY_MS) / 1000
    for scope, member in (("kpi", {}), ("branch", {"branch": "north"}), ("officer", {"officer": "ann"})):
        assert page.of(f"loanpulse_{scope}_goal_progress_ratio", **labels, **member) == pytest.approx(1 / 3)
        assert page.of(f"loanpulse_{scope}_goal_verdict", **labels, **member) == Verdict.AHEAD


def test_without_a_value_the_verdict_is_there_and_the_progress_is_not() -> None:
    of = of_rating()
    page = scraped(of, board(of))
    assert page.of("loanpulse_kpi_goal_verdict", kpi="rating", window="30d") == Verdict.TOO_FEW
    assert not page["loanpulse_kpi_goal_progress_ratio"]


def test_officers_goals_are_metrics_only_in_the_windows_that_their_rule_lists() -> None:
    for listed, officers in ((["7d"], set()), (["7d", "30d"], {"ann"})):
        of = of_rating({"for": ["officer", "branch"]}, officers_in_metrics=listed)
        page = scraped(of, board(of, ratings(of, "ann", 60)))
        assert shown_members(page, "officer_goal_verdict") == officers
        assert shown_members(page, "branch_goal_verdict") == {"north"}


def test_officer_detail_off_hides_officers_goals() -> None:
    of = of_rating({"for": ["officer", "branch"]})
    page = scraped(of, board(of, ratings(of, "ann", 60)), officer_detail=False)
    assert not page["loanpulse_officer_goal_verdict"]
    assert page["loanpulse_branch_goal_verdict"]


def test_goals_of_members_are_inside_the_budget_before_their_samples() -> None:
    of = of_rating({"for": ["officer"]}, windows=["30d"])
    snapshot = board(of, ratings(of, "ann", 60))
    whole = scraped(of, snapshot)
    tight = scraped(of, snapshot, series_budget=whole.kpi_series - 2)
    assert shown_members(tight, "officer_goal_verdict") == {"ann"}
    assert not tight["loanpulse_officer_samples"]
    tighter = scraped(of, snapshot, series_budget=whole.kpi_series - 3)
    assert not tighter["loanpulse_officer_goal_verdict"]
    assert not tighter["loanpulse_officer_goal_progress_ratio"]


def test_the_help_tells_the_number_of_each_verdict() -> None:
    for verdict in Verdict:
        assert f"{verdict.value} {verdict.words}" in VERDICT
    helps = [family.help for family in KPI_FAMILIES if family.name.endswith("_goal_verdict")]
    assert len(helps) == 3
    assert all(VERDICT in said for said in helps)


def texts(made: Table) -> list[list[str]]:
    """A table's rows without their colours."""
    console = Console(width=200, record=True, quiet=True)
    columns = [[console.render_str(str(cell)).plain for cell in column.cells] for column in made.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def test_a_table_says_where_a_goal_began_ends_and_should_be() -> None:
    of = of_rating()
    snapshot = board(of, ratings(of, "ann", 60))
    wide = goals(snapshot, of, 160)
    assert [str(column.header) for column in wide.columns][1:] == [
        "from", "to", "due", "expected", "now", "n", "of the way", "verdict",
    ]  # fmt: skip
    assert texts(wide) == [
        ["The rating", "0.40", "1.00", "2026-03-03", "0.50", "0.60", "20", "33 %", "ahead"]
    ]
    assert texts(goals(snapshot, of, 80)) == [["The rating", "1.00", "2026-03-03", "0.50", "0.60", "ahead"]]
    assert texts(goals(snapshot, of, 160, ["count"])) == []


def test_a_table_names_the_value_of_a_split() -> None:
    of = of_goal("risk", {"from": 0.5, "to": 0.1})
    made = goals(board(of, seen(of.program, "risk", at=None, split="EUR", a=1, b=20, n=20)), of, 80)
    assert texts(made)[0][0] == "[EUR] The risk"


def test_a_table_of_members_has_those_with_most_behind_them_first() -> None:
    of = of_rating({"for": ["officer"]})
    found = [*ratings(of, "ann", 60, n=11), *ratings(of, "ben", 40, n=12), *ratings(of, "cy", 100, n=13)]
    made = goals_of_members(board(of, found), of, 80, "rating", "officer", 2)
    assert made.columns[0].header == "The rating (rating), by officer"
    assert [row[0] for row in texts(made)] == ["cy", "ben", "and 1 more"]


def test_the_demo_s_goals_are_the_catalogue_s_and_under_way_on_any_day() -> None:
    rules = {rule.id: rule for loaded in read_rules(None) for rule in loaded.content.rules}
    catalogue = {kpi: rule.goal for kpi, rule in rules.items() if rule.goal is not None}
    for today in (date(2024, 2, 29), date(2026, 12, 31), date(2031, 7, 1)):
        own: Organisation = organisation_of("demo", {"goals": demo_goals.goals(today)}, "Asia/Kolkata")
        assert own.goals.keys() == catalogue.keys()
        for kpi, goal in own.goals.items():
            assert goal is not None
            assert (goal.end_value, goal.change) == (catalogue[kpi].end_value, catalogue[kpi].change)
            assert goal.start < today < goal.due
            assert goal.due - goal.start == timedelta(days=demo_goals.HALF_A_YEAR_DAYS)
            assert lint(rules[kpi].model_copy(update={"goal": goal})) == []
