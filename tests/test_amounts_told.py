"""What is counted is told as a number and what is summed as money, also where each currency has a figure of its own."""

import pytest

from loanpulse.rules.phrases import currencies
from tests.engine import catalogue, rules_of

OF_CURRENCY = {
    "portfolio_at_risk": ("EUR", "EUR"),
    "portfolio_at_risk.expected_loss": ("EUR", "EUR"),
    "sales_volume_growth": ("EUR", "EUR"),
    "loan_revenue": ("EUR", "EUR"),
    "average_loan_amount": ("EUR", ""),
    "approval_rate": ("", ""),
    "turnaround_time": ("", ""),
}


@pytest.mark.parametrize("kpi", OF_CURRENCY)
def test_sums_of_money_have_a_currency(kpi: str) -> None:
    (rule,) = (rule for rule in catalogue() if rule.id == kpi)
    assert currencies(rule, "EUR" if rule.split else "") == OF_CURRENCY[kpi]


@pytest.mark.parametrize(
    "measure",
    [
        "{kind: ratio, anchor: loan.funded, split: currency, numerator: {where: {channel: broker}}}",
        "{kind: count, anchor: loan.funded, split: currency}",
        "{kind: duration, since: application.decided, anchor: loan.funded, split: currency, clock: business}",
    ],
)
def test_what_is_counted_by_currency_is_no_money(measure: str) -> None:
    (rule,) = rules_of(measure)
    assert currencies(rule, "EUR") == ("", "")
