"""The whole catalogue: the business's forty KPIs, word for word, and nothing for the lint to say."""

from typing import Any

from kpi_rules.lint import lint
from kpi_rules.model import ALL_WINDOWS, Rule
from streams.runtime.rulebook import read_rules
from tests.engine import catalogue

CATALOGUE = {
    "customer_relationship": {
        "client_satisfaction": "Client satisfaction rating",
        "repeat_clients": "Number of repeat clients",
        "response_time": "Response time to client queries",
        "referral_rate": "Client referral rate",
    },
    "application_processing": {
        "approval_rate": "Loan approval rate",
        "turnaround_time": "Turnaround time for application processing",
        "processing_error_rate": "Error rate in application processing",
        "documentation_completeness": "Documentation completeness",
    },
    "risk": {
        "default_rate": "Default rate on loans",
        "risk_assessment_accuracy": "Risk assessment accuracy",
        "lending_compliance": "Compliance with lending regulations",
        "portfolio_at_risk": "Portfolio risk analysis",
    },
    "product_knowledge": {
        "knowledge_score": "Knowledge test scores on loan products",
        "market_forecast_accuracy": "Market trend analysis accuracy",
        "new_product_adoption": "Client adoption rate for new loan products",
        "recommendation_feedback": "Feedback on product recommendations",
    },
    "sales": {
        "sales_volume_growth": "Sales volume growth",
        "lead_conversion": "Conversion rate of leads to loans",
        "average_loan_amount": "Average loan amount per client",
        "loan_revenue": "Revenue generated from loan sales",
    },
    "compliance": {
        "audit_score": "Regulatory audit results",
        "compliance_violations": "Number of compliance violations",
        "regulatory_training_completion": "Training completion on regulations",
        "regulatory_updates_implemented": "Updates on regulatory changes implemented",
    },
    "team": {
        "collaboration_feedback": "Feedback from team members on collaboration",
        "team_response_time": "Response time to team requests",
        "training_sessions_conducted": "Training sessions conducted for team members",
        "team_productivity": "Team productivity in loan processing",
    },
    "reporting": {
        "report_accuracy": "Accuracy of performance reports",
        "improvement_initiatives": "Improvement initiatives based on analysis",
        "stakeholder_feedback": "Feedback from stakeholders on reports",
        "recommendations_implemented": "Implementation of performance recommendations",
    },
    "development": {
        "training_completion": "Training completion rate",
        "certifications_obtained": "Certifications obtained in lending practices",
        "training_feedback": "Feedback from training sessions attended",
        "skills_applied": "Application of new skills in daily tasks",
    },
    "customer_feedback": {
        "net_promoter_score": "Net Promoter Score (NPS)",
        "customer_retention": "Customer retention rate",
        "complaint_resolution_time": "Resolution time for customer complaints",
        "testimonials": "Client testimonials and reviews",
    },
}
SUB_MEASURES = {
    "approval_rate.of_submitted",
    "default_rate.by_balance",
    "risk_assessment_accuracy.brier",
    "portfolio_at_risk.par60",
    "portfolio_at_risk.par90",
    "portfolio_at_risk.expected_loss",
    "compliance_violations.by_severity",
    "complaint_resolution_time.over_limit",
    "testimonials.stars",
}
KINDS = {
    "count": "compliance_violations training_sessions_conducted improvement_initiatives certifications_obtained "
    "testimonials compliance_violations.by_severity",
    "sum": "loan_revenue",
    "mean": "client_satisfaction knowledge_score recommendation_feedback audit_score collaboration_feedback "
    "stakeholder_feedback training_feedback net_promoter_score testimonials.stars",
    "ratio": "referral_rate approval_rate processing_error_rate documentation_completeness default_rate "
    "risk_assessment_accuracy lending_compliance market_forecast_accuracy report_accuracy skills_applied "
    "approval_rate.of_submitted default_rate.by_balance risk_assessment_accuracy.brier "
    "complaint_resolution_time.over_limit",
    "duration": "response_time turnaround_time team_response_time complaint_resolution_time",
    "conversion": "new_product_adoption lead_conversion regulatory_training_completion customer_retention "
    "regulatory_updates_implemented recommendations_implemented training_completion",
    "distinct": "repeat_clients",
    "per_client": "average_loan_amount",
    "level": "portfolio_at_risk portfolio_at_risk.par60 portfolio_at_risk.par90 portfolio_at_risk.expected_loss",
    "growth": "sales_volume_growth",
    "per_head": "team_productivity",
}
STAFF_AREAS = {"compliance", "team", "reporting", "development"}
STAFF_OF_PRODUCTS = {"knowledge_score", "market_forecast_accuracy"}
TARGETS: dict[str, Any] = {
    "client_satisfaction": (4.6, None), "response_time": (None, "4 hours"), "referral_rate": (0.25, None),
    "approval_rate": (0.70, 0.85), "turnaround_time": (None, "5 business days"), "processing_error_rate": (None, 0.02),
    "documentation_completeness": (0.95, None), "default_rate": (None, 0.02), "risk_assessment_accuracy": (0.90, None),
    "lending_compliance": (0.98, None), "portfolio_at_risk": (None, 0.05), "knowledge_score": (0.85, None),
    "market_forecast_accuracy": (0.75, None), "new_product_adoption": (0.15, None), "recommendation_feedback": (4.2, None),
    "sales_volume_growth": (0.05, None), "lead_conversion": (0.20, None), "audit_score": (0.90, None),
    "compliance_violations": (None, 0), "regulatory_training_completion": (0.90, None),
    "regulatory_updates_implemented": (0.95, None), "collaboration_feedback": (4.2, None),
    "team_response_time": (None, "8 hours"), "training_sessions_conducted": (1, None), "report_accuracy": (0.98, None),
    "improvement_initiatives": (1, None), "stakeholder_feedback": (4.2, None), "recommendations_implemented": (0.60, None),
    "training_completion": (0.90, None), "certifications_obtained": (1, None), "training_feedback": (4.2, None),
    "skills_applied": (0.70, None), "net_promoter_score": (50, None), "customer_retention": (0.30, None),
    "complaint_resolution_time": (None, "5 business days"), "testimonials": (5, None),
}  # fmt: skip
SET_BY_USER = {"average_loan_amount", "loan_revenue", "team_productivity"}


