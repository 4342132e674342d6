"""Each letter of SMART: what a rule lacks, where, and how to mend it."""

import json
from typing import Any

import pytest

from kpi_rules.lint import Problem, lint
from kpi_rules.model import Rule

GOOD: dict[str, Any] = {
    "id": "mine",
    "wording": "Applications decided",
    "says": "Applications decided, counted when they were decided.",
    "unit": "count",
    "by": "lending",
    "relevant": "Work that is done is what is sold.",
    "measure": {"kind": "count", "anchor": "application.decided"},
    "target": {"at_least": 5, "warning_at": 7, "window": "30d"},
}
DURATION: dict[str, Any] = {
    "unit": "seconds",
    "measure": {
        "kind": "duration",
        "since": "application.submitted",
        "anchor": "application.decided",
        "clock": "business",
    },
}
RATIO: dict[str, Any] = {"unit": "ratio", "measure": {"kind": "ratio", "anchor": "application.decided"}}
CONVERSION: dict[str, Any] = {
    "unit": "ratio",
    "measure": {
        "kind": "conversion",
        "opening": "training.assigned",
        "success": "training.completed",
        "due": "due_at",
    },
}
SUM = {"kind": "sum", "anchor": "loan.funded", "amount": "amount_minor"}
NO_LENGTH = "is not a length of time: write e.g. 4 hours"
GOAL = {"from": 1, "to": 2, "start": "2026-01-01", "due": "2026-06-30", "window": "30d"}


def problems(**changes: Any) -> list[Problem]:
    """Of a rule read from JSON, in which a date may be text although rules are strict."""
    return lint(Rule.model_validate_json(json.dumps(GOOD | changes)))


def test_a_smart_rule_has_no_problem() -> None:
    assert problems() == []
    assert problems(**DURATION, target={"at_most": "4 hours", "warning_at": "3 hours"}) == []
    assert problems(target=None, goal=GOAL) == []
    assert problems(target=None, target_set_by_user=True) == []


@pytest.mark.parametrize(
    ("changes", "letter", "place", "message"),
    [
        ({"says": "Decided ones."}, "S", ("says",), "name what is counted, over what, and at which fact's time"),
        ({"says": "A good long wording here", "wording": "A good long wording here"}, "S", ("says",), "say what is counted"),
        ({"unit": "ratio"}, "M", ("unit",), "a count is not measured in ratio: write count"),
        ({"measure": SUM, "unit": "ratio"}, "M", ("unit",), "write amount_minor or count"),
        ({"target": None}, "A", ("target",), "give one, a goal, or target_set_by_user: true"),
        ({"target": {"window": "30d", "at_least": 5}},
         "A", ("target", "warning_at"), "say where a value is still on target, but near its end"),
        ({"target": {"window": "30d", "at_most": "4 hours", "warning_at": 1}},
         "A", ("target", "at_most"), "rule measures none: write a number"),
        ({"target": {"window": "30d", "at_most": 5, "warning_at": "1 day"}},
         "A", ("target", "warning_at"), "rule measures none: write a number"),
        (DURATION | {"target": {"at_most": "4 hous", "warning_at": "3 hours"}}, "A", ("target", "at_most"), NO_LENGTH),
        (DURATION | {"target": {"at_most": "4 hours", "warning_at": "3 hous"}}, "A", ("target", "warning_at"), NO_LENGTH),
        (DURATION | {"target": {"at_most": "4 hours", "warning_at": "5 hours"}}, "A", ("target", "warning_at"), "off the target"),
        ({"target": {"window": "30d", "at_least": 5, "warning_at": 4}},
         "A", ("target", "warning_at"), "write a value that is still on it"),
        ({"target": {"window": "30d", "at_least": 5, "at_most": 8, "warning_at": 9}},
         "A", ("target", "warning_at"), "is off the target"),
        ({"target": {"at_least": 5, "warning_at": 7}}, "T", ("target", "window"), "has more, so name the one that is meant"),
        ({"windows": ["7d"]}, "T", ("target", "window"), "is 30d: must be one of the rule's windows"),
        (DURATION | {"target": {"at_least": 3600, "warning_at": 7200}},
         "A", ("target", "at_most"), "is missing: a duration is judged by its longest length"),
        (DURATION | {"target": {"at_most": -4, "warning_at": 1}},
         "A", ("target", "at_most"), "is -4: a length of time is not below 0"),
        (DURATION | {"target": {"at_most": "4 hours", "warning_at": "240 minutes"}},
         "A", ("target", "warning_at"), "is the end of the target itself: it would never warn"),
        ({"target": {"window": "30d", "at_least": 8, "at_most": 5, "warning_at": 5}},
         "A", ("target", "at_least"), "is above at_most: no value could be on target"),
        (RATIO | {"target": {"at_least": 85, "warning_at": 0.9}},
         "A", ("target", "at_least"), "is 85: a ratio is a share, 85 % is 0.85"),
        (CONVERSION | {"target": {"at_least": 0.2, "warning_at": 1.01}},
         "A", ("target", "warning_at"), "is 1.01: a ratio is a share"),
        ({"target_set_by_user": True}, "A", ("target_set_by_user",), "contradicts the target"),
        ({"target": [GOOD["target"], {"at_least": 6, "window": "30d", "valid_from": "2026-04-01"}]},
         "A", ("target", 1, "warning_at"), "has no warning level"),
        (DURATION | {"target": [{"at_most": "4 hous", "warning_at": 1},
                                {"at_most": 2, "warning_at": 1, "valid_from": "2026-04-01"}]},
         "A", ("target", 0, "at_most"), NO_LENGTH),
        ({"target": [GOOD["target"], {"at_least": 6, "warning_at": 7, "valid_from": "2026-04-01"}]},
         "T", ("target", 1, "window"), "has more, so name the one that is meant"),
        ({"windows": ["7d", "30d"], "officers_in_metrics": ["7d", "90d"]},
         "T", ("officers_in_metrics", 1), "is 90d: must be one of the rule's windows"),
        ({"relevant": None}, "R", ("relevant",), "one sentence is enough"),
        ({"goal": GOAL | {"due": "2026-01-01"}}, "T", ("goal", "due"), "is 2026-01-01, not after its start 2026-01-01"),
        ({"goal": {n: v for n, v in GOAL.items() if n != "from"}}, "T", ("goal", "from"), "write the value at its start"),
        ({"goal": {n: v for n, v in GOAL.items() if n != "to"}}, "T", ("goal", "to"), "needs exactly one of to and change"),
        ({"goal": GOAL | {"change": 0.5}}, "T", ("goal", "to"), "needs exactly one of to and change"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_by_its_letter_and_how_to_mend_it(
    changes: dict[str, Any], letter: str, place: tuple[int | str, ...], message: str
) -> None:
    (problem,) = problems(**changes)
    assert (problem.letter, problem.place) == (letter, place)
    assert message in problem.message


def test_all_that_is_missing_is_named_at_once() -> None:
    found = problems(says="Too short.", unit="score", target=None, relevant=None, goal=GOAL | {"change": 1.0})
    assert [problem.letter for problem in found] == ["S", "M", "R", "T"]


def test_a_sub_measure_stands_in_its_kpi_s_relevance_and_may_do_without_a_target() -> None:
    assert problems(id="mine.half", relevant=None, target=None) == []


def test_a_target_of_exactly_nothing_cannot_warn() -> None:
    assert problems(target={"at_most": 0}) == []
