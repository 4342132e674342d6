"""Observations of one case each: what clients answered, and everything of staff-activity."""

from collections.abc import Callable, Iterator

from tests.oracle.attribution import group_of
from tests.oracle.facts import Case, Statement, time_ms
from tests.oracle.observe import (
    Cases,
    Observation,
    Settings,
    conversion,
    days_ms,
    duration,
    facts_of,
    of_kind,
)

HARD_LIMIT_MS = days_ms(8 * 7)

# KPI: kind of case, type of the anchor, field, scale
MEANS = {
    "client_satisfaction": ("satisfaction", "satisfaction.rated", "score", 1),
    "recommendation_feedback": ("recommendation_rating", "recommendation.rated", "score", 1),
    "testimonials.stars": ("review", "review.posted", "stars", 1),
    "knowledge_score": ("knowledge", "knowledge.tested", "score", 100),
    "audit_score": ("audit", "audit.completed", "score", 100),
    "collaboration_feedback": ("peer_rating", "peer.rated", "score", 1),
    "stakeholder_feedback": ("stakeholder_rating", "stakeholder.rated", "score", 1),
    "training_feedback": ("training", "training.completed", "rating", 1),
}
SHARES = {
    "market_forecast_accuracy": ("forecast", "forecast.resolved", "accurate"),
    "skills_applied": ("skill", "skill.assessed", "applied"),
}
COUNTS = {
    "testimonials": ("review", "review.posted", None),
    "compliance_violations": ("violation", "violation.recorded", None),
    "compliance_violations.by_severity": ("violation", "violation.recorded", "severity"),
    "training_sessions_conducted": ("training_session", "training_session.conducted", None),
    "improvement_initiatives": ("initiative", "initiative.launched", None),
    "certifications_obtained": ("certification", "certification.obtained", None),
}
RESPONSES = {
    "response_time": ("query", "query.received", "query.answered"),
    "team_response_time": ("team_request", "team_request.received", "team_request.answered"),
}


def answers(cases: Cases) -> Iterator[Observation]:
    """Means, shares and counts: one fact, one observation."""
    for kpi, (kind, name, field, scale) in MEANS.items():
        for case, fact in facts_of(cases, kind, name):
            points = fact.says(field)
            if points is not None:
                yield Observation(kpi, fact.time, group_of(case, fact), points, scale)
    for kpi, (kind, name, field) in SHARES.items():
        for case, fact in facts_of(cases, kind, name):
            yield Observation(kpi, fact.time, group_of(case, fact), int(fact.data[field]))
    for kpi, (kind, name, split) in COUNTS.items():
        for case, fact in facts_of(cases, kind, name):
            label = fact.data[split] if split else None
            yield Observation(kpi, fact.time, group_of(case, fact), split=label)
    for case, fact in facts_of(cases, "nps", "nps.answered"):
        score = fact.data["score"]
        points = 100 if score >= 9 else 0 if score >= 7 else -100
        yield Observation("net_promoter_score", fact.time, group_of(case, fact), points)
    for case, fact in facts_of(cases, "report", "report.published"):
        accurate = not case.all("report.corrected")
        yield Observation("report_accuracy", fact.time, group_of(case, fact), int(accurate))


def responses(cases: Cases, settings: Settings) -> Iterator[Observation]:
    for kpi, (kind, asked, answered) in RESPONSES.items():
        for case, answer in facts_of(cases, kind, answered):
            question = case.one(asked)
            if question:
                yield duration(kpi, case, question, answer, settings)


def resolution(case: Case) -> Statement | None:
    """The first resolution after the last reopening, if the complaint is resolved."""
    reopened = max((s.time for s in case.all("complaint.reopened")), default=None)
    after = [s for s in case.all("complaint.resolved") if reopened is None or s.time > reopened]
    return after[0] if after else None


def complaints(cases: Cases, settings: Settings) -> Iterator[Observation]:
    for case in of_kind(cases, "complaint"):
        opened, resolved = case.one("complaint.opened"), resolution(case)
        if opened and resolved:
            observed = duration("complaint_resolution_time", case, opened, resolved, settings)
            yield observed
            over = resolved.time - opened.time > HARD_LIMIT_MS
            yield Observation("complaint_resolution_time.over_limit", observed.at, observed.group, int(over))


def _due(opening: Statement) -> int:
    return time_ms(opening.data["due_at"])


def _in_90_days(opening: Statement) -> int:
    return opening.time + days_ms(90)


def _regulatory(opening: Statement) -> bool:
    return bool(opening.data["regulatory"])


def _any(_: Statement) -> bool:
    return True


Rule = tuple[str, str, str, Callable[[Statement], int], Callable[[Statement], bool]]
CONVERSIONS: dict[str, Rule] = {
    "training_completion": ("training", "training.assigned", "training.completed", _due, _any),
    "regulatory_training_completion": (
        "training",
        "training.assigned",
        "training.completed",
        _due,
        _regulatory,
    ),
    "regulatory_updates_implemented": (
        "regulation",
        "regulation.issued",
        "regulation.implemented",
        _due,
        _any,
    ),
    "recommendations_implemented": (
        "recommendation",
        "recommendation.made",
        "recommendation.implemented",
        _in_90_days,
        _any,
    ),
}


def chances(cases: Cases) -> Iterator[Observation]:
    for kpi, (kind, opening, success, deadline, counts) in CONVERSIONS.items():
        for case, opened in facts_of(cases, kind, opening):
            if counts(opened):
                successes = [s.time for s in case.all(success)]
                yield conversion(kpi, case, opened, successes, deadline(opened))
