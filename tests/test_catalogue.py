"""The packaged rules are the catalogue: every KPI and sub-measure, its wording, kind, anchor, groups and default target.

The tables are typed from the catalogue's text, not made from the rules.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from kpi_rules.measures import ConversionMeasure, DurationMeasure, LevelMeasure, RatioMeasure
from kpi_rules.model import ALL_WINDOWS, Rule
from schemas.registry import EVENT_TYPES
from streams.runtime.rulebook import read_rules
from tests.engine import catalogue


class Row(NamedTuple):
    """A KPI as the catalogue has it; the anchor by the event's name."""

    kra: str
    id: str
    wording: str
    kind: str
    anchor: str
    by: str
    target: str


DECISION, SUBMISSION, FUNDING = "application.decided", "application.submitted", "loan.funded"
SETTLEMENT = "settlement"
LENDING, STAFF = "lending", "staff"
CURRENCY = "lending + currency"

TABLE = """
## customer_relationship
client_satisfaction | Client satisfaction rating | mean | satisfaction.rated | lending | ≥ 4.6
repeat_clients | Number of repeat clients | distinct | loan.funded | lending | goal
response_time | Response time to client queries | duration | query.answered | lending | ≤ 4 hours
referral_rate | Client referral rate | ratio | lead.created | lending | ≥ 0.25
## application_processing
approval_rate | Loan approval rate | ratio | application.decided | lending | 0.70 to 0.85
turnaround_time | Turnaround time for application processing | duration | application.decided | lending | ≤ 5 business days
processing_error_rate | Error rate in application processing | ratio | application.decided | lending | ≤ 0.02
documentation_completeness | Documentation completeness | ratio | application.submitted | lending | ≥ 0.95
## risk
default_rate | Default rate on loans | ratio | loan.default | lending | ≤ 0.02
risk_assessment_accuracy | Risk assessment accuracy | ratio | loan.matured | lending | ≥ 0.9
lending_compliance | Compliance with lending regulations | ratio | compliance.checked | lending | ≥ 0.98
portfolio_at_risk | Portfolio risk analysis | level | loan.book | lending + currency | ≤ 0.05
## product_knowledge
knowledge_score | Knowledge test scores on loan products | mean | knowledge.tested | staff | ≥ 0.85
market_forecast_accuracy | Market trend analysis accuracy | ratio | forecast.resolved | staff | ≥ 0.75
new_product_adoption | Client adoption rate for new loan products | conversion | settlement | lending | ≥ 0.15
recommendation_feedback | Feedback on product recommendations | mean | recommendation.rated | lending | ≥ 4.2
## sales
sales_volume_growth | Sales volume growth | growth | loan.funded | lending + currency | ≥ 0.05
lead_conversion | Conversion rate of leads to loans | conversion | settlement | lending | ≥ 0.2
average_loan_amount | Average loan amount per client | per_client | loan.funded | lending + currency | set by the user
loan_revenue | Revenue generated from loan sales | sum | loan.funded | lending + currency | set by the user
## compliance
audit_score | Regulatory audit results | mean | audit.completed | staff | ≥ 0.9
compliance_violations | Number of compliance violations | count | violation.recorded | staff | ≤ 0
regulatory_training_completion | Training completion on regulations | conversion | settlement | staff | ≥ 0.9
regulatory_updates_implemented | Updates on regulatory changes implemented | conversion | settlement | staff | ≥ 0.95
## team
collaboration_feedback | Feedback from team members on collaboration | mean | peer.rated | staff | ≥ 4.2
team_response_time | Response time to team requests | duration | team_request.answered | staff | ≤ 8 hours
training_sessions_conducted | Training sessions conducted for team members | count | training_session.conducted | staff | ≥ 1 in 30d
team_productivity | Team productivity in loan processing | per_head | application.decided | staff | set by the user
## reporting
report_accuracy | Accuracy of performance reports | ratio | report.published | staff | ≥ 0.98
improvement_initiatives | Improvement initiatives based on analysis | count | initiative.launched | staff | ≥ 1 in 90d
stakeholder_feedback | Feedback from stakeholders on reports | mean | stakeholder.rated | staff | ≥ 4.2
recommendations_implemented | Implementation of performance recommendations | conversion | settlement | staff | ≥ 0.6
## development
training_completion | Training completion rate | conversion | settlement | staff | ≥ 0.9
certifications_obtained | Certifications obtained in lending practices | count | certification.obtained | staff | ≥ 1 in 180d
training_feedback | Feedback from training sessions attended | mean | training.completed | staff | ≥ 4.2
skills_applied | Application of new skills in daily tasks | ratio | skill.assessed | staff | ≥ 0.7
## customer_feedback
net_promoter_score | Net Promoter Score (NPS) | mean | nps.answered | lending | ≥ 50
customer_retention | Customer retention rate | conversion | settlement | lending | ≥ 0.3
complaint_resolution_time | Resolution time for customer complaints | duration | complaint.closed | lending | ≤ 5 business days
testimonials | Client testimonials and reviews | count | review.posted | lending | ≥ 5 in 30d
"""  # noqa: E501  # a row of the catalogue is a row here


