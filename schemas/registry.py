"""The one table of event types: what each is called, where it travels, and how its facts are merged."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import create_model

from schemas import customer_interactions as customer
from schemas import loan_events as loan
from schemas import staff_activity as staff
from schemas.envelope import Data, Envelope, LendingData, StaffData

LOAN, CUSTOMER, STAFF = "loan-events", "customer-interactions", "staff-activity"
TOPICS: tuple[str, ...] = (LOAN, CUSTOMER, STAFF)


@dataclass(frozen=True, slots=True, eq=False)
class EventType:
    """One of the 44 types; compared by identity.

    `code` is stored: it never changes, and a new type takes a new one. `fields` are the type's own fields in
    the order of `Statement.values`; `optional` are all members of `data` that may be absent, in the order of
    the bits of `Statement.form`. `first`: among equal revisions the first event states the fact, else the
    last. `per`: the field whose value tells apart the facts of one case, "event" where each event is a fact,
    None where a case has one.
    """

    name: str
    code: int
    topic: str
    kind: str
    fields: tuple[str, ...]
    optional: tuple[str, ...]
    first: bool
    per: str | None
    carrier: bool
    opening: bool
    lending: bool
    never_revised: bool
    model: type[Envelope]
    data: type[Data]

    def index(self, field: str) -> int:
        """Where `Statement.values` holds the field; KeyError names the fields that there are."""
        if field in self.fields:
            return self.fields.index(field)
        raise KeyError(
            f"{self.name} has no field {field!r} of its own, only {', '.join(self.fields) or 'none'}"
        )


def _model(name: str, data: type[Data]) -> type[Envelope]:
    members: dict[str, Any] = {"type": Literal[name], "data": data}
    return create_model(f"{data.__name__}Event", __base__=Envelope, __doc__=data.__doc__, **members)


def _type(
    code: int,
    name: str,
    topic: str,
    kind: str,
    data: type[Data],
    *,
    first: bool = True,
    per: str | None = None,
    carrier: bool = False,
    opening: bool = False,
    never_revised: bool = False,
) -> EventType:
    common = StaffData if topic == STAFF else LendingData
    return EventType(
        name=name,
        code=code,
        topic=topic,
        kind=kind,
        fields=tuple(field for field in data.model_fields if field not in common.model_fields),
        optional=tuple(name for name, field in data.model_fields.items() if not field.is_required()),
        first=first,
        per=per,
        carrier=carrier,
        opening=opening,
        lending=topic != STAFF,
        never_revised=never_revised,
        model=_model(name, data),
        data=data,
    )


_TABLE = (
    _type(1, "lead.created", LOAN, "lead", loan.LeadCreated, opening=True),
    _type(2, "product.offered", LOAN, "offer", loan.ProductOffered, opening=True),
    _type(3, "application.submitted", LOAN, "loan", loan.ApplicationSubmitted, carrier=True, opening=True),
    _type(4, "application.assigned", LOAN, "loan", loan.ApplicationAssigned, per="event", carrier=True),
    _type(5, "documents.requested", LOAN, "loan", loan.DocumentsRequested, per="request_id"),
    _type(6, "documents.received", LOAN, "loan", loan.DocumentsReceived, per="request_id"),
    _type(7, "application.held", LOAN, "loan", loan.ApplicationHeld, per="hold_id"),
    _type(8, "application.resumed", LOAN, "loan", loan.ApplicationResumed, per="hold_id"),
    _type(9, "application.error_found", LOAN, "loan", loan.ApplicationErrorFound, per="error_id"),
    _type(10, "application.decided", LOAN, "loan", loan.ApplicationDecided, first=False),
    _type(11, "loan.funded", LOAN, "loan", loan.LoanFunded, carrier=True),
    _type(12, "loan.status_reported", LOAN, "loan", loan.LoanStatusReported, per="event", never_revised=True),
    _type(13, "loan.defaulted", LOAN, "loan", loan.LoanDefaulted),
    _type(14, "loan.paid_off", LOAN, "loan", loan.LoanPaidOff),
    _type(15, "compliance.checked", LOAN, "loan", loan.ComplianceChecked, first=False, per="check_id"),
    _type(16, "query.received", CUSTOMER, "query", customer.QueryReceived, opening=True),
    _type(17, "query.answered", CUSTOMER, "query", customer.QueryAnswered),
    _type(18, "complaint.opened", CUSTOMER, "complaint", customer.ComplaintOpened, opening=True),
    _type(19, "complaint.resolved", CUSTOMER, "complaint", customer.ComplaintResolved, per="event"),
    _type(20, "complaint.reopened", CUSTOMER, "complaint", customer.ComplaintReopened, per="event"),
    _type(21, "satisfaction.rated", CUSTOMER, "satisfaction", customer.SatisfactionRated, first=False),
    _type(22, "nps.answered", CUSTOMER, "nps", customer.NpsAnswered, first=False),
    _type(
        23,
        "recommendation.rated",
        CUSTOMER,
        "recommendation_rating",
        customer.RecommendationRated,
        first=False,
    ),
    _type(24, "review.posted", CUSTOMER, "review", customer.ReviewPosted),
    _type(25, "knowledge.tested", STAFF, "knowledge", staff.KnowledgeTested, first=False),
    _type(26, "forecast.resolved", STAFF, "forecast", staff.ForecastResolved, first=False),
    _type(27, "audit.completed", STAFF, "audit", staff.AuditCompleted, first=False),
    _type(28, "violation.recorded", STAFF, "violation", staff.ViolationRecorded),
    _type(29, "training.assigned", STAFF, "training", staff.TrainingAssigned, opening=True),
    _type(30, "training.completed", STAFF, "training", staff.TrainingCompleted),
    _type(31, "certification.obtained", STAFF, "certification", staff.CertificationObtained),
    _type(32, "regulation.issued", STAFF, "regulation", staff.RegulationIssued, opening=True),
    _type(33, "regulation.implemented", STAFF, "regulation", staff.RegulationImplemented),
    _type(34, "peer.rated", STAFF, "peer_rating", staff.PeerRated, first=False),
    _type(35, "team_request.received", STAFF, "team_request", staff.TeamRequestReceived, opening=True),
    _type(36, "team_request.answered", STAFF, "team_request", staff.TeamRequestAnswered),
    _type(37, "training_session.conducted", STAFF, "training_session", staff.TrainingSessionConducted),
    _type(38, "report.published", STAFF, "report", staff.ReportPublished, opening=True),
    _type(39, "report.corrected", STAFF, "report", staff.ReportCorrected),
    _type(40, "initiative.launched", STAFF, "initiative", staff.InitiativeLaunched),
    _type(41, "stakeholder.rated", STAFF, "stakeholder_rating", staff.StakeholderRated, first=False),
    _type(42, "recommendation.made", STAFF, "recommendation", staff.RecommendationMade, opening=True),
    _type(43, "recommendation.implemented", STAFF, "recommendation", staff.RecommendationImplemented),
    _type(44, "skill.assessed", STAFF, "skill", staff.SkillAssessed, first=False),
)

EVENT_TYPES: dict[str, EventType] = {event_type.name: event_type for event_type in _TABLE}
BY_CODE: dict[int, EventType] = {event_type.code: event_type for event_type in _TABLE}
