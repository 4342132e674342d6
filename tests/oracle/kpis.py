"""The forty KPIs and their sub-measures: kind, dimensions and split of each."""

from typing import NamedTuple

LENDING = ("officer", "branch", "product", "channel")
STAFF = ("officer", "branch")


class Kpi(NamedTuple):
    """`average`: average_loan_amount (sum / distinct); `flow_and_stock`: default_rate; else as catalogued."""

    kind: str
    by: tuple[str, ...] = LENDING
    split: str | None = None


KPIS: dict[str, Kpi] = {
    "client_satisfaction": Kpi("mean"),
    "repeat_clients": Kpi("distinct"),
    "response_time": Kpi("duration"),
    "referral_rate": Kpi("ratio"),
    "approval_rate": Kpi("ratio"),
    "approval_rate.of_submitted": Kpi("ratio"),
    "turnaround_time": Kpi("duration"),
    "processing_error_rate": Kpi("ratio"),
    "documentation_completeness": Kpi("ratio"),
    "default_rate": Kpi("flow_and_stock"),
    "default_rate.by_balance": Kpi("flow_and_stock", split="currency"),
    "risk_assessment_accuracy": Kpi("ratio"),
    "risk_assessment_accuracy.brier": Kpi("ratio"),
    "lending_compliance": Kpi("ratio"),
    "portfolio_at_risk": Kpi("level", split="currency"),
    "portfolio_at_risk.par60": Kpi("level", split="currency"),
    "portfolio_at_risk.par90": Kpi("level", split="currency"),
    "portfolio_at_risk.expected_loss": Kpi("level", split="currency"),
    "knowledge_score": Kpi("mean", STAFF),
    "market_forecast_accuracy": Kpi("ratio", STAFF),
    "new_product_adoption": Kpi("conversion"),
    "recommendation_feedback": Kpi("mean"),
    "sales_volume_growth": Kpi("growth", split="currency"),
    "lead_conversion": Kpi("conversion"),
    "average_loan_amount": Kpi("average", split="currency"),
    "loan_revenue": Kpi("sum", split="currency"),
    "audit_score": Kpi("mean", STAFF),
    "compliance_violations": Kpi("count", STAFF),
    "compliance_violations.by_severity": Kpi("count", STAFF, "severity"),
    "regulatory_training_completion": Kpi("conversion", STAFF),
    "regulatory_updates_implemented": Kpi("conversion", STAFF),
    "collaboration_feedback": Kpi("mean", STAFF),
    "team_response_time": Kpi("duration", STAFF),
    "training_sessions_conducted": Kpi("count", STAFF),
    "team_productivity": Kpi("per_head", STAFF),
    "report_accuracy": Kpi("ratio", STAFF),
    "improvement_initiatives": Kpi("count", STAFF),
    "stakeholder_feedback": Kpi("mean", STAFF),
    "recommendations_implemented": Kpi("conversion", STAFF),
    "training_completion": Kpi("conversion", STAFF),
    "certifications_obtained": Kpi("count", STAFF),
    "training_feedback": Kpi("mean", STAFF),
    "skills_applied": Kpi("ratio", STAFF),
    "net_promoter_score": Kpi("mean"),
    "customer_retention": Kpi("conversion"),
    "complaint_resolution_time": Kpi("duration"),
    "complaint_resolution_time.over_limit": Kpi("ratio"),
    "testimonials": Kpi("count"),
    "testimonials.stars": Kpi("mean"),
}


def chosen(kpis: frozenset[str] | None) -> list[str]:
    """The ids asked for, a KPI with its sub-measures; None: all of them. KeyError for an unknown one."""
    if kpis is None:
        return list(KPIS)
    unknown = kpis - set(KPIS)
    if unknown:
        raise KeyError(f"no such KPI: {sorted(unknown)}")
    return [kpi for kpi in KPIS if kpi in kpis or kpi.split(".")[0] in kpis]