def rows(text: str) -> Iterator[Row]:
    kra = ""
    for line in text.strip().splitlines():
        if line.startswith("## "):
            kra = line[3:]
        else:
            yield Row(kra, *line.split(" | "))


KPIS = list(rows(TABLE))

SUB_MEASURES = {
    "approval_rate.of_submitted": ("ratio", SUBMISSION, LENDING),
    "default_rate.by_balance": ("ratio", "loan.default", CURRENCY),
    "risk_assessment_accuracy.brier": ("ratio", "loan.matured", LENDING),
    "portfolio_at_risk.par60": ("level", "loan.book", CURRENCY),
    "portfolio_at_risk.par90": ("level", "loan.book", CURRENCY),
    "portfolio_at_risk.expected_loss": ("level", "loan.book", CURRENCY),
    "compliance_violations.by_severity": ("count", "violation.recorded", "staff + severity"),
    "complaint_resolution_time.over_limit": ("ratio", "complaint.closed", LENDING),
    "testimonials.stars": ("mean", "review.posted", LENDING),
}
"""Kind, anchor, groups."""

CHANCES = {
    "new_product_adoption": ("product.offered", FUNDING, "90 days"),
    "lead_conversion": ("lead.created", FUNDING, "60 days"),
    "regulatory_training_completion": ("training.assigned", "training.completed", "due_at"),
    "regulatory_updates_implemented": ("regulation.issued", "regulation.implemented", "due_at"),
    "recommendations_implemented": ("recommendation.made", "recommendation.implemented", "90 days"),
    "training_completion": ("training.assigned", "training.completed", "due_at"),
    "customer_retention": ("loan.paid_off", FUNDING, "90 days"),
}
"""Conversions: what opens the chance, what wins it, by when."""

DURATIONS = {
    "response_time": ("query.received", ()),
    "turnaround_time": (
        SUBMISSION,
        (("documents.requested", "documents.received"), ("application.held", "application.resumed")),
    ),
    "team_response_time": ("team_request.received", ()),
    "complaint_resolution_time": ("complaint.opened", ()),
}
"""What the clock runs from, and what stops it."""

GOALS = {
    "client_satisfaction": {"start_value": 4.2, "end_value": 4.6},
    "repeat_clients": {"change": 0.3},
    "response_time": {"change": -0.5},
    "referral_rate": {"change": 1.0},
}

RULES = {rule.id: rule for rule in catalogue()}


def anchor_of(rule: Rule) -> str:
    measure = rule.measure
    if isinstance(measure, ConversionMeasure):
        return SETTLEMENT
    return measure.of if isinstance(measure, LevelMeasure) else measure.anchor


def groups_of(rule: Rule) -> str:
    return f"{rule.by} + {rule.split}" if rule.split else rule.by


def target_of(rule: Rule) -> str:
    """The default target as the catalogue writes it."""
    if not rule.targets:
        return "set by the user" if rule.target_set_by_user else "goal" if rule.goal else "none"
    (target,) = rule.targets
    least, most, window = target.at_least, target.at_most, target.window
    if least is not None and most is not None:
        return f"{least:.2f} to {most:.2f}"
    return (f"≤ {most}" if least is None else f"≥ {least}") + (f" in {window}" if window else "")


