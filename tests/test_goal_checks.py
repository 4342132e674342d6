"""Which goals are refused: by the lint, and when rules or an organisation's file are read."""

import json
from pathlib import Path
from typing import Any

import pytest

from kpi_rules.lint import lint
from kpi_rules.loader import RuleError
from kpi_rules.model import Goal, Rule
from kpi_rules.organisation import Organisation
from streams.runtime.rulebook import ConfigError, compile_program

GOAL: dict[str, Any] = {"from": 10, "to": 20, "start": "2026-01-01", "due": "2026-06-30"}
OFFICERS = {"officers": {"ann": {"from": 12}}}
DURATION = {"kind": "duration", "since": "query.received", "anchor": "query.answered", "clock": "business"}
COUNT = {"kind": "count", "anchor": "review.posted"}
MEAN = {"kind": "mean", "anchor": "satisfaction.rated", "points": "score"}
LEVEL = {"kind": "level", "of": "loan.book", "part": {"where": {"in_default": True}}, "whole": {}}
UNITS = {"duration": "seconds", "count": "count", "mean": "score", "level": "ratio"}


def wrong(
    *left_out: str, measure: dict[str, Any] = MEAN, target: dict[str, Any] | None = None, **goal: Any
) -> list[tuple[str, str, str]]:
    """What the lint says of a goal: letter, place in the goal, message."""
    said = {name: value for name, value in (GOAL | goal).items() if name not in left_out}
    made = {
        "id": "mine", "wording": "Mine", "says": "What is counted, where and when.", "relevant": "It is.", "by": "lending",
        "unit": UNITS[measure["kind"]], "measure": measure, "goal": said, "target": target, "windows": ["24h", "30d"],
    }  # fmt: skip
    found = lint(Rule.model_validate_json(json.dumps(made)))
    assert all(problem.place[0] == "goal" for problem in found)
    return [(problem.letter, ".".join(map(str, problem.place[1:])), problem.message) for problem in found]


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"window": "24h", "for": ["officer", "branch"], "tolerance": 0},
        {"measure": COUNT, "window": "30d"},
        {"measure": COUNT, "window": "30d", **OFFICERS},
        {"measure": LEVEL, "from": 0.08, "to": 0.05},
        {"measure": DURATION, "from": "8 hours", "to": "4 hours"},
        {"measure": DURATION, "from": "2 business days", "to": "4 hours", "target": {"at_most": "4 hours", "warning_at": 3}},
        {"measure": DURATION, "from": 28_800, "to": "4 hours", "target": {"at_most": "4 hours", "warning_at": 3}},
        {"officers": {"ann": {"from": 12}, "ben": {"to": 25}, "cy": {}}, "branches": {"north": {"from": 5, "change": 0.5}}},
        {"target": {"at_least": 15, "warning_at": 16}},
        {"target": {"at_least": 15, "at_most": 18, "warning_at": 16}, "from": 20, "to": 17},
    ],
    ids=str,
)  # fmt: skip
def test_a_goal_that_can_be_followed_is_fit(good: dict[str, Any]) -> None:
    assert wrong(**good) == []


