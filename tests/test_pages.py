"""Pages about KPIs: a worked number of each, said in words, from examples that lie beside the rules."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kpi_rules.facts import FACTS
from kpi_rules.loader import RuleError, load
from kpi_rules.model import Rule
from kpi_rules.organisation import Organisation
from loanpulse.cli.exits import outcome
from loanpulse.cli.main import app
from loanpulse.pages.examples import Told, read_examples
from loanpulse.pages.formula import formula_of
from loanpulse.pages.page import pages
from loanpulse.pages.story import counted, happened
from loanpulse.pages.values import moment, money, number, percent, rough_length, value_words
from loanpulse.pages.vocabulary import EVENTS
from loanpulse.pages.vocabulary import FACTS as FACT_WORDS
from loanpulse.pages.wanted import goal_words, target_words
from loanpulse.pages.worked import work
from loanpulse.pages.write import made
from schemas.event import Event, canonical_json
from schemas.registry import EVENT_TYPES
from tests.engine import catalogue, rules_of
from tests.oracle.recount import recount

RULES = {rule.id: rule for rule in catalogue()}
EXAMPLES = read_examples(None, RULES)
OFFICE = Organisation()


def raw(event: Event) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(
        canonical_json(event.type, event.subject, event.key_field, event.statement)
    )
    return said


def test_every_kpi_of_the_catalogue_has_an_example_with_a_value() -> None:
    assert set(EXAMPLES) == set(RULES)
    for kpi, rule in RULES.items():
        rows = work(rule, EXAMPLES[kpi], OFFICE).rows
        assert rows, kpi
        assert all(row.value is not None and row.n for row in rows), kpi


@pytest.mark.parametrize("kpi", RULES)
def test_a_worked_number_is_that_of_the_recount(kpi: str) -> None:
    told = EXAMPLES[kpi]
    window = told.window if RULES[kpi].timed else "now"
    wanted = recount([raw(event) for event, _ in told.events], told.as_of_ms, kpis={kpi.partition(".")[0]})
    counts = {
        tuple(row["group"].items()): (row["numerator"], row["denominator"], row["n"])
        for row in wanted
        if (row["kpi"], row["window"]) == (kpi, window) and not set(RULES[kpi].dimensions) & set(row["group"])
    }
    rows = work(RULES[kpi], told, OFFICE).rows
    assert {tuple(row.group.items()): (row.numerator, row.denominator, row.n) for row in rows} == counts


def test_every_event_type_and_fact_has_words_that_name_only_what_there_is() -> None:
    assert set(EVENTS) == set(EVENT_TYPES)
    assert set(FACT_WORDS) == set(FACTS)
    for name, phrase in EVENTS.items():
        fields = {*EVENT_TYPES[name].fields, "case", "client", "officer", "product"}
        assert set(re.findall(r"{(\w+)}", phrase)) <= fields, name


def test_every_kpi_has_a_formula_without_the_names_of_a_program() -> None:
    for rule in RULES.values():
        formula = formula_of(rule)
        assert formula.upper
        assert "_" not in " ".join(formula), rule.id
        assert "`" not in " ".join(formula), rule.id


@pytest.mark.parametrize(
    ("kpi", "words"),
    [
        ("approval_rate", "the number of applications decided that were approved or declined"),
        ("audit_score", "the number of audits × 100"),
        ("testimonials.stars", "the number of reviews with stars"),
        ("regulatory_training_completion", "the chances settled, won or lost: courses assigned that are regulatory"),
        ("portfolio_at_risk", "total balance of loans on the book"),
    ],
)  # fmt: skip
def test_a_formula_says_what_is_divided_by(kpi: str, words: str) -> None:
    assert formula_of(RULES[kpi]).lower == words


def lines_of(kpi: str) -> list[str]:
    return "\n".join([happened(EXAMPLES[kpi]), *counted(RULES[kpi], EXAMPLES[kpi], OFFICE)]).splitlines()


@pytest.mark.parametrize(
    ("kpi", "line"),
    [
        ("turnaround_time", "| A-1 | Wed 7 Jan 2026, 12:00 | 12 h, within the target |"),
        ("complaint_resolution_time", "| K-1 | Tue 6 Jan 2026, 10:00 | 9 h, within the target |"),
        ("average_loan_amount", "900.00 EUR / 2 = **450.00 EUR** (on Tue 31 Mar 2026, the last 90 days)."),
        ("default_rate.by_balance", "500.00 EUR / 2,000.00 EUR = **25 %** (on Tue 31 Mar 2026, the last 30 days)."),
        ("risk_assessment_accuracy.brier", "0.05 / 2 = **0.025** (on Tue 31 Mar 2026, the last 90 days)."),
        ("net_promoter_score", "| S-4 | Thu 15 Jan 2026, 10:00 | −100 points |"),
        ("lead_conversion", "| Eve | Fri 3 Apr 2026, 12:00, still to come | lost, unless it is won by then |"),
        ("compliance_violations.by_severity", "critical: **1** (on Sat 31 Jan 2026, the last 30 days)."),
        ("compliance_violations", "| Tue 20 Jan 2026, 10:00 | Taken back: violation V-3 of Ben is recorded: low | lifted |"),
        ("team_productivity", "3 / 2 = **1.5** for each officer (on Sat 31 Jan 2026, the last 30 days)."),
        ("sales_volume_growth", "| L-1 | Tue 10 Feb 2026, 10:00 (not in the window) | 80,000.00 EUR |"),
    ],
)  # fmt: skip
def test_an_example_is_told_as_people_say_it(kpi: str, line: str) -> None:
    assert line in lines_of(kpi)


def test_work_of_nobody_is_not_listed_among_that_of_heads() -> None:
    assert not [line for line in lines_of("team_productivity") if line.startswith("| A-4 |")]


def test_values_are_said_as_people_say_them() -> None:
    assert [number(value) for value in (4.6, 4.0, 1234.5, 0.025, -5)] == [
        "4.6",
        "4",
        "1,234.5",
        "0.025",
        "−5",
    ]
    assert [percent(share) for share in (0.98, 2 / 3, 1)] == ["98 %", "66.7 %", "100 %"]
    assert [money(12345, currency) for currency in ("EUR", "JPY", "KWD")] == [
        "123.45 EUR",
        "12,345 JPY",
        "12.345 KWD",
    ]
    assert [rough_length(s) for s in (43_046, 5_400, 600, 30)] == ["12 h", "1.5 h", "10 min", "30 s"]
    assert moment(1_767_607_200_000) == "Mon 5 Jan 2026, 10:00"
    assert value_words(None, RULES["approval_rate"]) == "no value"


def rule_with(**members: str) -> Rule:
    text = "kra: own\ntitle: Own\nrules:\n  - id: own\n    wording: Own\n    says: Own.\n    by: staff\n"
    text += "".join(f"    {name}: {value}\n" for name, value in members.items())
    (rule,) = load("own.yaml", text).content.rules
    return rule


MEAN = "{kind: mean, anchor: audit.completed, points: score, scale: 100}"
TIME = "{kind: duration, since: query.received, anchor: query.answered, clock: calendar}"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("{at_least: 0.98, warning_at: 0.985}", "at least 98 %; a warning below 98.5 %"),
        ("{at_least: 0.7, at_most: 0.85, warning_at: 0.84}", "70 % to 85 %; a warning above 84 %"),
        ("{at_most: 0}", "none at all"),
        ("{at_least: 0.5, window: 90d}", "at least 50 % (in the last 90 days)"),
        (
            "[{at_least: 0.9}, {at_least: 0.92, valid_from: 2026-01-01}, {at_least: 0.95, valid_from: 2026-07-01}]",
            "at least 95 % (since 1 July 2026); until 1 January 2026: at least 90 %;"
            " from 1 January 2026 until 1 July 2026: at least 92 %",
        ),
    ],
)
def test_a_target_is_told_with_its_warning_and_its_history(target: str, words: str) -> None:
    assert target_words(rule_with(unit="ratio", measure=MEAN, target=target)) == words


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ("from: 8 hours, change: -0.5", "from 8 hours on 1 July 2026 to half of it by 31 December 2026, in the last 30 days"),
        ("from: 7200, to: 1 hour", "from 2 h on 1 July 2026 to 1 hour by 31 December 2026, in the last 30 days"),
        ("from: 1 hour, change: 0.3", "from 1 hour on 1 July 2026 to 30 % more by 31 December 2026, in the last 30 days"),
    ],
)  # fmt: skip
def test_a_goal_is_told_from_where_to_where_and_by_when(goal: str, words: str) -> None:
    rule = rule_with(unit="seconds", measure=TIME, goal=f"{{{goal}, start: 2026-07-01, due: 2026-12-31}}")
    assert rule.goal is not None
    assert goal_words(rule.goal, rule) == words


def test_a_rule_without_an_example_has_a_page_without_one() -> None:
    (rule,) = rules_of("{kind: count, anchor: review.posted}")
    files = [load("own.yaml", OWN)]
    page = pages(files, {}, OFFICE)["kpis/own.md"]
    assert "## Own reviews" in page
    assert "An example" not in page
    assert formula_of(rule).upper == "the number of reviews"


OWN = """\
kra: own
title: Own
rules:
  - id: own_reviews
    wording: Own reviews
    says: Reviews posted.
    unit: count
    by: lending
    measure: {kind: count, anchor: review.posted}
