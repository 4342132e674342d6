"""When a KPI off target alerts: what a rule may say of it, and which window is meant."""

from typing import Any

import pytest

from kpi_rules.differences import differences
from kpi_rules.lengths import PLAIN_UNITS
from kpi_rules.lint import lint
from kpi_rules.loader import load
from kpi_rules.model import Rule
from kpi_rules.organisation import Organisation
from streams.calculus.program import Program
from tests.engine import catalogue
from tests.test_rules_loader import refused, with_
from tests.test_rules_schema import marked
from tests.test_rules_smart import GOOD, problems

MEAN: dict[str, Any] = {
    "unit": "score",
    "measure": {"kind": "mean", "anchor": "nps.answered", "points": "score"},
    "target": {"at_least": 5, "warning_at": 6},
}
LEVEL: dict[str, Any] = {
    "unit": "ratio",
    "measure": {"kind": "level", "of": "loan.book", "part": {}, "whole": {}},
    "target": {"at_least": 0.1, "warning_at": 0.2},
}


def rule(**said: Any) -> Rule:
    return Rule.model_validate(GOOD | said)


def window(meant: str | None = None, **said: Any) -> str | None:
    return rule(**said).alert_window(meant)


@pytest.mark.parametrize(
    ("said", "meant", "wanted"),
    [
        ({}, None, "24h"),
        ({}, "30d", "30d"),
        ({"alert": {"window": "7d"}}, None, "7d"),
        ({"alert": {"window": "7d"}}, "30d", "7d"),
        ({"windows": ["90d", "7d", "month"]}, None, "7d"),
        ({"windows": ["month", "today"]}, None, "today"),
        ({"alert": {"window": "1h"}, "windows": ["30d", "7d"]}, None, "7d"),
        ({"alert": None}, None, None),
        (LEVEL, None, "now"),
        (LEVEL | {"alert": None}, None, None),
    ],
)
def test_the_window_is_the_rule_s_the_target_s_a_day_or_the_shortest(
    said: dict[str, Any], meant: str | None, wanted: str | None
) -> None:
    assert window(meant, **said) == wanted


def test_left_out_a_rule_alerts_after_a_quarter_of_an_hour() -> None:
    alert = rule().alert
    assert alert is not None
    assert (alert.window, alert.held) == (None, "15 minutes")


@pytest.mark.parametrize(
    ("alert", "message"),
    [
        ("{for: soon}", "alert.for: 'soon' is not a length of time: write e.g. 4 hours"),
        ("{for: 2 business days}", "alert.for: '2 business days' is business time, but alerts wait in plain time"),
        ("{for: 15}", "alert.for: '15': must be a text"),
        ("{window: 2h}", "alert.window: '2h': must be '1h', '24h', '7d'"),
        ("{windw: 24h}", "alert.windw: is not known here: did you mean 'window'?"),
        ("never", "alert: 'never': must be a mapping"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused_with_its_place(alert: str, message: str) -> None:
    line, _, rest = refused(with_("by: lending", f"by: lending\n    alert: {alert}")).partition(": ")
    assert rest.startswith(f"rules[0].{message}")
    assert line == "9"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (MEAN | {"windows": ["7d"], "alert": {"window": "24h"}}, "is 24h: must be one of the rule's windows"),
        (LEVEL | {"alert": {"window": "24h"}}, "is 24h, but a level stands as of now: leave it out"),
        ({"alert": {"window": "24h"}}, "is 24h, but the target is meant for 30d only: leave it out"),
    ],
)
def test_a_window_that_never_alerts_is_a_problem(said: dict[str, Any], message: str) -> None:
    (problem,) = problems(**said)
    assert problem == ("T", ("alert", "window"), message)


@pytest.mark.parametrize(
    "said",
    [
        {"alert": {"window": "30d", "for": "2 days"}},
        {"alert": None},
        {"target": None, "target_set_by_user": True, "alert": {"window": "7d"}},
        LEVEL | {"alert": {"for": "1 h"}},
    ],
)
def test_other_alerts_are_none_also_without_a_target(said: dict[str, Any]) -> None:
    assert problems(**said) == []


@pytest.mark.parametrize("unit", PLAIN_UNITS)
def test_editors_take_what_the_loader_takes(unit: str) -> None:
    text = with_("by: lending", f"by: lending\n    alert: {{window: 7d, for: 3 {unit}}}")
    load("own.yaml", text)
    assert marked(text) == set()


@pytest.mark.parametrize("alert", ["{for: 2 business days}", "{for: soon}", "{window: 2h}", "{held: 1 hour}"])
def test_editors_mark_what_the_loader_refuses(alert: str) -> None:
    assert marked(with_("by: lending", f"by: lending\n    alert: {alert}"))


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        ({}, "when off target for 15 minutes"),
        ({"window": "7d", "for": "1 hour"}, "when off target in 7d for 1 hour"),
        (None, "never"),
    ],
)
def test_what_differs_is_told_in_words(alert: dict[str, Any] | None, words: str) -> None:
    found = differences([], [rule(alert=alert)])
    assert {change.what: change.after for change in found[0].changes}["alerts"] == words


def test_another_alert_counts_nothing_anew() -> None:
    one, other = (Program([rule(alert=alert)], Organisation()) for alert in ({"for": "1 hour"}, None))
    assert one.digest == other.digest
    (difference,) = differences(one.rules, other.rules)
    assert not difference.recounts


def test_each_kpi_of_the_catalogue_with_a_target_has_a_window_that_its_target_is_meant_for() -> None:
    for one in catalogue():
        for target in one.targets:
            found = one.alert_window(target.window)
            assert found in (*one.windows, "now")
            assert target.window in (None, found)
        assert [problem for problem in lint(one) if problem.place[0] == "alert"] == []
