"""A preview's table names those first whose value changes; of a new rule, those with most behind them."""

from collections.abc import Mapping

from loanpulse.cli.preview_tables import tables
from loanpulse.rules.preview import Figure, Preview, Row
from loanpulse.serve.verdict import State
from tests.engine import catalogue

KPI = "approval_rate"
RULE = next(rule for rule in catalogue() if rule.id == KPI)


def figure(value: float, n: int) -> Figure:
    return Figure(value, n, 0, n, State.ON_TARGET)


def row(officer: str, before: Figure | None, after: Figure | None) -> Row:
    return Row(KPI, "30d", {"officer": officer}, before, after)


def named(before: Mapping[str, object], *rows: Row) -> list[str]:
    """The officers in the order of the table."""
    rules = {KPI: RULE} if before else {}
    (shown,) = tables(Preview(rules, {KPI: RULE}, rows, 1, 0), "officer", 10)
    return [str(cell).split()[0] for cell in shown.columns[0].cells]


def test_of_a_changed_rule_those_that_change_most_come_first() -> None:
    rows = [
        row("o-1", figure(0.5, 90), figure(0.51, 90)),
        row("o-2", figure(0.5, 10), figure(0.9, 10)),
    ]
    assert named({KPI: RULE}, *rows) == ["o-2", "o-1"]


def test_of_a_new_rule_those_with_most_behind_them_come_first() -> None:
    assert named({}, row("o-1", None, figure(1.0, 1)), row("o-2", None, figure(0.2, 90))) == ["o-2", "o-1"]
