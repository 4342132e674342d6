"""Whose an observation is: officer, branch, product and channel, each found by itself (EVENTS.md)."""

from typing import NamedTuple

from tests.oracle.facts import UNASSIGNED, Case, Statement

CARRIERS = ("application.submitted", "application.assigned", "loan.funded")
OPENING = {
    "lead": "lead.created",
    "offer": "product.offered",
    "loan": "application.submitted",
    "query": "query.received",
    "complaint": "complaint.opened",
    "training": "training.assigned",
    "regulation": "regulation.issued",
    "team_request": "team_request.received",
    "report": "report.published",
    "recommendation": "recommendation.made",
}


class Group(NamedTuple):
    officer: str
    branch: str
    product: str
    channel: str


FIELDS = Group("officer_id", "branch_id", "product", "channel")


def _carriers(case: Case, until: int) -> list[Statement]:
    """The loan's carriers with time ≤ until, the latest first."""
    if case.id.kind != "loan":
        return []
    found = [s for name in CARRIERS for s in case.all(name) if s.time <= until]
    return sorted(found, key=lambda s: (s.time, s.source, s.id, s.type), reverse=True)


def _attribute(case: Case, anchor: list[Statement], until: int) -> Group:
    opening = case.one(OPENING.get(case.id.kind, ""))
    speakers = [*anchor, *_carriers(case, until), *([opening] if opening else [])]

    def named(field: str) -> str:
        return next((s.says(field) for s in speakers if s.says(field) is not None), UNASSIGNED)

    return Group(*(named(field) for field in FIELDS))


def group_of(case: Case, anchor: Statement) -> Group:
    """Rules 1 to 4, of an observation with an anchor event."""
    return _attribute(case, [anchor], anchor.time)


def group_now(case: Case, as_of_ms: int) -> Group:
    """Rules 2 to 4, of a level, which has no anchor event."""
    return _attribute(case, [], as_of_ms)