def rules() -> dict[str, Rule]:
    return {rule.id: rule for rule in catalogue()}


def test_the_catalogue_has_the_forty_kpis_in_the_business_s_own_words() -> None:
    found = {
        loaded.content.kra: {rule.id: rule.wording for rule in loaded.content.rules if "." not in rule.id}
        for loaded in read_rules(None)
    }
    assert found == CATALOGUE
    assert sum(map(len, CATALOGUE.values())) == 40


def test_the_catalogue_has_every_sub_measure_and_no_other() -> None:
    assert {name for name in rules() if "." in name} == SUB_MEASURES


def test_every_rule_is_of_the_kind_that_the_catalogue_says() -> None:
    kinds = {name: kind for kind, names in KINDS.items() for name in names.split()}
    assert {rule.id: rule.measure.kind for rule in rules().values()} == kinds


def test_every_rule_breaks_down_as_the_catalogue_says() -> None:
    for kra, kpis in CATALOGUE.items():
        for rule in rules().values():
            parent = rule.id.partition(".")[0]
            if parent in kpis:
                staff = kra in STAFF_AREAS or parent in STAFF_OF_PRODUCTS
                assert rule.by == ("staff" if staff else "lending"), rule.id


def test_every_default_target_is_the_catalogue_s() -> None:
    found = {
        rule.id: (target.at_least, target.at_most) for rule in rules().values() for target in rule.targets
    }
    assert found == TARGETS
    assert {rule.id for rule in rules().values() if rule.target_set_by_user} == SET_BY_USER


def test_goals_are_the_catalogue_s() -> None:
    goals = {rule.id: rule.goal for rule in rules().values() if rule.goal is not None}
    assert {name: (goal.end_value, goal.change) for name, goal in goals.items()} == {
        "client_satisfaction": (4.6, None),
        "repeat_clients": (None, 0.3),
        "response_time": (None, -0.5),
        "referral_rate": (None, 1.0),
    }
    assert goals["client_satisfaction"].start_value == 4.2


def test_every_rule_has_all_windows() -> None:
    assert all(tuple(rule.windows) == ALL_WINDOWS for rule in rules().values())


def test_the_whole_catalogue_is_clean() -> None:
    assert [(rule.id, problem) for rule in rules().values() for problem in lint(rule)] == []