"""
EXAMPLE = """\
examples:
  - kpis: [own_reviews]
    as_of: 2026-01-31
    events:
      - {at: 2026-01-12 10:00, type: review.posted, case: W-1, client: Cara}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A directory of rules with an example."""
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples/own.yaml").write_text(EXAMPLE)
    return tmp_path


def test_rules_of_ones_own_have_pages_with_their_examples(rules: Path) -> None:
    texts = made(rules)
    assert set(texts) == {"kpis.md", "kpis/own.md"}
    assert "[Own reviews](kpis/own.md#own-reviews)" in texts["kpis.md"]
    assert "| Mon 12 Jan 2026, 10:00 | Cara posts review W-1 |" in texts["kpis/own.md"]
    assert "**1** (on Sat 31 Jan 2026, the last 30 days)" in texts["kpis/own.md"]


def run(*arguments: str) -> int:
    return outcome(lambda: app([*arguments], prog_name="loanpulse", standalone_mode=False))


def test_the_command_writes_the_pages_and_leaves_other_files_alone(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "wiki/kpis"
    into.mkdir(parents=True)
    (into / "mine.md").write_text("mine")
    assert run("rules", "pages", str(into.parent), "--rules", str(rules)) == 0
    assert capsys.readouterr().out == f"2 pages in {into.parent}: begin with kpis.md\n"
    assert {path.name for path in into.iterdir()} == {"mine.md", "own.md"}
    assert (into / "own.md").read_text() == made(rules)["kpis/own.md"]


def test_a_place_that_cannot_be_written_is_bad_input_in_one_line(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file")
    assert run("rules", "pages", str(tmp_path / "taken"), "--rules", str(rules)) == 2
    told = capsys.readouterr().err
    assert "taken" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("own_reviews", "own_review", 2, "'own_review' is not a KPI: did you mean 'own_reviews'?"),
        (
            "review.posted",
            "review.post",
            5,
            "'review.post' is not an event type: did you mean 'review.posted'?",
        ),
        ("client: Cara", "client: Cara, stars: 7", 5, "stars"),
        (", client: Cara", "", 5, "customer_id"),
        ("2026-01-12 10:00", "yesterday", 5, "time"),
        ("as_of: 2026-01-31", "as_of: 5", 3, "must be a time such as 2026-01-05 10:00"),
        ("    events:", "    evens:", 2, "events"),
        ("examples:", "examples: [", 2, "not YAML"),
        (EXAMPLE, "", 1, "the file is empty: it needs examples"),
        (EXAMPLE, EXAMPLE + EXAMPLE.partition("\n")[2], 6, "'own_reviews' has an example already"),
    ],
)
def test_a_wrong_example_is_one_line_with_file_line_and_the_way_out(
    rules: Path, old: str, new: str, line: int, message: str
) -> None:
    path = rules / "examples/own.yaml"
    path.write_text(EXAMPLE.replace(old, new))
    with pytest.raises(RuleError, match=re.escape(message)) as told:
        made(rules)
    assert str(told.value).startswith(f"{path}:{line}: ")
    assert "\n" not in str(told.value)


def test_events_after_the_moment_of_the_example_are_not_there_yet() -> None:
    rule, told = RULES["testimonials"], EXAMPLES["testimonials"]
    earlier = Told(None, told.events[1][0].statement.at, "30d", told.events)
    (row,) = work(rule, earlier, OFFICE).rows
    assert row.numerator == 2