def test_there_are_forty_kpis_in_ten_areas_of_four_and_nine_sub_measures() -> None:
    assert len(KPIS) == 40
    assert {[row.kra for row in KPIS].count(kra) for kra in {row.kra for row in KPIS}} == {4}
    assert len(SUB_MEASURES) == 9
    assert set(RULES) == {row.id for row in KPIS} | set(SUB_MEASURES)


def test_each_area_is_a_file_of_its_name_with_its_kpis_in_the_catalogues_order() -> None:
    for loaded in read_rules(None):
        kra = loaded.content.kra
        assert loaded.name == f"{kra}.yaml"
        listed = [rule.id for rule in loaded.content.rules if "." not in rule.id]
        assert listed == [row.id for row in KPIS if row.kra == kra]


@pytest.mark.parametrize("row", KPIS, ids=lambda row: row.id)
def test_each_kpi_is_as_the_catalogue_has_it(row: Row) -> None:
    rule = RULES[row.id]
    assert (rule.wording, rule.measure.kind) == (row.wording, row.kind)
    assert (anchor_of(rule), groups_of(rule)) == (row.anchor, row.by)
    assert tuple(rule.windows) == ALL_WINDOWS
    assert target_of(rule) == row.target


def test_turnaround_warns_at_three_quarters_of_its_target() -> None:
    (target,) = RULES["turnaround_time"].targets
    assert (target.at_most, target.warning_at) == ("5 business days", "3.75 business days")


@pytest.mark.parametrize("kpi", SUB_MEASURES)
def test_each_sub_measure_is_as_the_catalogue_has_it(kpi: str) -> None:
    rule = RULES[kpi]
    assert (rule.measure.kind, anchor_of(rule), groups_of(rule)) == SUB_MEASURES[kpi]
    assert rule.wording.startswith(RULES[kpi.partition(".")[0]].wording)


@pytest.mark.parametrize("kpi", CHANCES)
def test_each_conversion_has_the_catalogues_opening_success_and_deadline(kpi: str) -> None:
    measure = RULES[kpi].measure
    assert isinstance(measure, ConversionMeasure)
    assert (measure.opening, measure.success, measure.within or measure.due) == CHANCES[kpi]


def test_every_conversion_is_listed() -> None:
    assert set(CHANCES) == {row.id for row in KPIS if row.anchor == SETTLEMENT}


@pytest.mark.parametrize("kpi", DURATIONS)
def test_each_duration_runs_in_business_time_from_the_catalogues_fact_less_its_pauses(kpi: str) -> None:
    measure = RULES[kpi].measure
    assert isinstance(measure, DurationMeasure)
    since, pauses = DURATIONS[kpi]
    assert (measure.clock, measure.since) == ("business", since)
    assert tuple((pause.start, pause.end) for pause in measure.pauses) == pauses


def test_every_duration_is_listed() -> None:
    assert set(DURATIONS) == {row.id for row in KPIS if row.kind == "duration"}


@pytest.mark.parametrize("kpi", GOALS)
def test_each_goal_is_as_the_catalogue_has_it(kpi: str) -> None:
    goal = RULES[kpi].goal
    assert goal is not None
    assert {name: getattr(goal, name) for name in GOALS[kpi]} == GOALS[kpi]
    assert goal.start_value is not None


def test_no_other_kpi_has_a_goal() -> None:
    assert {rule.id for rule in RULES.values() if rule.goal is not None} == set(GOALS)


def test_the_hard_limit_of_a_complaint_is_eight_weeks_of_plain_time() -> None:
    measure = RULES["complaint_resolution_time.over_limit"].measure
    assert isinstance(measure, RatioMeasure)
    assert (measure.since, measure.elapsed_more_than) == ("complaint.opened", "8 weeks")


def test_every_event_type_is_read_by_some_rule() -> None:
    """What lenders are asked to send is asked for."""
    text = "".join(str(rule.model_dump(mode="json", by_alias=True)) for rule in RULES.values())
    derived = ("loan.status_reported", "loan.defaulted", "complaint.resolved", "complaint.reopened")
    unread = {name for name in EVENT_TYPES if name not in text} - set(derived)
    assert unread == {"application.assigned"}, "which is read by every rule of a loan: it says whose it is"
