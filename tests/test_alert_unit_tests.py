"""promtool on the generated rules: their unit tests pass, every alert has one, and a changed rule fails them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from loanpulse.deploy.installation import Installation, span
from tests.alert_lab import ALERTS, COMMITTED, FILES, NAMES, first_of, of, rules_of, run, small_tree, tree


def test_promtool_finds_nothing_wrong_with_the_rules(promtool: Path) -> None:
    code, said = run(promtool, "check", "rules", *(COMMITTED / "rules" / name for name in FILES))
    assert (code, said.count("SUCCESS")) == (0, len(FILES)), said
    code, said = run(promtool, "check", "config", COMMITTED / "prometheus.yml")
    assert code == 0, said


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_committed_unit_tests_pass(name: str, promtool: Path) -> None:
    code, said = run(promtool, "test", "rules", COMMITTED / "tests" / name)
    assert code == 0, said


@pytest.mark.parametrize("name", FILES)
def test_every_alert_has_a_unit_test_that_it_waits_fires_and_resolves(name: str) -> None:
    (group,) = yaml.safe_load((COMMITTED / "rules" / name).read_text())["groups"]
    tests = yaml.safe_load((COMMITTED / "tests" / name).read_text())["tests"]
    stories = [[(m["alertname"], m["exp_alerts"]) for m in test["alert_rule_test"]] for test in tests]
    for rule in (rule for rule in group["rules"] if "alert" in rule):
        fired = [
            story
            for story in stories
            if any(
                of == rule["alert"] and rule["labels"].items() <= alert["exp_labels"].items()
                for of, alerts in story
                for alert in alerts
            )
        ]
        assert fired, rule
        for story in fired:
            assert story[0][1] == story[-1][1] == [], rule
    for alert in ALERTS:
        assert alert.quiet, alert.name


@pytest.mark.slow
def test_a_rule_of_ones_own_with_any_words_and_another_stale_limit_passes_its_unit_tests(
    promtool: Path, tmp_path: Path
) -> None:
    book = of("    target: {at_least: 1, at_most: 4 hours, warning_at: 3 hours}\n")
    tree(tmp_path, book, Installation(stale_seconds=37, link_base="https://pulse.example"))
    for name in FILES:
        code, said = run(promtool, "test", "rules", tmp_path / "tests" / name)
        assert code == 0, said


def flipped(expr: str) -> str:
    """The first comparison the other way round, as a slip would have it."""
    if expr.startswith("absent("):
        return expr.removeprefix("absent(").removesuffix(")")
    other = {"==": "!=", ">": "<", ">=": "<"}
    return re.sub(r"(?<= )(==|>=|>)(?= )", lambda found: other[found[1]], expr, count=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_changed_rule_fails_its_unit_tests(name: str, promtool: Path, tmp_path: Path) -> None:
    group, alert = first_of(name)
    (rule,) = [rule for rule in rules_of(group) if rule["alert"] == name][:1]
    code, said = run(promtool, "test", "rules", small_tree(tmp_path / "same", name))
    assert code == 0, said
    changes: dict[str, dict[str, Any]] = {
        "expr": {"expr": flipped(alert.expr)},
        "longer": {"for": span(alert.held_seconds + 60)},
        "severity": {"labels": rule["labels"] | {"severity": "info"}},
        "words": {"annotations": rule["annotations"] | {"summary": "trouble"}},
        "gone": {"alert": "SomethingElse"},
    }
    if alert.held_seconds:
        changes["shorter"] = {"for": span(alert.held_seconds - 60)}
    if alert.kept_seconds:
        changes["kept"] = {"keep_firing_for": span(alert.kept_seconds - 60)}
    for what, change in changes.items():
        code, said = run(promtool, "test", "rules", small_tree(tmp_path / what, name, **change))
        assert code == 1, f"{what}: {change}\n{said}"