@pytest.mark.parametrize(
    ("bad", "letter", "place", "message"),
    [
        ({"due": "2026-01-01"}, "T", "due", "is 2026-01-01, not after its start 2026-01-01"),
        ({"window": "7d"}, "T", "window", "is 7d: must be one of the rule's windows"),
        ({"measure": COUNT}, "T", "window", "is missing: a longer window has more, so name the one that is meant, such as 30d"),
        ({"measure": LEVEL, "window": "30d"}, "T", "window", "is 30d, but a level stands as of now: leave it out"),
        ({"from": None}, "T", "from", "names no baseline: write the value at its start"),
        ({"to": None}, "T", "to", "needs exactly one of to and change"),
        ({"change": 0.5}, "T", "to", "needs exactly one of to and change"),
        ({"to": 10}, "A", "to", "ends where it starts: write what is to be reached"),
        ({"to": None, "change": 0}, "A", "change", "ends where it starts: write what is to be reached"),
        ({"to": None, "change": 30}, "A", "change", "is 30: it is a share of the baseline, 0.3 is +30 %, -0.5 is half"),
        ({"to": None, "change": -50}, "A", "change", "is -50: it is a share of the baseline, 0.3 is +30 %, -0.5 is half"),
        ({"to": None, "from": 0, "change": 0.3}, "A", "change", "is a share of the baseline, which is 0: write to"),
        ({"to": None, "from": -20, "change": 0.3}, "A", "change", "is a share of the baseline, which is -20: write to"),
        ({"from": "4 hours"}, "A", "from", "is a length of time, but the rule measures none: write a number"),
        ({"measure": DURATION, "from": "4 hous", "to": 60}, "A", "from",
         "'4 hous' is not a length of time: write e.g. 4 hours, 90 minutes, 60 days or 5 business days"),
        ({"target": {"at_least": 15, "warning_at": 16}, "to": 5}, "A", "to", "leads away from the target's at_least"),
        ({"target": {"at_most": 15, "warning_at": 14}, "to": None, "change": 0.5}, "A", "change",
         "leads away from the target's at_most"),
        ({"measure": COUNT, "window": "30d", "for": ["officer"]}, "A", "for",
         "makes no sense of what adds up: give officers or branches a baseline of their own"),
        ({"measure": COUNT, "window": "30d", "branches": {"north": {"to": 9}}}, "A", "branches.north.from",
         "is missing: of what adds up a member has a baseline of its own"),
        ({"officers": {"ann": {"from": 25}}}, "A", "officers.ann",
         "goes the other way than the goal: write a to beyond its from"),
        ({"officers": {"ann": {"change": 30}}}, "A", "officers.ann.change",
         "is 30: it is a share of the baseline, 0.3 is +30 %, -0.5 is half"),
        ({"officers": {"ann": {"to": 12, "change": 0.3}}}, "T", "officers.ann.to", "needs exactly one of to and change"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_named_with_the_way_out(
    bad: dict[str, Any], letter: str, place: str, message: str
) -> None:
    assert wrong(*(name for name, value in bad.items() if value is None), **bad) == [(letter, place, message)]


def test_a_window_that_is_left_out_is_told() -> None:
    rule = json.dumps({
        "id": "mine", "wording": "Mine", "says": "What is counted, where and when.", "relevant": "It is.", "by": "lending",
        "unit": "score", "measure": MEAN, "goal": GOAL, "windows": ["7d"],
    })  # fmt: skip
    (problem,) = lint(Rule.model_validate_json(rule))
    assert problem.message == "is 30d: must be one of the rule's windows (left out, it is 30d)"


RULES = """\
kra: mine
title: Mine
rules:
  - id: reviews
    wording: Reviews
    says: Reviews posted, counted when they were posted.
    relevant: Others read them.
    unit: count
    by: lending
    measure: {kind: count, anchor: review.posted}
"""


def compiled(tmp_path: Path, rules: str, organisation: object = None) -> Organisation:
    (tmp_path / "mine.yaml").write_text(rules)
    config = tmp_path / "org.json"
    config.write_text(json.dumps(organisation or {}, indent=1))
    return compile_program(tmp_path, config, "UTC").organisation


def test_rules_with_a_goal_that_cannot_be_followed_are_not_run(tmp_path: Path) -> None:
    goal = "    goal:\n      {from: 1,\n      change: 30, start: 2026-01-01, due: 2026-06-30, window: 30d}\n"
    with pytest.raises(RuleError) as refused:
        compiled(tmp_path, RULES + goal)
    assert str(refused.value).endswith(
        "mine.yaml:13: rules[0].goal.change: is 30: it is a share of the baseline, 0.3 is +30 %, -0.5 is half"
    )
    assert compiled(tmp_path, RULES + goal.replace("30, s", "0.3, s"))


def test_a_date_that_is_none_is_refused_wherever_it_is_written(tmp_path: Path) -> None:
    goal = "    goal: {from: 1, to: 2, start: 'last May', due: 2026-06-30, window: 30d}\n"
    with pytest.raises(RuleError, match=r"goal.start: 'last May' is not a date: write e.g. 2026-12-31"):
        compiled(tmp_path, RULES + goal)
    with pytest.raises(RuleError, match=r"goal.start: '0001-01-01' is not a date: write e.g. 2026-12-31"):
        compiled(tmp_path, RULES + goal.replace("'last May'", "0001-01-01"))


OWN = GOAL | {"window": "30d"}


def test_an_organisation_s_goal_replaces_the_rule_s_and_null_takes_it_away(tmp_path: Path) -> None:
    rules = RULES + "    goal: {from: 1, to: 2, start: 2026-01-01, due: 2026-06-30, window: 30d}\n"
    rule = Rule.model_validate({
        "id": "reviews", "wording": "x", "says": "x", "unit": "count", "by": "lending", "measure": COUNT,
        "goal": GOAL | {"from": 1},
    })  # fmt: skip
    assert compiled(tmp_path, rules).goal_of(rule) == rule.goal
    assert compiled(tmp_path, rules, {"goals": {"reviews": OWN}}).goal_of(rule) == Goal.model_validate(OWN)
    assert compiled(tmp_path, rules, {"goals": {"reviews": None}}).goal_of(rule) is None


@pytest.mark.parametrize(
    ("goals", "message"),
    [
        ({"reviws": OWN}, "org.json:3: goals.reviws: is not a KPI: did you mean 'reviews'?"),
        ({"reviws": None}, "org.json:3: goals.reviws: is not a KPI: did you mean 'reviews'?"),
        ({"reviews": OWN | {"due": "2025-01-01"}},
         "org.json:7: goals.reviews.due: is 2025-01-01, not after its start 2026-01-01"),
        ({"reviews": OWN | {"windw": "30d"}}, "org.json:9: goals.reviews.windw: is not known here: did you mean 'window'?"),
        ({"reviews": OWN | {"officers": {"ann": {"frm": 1}}}},
         "org.json:11: goals.reviews.officers.ann.frm: is not known here: did you mean 'from'?"),
        ({"reviews": OWN | {"start": "2026-02-30"}},
         "org.json:6: goals.reviews.start: '2026-02-30' is not a date: write e.g. 2026-12-31"),
    ],
)  # fmt: skip
def test_a_wrong_goal_of_an_organisation_is_one_line_with_its_place(
    tmp_path: Path, goals: object, message: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        compiled(tmp_path, RULES, {"goals": goals})
    assert str(refused.value) == f"{tmp_path}/{message}"


def test_an_organisation_in_another_zone_and_through_json_keeps_its_goals() -> None:
    said = OWN | {"for": ["branch"], "officers": {"ann": {"from": 12}}}
    organisation = Organisation.model_validate({"goals": {"reviews": said}})
    assert organisation.in_zone("Asia/Kolkata").goals == organisation.goals
    assert Organisation.model_validate_json(organisation.model_dump_json()) == organisation


def test_what_a_member_leaves_out_is_the_goal_s() -> None:
    own = {"officers": {"ann": {"from": 12}, "ben": {"to": 25}, "cy": {"change": 0.5}, "di": {}}}
    goal = Goal.model_validate(GOAL | own | {"for": ["branch"]})
    ends = {
        name: (found.start_value, found.end_value, found.change)
        for name in ("ann", "ben", "cy", "di")
        if (found := goal.improvement("officer", name))
    }
    assert ends == {"ann": (12, 20, None), "ben": (10, 25, None), "cy": (10, None, 0.5), "di": (10, 20, None)}
    assert goal.improvement("officer", "eve") is None
    assert goal.improvement("branch", "north") is goal
    assert goal.improvement() is goal
